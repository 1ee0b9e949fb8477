import numpy as np
from support.needs import module

from robopatient.record.pictures import png, shrunk


def test_a_png_decodes_to_the_same_pixels():
    cv2 = module("cv2", "test")
    rgb = np.random.default_rng(1).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    decoded = cv2.imdecode(np.frombuffer(png(rgb), dtype=np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(decoded[..., ::-1], rgb)


def test_shrinking_averages_whole_blocks():
    rgb = np.zeros((4, 8, 3), dtype=np.uint8)
    rgb[:, ::2] = 100
    small = shrunk(rgb, 4)
    assert small.shape == (2, 4, 3)
    assert (small == 50).all()
    assert np.array_equal(shrunk(rgb, 100), rgb)

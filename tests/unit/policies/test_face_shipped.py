import numpy as np
from support.needs import module

from policies.face_shipped import Shipped
from robopatient.face.generator.condition import Traits, condition_of

module("onnxruntime", "face")


def test_faces_side_by_side_are_those_that_are_made_alone() -> None:
    pain = np.concatenate((np.zeros(15), np.full(30, 7.0), np.zeros(15)))
    rows = np.stack([condition_of(pain * share, 30.0, Traits()) for share in (1.0, 0.4, 0.0)])
    shipped = Shipped("default")
    together = shipped.generate_batch(rows, [3, 4, 5])
    for row, seed, motion in zip(rows, (3, 4, 5), together, strict=True):
        assert np.allclose(shipped.generate(row, seed), motion, atol=1e-4)


def test_a_stream_is_the_clip_frame_after_frame() -> None:
    rows = condition_of(np.full(20, 5.0), 30.0, Traits(archetype="opened"))
    shipped = Shipped("default")
    face = shipped.stream(7, rows[0])
    assert np.array_equal(np.array([face.step(row) for row in rows]), shipped.generate(rows, 7))

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
from support.needs import HEAD

from robopatient.errors import DeviceError, RecordError
from robopatient.face.film import poses_of, write_film
from robopatient.messages import FacePose, Seen

FPS = 30.0
RATE_HZ = 48_000


class Lamp:
    """A renderer as bright as AU4 is strong."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, pose: FacePose) -> np.ndarray:
        self.drawn += 1
        return np.full((64, 64, 3), round(40 + 40 * pose.au.get("AU4", 0.0)), dtype=np.uint8)


def flash_and_click(start_s: float, event_s: float, end_s: float, audio_start_s: float):
    """Frames that flash and sound that clicks at the same moment of a common axis."""
    rng = np.random.default_rng(1)
    times = np.arange(start_s, end_s, 1 / FPS)
    times[1:] += rng.uniform(-0.004, 0.004, len(times) - 1)
    frames = [(float(t), FacePose({"AU4": 5.0} if t >= event_s else {})) for t in times]
    audio = np.zeros(round((end_s + 1.0 - audio_start_s) * RATE_HZ), dtype=np.float32)
    onset = round((event_s - audio_start_s) * RATE_HZ)
    audio[onset:] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(len(audio) - onset) / RATE_HZ)
    return frames, audio


def flash_time_s(path: Path) -> float:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.to_ndarray(format="gray").mean() > 128:
                return float(frame.time)
    raise AssertionError("no flash in the film")


def decoded_sound(path: Path) -> tuple[float, np.ndarray]:
    """Time of the first sample and all samples."""
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
    return float(blocks[0].time), np.concatenate([block.to_ndarray()[0] for block in blocks])


def click_time_s(path: Path) -> float:
    start_s, samples = decoded_sound(path)
    return start_s + int(np.argmax(np.abs(samples) > 0.25)) / RATE_HZ


@pytest.mark.parametrize("audio_start_s", [99.2, 100.0, 100.7])
def test_flash_and_click_stay_within_one_frame(tmp_path: Path, audio_start_s: float) -> None:
    frames, audio = flash_and_click(100.0, 101.5, 103.0, audio_start_s)
    film = write_film(tmp_path / "a.mp4", frames, Lamp(), FPS, audio, RATE_HZ, audio_start_s)
    assert flash_time_s(film.path) == pytest.approx(1.5, abs=1 / FPS)
    assert click_time_s(film.path) == pytest.approx(1.5, abs=0.005)
    assert abs(flash_time_s(film.path) - click_time_s(film.path)) <= 1 / FPS


def test_sound_lasts_as_long_as_the_picture(tmp_path: Path) -> None:
    frames, audio = flash_and_click(0.0, 1.0, 2.0, 0.0)
    film = write_film(tmp_path / "a.mp4", frames, Lamp(), FPS, audio[: RATE_HZ // 2], RATE_HZ)
    _, samples = decoded_sound(film.path)
    assert film.frames == 60
    assert film.duration_s == pytest.approx(2.0)
    assert len(samples) / RATE_HZ == pytest.approx(2.0, abs=1 / FPS)


def test_film_has_a_constant_rate_and_plays_everywhere(tmp_path: Path) -> None:
    frames = [(0.0, FacePose()), (0.5, FacePose({"AU4": 5.0})), (1.0, FacePose())]
    film = write_film(tmp_path / "a.mp4", frames, Lamp(), FPS)
    with av.open(str(film.path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert len(times) == film.frames == 31
    assert np.allclose(np.diff(times), 1 / FPS, atol=1e-4)


def test_a_pose_that_stays_is_drawn_once(tmp_path: Path) -> None:
    lamp = Lamp()
    write_film(tmp_path / "a.mp4", [(0.0, FacePose()), (1.0, FacePose({"AU4": 1.0}))], lamp, FPS)
    assert lamp.drawn == 2


def test_grey_levels_survive_the_codec(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [(k / FPS, FacePose({"AU4": 2.0})) for k in range(5)], Lamp(), FPS)
    with av.open(str(film.path)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(picture.astype(int) - 120).max() <= 3


def test_an_interrupted_film_plays_up_to_there(tmp_path: Path) -> None:
    def broken():
        for k in itertools.count():
            if k == 100:
                raise KeyboardInterrupt
            yield k / FPS, FacePose({"AU4": (k % 5) * 1.0})

    with pytest.raises(KeyboardInterrupt):
        write_film(tmp_path / "a.mp4", broken(), Lamp(), FPS)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert len(list(container.decode(video=0))) >= 60


def test_a_film_cut_off_on_disk_plays_its_whole_seconds(tmp_path: Path) -> None:
    growing = tmp_path / "a.mp4"
    copy = tmp_path / "b.mp4"

    def frames():
        for k in range(150):
            if k == 140:
                copy.write_bytes(growing.read_bytes())  # what a power cut would leave
            yield k / FPS, FacePose({"AU4": (k % 5) * 1.0})

    write_film(growing, frames(), Lamp(), FPS)
    with av.open(str(copy)) as container:
        assert len(list(container.decode(video=0))) >= 90


def test_nothing_to_film_and_unsorted_poses_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no frame to film"):
        write_film(tmp_path / "a.mp4", [], Lamp())
    with pytest.raises(RecordError, match=r"1\.000 s follows one at 2\.000 s"):
        write_film(tmp_path / "a.mp4", [(2.0, FacePose()), (1.0, FacePose())], Lamp())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="nowhere"):
        write_film(tmp_path / "nowhere" / "a.mp4", [(0.0, FacePose())], Lamp())


def test_poses_of_the_record_are_what_was_seen() -> None:
    seen = Seen(2_000_000_000, 0, 1, 2, FacePose({"AU7": 3.0}, (1.0, 2.0, 3.0), (4.0, 5.0), 0.5), 3.0)
    assert poses_of([seen]) == [(2.0, FacePose({"AU7": 3.0}, (1.0, 2.0, 3.0), (4.0, 5.0), 0.5))]


@HEAD
def test_pictures_of_several_processes_are_those_of_one_in_their_order() -> None:
    from robopatient.face.apex import apex_au
    from robopatient.face.identity import load_identity
    from robopatient.face.render import make_renderer
    from robopatient.face.render_queue import RenderQueue

    identity = load_identity("mei")
    poses = [FacePose(apex_au(nrs)) for nrs in np.linspace(0.0, 9.0, 11)]
    alone = make_renderer("numba", identity, 128)
    with RenderQueue("numba", identity, 128, workers=2) as drawer:
        for _ in range(2):
            for pose, pixels in zip(poses, drawer.draw_many(poses), strict=True):
                np.testing.assert_array_equal(pixels, alone.draw(pose))
        with pytest.raises(DeviceError, match="AU99"):
            drawer.draw(FacePose({"AU99": 1.0}))


def test_a_still_face_is_drawn_once_and_filmed_for_as_long_as_it_was_seen(tmp_path: Path) -> None:
    class Many(Lamp):
        def draw_many(self, poses):
            for pose in list(poses):
                yield self.draw(pose)

    frames = [(0.0, FacePose()), (1.0, FacePose({"AU4": 5.0})), (2.0, FacePose())]
    one, many = Lamp(), Many()
    assert write_film(tmp_path / "a.mp4", frames, one, FPS).frames == 61
    assert write_film(tmp_path / "b.mp4", frames, many, FPS).frames == 61
    assert one.drawn == many.drawn == 3
    assert flash_time_s(tmp_path / "a.mp4") == flash_time_s(tmp_path / "b.mp4") == pytest.approx(1.0, abs=0.01)


def test_a_film_shows_a_plain_card_where_the_face_was_not_shown(tmp_path: Path) -> None:
    """Face at 0 to 1 s and from 2 s on, then none until 4 s: neither frozen nor bridged."""
    seen = [Seen(round(k * 1e9 / FPS), k, 0, 0, FacePose({"AU4": 5.0}), 3.0) for k in (*range(31), *range(60, 91))]
    frames = poses_of(seen, [(1_000_000_000, 2_000_000_000), (3_000_000_000, 4_000_000_000)])
    lamp = Lamp()
    film = write_film(tmp_path / "a.mp4", frames, lamp, FPS)
    with av.open(str(film.path)) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert film.duration_s == pytest.approx(4.0, abs=2 / FPS)
    corner = np.array([picture[:8, :8].mean() for picture in pictures])
    card = np.abs(corner - 96.0) < 6.0
    assert card[33:58].all()
    assert card[93:].all()
    assert not card[:30].any()
    assert not card[62:90].any()
    assert pictures[45].std() > 2.0, "it says so in words"
    assert lamp.drawn == 62

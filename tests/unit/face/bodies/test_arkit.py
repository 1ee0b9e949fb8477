"""The expression for other bodies: weights, rotations and what goes over the wire."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.needs import module

from robopatient.clock import FakeClock
from robopatient.config import load_session
from robopatient.errors import ConfigError, RecordError
from robopatient.face.apex import apex_au
from robopatient.face.bodies.arkit import ARKIT_52, body_frame, quaternion
from robopatient.face.bodies.outlets import JsonLines, VmcSender, address
from robopatient.face.bodies.process import BodiesActor
from robopatient.face.head import rotation
from robopatient.messages import FacePose, Seen


def test_there_are_52_weights_and_all_stay_within_0_and_1() -> None:
    assert len(set(ARKIT_52)) == 52
    for nrs in (0.0, 3.0, 6.0, 10.0):
        frame = body_frame(FacePose(au=apex_au(nrs), gaze_deg=(40.0, -40.0)))
        assert tuple(frame.weights) == ARKIT_52
        assert all(0.0 <= weight <= 1.0 for weight in frame.weights.values())


@pytest.mark.parametrize(
    ("au", "unit"),
    [("AU1", "browInnerUp"), ("AU4", "browDownLeft"), ("AU43", "eyeBlinkRight"), ("AU9", "noseSneerLeft"),
     ("AU12", "mouthSmileLeft"), ("AU27", "jawOpen"), ("AU7", "eyeSquintLeft"), ("AU6", "cheekSquintRight")],
)  # fmt: skip
def test_full_intensity_is_full_weight_of_the_published_shape(au: str, unit: str) -> None:
    weight = body_frame(FacePose(au={au: 5.0})).weights[unit]
    assert 0.85 <= weight <= 1.0
    assert body_frame(FacePose(au={au: 2.5})).weights[unit] < weight


def test_one_side_stays_one_side() -> None:
    weights = body_frame(FacePose(au={"AU4L": 5.0})).weights
    assert weights["browDownLeft"] == 1.0
    assert weights["browDownRight"] == 0.0


def test_an_unknown_unit_is_named() -> None:
    with pytest.raises(ConfigError, match="AU99"):
        body_frame(FacePose(au={"AU99": 1.0}))


@pytest.mark.parametrize("angles", [(10.0, 0.0, 0.0), (0.0, 20.0, 0.0), (0.0, 0.0, 15.0), (12.0, -25.0, 7.0)])
def test_the_quaternion_is_our_rotation_in_a_mirror(angles: tuple[float, float, float]) -> None:
    mirror = np.diag([-1.0, 1.0, 1.0])
    np.testing.assert_allclose(
        Rotation.from_quat(quaternion(*angles)).as_matrix(), mirror @ rotation(*angles) @ mirror, atol=1e-6
    )


def test_vmc_sends_one_bundle_with_all_weights_and_apply_last_of_them() -> None:
    dispatcher = module("pythonosc.osc_bundle", "interop")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(2.0)
        sender = VmcSender(*heard.getsockname())
        sender.send(2_500_000_000, body_frame(FacePose(au={"AU26": 5.0}, head_deg=(0.0, 90.0, 0.0))))
        sender.close()
        bundle = dispatcher.OscBundle(heard.recv(65_535))
    messages = [(message.address, message.params) for message in bundle]
    values = dict(params for where, params in messages if where == "/VMC/Ext/Blend/Val")
    assert set(values) == set(ARKIT_52)
    assert values["jawOpen"] == pytest.approx(0.4)
    order = [where for where, _ in messages]
    assert order.index("/VMC/Ext/Blend/Apply") == 52
    [head] = [params for where, params in messages if where == "/VMC/Ext/Bone/Pos" and params[0] == "Head"]
    assert head[1:] == pytest.approx([0, 0, 0, 0, -(0.5**0.5), 0, 0.5**0.5], abs=1e-6)
    assert ("/VMC/Ext/T", [2.5]) in messages


def test_json_lines_carry_what_is_not_0(tmp_path: Path) -> None:
    lines = JsonLines(str(tmp_path / "face.jsonl"))
    lines.send(5, body_frame(FacePose(au={"AU4": 5.0}, gaze_deg=(1.0, 2.0))))
    lines.close()
    [line] = (tmp_path / "face.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert told["t_ns"] == 5
    assert told["gaze_deg"] == [1.0, 2.0]
    assert told["weights"]["browDownLeft"] == 1.0
    assert "jawOpen" not in told["weights"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"interop.face_lines.*absent"):
        JsonLines(str(tmp_path / "absent" / "face.jsonl"))


def test_lsl_tells_every_channel_by_name() -> None:
    pylsl = module("pylsl", "interop")
    from robopatient.face.bodies.outlets import LSL_CHANNELS, LslFace

    outlet = LslFace("test-bodies", 30.0)
    [info] = pylsl.resolve_byprop("source_id", "robopatient-test-bodies-face", timeout=5.0)
    inlet = pylsl.StreamInlet(info)
    inlet.open_stream(timeout=5.0)
    outlet.send(1, body_frame(FacePose(au={"AU4": 5.0}, head_deg=(3.0, 2.0, 1.0))))
    sample, _ = inlet.pull_sample(timeout=5.0)
    outlet.close()
    assert len(sample) == len(LSL_CHANNELS) == 57
    assert sample[LSL_CHANNELS.index("browDownLeft")] == 1.0
    assert sample[LSL_CHANNELS.index("head_pitch")] == 3.0


@pytest.mark.parametrize(
    ("text", "found"), [("127.0.0.1:9000", ("127.0.0.1", 9000)), ("face.jsonl", None), ("a:0", None)]
)
def test_addresses(text: str, found: tuple[str, int] | None) -> None:
    assert address(text) == found


@pytest.mark.parametrize("wish", ["face_osc=9000", "face_osc=host:port", "face_lsl=7"])
def test_bad_wishes_name_the_key(wish: str) -> None:
    with pytest.raises(ConfigError, match=wish.partition("=")[0]):
        load_session(None, [f"interop.{wish}"])


class Port:
    """A bus that nobody else is on."""

    def __init__(self, *args: object, **named: object) -> None:
        self.told: list[object] = []

    def tell(self, message: object) -> None:
        self.told.append(message)

    def receive(self, wait_ms: int) -> list[object]:
        return []

    def close(self) -> None:
        pass


def test_an_outlet_that_fails_is_told_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robopatient.face.bodies import process

    monkeypatch.setattr(process, "ActorPort", Port)
    good, bad = tmp_path / "face.jsonl", "interop.face_osc=127.0.0.1:9"
    config = load_session(None, [bad, f"interop.face_lines={good}"])
    assert config.interop.bodies_wanted
    actor = BodiesActor(config, None, "s", FakeClock(0))  # type: ignore[arg-type]

    def refuse(*_: object) -> None:
        raise OSError("no route to host")

    actor._outlets[0].send = refuse  # type: ignore[method-assign]
    actor.pass_on(Seen(7, 0, 0, 0, FacePose(apex_au(6.0)), 0.0))
    actor._tell_state(*actor._condition())
    assert "no route to host" in actor._port.told[-1].detail
    actor.close()
    assert json.loads(good.read_text())["t_ns"] == 7

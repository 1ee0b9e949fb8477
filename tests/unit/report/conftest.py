"""A plausible session for the record's tests: 10 s of presses with a voice and a face that answer with known delays."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from robopatient import facs
from robopatient import messages as m
from robopatient.config import SessionConfig
from robopatient.record.writer import RecordWriter

START_NS = 5_000_000_000_000
VOICE_NS = 14_000_000
"""From the receipt of a force frame to the DAC time of the block that answers."""
FACE_NS = 60_000_000
PRESSES = (
    # onset_s, rise_s, hold_s, fall_s, peak_newton, x_mm, y_mm (of phantom square-290), region, tenderness
    (1.0, 0.30, 0.5, 0.25, 9.0, 52.0, 38.0, "left hypochondriac", 0.20),
    (3.0, 0.35, 0.6, 0.25, 18.0, 120.0, 112.0, "umbilical", 0.35),
    (5.2, 0.40, 0.7, 0.30, 27.0, 199.0, 154.0, "right iliac", 1.0),
    (7.6, 0.30, 0.4, 0.20, 14.0, 214.0, 171.0, "right iliac", 1.0),
)


def newton_at(t_s: float) -> tuple[float, tuple[float, float] | None, float]:
    """Total force, contact and tenderness at a time of the made-up session."""
    for onset_s, rise_s, hold_s, fall_s, peak, x_mm, y_mm, _, tenderness in PRESSES:
        u = t_s - onset_s
        if 0 <= u < rise_s + hold_s + fall_s:
            if u < rise_s:
                share = 0.5 - 0.5 * math.cos(math.pi * u / rise_s)
            elif u < rise_s + hold_s:
                share = 1.0 - 0.04 * (u - rise_s) / hold_s
            else:
                share = 0.96 * (0.5 + 0.5 * math.cos(math.pi * (u - rise_s - hold_s) / fall_s))
            return peak * share, (x_mm, y_mm), tenderness
    return 0.0, None, 0.0


def made_up_session(
    duration_s: float = 10.0, *, presses: bool = True, voice: bool = True, face: bool = True, stop: bool = True
) -> Iterator[m.Message]:
    """Every message of the session, in the order of time within each topic."""
    config = SessionConfig(title="Right lower quadrant pain, first examination")
    yield m.SessionStart(
        t_ns=START_NS,
        wall_time_iso="2026-03-14T09:26:53+01:00",
        session_id="2026-03-14-092653-appendicitis",
        version="0.1.0",
        commit="b20695b",
        seed=1,
        config_json=msgspec.json.encode(config).decode(),
        calibration_json='{"name":"virtual"}',
        machine={"cores": "2", "python": "3.11.7"},
    )
    for actor in ("voice", "face"):
        yield m.ActorState(START_NS + 400_000_000, actor, "ready", pid=4242)
    yield from control(duration_s, presses)
    if voice:
        yield from heard(duration_s, presses)
    if face:
        yield from seen(duration_s, presses)
    for second in range(round(duration_s)):
        yield m.Health(
            t_ns=START_NS + second * 1_000_000_000,
            link="streaming",
            board="SIM four cells",
            frame_rate_hz=1000.0,
            frames=1000 * second,
            frames_lost=0,
            frames_bad=0,
            clock_residual_ms=0.12,
            loop_missed=0,
            loop_late_p99_us=350.0,
            running=True,
            hushed=False,
        )
    if presses:
        for onset_s, rise_s, hold_s, fall_s, peak, x_mm, y_mm, region, _ in PRESSES:
            if onset_s + rise_s + hold_s + fall_s < duration_s:
                yield m.Press(
                    t_ns=at(onset_s),
                    seq=round(onset_s * 1000),
                    peak_t_ns=at(onset_s + rise_s),
                    peak_seq=round((onset_s + rise_s) * 1000),
                    release_t_ns=at(onset_s + rise_s + hold_s + fall_s),
                    peak_newton=peak,
                    rise_newton_per_s=peak / rise_s,
                    x_mm=x_mm,
                    y_mm=y_mm,
                    region=region,
                )
    yield m.OperatorAction(at(6.5), "note", "patient asked to breathe out")
    yield m.Note(at(6.5), "info", "operator", "patient asked to breathe out")
    yield m.Note(at(8.2), "warning", "face", "2 pictures missed in a row")
    if stop:
        yield m.SessionStop(at(duration_s), "done")


def at(t_s: float) -> int:
    """Host time of a moment of the session, ns."""
    return START_NS + round(t_s * 1e9)


def nrs_at(t_s: float, presses: bool = True) -> float:
    """Pain: rises with force and tenderness."""
    newton, _, tenderness = newton_at(t_s) if presses else (0.0, None, 0.0)
    return 10 * (1 - math.exp(-tenderness * newton / 12))


def control(duration_s: float, presses: bool) -> Iterator[m.Message]:
    """Force, pain, expression and commands at 250 Hz; each force frame was received 1 ms after it happened."""
    for tick in range(round(duration_s * 250)):
        t_s = tick / 250
        t_ns, seq = at(t_s), tick * 4
        newton, contact, _ = newton_at(t_s) if presses else (0.0, None, 0.0)
        nrs = nrs_at(t_s, presses)
        phase = "rest" if newton == 0 else "hold"
        ask = m.VoiceAsk(-60 + 6 * nrs, -0.1 * nrs, 0.05 * nrs, 0.2)
        face = m.FaceAsk(nrs)
        cells = (0.25 * newton, 0.3 * newton, 0.35 * newton, 0.1 * newton)
        yield m.ForceFrame(t_ns, t_ns + 1_000_000, seq, cells, contact if newton > 2 else None, 0.0)
        yield m.PainState(t_ns, seq, nrs, "appendix" if nrs > 3 else "", phase, {"nociception": nrs, "guarding": 0.0})
        yield m.Expression(t_ns, seq, "prior:congruence", ask, face)
        yield m.VoiceCommand(t_ns, seq, t_ns + 1_000_000, nrs, phase, ask)
        yield m.FaceCommand(t_ns, seq, t_ns + 1_000_000, nrs, phase, face, newton > 2)


def heard(duration_s: float, presses: bool) -> Iterator[m.Heard]:
    """Blocks of 256 samples at 48 kHz; the block that leaves at t carries the frame received ``VOICE_NS`` before."""
    for block in range(round(duration_s * 187.5)):
        t_s = block / 187.5
        tick = max(0, math.floor((t_s - VOICE_NS * 1e-9 - 0.001) * 250))
        nrs = nrs_at(tick / 250, presses)
        voiced = nrs > 0.6
        level = -62 + 5.0 * nrs + 1.5 * math.sin(9 * t_s) if voiced else -78 + 3 * math.sin(1.6 * t_s)
        yield m.Heard(
            t_ns=at(t_s),
            block=block,
            cause_seq=tick * 4,
            cause_received_ns=at(tick / 250) + 1_000_000,
            f0_hz=(215 - 4 * nrs + 4 * math.sin(35 * t_s)) if voiced else 0.0,
            level_dbfs=level,
            roughness=0.05 * nrs,
            call="sustain" if voiced else "breath",
            underruns=0,
        )


def seen(duration_s: float, presses: bool) -> Iterator[m.Seen]:
    """Pictures at 30 Hz; AUs follow the pain with a first-order lag, the lids blink now and then."""
    shown = 0.0
    for frame in range(round(duration_s * 30)):
        t_s = frame / 30
        tick = max(0, math.floor((t_s - FACE_NS * 1e-9 - 0.001) * 250))
        shown += (nrs_at(tick / 250, presses) - shown) * 0.35
        blink = 5.0 if frame % 97 in (10, 11) else 0.0
        au = {"AU4": 0.42 * shown, "AU6": 0.3 * shown, "AU7": 0.38 * shown, "AU9": 0.2 * shown, "AU10": 0.3 * shown}
        au |= {"AU25": 0.2 * shown, "AU43": 0.32 * shown, "AU45": blink}
        yield m.Seen(
            t_ns=at(t_s),
            frame=frame,
            cause_seq=tick * 4,
            cause_received_ns=at(tick / 250) + 1_000_000,
            pose=m.FacePose(
                au=au, head_deg=(0.4 * shown, 0.3 * math.sin(t_s), 0.0), breath=0.5 + 0.5 * math.sin(1.6 * t_s)
            ),
            pspi=facs.pspi(au),
            dropped=2 if frame == 246 else 0,
        )


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folder with a record of a made-up session, keywords as for ``made_up_session``; shared, so only to be read."""
    known: dict[str, Path] = {}

    def record(**options: object) -> Path:
        if str(options) not in known:
            folder = known[str(options)] = tmp_path_factory.mktemp("session")
            with RecordWriter(folder, min_free_mb=1) as writer:
                for message in made_up_session(**options):  # type: ignore[arg-type]
                    writer.put(message)
            assert writer.error is None
            assert writer.lost == 0
        return known[str(options)]

    return record


UNSEEN_S = (3.1, 7.0)
"""Part of the made-up session without a face: presses 2 and 3 lie in it; press 4 begins after it."""


@pytest.fixture(scope="session")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up session whose face was not shown from 3.1 to 7 s: no row of ``seen``, as the face now records it."""
    begin_ns, end_ns = (at(t_s) for t_s in UNSEEN_S)
    folder = tmp_path_factory.mktemp("unseen")
    with RecordWriter(folder, min_free_mb=1) as writer:
        for message in made_up_session():
            if not (isinstance(message, m.Seen) and begin_ns < message.t_ns < end_ns):
                writer.put(message)
        writer.put(m.ActorState(begin_ns + 900_000_000, "face", "degraded", "drawing failed (no context)", 4242))
        writer.put(m.ActorState(end_ns, "face", "degraded", "drawing failed (no context); numba 192 px, 9 ms a frame"))
    return folder


@pytest.fixture(scope="session")
def undrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as version 0.1 recorded it: rows of ``seen`` without a picture, and a face that says so."""
    folder = tmp_path_factory.mktemp("undrawn")
    with RecordWriter(folder, min_free_mb=1) as writer:
        for message in made_up_session():
            writer.put(message)
        writer.put(m.ActorState(at(3.1), "face", "degraded", "no picture: no GL context", 4242))
        writer.put(m.ActorState(at(7.0), "face", "degraded", "no picture: no GL context; gl 192 px, 9 ms a frame"))
    return folder

"""``robopatient bench bridge``: cost of a frame, frames lost, agreement of clocks, time to notice a plug.

Decoding is compared with pymavlink and construct in alternation. Loss, clock and plug are measured in whole sessions,
with voice, face, console and a torch loop beside, from the bytes in their own journals.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from experiments.benchmarks.figures import (
    Figure,
    ReferenceLateness,
    distribution,
    machine,
    new_result,
    reference_process,
    say,
    show,
    value,
)
from firmware_bridge import wire
from firmware_bridge.board_tools import stream
from firmware_bridge.boards import make_board
from firmware_bridge.decoder import Decoder
from firmware_bridge.frames import RawFrame
from robopatient.config import SessionConfig
from robopatient.levels import Flag
from robopatient.record.reader import Record
from robopatient.session.control import open_board
from robopatient.session.journal import Received, read_journal
from robopatient.session.run import resolve
from robopatient.session.supervisor import Supervisor

__all__ = ["bench_bridge"]

FRAMES = 2_000
ROUNDS = 31
"""Short rounds, many of them: on a shared machine some are undisturbed."""
READ_BYTES = 140
"""What the session's reader finds: 4 frames of a 1 kHz board at 250 reads a second."""
DRIFT_PPM = 120.0
CLOCK_S = 20.0
CLOCK_SETTLED_S = 8.0
"""A line through 8 s of probes at 2 a second distinguishes 120 ppm from 0."""
PLUG_S = 34.0
FIRST_PLUG_S, PLUG_EVERY_S, UNPLUGGED_S = 4.0, 4.0, 0.7
FUZZ_CHUNK = 1 << 20
FUZZ_FLOOR = 2.0**-16
TORCH = """
import torch
torch.set_num_threads(1)
net = torch.nn.Sequential(*(layer for _ in range(8) for layer in (torch.nn.Linear(256, 256), torch.nn.ReLU())))
with torch.no_grad():
    while True:
        net(torch.randn(64, 256))
"""


def bench_bridge(as_json: bool, duration_s: float, fuzz_bytes: int, seed: int, overrides: list[str]) -> None:
    """Measure and print; progress goes to stderr."""
    figures = [*_decode_figures()]
    say("decoding measured; clocks next")
    figures += _clock_figures(seed)
    if fuzz_bytes:
        figures.append(_fuzz_figure(fuzz_bytes, seed))
    with tempfile.TemporaryDirectory(prefix="robopatient-bench-") as scratch:
        root = Path(scratch)
        with reference_process(root) as reference:
            say("a session whose plug is pulled")
            pulled = _session(root / "plug", PLUG_S, seed, [*overrides, f"board.options.faults={_plugs()}"])
            say(f"a session of {duration_s:g} s beside Qt, audio and torch")
            with _torch_loop() as torch:
                soaked = _session(root / "soak", duration_s, seed, overrides)
        figures += _plug_figures(*pulled[1:], reference[0])
        figures += _soak_figures(*soaked)
    show(new_result("bridge", figures, [], machine(reference[0]) | {"torch_beside": torch}, seed), as_json)


def _decode_figures() -> Iterator[Figure]:
    """Cost of a frame, and of the same content in two other libraries, A B C A B C …"""
    rng = np.random.default_rng(1)
    counts = rng.integers(-(2**23), 2**23, (FRAMES, 4)).tolist()
    data = b"".join(wire.encode_sample(seq, seq * 1000, row, 0, 15, 0) for seq, row in enumerate(counts))
    reads = [data[at : at + READ_BYTES] for at in range(0, len(data), READ_BYTES)]
    others = {"pymavlink": _mavlink, "construct": _construct}
    runs: dict[str, Callable[[], None]] = {"wire": lambda: _parse(reads), "raw_frame": lambda: _decode(reads)}
    missing = {}
    for name, make in others.items():
        try:
            runs[name] = make(counts)
        except ImportError:
            missing[name] = f"{name} is not installed; type: pip install {name}"
    costs: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            begin_ns = time.thread_time_ns()
            run()
            costs[name].append((time.thread_time_ns() - begin_ns) / FRAMES * 1e-3)
    # Time of this thread's processor; the quickest round is the cost, the others are the machine's other work.
    yield value("decode_us", round(min(costs["wire"]), 3), at_most=3.0, n=FRAMES * ROUNDS)
    yield value("decode_to_raw_frame_us", round(min(costs["raw_frame"]), 3), n=FRAMES * ROUNDS)
    for name, least in (("pymavlink", 3.0), ("construct", 10.0)):
        if name in missing:
            yield Figure(f"decode_ratio_{name}", n=0, target={"value": least}, met=False, remark=missing[name])
            continue
        ratio = float(np.median(np.array(costs[name]) / np.array(costs["wire"])))
        yield value(f"decode_ratio_{name}", round(ratio, 2), at_least=least, n=ROUNDS)


def _parse(reads: list[bytes]) -> None:
    parser = wire.Parser()
    for data in reads:
        parser.feed(data)


def _decode(reads: list[bytes]) -> None:
    decoder = Decoder()
    for number, data in enumerate(reads):
        decoder.decode(number * 4_000_000, data)


def _mavlink(counts: list[list[int]]) -> Callable[[], None]:
    """MAVLink 2, DEBUG_VECT: the nearest of its common messages, three floats and a time."""
    common = importlib.import_module("pymavlink.dialects.v20.common")
    sender = common.MAVLink(None, 1, 1)
    data = b"".join(
        sender.debug_vect_encode(b"cells", seq * 1000, *map(float, row[:3])).pack(sender)
        for seq, row in enumerate(counts)
    )

    def run() -> None:
        receiver = common.MAVLink(None)
        for at in range(0, len(data), READ_BYTES):
            receiver.parse_buffer(data[at : at + READ_BYTES])

    return run


def _construct(counts: list[list[int]]) -> Callable[[], None]:
    """The body of this very frame, declared with construct (neither COBS nor checksum: they would only add)."""
    c = importlib.import_module("construct")
    layout = c.Struct(
        "ver" / c.Int8ul,
        "type" / c.Int8ul,
        "seq" / c.Int16ul,
        "t_us" / c.Int32ul,
        "n_ch" / c.Int8ul,
        "status" / c.Int16ul,
        "ready" / c.Int16ul,
        "saturated" / c.Int16ul,
        "counts" / c.Array(c.this.n_ch, c.Int32sl),
    )
    head = {"ver": 1, "type": 2, "n_ch": 4, "status": 0, "ready": 15, "saturated": 0}
    bodies = [
        layout.build(head | {"seq": seq & 0xFFFF, "t_us": seq * 1000, "counts": row}) for seq, row in enumerate(counts)
    ]

    def run() -> None:
        for body in bodies:
            layout.parse(body)

    return run


def _clock_figures(seed: int) -> list[Figure]:
    """A board whose clock runs 120 ppm fast, alone on the machine: residual, and error of the drift that is found."""
    board = make_board("virtual", seed=seed, options={"drift_ppm": DRIFT_PPM})
    residuals_ms: list[float] = []
    drifts_ppm: list[float] = []
    begin_s = time.monotonic()
    for _ in stream(board, CLOCK_S):
        health = board.health()
        settled = time.monotonic() - begin_s > CLOCK_SETTLED_S
        if settled and health.clock == "synced" and (not residuals_ms or health.residual_ms != residuals_ms[-1]):
            residuals_ms.append(health.residual_ms)
            drifts_ppm.append(health.drift_ppm)
    rms_ms = math.sqrt(float(np.mean(np.square(residuals_ms)))) if residuals_ms else math.nan
    error_ppm = abs(drifts_ppm[-1] + DRIFT_PPM) if drifts_ppm else math.nan
    return [
        value("clock_residual_rms_ms", round(rms_ms, 4), at_most=0.2, n=len(residuals_ms)),
        value("clock_drift_error_ppm", round(error_ppm, 1), n=len(drifts_ppm)),
    ]


def _fuzz_figure(n_bytes: int, seed: int) -> Figure:
    """Random bytes, and frames with a wrong byte each: what gets through is counted, what raises ends the bench."""
    rng = np.random.default_rng(seed)
    parser = wire.Parser()
    frames = b"".join(wire.encode_sample(seq, seq, (1, 2, 3, 4), 0, 15, 0) for seq in range(1000))
    good = np.frombuffer(frames, np.uint8)
    begin_s = time.perf_counter()
    fed = damaged = 0
    while fed < n_bytes:
        parser.feed(rng.bytes(min(FUZZ_CHUNK, n_bytes - fed)))
        fed += FUZZ_CHUNK
        if rng.random() < 0.1:
            n, whole = len(good) // 35, good.copy()
            # Every frame loses at least one byte to another value; the zeros between them stay.
            at = np.arange(n) * 35 + rng.integers(0, 34, n)
            whole[at] ^= rng.integers(1, 256, n).astype(np.uint8)
            parser.feed(b"\0" + whole.tobytes())
            damaged += n
        assert parser.pending_bytes <= wire.MAX_PENDING_BYTES
    took = f"{fed / 1e6:.0f} MB and {damaged} damaged frames in {time.perf_counter() - begin_s:.1f} s"
    floor = math.ceil(damaged * FUZZ_FLOOR) + 3
    figure = value("fuzz_false_frames", parser.counters.good, at_most=floor, n=fed)
    return Figure(
        figure.name, value=figure.value, n=fed, target=figure.target, met=figure.met, remark=f"{took}; nothing raised"
    )


def _plugs() -> str:
    times = np.arange(FIRST_PLUG_S, PLUG_S - PLUG_EVERY_S, PLUG_EVERY_S)
    return "[" + ", ".join(f'"unplug@{at:g}+{UNPLUGGED_S:g}"' for at in times) + "]"


def _session(
    folder: Path, duration_s: float, seed: int, overrides: list[str]
) -> tuple[SessionConfig, Path, list[list[RawFrame]]]:
    """Run a whole session; its configuration, its folder and the frames of each epoch, decoded from its journal."""
    options = ["record.report=false", 'board.driver="virtual"', "board.rate_hz=1000", 'face.window="no"', *overrides]
    config = resolve(None, False, None, duration_s, seed, None, options)
    Supervisor(config, folder, say).run()
    board = open_board(config)
    epochs: list[list[RawFrame]] = []
    for entry in read_journal(folder):
        if isinstance(entry, Received):
            for frame in board.frames(entry.t_ns, entry.data):
                while len(epochs) <= frame.epoch:
                    epochs.append([])
                epochs[frame.epoch].append(frame)
    return config, folder, epochs


def _plug_figures(folder: Path, epochs: list[list[RawFrame]], reference: ReferenceLateness) -> list[Figure]:
    """From the last frame before each unplugging to the first turn of the loop that feels nothing; and back."""
    with Record(folder) as record:
        forces = record.messages("force")
        pains = record.messages("pain")
    ends_ns = np.array([epoch[-1].received_ns for epoch in epochs[:-1] if epoch])
    stale_ns = np.array([force.t_ns for force in forces if Flag.STALE in force.flags])
    calm_ns = np.array([pain.t_ns for pain in pains if pain.nrs == 0.0])
    safe_ns = np.array([stale_ns[np.searchsorted(stale_ns, end)] for end in ends_ns if end < stale_ns.max(initial=0)])
    ends_ns = ends_ns[: len(safe_ns)]
    quiet_ns = np.array([calm_ns[np.searchsorted(calm_ns, safe)] for safe in safe_ns])
    # The board's clock starts when it is powered: its time at the first frame is the time from the plug to the stream.
    replug_ms = np.array([epoch[0].board_us * 1e-3 for epoch in epochs[1:] if epoch])
    first_ns = np.array([epoch[0].received_ns for epoch in epochs[1:] if epoch])
    back = reference.calm(first_ns - (replug_ms * 1e6).astype(np.int64), first_ns)
    calm = reference.calm(ends_ns, safe_ns)
    return [
        distribution("unplug_to_safe_ms", (safe_ns - ends_ns) * 1e-6, calm, {"max": 300.0}),
        distribution("unplug_to_no_pain_ms", (quiet_ns - ends_ns) * 1e-6, calm, {"max": 300.0}),
        distribution("replug_to_stream_ms", replug_ms, back, {"max": 1000.0}),
    ]


def _soak_figures(config: SessionConfig, folder: Path, epochs: list[list[RawFrame]]) -> list[Figure]:
    """Frames lost by the session's own count, and by the board's clock, which ticks once a sample.

    Outage: time between first and last frame in which none was due, because the board had stopped (a host that hangs
    for a second stops it); ``n`` of it is the number of epochs.
    """
    with Record(folder) as record:
        health = record.table("health")
    period_us = round(1e6 / config.board.rate_hz)
    frames = [frame for epoch in epochs for frame in epoch]
    missing = 0
    for epoch in epochs:
        steps_us = np.diff([frame.board_us for frame in epoch])
        missing += int(np.sum(np.maximum(np.rint(steps_us / period_us) - 1, 0)))
    lost = int(health["frames_lost"][-1])
    span_us = (frames[-1].t_ns - frames[0].t_ns) * 1e-3
    outage_ms = max(0.0, span_us - (len(frames) - 1 + lost) * period_us) * 1e-3
    repeated = len(frames) - len({(frame.epoch, frame.seq) for frame in frames})
    return [
        value("soak_frames_lost", lost, at_most=0, n=len(frames)),
        value("soak_frames_undetected", max(0, missing - lost) + repeated, at_most=0, n=len(frames)),
        value("soak_frames_bad", int(health["frames_bad"][-1]), n=len(frames)),
        value("soak_outage_ms", round(outage_ms, 1), n=len(epochs)),
        value("soak_loop_missed", int(health["loop_missed"][-1])),
        value("soak_clock_residual_ms", round(float(np.nanmedian(health["clock_residual_ms"])), 4)),
    ]


@contextmanager
def _torch_loop() -> Iterator[bool]:
    """A torch network that never rests, beside the session; False where torch is not installed."""
    if importlib.util.find_spec("torch") is None:
        yield False
        return
    process = subprocess.Popen([sys.executable, "-c", TORCH])
    try:
        yield True
    finally:
        process.terminate()
        process.wait(timeout=10)

"""The one shape of every benchmark's result, the calm rule of shared machines, and how both are printed.

A sample is *calm* when a reference process that does nothing but sleep 2 ms was never more than 5 ms late within it:
virtual machines stall, and a stall of the host is not a latency of this program.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

import robopatient

__all__ = [
    "CALM_MS",
    "Figure",
    "ReferenceLateness",
    "Result",
    "distribution",
    "machine",
    "reference_process",
    "remarked",
    "say",
    "show",
    "value",
]

CALM_MS = 5.0
REFERENCE_PERIOD_S = 0.002


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One measured quantity; ``target`` and ``met`` compare the keys that both have."""

    name: str
    value: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    n: int | None = None
    quartiles: list[float] | None = None
    raw: dict[str, float] | None = None
    calm_share: float | None = None
    target: dict[str, float] | None = None
    met: bool | None = None
    remark: str | None = None


class Baseline(msgspec.Struct, frozen=True):
    """The same figures of something that this program is compared with."""

    name: str
    figures: list[Figure]


class Result(msgspec.Struct, frozen=True):
    """What a benchmark prints."""

    bench: str
    figures: list[Figure]
    baselines: list[Baseline]
    machine: dict[str, Any]
    version: str
    seed: int


class ReferenceLateness(msgspec.Struct, frozen=True):
    """Lateness of the reference process: when each wake-up was due, ns, and how late it was, ms. Shapes (n,)."""

    due_ns: np.ndarray
    late_ms: np.ndarray

    def calm(self, begin_ns: np.ndarray, end_ns: np.ndarray) -> np.ndarray:
        """Whether no wake-up was more than ``CALM_MS`` late within each interval, shape (m,), bool."""
        late = self.late_ms > CALM_MS
        stall_begin = self.due_ns[late]
        stall_end = stall_begin + (self.late_ms[late] * 1e6).astype(np.int64)
        # Stalls of one process do not overlap: the ones before ``end`` minus the ones over by ``begin`` touch it.
        return np.searchsorted(stall_begin, end_ns) - np.searchsorted(stall_end, begin_ns) == 0

    def summary(self) -> dict[str, float]:
        """Its own percentiles, ms."""
        if not len(self.late_ms):
            return {}
        p50, p99 = np.percentile(self.late_ms, [50, 99])
        return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(float(self.late_ms.max()), 3)}


@contextmanager
def reference_process(folder: Path) -> Iterator[list[ReferenceLateness]]:
    """Run the reference beside the measured program; the list holds its result afterwards."""
    context = multiprocessing.get_context("spawn")
    leave = context.Event()
    path = folder / "reference.npy"
    process = context.Process(target=_sleep_and_record, args=(str(path), leave), name="reference", daemon=True)
    process.start()
    result: list[ReferenceLateness] = []
    try:
        yield result
    finally:
        leave.set()
        process.join(timeout=10)
    if path.exists():
        rows = np.load(path)
        result.append(ReferenceLateness(rows[0], (rows[1] - rows[0]) * 1e-6))


def _sleep_and_record(path: str, leave: Event) -> None:
    rows = []
    while not leave.is_set():
        due_ns = time.monotonic_ns() + round(REFERENCE_PERIOD_S * 1e9)
        time.sleep(REFERENCE_PERIOD_S)
        rows.append((due_ns, time.monotonic_ns()))
    np.save(path, np.asarray(rows, dtype=np.int64).T)


def distribution(
    name: str, samples: np.ndarray, calm: np.ndarray | None = None, target: dict[str, float] | None = None
) -> Figure:
    """Figure of a sample: percentiles over the calm ones, and ``raw`` over all."""
    chosen = samples if calm is None else samples[calm]
    if not len(chosen):
        return Figure(name, n=0, target=target, met=False, remark="no calm sample")
    numbers = _percentiles(chosen)
    met = None if target is None else all(bool(numbers[key] <= limit) for key, limit in target.items())
    figure = Figure(name, n=len(chosen), target=target, met=met)
    if calm is not None:
        raw = _percentiles(samples) | {"n": len(samples)}
        figure = msgspec.structs.replace(figure, raw=raw, calm_share=round(float(calm.mean()), 3))
    return msgspec.structs.replace(figure, **numbers)


def value(
    name: str, number: float, at_most: float | None = None, at_least: float | None = None, n: int | None = None
) -> Figure:
    """Figure of one number."""
    target = at_most if at_most is not None else at_least
    met = None
    if at_most is not None:
        met = number <= at_most
    elif at_least is not None:
        met = number >= at_least
    return Figure(name, value=number, n=n, target=None if target is None else {"value": target}, met=met)


def machine(reference: ReferenceLateness | None = None) -> dict[str, Any]:
    """What it was measured on."""
    facts: dict[str, Any] = {
        "cores": os.cpu_count(),
        "load_1m": round(os.getloadavg()[0], 2),
        "gpu": None,
        "python": platform.python_version(),
    }
    if reference is not None:
        facts["reference_lateness_ms"] = reference.summary()
    return facts


def show(result: Result, as_json: bool) -> None:
    """Print one JSON object, or a table on the terminal."""
    if as_json:
        print(msgspec.json.encode(result).decode())
        return
    table = Table(title=f"{result.bench} (version {result.version}, seed {result.seed})", box=None)
    for heading in ("figure", "value or p50", "p95", "p99", "max", "n", "target", "met"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    sets = [("", result.figures), *((f"{base.name}: ", base.figures) for base in result.baselines)]
    for prefix, figures in sets:
        for figure in figures:
            first = figure.value if figure.value is not None else figure.p50
            target = ", ".join(f"{key} {limit:g}" for key, limit in (figure.target or {}).items())
            met = {True: "yes", False: "no", None: ""}[figure.met]
            cells = (first, figure.p95, figure.p99, figure.max)
            numbers = ["" if number is None else f"{number:.4g}" for number in cells]
            table.add_row(prefix + figure.name, *numbers, str(figure.n or ""), target, met)
            if figure.raw:
                table.add_row("  all, calm or not", *(f"{figure.raw[key]:.4g}" for key in ("p50", "p95", "p99", "max")))
            if figure.remark:
                table.add_row(f"  {figure.remark}")
    console = Console()
    console.print(table)
    console.print(result.machine)


def say(text: str) -> None:
    """Tell the person who waits how far a measurement is; stdout is for its figures."""
    print(text, file=sys.stderr, flush=True)


def remarked(figure: Figure, remark: str) -> Figure:
    """A figure with a remark."""
    return msgspec.structs.replace(figure, remark=remark)


def new_result(
    bench: str, figures: list[Figure], baselines: list[Baseline], facts: dict[str, Any], seed: int
) -> Result:
    """Result of this version."""
    return Result(bench, figures, baselines, facts, robopatient.__version__, seed)


def _percentiles(samples: np.ndarray) -> dict[str, float]:
    values = np.percentile(samples, [50, 95, 99, 100]).tolist()
    return {key: round(number, 3) for key, number in zip(("p50", "p95", "p99", "max"), values, strict=True)}

"""``bench analysis``: in how many of so many simulated studies the intervals of ``study analyse`` hold the truth."""

from __future__ import annotations

from pathlib import Path

import msgspec

from experiments.analysis.coverage import SETTINGS, Held, repeat_setting, summary
from robopatient.command import print_json
from robopatient.errors import require

__all__ = ["bench_coverage"]


def bench_coverage(sets: int, keep: Path | None, as_json: bool, seed: int = 1) -> None:
    """Print a table; what lies in ``keep`` (a line a set) is not computed again."""
    rows = []
    with require("threadpoolctl", "study").threadpool_limits(1):
        for number, setting in enumerate(SETTINGS):
            path = keep / f"{number}.jsonl" if keep is not None else None
            done = _read(path)
            for index in range(len(done), sets):
                done.append(repeat_setting(setting, seed + index))
                if path is not None:
                    with path.open("ab") as file:
                        file.write(msgspec.json.encode(done[-1]) + b"\n")
            held = [one for each in done[:sets] for one in each]
            rows += [{"setting": setting.name, **row} for row in summary(held)]
    if as_json:
        print_json(rows)
        return
    print(
        "| setting | model | interval of | truth | quoted | holds the truth | leaves out zero |\n" + "| --- " * 7 + "|"
    )
    for row in rows:
        print(
            f"| {row['setting']} | {row['model']} | {row['term']} | {row['truth']:g} | {row['quoted']} of {row['sets']}"
            f" | {row['holds_truth']:.3f} | {row['leaves_out_zero']:.3f} |"
        )


def _read(path: Path | None) -> list[list[Held]]:
    if path is None:
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=list[Held]) for line in path.read_bytes().splitlines()]

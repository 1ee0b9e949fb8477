"""From a table of trials to a folder with report, numbers and figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from experiments.analysis.charts import draw
from experiments.analysis.report import page
from experiments.analysis.results import Results, analyse_trials
from experiments.analysis.trials import read_trials
from firmware_bridge.outputs import new_folder
from policies.errors import AnalysisError
from robopatient.report.figures import save_png

__all__ = ["Analysed", "write_analysis"]


class Analysed(NamedTuple):
    """One question's analysis: its folder, what was found, and the same as numbers for JSON."""

    folder: Path
    results: Results
    numbers: dict[str, Any]


def write_analysis(
    source: Path, out: Path, force: bool = False, factors: Sequence[str] = (), study: str = ""
) -> list[Analysed]:
    """Analyse every question of a table into a folder, each into a folder of its own; more in ``read_trials``.

    Raises
    ------
    AnalysisError, OutputError
        When the table cannot be read, or the folder not be written: before the analysis where it can be told.
    """
    tables = read_trials(source, factors, study)
    written = []
    with new_folder(out, [source], force) as part:
        for trials in tables:
            within = trials.question or "answers" if len(tables) > 1 else ""
            results = analyse_trials(trials)
            written.append(Analysed(out / within, results, _write(results, part / within)))
    return written


def _write(results: Results, folder: Path) -> dict[str, Any]:
    try:
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        (folder / "tables").mkdir(exist_ok=True)
        figures = draw(results)
        for name, figure in figures.items():
            save_png(figure, folder / "figures" / f"{name}.png")
        for name, table in _tables(results).items():
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
        numbers: dict[str, Any] = _plain({name: value for name, value in results._asdict().items() if name != "trials"})
        numbers |= {"source": results.trials.source, "study": results.trials.study, "question": results.trials.question}
        (folder / "analysis.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
        (folder / "report.html").write_text(page(results, figures), encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"{folder}: cannot be written ({error.strerror}); choose another with --out") from error
    return numbers


def _tables(results: Results) -> dict[str, pd.DataFrame]:
    tables = {f"agreed_by_{name}": table for name, table in results.levels.items()}
    tables |= {f"agreed_by_{one}_and_{two}": table for (one, two), table in results.pairs.items()}
    tables |= {f"agreed_by_distance_of_{name}": table for name, table in results.distances.items()}
    tables["people"] = results.people
    models = {
        "model_pooled": results.pooled,
        "model_own_main": results.own_main,
        "model_own_products": results.own_products,
        "model_linear": results.linear,
        "model_linear_own_products": results.linear_products,
    }
    return tables | {name: table for name, table in models.items() if table is not None}


def _plain(value: Any) -> Any:
    """JSON of anything in the results: tables as lists of rows, arrays left to the tables, NaN as null."""
    if isinstance(value, pd.DataFrame):
        return [_plain(row) for row in value.to_dict("records")]
    if isinstance(value, pd.Series):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()] if value.size <= 64 else f"{value.size} values"
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {" and ".join(key) if isinstance(key, tuple) else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | type(None)) else msgspec.to_builtins(value)

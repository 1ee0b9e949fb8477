"""The verb ``robopatient study analyse``: from a table of trials to a folder with report, numbers and figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from experiments.analysis.charts import draw, save_png
from experiments.analysis.report import page
from experiments.analysis.results import Results, analyse_trials
from experiments.analysis.trials import read_trials
from experiments.analysis.words import in_short
from policies.errors import AnalysisError

__all__ = ["analyse"]


def analyse(source: Path, out: Path, seed: int = 1, as_json: bool = False) -> int:
    """Analyse every question of a table; several questions get a folder each.

    Raises
    ------
    AnalysisError
        When the table cannot be read, or the folder not be written.
    """
    tables = read_trials(source)
    written: dict[str, Any] = {}
    for trials in tables:
        folder = out / (trials.question or "answers") if len(tables) > 1 else out
        results = analyse_trials(trials, seed)
        numbers = _write(results, folder)
        written[trials.question] = numbers
        if not as_json:
            print(f"{folder / 'report.html'}: {len(trials.participants)} people, {len(trials.main)} trials")
            for line in in_short(results):
                print(f"  {line}")
            for name, why in results.skipped.items():
                print(f"  left out, {name}: {why}")
    if as_json:
        print(json.dumps(written))
    return 0


def _write(results: Results, folder: Path) -> dict[str, Any]:
    try:
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        (folder / "tables").mkdir(exist_ok=True)
        figures = draw(results)
        for name, figure in figures.items():
            save_png(figure, folder / "figures" / f"{name}.png")
        for name, table in _tables(results).items():
            table.to_csv(folder / "tables" / f"{name}.csv", index=False)
        numbers = _plain({name: value for name, value in results._asdict().items() if name != "trials"})
        numbers |= {"source": results.trials.source, "study": results.trials.study, "question": results.trials.question}
        (folder / "analysis.json").write_text(json.dumps(numbers, indent=1), encoding="utf-8")
        (folder / "report.html").write_text(page(results, figures), encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"{folder}: cannot be written ({error.strerror}); choose another with --out") from error
    assert isinstance(numbers, dict)
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

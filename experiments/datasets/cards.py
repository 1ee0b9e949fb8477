"""The data card and the datasheet of a data set: two templates, filled from its design and its counts."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

from experiments.datasets.design import SPLITS, DatasetDesign

__all__ = ["data_card", "datasheet"]

FOLDER = Path(__file__).parent


def data_card(design: DatasetDesign, facts: dict[str, Any]) -> str:
    """README.md of the folder: what a hub reads on top, then what a person reads."""
    return _filled("card.md", design, facts)


def datasheet(design: DatasetDesign, facts: dict[str, Any]) -> str:
    """Answers to those questions of Gebru et al. 2021 that a generated set can answer."""
    return _filled("datasheet.md", design, facts)


def _filled(template: str, design: DatasetDesign, facts: dict[str, Any]) -> str:
    table = "SPLIT/metadata.parquet" if design.picture.form == "stills" else "frames/SPLIT.parquet"
    splits = [split for split in SPLITS if split in facts["frames"]]
    crossed = [name for name in ("age", "sex", "ancestry", "skin") if getattr(design.balance, name)]
    return Template((FOLDER / template).read_text(encoding="utf-8")).substitute(
        title=design.title,
        quoted_title=json.dumps(design.title),
        configs="\n".join(f"  - split: {split}\n    path: {split}/**" for split in splits),
        people=design.balance.people,
        cells=len(design.cells()),
        crossed=", ".join(crossed) or "nothing",
        frames=", ".join(f"{split} {count}" for split, count in facts["frames"].items()),
        total=sum(facts["frames"].values()),
        pain_nrs=", ".join(f"{nrs:g}" for nrs in design.show.pain_nrs),
        archetypes=", ".join(design.show.archetypes),
        other=", ".join(design.show.other) or "nothing else",
        views=", ".join(design.picture.views),
        lights=", ".join(design.picture.lights),
        size_px=design.picture.size_px,
        label_px=design.picture.label_px,
        file=design.picture.file,
        lineage=facts["lineage"],
        table=table,
        train_table=table.replace("SPLIT", splits[0]),
        full_mm=f"{facts['displacement_full_mm']:g}",
        version=facts["version"],
        digest=facts["design_sha256"][:16],
        seed=design.seed,
        anny=facts["packages"]["anny"],
    )

"""The data set on one page: who is in it, what they show, and whether the labels say what the eye sees."""

from __future__ import annotations

import base64
import collections
import io
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from experiments.datasets.design import DatasetDesign
from experiments.datasets.tables import rows_in
from robopatient.errors import require
from robopatient.levels import MAX_NRS, MAX_PSPI

__all__ = ["write_report"]

FOLDER = Path(__file__).parent
MONTAGE_PEOPLE = 12
THUMB_PX = 112
FACE = (0.17, 0.15, 0.83, 0.81)
"""Left, top, right and bottom of the face in a picture, as shares of it."""
JPEG_QUALITY = 82
WIDTH, HEIGHT, LEFT, FOOT = 640, 260, 44, 34
MAX_DOTS = 3000
COLUMNS = (
    "file_name", "person", "split", "shot", "view", "light", "frame", "pspi", "stimulus_nrs", "archetype", "sex",
    "age_band", "age_years", "ancestry", "skin_band", "monk_tone",
)  # fmt: skip


def write_report(out: Path, design: DatasetDesign, facts: dict[str, Any], tables: list[Path]) -> str:
    """The page as text: montage of the first look, PSPI against pain, people in every cell."""
    first = (design.picture.views[0], design.picture.lights[0])
    strongest = _strongest(tables, first)
    return Template((FOLDER / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(design.title),
        people=design.balance.people,
        frames=sum(facts["frames"].values()),
        cells=len(design.cells()),
        splits=escape(", ".join(f"{split} {count}" for split, count in facts["frames"].items())),
        lineage=escape(facts["lineage"]),
        version=facts["version"],
        digest=facts["design_sha256"][:16],
        look=escape(f"{first[0]} view, {first[1]} light"),
        montage=_montage(out, design, strongest),
        curve=_curve(list(strongest.values())),
        table=_cells(list(strongest.values())),
    )


def _strongest(tables: list[Path], look: tuple[str, str]) -> dict[tuple[str, int], dict[str, Any]]:
    """The frame of the largest PSPI of every person and expression, in one look."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in (row for table in tables for row in rows_in(table, COLUMNS)):
        key = (row["person"], row["shot"])
        if (row["view"], row["light"]) == look and (key not in found or row["pspi"] > found[key]["pspi"]):
            found[key] = row
    return found


def _montage(out: Path, design: DatasetDesign, strongest: dict[tuple[str, int], dict[str, Any]]) -> str:
    """Rows are people, columns what they show."""
    names = sorted({person for person, _ in strongest})
    shots = design.shots()
    heads = "".join(f"<th>{escape(_shot_name(shot.kind, shot.nrs, shot.archetype))}</th>" for shot in shots)
    lines = [f"<tr><th></th>{heads}</tr>"]
    step = max(1, len(names) // MONTAGE_PEOPLE)
    chosen = [names[min(k * step + k % step, len(names) - 1)] for k in range(min(MONTAGE_PEOPLE, len(names)))]
    for name in chosen:  # shifted by one each time: an even step would meet one kind of cell only
        cells = []
        for shot in shots:
            row = strongest[name, shot.number]
            picture = _thumbnail(out / row["split"] / row["file_name"], row["frame"])
            cells.append(f'<td><img alt="" src="{picture}"><small>PSPI {row["pspi"]:.1f}</small></td>')
        who = strongest[name, 0]
        label = f"{who['sex']}, {who['age_years']:.0f}<br>{who['ancestry']}<br>Monk {who['monk_tone']:.1f}"
        lines.append(f"<tr><th>{label}</th>{''.join(cells)}</tr>")
    return "\n".join(lines)


def _shot_name(kind: str, nrs: float, archetype: str) -> str:
    return f"pain {nrs:g}, {archetype}" if kind == "pain" else kind


def _thumbnail(path: Path, frame: int) -> str:
    pil = require("PIL.Image", "face")
    if path.suffix in (".mp4", ".mkv"):
        with require("av", "face").open(str(path)) as film:
            picture = next(shown for k, shown in enumerate(film.decode(video=0)) if k == frame).to_image()
    else:
        picture = pil.open(path)
        picture.draft("RGB", (2 * THUMB_PX, 2 * THUMB_PX))  # a JPEG is read at a part of its size, which is quicker
        picture = picture.convert("RGB")
    file = io.BytesIO()
    face = picture.crop(tuple(round(share * side) for share, side in zip(FACE, 2 * picture.size, strict=True)))
    face.resize((THUMB_PX, THUMB_PX), pil.Resampling.LANCZOS).save(file, format="JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _curve(seen: list[dict[str, Any]]) -> str:
    """PSPI against pain by archetype: every frame a dot, medians a line; as inline SVG."""
    kinds = [a for a in dict.fromkeys(row["archetype"] for row in seen) if a]

    def x(nrs: float) -> float:
        return LEFT + nrs / MAX_NRS * (WIDTH - LEFT - 12)

    def y(pspi: float) -> float:
        return HEIGHT - FOOT - pspi / MAX_PSPI * (HEIGHT - FOOT - 26)

    parts = [f'<text x="{x(n):.0f}" y="{HEIGHT - 16}" text-anchor="middle">{n}</text>' for n in range(0, 11, 2)]
    parts += [
        f'<text x="{LEFT - 8}" y="{y(p) + 4:.0f}" text-anchor="end">{p}</text>'
        f'<line class="rule" x1="{LEFT}" x2="{WIDTH - 12}" y1="{y(p):.1f}" y2="{y(p):.1f}"/>'
        for p in range(0, 17, 4)
    ]
    for number, archetype in enumerate(kinds):
        points = [(row["stimulus_nrs"], row["pspi"]) for row in seen if row["archetype"] == archetype]
        thin = 1 + len(points) * len(kinds) // MAX_DOTS
        parts += [f'<circle class="k{number}" cx="{x(n):.1f}" cy="{y(p):.1f}" r="2"/>' for n, p in points[::thin]]
        levels = sorted({round(n) for n, _ in points})
        medians = [(level, float(np.median([p for n, p in points if round(n) == level]))) for level in levels]
        path = " ".join(f"{x(n):.1f},{y(p):.1f}" for n, p in medians)
        parts.append(f'<polyline class="k{number}" points="{path}"/>')
        parts.append(f'<text class="k{number}" x="{LEFT + 10}" y="{38 + 16 * number}">{escape(archetype)}</text>')
    middle = (WIDTH + LEFT) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 1}" text-anchor="middle">pain behind the frame, NRS</text>')
    parts.append(f'<text x="{LEFT - 34}" y="10">PSPI</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="PSPI against pain">{"".join(parts)}</svg>'


def _cells(seen: list[dict[str, Any]]) -> str:
    """People by age, sex and skin, and by ancestry, in every split."""
    people = {row["person"]: row for row in seen}
    splits = list(dict.fromkeys(row["split"] for row in seen))
    counts = collections.Counter((r["age_band"], r["sex"], r["skin_band"], r["split"]) for r in people.values())
    lines = [f"<tr><th>age</th><th>sex</th><th>skin</th>{''.join(f'<th>{split}</th>' for split in splits)}</tr>"]
    for age, sex, skin in sorted({key[:3] for key in counts}):
        numbers = "".join(f"<td>{counts[age, sex, skin, split]}</td>" for split in splits)
        lines.append(f"<tr><td>{age}</td><td>{sex}</td><td>{skin}</td>{numbers}</tr>")
    return "\n".join(lines)

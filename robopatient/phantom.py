"""The abdomen that is pressed: where its load cells are and how the patient lies on them.

Sensing needs the cells, the patient the body, the console both; so the phantom belongs to none of them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from robopatient.config import Positive, asset_path, decode_toml
from robopatient.errors import ConfigError

__all__ = ["REGIONS", "Phantom", "load_phantom"]

REGIONS = (
    ("right hypochondriac", "epigastric", "left hypochondriac"),
    ("right lumbar", "umbilical", "left lumbar"),
    ("right iliac", "hypogastric", "left iliac"),
)
"""The nine regions of the abdomen as the clinician sees them: rows from the head, columns from the patient's right."""


class Phantom(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Plate, cells and the patient on them.

    Points are told in plate coordinates (x, y), as the published recordings are, or in body coordinates
    (left, head): from the navel to the patient's left and towards the head. All mm.

    Attributes
    ----------
    cells_mm
        Plate coordinates of each cell, shape (n_cells, 2).
    head_towards
        "+y": x runs to the patient's left. "-y": the patient lies the other way round, x runs to the right.
    vertical_lines_mm, horizontal_lines_mm
        Plate coordinates x and y of the lines that part the nine regions, ascending.
    """

    name: str
    width_mm: Positive
    height_mm: Positive
    cell_capacity_newton: Positive
    cells_mm: tuple[tuple[float, float], ...]
    head_towards: Literal["+y", "-y"]
    navel_mm: tuple[float, float]
    vertical_lines_mm: tuple[float, float]
    horizontal_lines_mm: tuple[float, float]

    def clip(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Nearest point of the plate."""
        return min(max(x_mm, 0.0), self.width_mm), min(max(y_mm, 0.0), self.height_mm)

    def body_mm(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Body coordinates of a plate point."""
        sign = 1.0 if self.head_towards == "+y" else -1.0
        return sign * (x_mm - self.navel_mm[0]), sign * (y_mm - self.navel_mm[1])

    def plate_mm(self, left_mm: float, head_mm: float) -> tuple[float, float]:
        """Plate coordinates of a body point."""
        sign = 1.0 if self.head_towards == "+y" else -1.0
        return self.navel_mm[0] + sign * left_mm, self.navel_mm[1] + sign * head_mm

    def region(self, x_mm: float, y_mm: float) -> str:
        """Name of the region under a plate point."""
        column = sum(x_mm > line for line in self.vertical_lines_mm)
        row = sum(y_mm > line for line in self.horizontal_lines_mm)
        return REGIONS[2 - row][column] if self.head_towards == "+y" else REGIONS[row][2 - column]

    def middle_mm(self, region: str) -> tuple[float, float]:
        """Middle of a region in body coordinates; the outer ones are taken to be as wide as the middle ones.

        Raises
        ------
        ConfigError
            When there is no such region.
        """
        (x0, x1), (y0, y1) = self.vertical_lines_mm, self.horizontal_lines_mm
        half_x, half_y = (x1 - x0) / 2.0, (y1 - y0) / 2.0
        xs = (x0 - 0.5 * half_x, (x0 + x1) / 2.0, x1 + 0.5 * half_x)
        ys = (y0 - 0.5 * half_y, (y0 + y1) / 2.0, y1 + 0.5 * half_y)
        middles = {self.region(x, y): self.body_mm(x, y) for x in xs for y in ys}
        if region not in middles:
            known = ", ".join(name for row in REGIONS for name in row)
            raise ConfigError(f'"{region}" is no region of the abdomen; choose one of {known}')
        left_mm, head_mm = middles[region]
        return round(left_mm, 1), round(head_mm, 1)


def load_phantom(name: str) -> Phantom:
    """Phantom of ``assets/phantoms`` or of a user's file.

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the value that is wrong.
    """
    path = asset_path("phantoms", name)
    phantom = decode_toml(path, Phantom)
    if len(phantom.cells_mm) < 3:
        raise ConfigError(f"{path}: cells_mm has {len(phantom.cells_mm)} cells; a centre of pressure needs at least 3")
    for key in ("vertical_lines_mm", "horizontal_lines_mm"):
        low, high = getattr(phantom, key)
        if low >= high:
            raise ConfigError(f"{path}: {key} is [{low:g}, {high:g}]; write the smaller one first")
    return phantom

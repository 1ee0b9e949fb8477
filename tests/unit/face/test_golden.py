"""Pictures that were looked at and kept: every tier still draws them, each within its tolerance.

When a look is changed on purpose: ``PYTHONPATH=tests python -m tests.unit.face.test_golden`` draws them anew; look at
them before committing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.needs import HEAD, module

from robopatient.face.apex import apex_au
from robopatient.face.identity import load_identity
from robopatient.face.render import Kind, make_renderer
from robopatient.messages import FacePose

pytestmark = HEAD

FOLDER = Path(__file__).parent / "golden"
SIZE_PX = 128
POSES = {
    "kofi": FacePose(au=apex_au(6.0), head_deg=(3.0, -10.0, 4.0), sweat=0.4),
    "mei": FacePose(au={"AU10": 4.0, "AU25": 5.0, "AU26": 3.0}, gaze_deg=(0.0, 10.0), tears=0.6),
}
TIERS: dict[str, tuple[Kind, bool | None, float]] = {
    "without OpenGL": ("numba", None, 0.5),
    "OpenGL on a processor": ("gl", False, 1.0),
    "OpenGL on a graphics card": ("gl", True, 3.0),  # its edges are smoothed
}
"""Kind, fine, and mean difference of 255 that is allowed: compilers and drivers differ in the last bits."""


@pytest.mark.parametrize(
    "tier", [pytest.param(name, marks=[pytest.mark.gl] if TIERS[name][0] == "gl" else []) for name in TIERS]
)
@pytest.mark.parametrize("name", POSES)
def test_every_tier_draws_the_pictures_that_were_looked_at(name: str, tier: str) -> None:
    image_module = module("PIL.Image", "face")
    kind, fine, allowed = TIERS[tier]
    renderer = make_renderer(kind, load_identity(name), SIZE_PX, fine=fine)
    drawn = renderer.draw(POSES[name]).astype(int)
    renderer.close()
    with image_module.open(FOLDER / f"{name}.png") as image:
        kept = np.asarray(image).astype(int)
    assert np.abs(drawn - kept).mean() < allowed


def _draw() -> None:
    from PIL import Image

    FOLDER.mkdir(exist_ok=True)
    for name, pose in POSES.items():
        renderer = make_renderer("numba", load_identity(name), SIZE_PX)
        Image.fromarray(renderer.draw(pose)).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    _draw()

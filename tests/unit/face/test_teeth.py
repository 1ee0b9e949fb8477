"""The teeth: two rows behind the lips, told tooth by tooth."""

from __future__ import annotations

import numpy as np
import pytest
from support.needs import HEAD

from robopatient.face.head import Head
from robopatient.face.identity import load_identity
from robopatient.face.mesh import Material, load_template
from robopatient.face.teeth import arches, outer_wall, tooth_places
from robopatient.messages import FacePose

pytestmark = HEAD


def test_all_teeth_are_in_one_of_two_rows_and_only_the_lower_follows_the_jaw() -> None:
    template = load_template()
    upper, lower = arches(template)
    np.testing.assert_array_equal(np.sort(np.concatenate([upper, lower])), template.points_of(Material.TEETH))
    head = Head(load_identity("mei"), template)
    moved = np.linalg.norm(head.pose(FacePose(au={"AU27": 5.0})).points - head.rest, axis=1)
    assert moved[upper].max() < 0.02
    assert moved[lower].min() > 0.1


def test_teeth_are_counted_from_the_middle_and_their_height_from_the_edge_to_the_gum() -> None:
    template = load_template()
    places = tooth_places(template)
    for row, towards_gum in zip(arches(template), (1.0, -1.0), strict=True):
        x, y, _ = template.template_dm[row].T
        assert (np.sign(np.round(x, 3)) == np.sign(np.round(places[row, 0], 3))).all()
        front = np.abs(x) < 0.02
        order = np.argsort(towards_gum * y[front])
        assert places[row[front][order[0]], 1] == 0.0
        assert 5 <= places[row, 0].max() <= 9  # incisors, canine, premolars, molars of a side
    assert 0.4 < outer_wall(template).mean() < 0.9


@pytest.mark.parametrize("name", ["ben", "lily", "margaret", "kofi"])
def test_a_resting_mouth_shows_next_to_no_teeth(name: str) -> None:
    from robopatient.face.render_numba import NumbaRenderer

    renderer = NumbaRenderer(load_identity(name), 256)
    plain = renderer.draw(FacePose())
    renderer._plain[:, :3] = (0.0, 1.0, 0.0)
    renderer._plain[:, 5:] = (0.0, 1.0, 0.0)
    shown = (renderer.draw(FacePose()) != plain).any(axis=2).sum()
    assert shown < 40  # of 65,536 pixels: no more than a line between the lips
    assert np.abs(renderer.draw(FacePose(au={"AU25": 5.0, "AU26": 5.0})).astype(int) - plain)[..., 1].max() > 60

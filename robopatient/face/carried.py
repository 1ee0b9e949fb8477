"""Things that a head carries: geometry that is rigid save for the neck's bend, with its colour in its vertices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Carried"]


class Carried(NamedTuple):
    """Gown or hair, at rest.

    Attributes
    ----------
    place, normal
        In dm, shape (vertices, 3).
    tangent
        Along the strand, for the highlight of hair; 0 on cloth, shape (vertices, 3).
    follows
        Share of the head's rotation that each vertex follows, shape (vertices,).
    colour
        Linear RGB, shape (vertices, 3).
    mark
        On cloth the distance from the edge, dm; on hair the place across the strands, one unit a lock. (vertices,)
    density
        On hair how many of its strands are there, 0-1: it thins out towards its edges; 1 on cloth. Shape (vertices,).
    triangles
        Shape (triangles, 3).
    """

    place: np.ndarray
    normal: np.ndarray
    tangent: np.ndarray
    follows: np.ndarray
    colour: np.ndarray
    mark: np.ndarray
    density: np.ndarray
    triangles: np.ndarray

    @property
    def vertices(self) -> np.ndarray:
        """All attributes side by side, float32, shape (vertices, 15), in the order of the fields."""
        single = (self.mark[:, None], self.density[:, None])
        columns = (self.place, self.normal, self.tangent, self.follows[:, None], self.colour, *single)
        return np.ascontiguousarray(np.concatenate(columns, axis=1), np.float32)

    def only(self, chosen: np.ndarray) -> Carried:
        """The chosen triangles (bool, shape (triangles,)) and the vertices that they use."""
        kept, corner = np.unique(self.triangles[chosen], return_inverse=True)
        return Carried.from_vertices(self.vertices[kept], corner.reshape(-1, 3).astype(np.int32))

    @classmethod
    def from_vertices(cls, vertices: np.ndarray, triangles: np.ndarray) -> Carried:
        """Inverse of ``vertices``."""
        v = vertices
        return cls(v[:, 0:3], v[:, 3:6], v[:, 6:9], v[:, 9], v[:, 10:13], v[:, 13], v[:, 14], triangles)

    @classmethod
    def nothing(cls) -> Carried:
        """Of a bald head."""
        return cls.from_vertices(np.zeros((0, 15), np.float32), np.zeros((0, 3), np.int32))

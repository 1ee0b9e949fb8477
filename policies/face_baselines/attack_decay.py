"""The shipped attack-decay engine behind the harness of generators: conditions become the commands of a live run.

It has no weights: what it knows of faces is ``blend.toml`` and the apex table, none of it fitted to the corpus.
"""

from __future__ import annotations

import numpy as np

from policies.corpus.store import Corpus
from robopatient.config import FaceConfig
from robopatient.face.generator.blend import Blend
from robopatient.face.generator.condition import index
from robopatient.face.generator.motion import MOTION_HZ, frame_of
from robopatient.messages import FaceAsk, FaceCommand, Phase

__all__ = ["AttackDecay", "fit"]

RISING_NRS = 0.3
"""Pain above its mean over 0.3 s from which a press counts as setting in, below it as being let go (assumption)."""

FRAME_NS = round(1e9 / MOTION_HZ)

_PAIN, _RECENT, _CONTACT = index("pain"), index("pain_0.3s"), index("contact")
_EXPRESSIVENESS = index("expressiveness")


class AttackDecay:
    """Each action unit rises and decays at its own pace after its own delay."""

    name = "attack-decay"

    def generate(self, condition: np.ndarray, seed: int) -> np.ndarray:
        """Motion, shape (n, D)."""
        face = self.stream(seed)
        return np.stack([face.step(row) for row in condition])

    def stream(self, seed: int) -> _AttackDecayFace:
        """A new face at rest."""
        return _AttackDecayFace(seed)


class _AttackDecayFace:
    def __init__(self, seed: int) -> None:
        self._engine = Blend(FaceConfig(), seed)
        self._frames = 0

    def step(self, condition: np.ndarray) -> np.ndarray:
        """Next frame, shape (D,)."""
        self._frames += 1
        t_ns = self._frames * FRAME_NS
        pain, contact = float(condition[_PAIN]), bool(condition[_CONTACT] > 0.5)
        ask = FaceAsk(nrs=pain, expressiveness=float(condition[_EXPRESSIVENESS]))
        command = FaceCommand(
            t_ns=t_ns, cause_seq=0, received_ns=t_ns, nrs=pain, phase=_phase(condition), ask=ask, contact=contact
        )
        return frame_of(self._engine.step(command, t_ns))


def _phase(condition: np.ndarray) -> Phase:
    """Where in a press the patient is, from pain and its recent mean."""
    rising = condition[_PAIN] - condition[_RECENT]
    if condition[_CONTACT] <= 0.5 and condition[_PAIN] < RISING_NRS:
        return "rest"
    if rising > RISING_NRS:
        return "onset"
    return "release" if rising < -RISING_NRS else "hold"


def fit(corpus: Corpus, seed: int, effort: str = "full") -> AttackDecay:
    """The engine as it is."""
    del corpus, seed, effort
    return AttackDecay()

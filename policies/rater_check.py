"""Do the answers depend on the sound? Three explanations of the answers compete: sound, reversed, or unrelated.

Every answer is predicted, before it is known, by the reward model, by a second model that gets all answers the
wrong way round, and by the mere frequencies of past answers. A rater whom frequencies predict as well gives noise;
one whom the reversed model predicts better has the scale backwards. Then adaptation stops until somebody decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from policies.answer_scales import RatingQuestion
from policies.reward_models import OrdinalModel, RewardModel, grid
from policies.spaces import Array

__all__ = ["Consistency", "RaterCheck", "Verdict"]

Verdict = Literal["", "constant", "reversed", "unrelated"]

MESSAGES: dict[str, str] = {
    "constant": "the answers are nearly always the same, whatever was heard",
    "reversed": "the answers make sense only the other way round: ask the rater about the direction of the scale",
    "unrelated": "the answers do not depend on what was heard",
}


class Consistency(msgspec.Struct, frozen=True):
    """How well hidden repeats agree: count, share answered identically, mean difference in steps."""

    repeats: int = 0
    identical: float = 0.0
    mean_difference_steps: float = 0.0


class RaterCheck:
    """Prequential evidence for and against a rater.

    Parameters
    ----------
    mirror
        A fresh model like the learner's own: it gets every answer reversed.
    least_advantage
        Nats by which the reward model must beat the frequencies once ``patience`` answers are in; 2 more at any time
        prove a rater for good. Chosen on 20 simulated raters of each kind (persons 0 to 19): after 60 answers honest
        ones lie above 11.7 (signed) and 12.4 (congruence), random ones below 6.4 and 0.3. None: answers say too little
        about the sound to tell (people on the 4-level question); only constant raters are called so.
    clear
        Nats that count as clear evidence for a constant or reversed rater.
    """

    proof_margin = 2.0
    first_look, first_look_reversed = 20, 30
    constant_share = 0.9
    first_probe, probe_every, probe_points = 15, 3, 5
    no_doubt = 6.0
    """Nats between honest and reversed that end the probes: with them all of 20 unsigned raters of each kind lay 6.5
    from the middle after 30 answers; without, after 60, honest and reversed ones met there."""

    def __init__(
        self,
        mirror: RewardModel,
        least_advantage: float | None = 8.5,
        patience: int = 58,
        clear: float = 2.0,
    ) -> None:
        self._mirror = mirror
        self._least_advantage, self._patience, self._clear = least_advantage, patience, clear
        self._counts: dict[str, Array] = {}
        self._log = {"model": 0.0, "reversed": 0.0, "frequencies": 0.0}
        self._repeats: list[int] = []
        self._proven = False
        self.answers = 0
        self.verdict: Verdict = ""

    @classmethod
    def suited(cls, mirror: RewardModel, questions: Sequence[RatingQuestion], n_action: int) -> RaterCheck:
        """A check with the thresholds for what is asked and how much there is to find."""
        if isinstance(mirror, OrdinalModel):
            # Honest people's answers to the 4-level question hardly depend on the sound.
            return cls(mirror, least_advantage=None)
        if n_action > 2:
            # More dimensions take longer to find: two of 14 honest listeners in six were accused by the values for two.
            return cls(mirror, 7.0, patience=80, clear=4.0)
        # The signed scale says more per answer, and chance imitates it better.
        return cls(mirror, 8.5 if any(asked.latent == "mismatch" for asked in questions) else 5.0)

    def tell(
        self,
        predicted: Array,
        state: Array,
        action: Array,
        question: RatingQuestion,
        index: int,
        other: Array | None = None,
    ) -> None:
        """Take in one answer and the reward model's prediction of it, shape (levels,)."""
        counts = self._counts.setdefault(question.name, np.full(question.levels, 0.5))  # Jeffreys' prior
        reversed_index = question.levels - 1 - index
        mirrored = self._mirror.chances(state, action, question, other)[reversed_index]
        for name, chance in (
            ("model", predicted[index]),
            ("reversed", mirrored),
            ("frequencies", counts[index] / counts.sum()),
        ):
            self._log[name] += float(np.log(max(chance, 1e-9)))
        counts[index] += 1.0
        self._mirror.tell(state, action, question, reversed_index, other)
        self.answers += 1
        self.verdict = self._judge()

    def tell_repeat(self, difference_steps: int) -> None:
        """Take in how far the answer to a hidden repeat lies from the first one."""
        self._repeats.append(abs(difference_steps))

    @property
    def consistency(self) -> Consistency:
        """Of the hidden repeats so far."""
        if not self._repeats:
            return Consistency()
        steps = np.array(self._repeats)
        return Consistency(len(steps), float((steps == 0).mean()), float(steps.mean()))

    def advantage(self, over: Literal["reversed", "frequencies"]) -> float:
        """Nats by which the reward model has predicted better."""
        return self._log["model"] - self._log[over]

    def probe(self, model: RewardModel, state: Array, near: Array, question: RatingQuestion) -> Array | None:
        """Sound whose answer best tells an honest rater from a reversed one; None while that needs no asking.

        The learner asks about what it believes to be good, where a reversed rater may pass for an honest one of other
        taste. So every third query is given to the doubt while there is one.

        Parameters
        ----------
        near
            The learner's own query, shape (n_action,): a probe moves level and pitch alone.
        """
        due = self.first_probe <= self.answers < self._patience and self.answers % self.probe_every == 0
        if self._least_advantage is None or not due or abs(self.advantage("reversed")) >= self.no_doubt:
            return None
        sounds = grid(len(near), self.probe_points)
        sounds[:, 2:] = near[2:]
        apart = []
        for sound in sounds:
            honest = model.chances(state, sound, question)
            backwards = self._mirror.chances(state, sound, question)[::-1]
            apart.append(float((honest - backwards) @ np.log(honest / backwards)))
        return sounds[int(np.argmax(apart))]

    def _judge(self) -> Verdict:
        if self.answers < self.first_look:
            return ""
        top = sum(float(c.max() - 0.5) for c in self._counts.values()) / self.answers
        beaten_by_frequencies = -self.advantage("frequencies")
        if top >= self.constant_share and beaten_by_frequencies > self._clear:
            return "constant"
        if self._least_advantage is None or self.answers < self.first_look_reversed:
            return ""
        if -self.advantage("reversed") > self._clear and -self.advantage("reversed") > beaten_by_frequencies:
            return "reversed"
        # Once the policy fits, honest answers hardly vary and frequencies predict them well: proof given counts.
        self._proven = self._proven or -beaten_by_frequencies >= self._least_advantage + self.proof_margin
        if self.answers >= self._patience and not self._proven and beaten_by_frequencies > -self._least_advantage:
            return "unrelated"
        return ""

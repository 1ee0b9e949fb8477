"""The one interface of all judges, their card, and the folder in which a trained one is frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np

from experiments.judges.clip_sessions import ClipSession
from experiments.judges.clips import Clip
from policies.frozen import write_frozen
from robopatient.config import decode_toml
from robopatient.errors import AssetError, ConfigError

__all__ = ["KINDS", "Judge", "JudgeCard", "SessionJudge", "load_judge", "new_judge", "save_judge"]


class Judge(Protocol):
    """Predicts the pain behind a clip from its face or its voice, or whether a face's course fits the pain."""

    kind: str
    sense: str
    """What it looks at or listens to: "face" or "voice"."""
    task: str
    """What it predicts: "pain", NRS; or "course", how genuine the face's course in time is, 0 to 1."""

    def fit(self, clips: list[Clip], seed: int) -> None:
        """Learn from clips with known pain."""
        ...

    def predict(self, clips: list[Clip]) -> np.ndarray:
        """Largest pain of each clip, NRS 0 to 10, or how genuine its course is, shape (clips,)."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """All that was learnt."""
        ...

    def restore(self, weights: dict[str, np.ndarray]) -> None:
        """Take up what was learnt."""
        ...


@runtime_checkable
class SessionJudge(Protocol):
    """A judge that rates whole sessions, too."""

    def rate(self, clips: list[Clip], sessions: list[ClipSession], shuffle: int | None = None) -> np.ndarray:
        """Rating of each session, NRS, shape (sessions,); with its attention dealt out anew by a seed."""
        ...


class JudgeCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a trained judge is: read before it is believed.

    Attributes
    ----------
    lineage
        Sources that it learnt from, with everything that these learnt from.
    sha256
        Of ``weights.npz``: a judge is frozen before what it scores is made.
    """

    kind: str
    lineage: tuple[str, ...]
    source: str
    clips: int
    people: int
    seed: int
    sha256: str = ""
    wording: str = "agreement with a judge trained on the lineage above; it has seen no patient"


KINDS: dict[str, str] = {
    "closed-form": "experiments.judges.closed_form:ClosedForm",
    "ridge": "experiments.judges.clip_statistics:Ridge",
    "logistic": "experiments.judges.clip_statistics:Logistic",
    "forest": "experiments.judges.clip_statistics:Forest",
    "au-graph": "experiments.judges.au_graph:AuGraph",
    "au-no-graph": "experiments.judges.au_graph:AuNoGraph",
    "relation": "experiments.judges.relation:Relation",
    "lstm": "experiments.judges.relation:Lstm",
    "voice": "experiments.judges.voice:Voice",
    "course-gru": "experiments.judges.course:CourseGru",
    "course-forest": "experiments.judges.course:CourseForest",
    "course-coupling": "experiments.judges.course:CourseCoupling",
    "mil-max": "experiments.judges.pooling:MaxPool",
    "mil-mean": "experiments.judges.pooling:MeanPool",
    "mil-attention": "experiments.judges.pooling:AttentionPool",
    "mil-noisy-or": "experiments.judges.pooling:NoisyOrPool",
}


def new_judge(kind: str) -> Judge:
    """Untrained judge of a kind.

    Raises
    ------
    ConfigError
        Naming the kinds that exist.
    """
    from robopatient.config import reference

    if kind not in KINDS:
        raise ConfigError(f"judge {kind!r} is none of {', '.join(KINDS)}; see: robopatient judge list")
    make: Callable[[], Judge] = reference(kind, KINDS)
    return make()


def save_judge(folder: Path, judge: Judge, card: JudgeCard) -> JudgeCard:
    """Freeze a trained judge; returns its card with the hash of the weights."""
    return write_frozen(folder, judge.weights(), card)


def load_judge(folder: Path) -> tuple[Judge, JudgeCard]:
    """A frozen judge.

    Raises
    ------
    AssetError
        When there is none, or its weights are not those of its card.
    """
    try:
        card = decode_toml(folder / "card.toml", JudgeCard)
        digest = hashlib.sha256((folder / "weights.npz").read_bytes()).hexdigest()
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files}
    except (OSError, ValueError, ConfigError) as error:
        raise AssetError(f"{folder}: is no judge ({error}); make one with: robopatient judge train") from error
    if digest != card.sha256:
        raise AssetError(
            f"{folder}/weights.npz: hash {digest[:12]}… is not the card's {card.sha256[:12]}…: it was changed after "
            "it was frozen; train it again"
        )
    judge = new_judge(card.kind)
    judge.restore(weights)
    return judge, card

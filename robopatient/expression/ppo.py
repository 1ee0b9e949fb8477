"""A policy trained by people's ratings: a small network read from a checkpoint, computed by numpy alone.

A checkpoint is a folder with ``card.toml`` (what the numbers mean, where they come from) and ``weights.npz``. What the
policy was not taught (roughness, breathiness, the face, the call) comes from the prior that the card names.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from robopatient.config import decode_toml
from robopatient.errors import AssetError, ConfigError
from robopatient.expression.prior import Prior
from robopatient.folders import user_path
from robopatient.levels import INAUDIBLE_DB, MAX_NRS
from robopatient.messages import Expression, FaceAsk, PainState, VoiceAsk

if TYPE_CHECKING:
    from robopatient.expression import Character

__all__ = ["ACTED", "OBSERVED", "Card", "Dimension", "Network", "Ppo", "Slope", "checkpoint_folder", "read_checkpoint"]

CHECKPOINTS = Path(__file__).resolve().parents[2] / "policies" / "checkpoints"

MOAN_MALE_SEMITONES, MOAN_FEMALE_SEMITONES = 9.9, 12.0
"""A typical moan above habitual speech: 213 over 120 Hz, 419 over 210 Hz (Anikin and Persson 2017). f0_ratio 1."""

OBSERVED = ("nrs", "nrs_per_s")
"""Observations that a running patient provides to a policy."""

ACTED = ("level_db", "f0_ratio", "roughness_offset", "breathiness_offset", "face_gain", "expressiveness")

RATE_SMOOTHING_S = 0.05
"""Time constant of the pain's rate of change; assumption."""


class Dimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One axis: its name, unit and the physical values at normalised -1 and +1."""

    name: str
    unit: str
    low: float
    high: float
    meaning: str = ""


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a checkpoint is and how it came about.

    ``sha256`` is of ``weights.npz``; ``training`` and ``versions`` are for the reader, the rest is used.
    """

    name: str
    title: str
    prior: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    observation: Annotated[tuple[Dimension, ...], Meta(min_length=1)]
    action: Annotated[tuple[Dimension, ...], Meta(min_length=1)]
    data: str = ""
    training: dict[str, Any] = {}
    versions: dict[str, str] = {}


class Network:
    """The actor of a stable-baselines3 ``MlpPolicy``: tanh layers, then actions clipped to [-1, 1]."""

    def __init__(self, layers: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> None:
        self.layers = layers
        self.n_state, self.n_action = layers[0][0].shape[0], layers[-1][0].shape[1]

    @classmethod
    def of(cls, weights: dict[str, Any]) -> Network:
        """From parameters by their stable-baselines3 names; KeyError when one is missing."""
        names = sorted(
            (n.removesuffix(".weight") for n in weights if n.startswith("mlp_extractor.policy_net.") and "weight" in n),
            key=lambda name: int(name.rsplit(".", 1)[1]),
        )
        return cls(
            [
                (np.asarray(weights[f"{n}.weight"], float).T, np.asarray(weights[f"{n}.bias"], float))
                for n in [*names, "action_net"]
            ]
        )

    def __call__(self, state: NDArray[np.floating]) -> NDArray[np.float64]:
        """Deterministic actions, shape (m, n_action), of normalised states (m, n_state)."""
        x = np.asarray(state, float)
        for weight, bias in self.layers[:-1]:
            x = np.tanh(x @ weight + bias)
        weight, bias = self.layers[-1]
        return np.clip(x @ weight + bias, -1.0, 1.0)


def checkpoint_folder(name: str) -> Path:
    """Folder of a shipped checkpoint by name, or of the user's own by path.

    Raises
    ------
    AssetError
        Naming what was asked for and the names that exist.
    """
    for folder in (CHECKPOINTS / name, user_path(name)):
        if name and (folder / "card.toml").is_file():
            return folder
    known = ", ".join(sorted(path.parent.name for path in CHECKPOINTS.glob("*/card.toml"))) or "(none)"
    raise AssetError(
        f"checkpoint {name!r}: no folder with a card.toml; choose one of {known}, give the path of your own, make one "
        "with: robopatient policy train --simulate psychophysical; for a preset by hand, --set expression.kind=prior"
    )


def read_checkpoint(folder: Path) -> tuple[Card, dict[str, NDArray[Any]]]:
    """Card and weights, checked against each other.

    Raises
    ------
    AssetError
        When the card is malformed, the weights are not those of the card, or their shapes are not its spaces'.
    """
    try:
        card = decode_toml(folder / "card.toml", Card)
        data = (folder / "weights.npz").read_bytes()
    except (OSError, AssetError, ConfigError) as error:
        raise AssetError(f"{folder}: is no checkpoint ({error}); train one with: robopatient policy train") from error
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise AssetError(
            f"{folder}/weights.npz: hash {found[:12]}… is not the card's {card.sha256[:12]}…; "
            "the weights were changed or belong to another card"
        )
    try:
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            weights = {name: file[name] for name in file.files}
        network = Network.of(weights)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise AssetError(f"{folder}/weights.npz: holds no policy network ({error})") from error
    if (network.n_state, network.n_action) != (len(card.observation), len(card.action)):
        raise AssetError(
            f"{folder}: the network maps {network.n_state} to {network.n_action} numbers, "
            f"the card names {len(card.observation)} observations and {len(card.action)} actions"
        )
    if not all(np.all(np.isfinite(value)) for value in weights.values()):
        raise AssetError(f"{folder}/weights.npz: holds values that are not finite")
    return card, weights


class Slope:
    """Smoothed rate of change of a quantity, per second."""

    def __init__(self) -> None:
        self._before: tuple[int, float] | None = None
        self._per_s = 0.0

    def step(self, t_ns: int, value: float) -> float:
        """The rate after one more value; a value of no later time changes nothing."""
        if self._before is None or t_ns <= self._before[0]:
            self._before = self._before or (t_ns, value)
            return self._per_s
        elapsed_s = (t_ns - self._before[0]) * 1e-9
        slope = (value - self._before[1]) / elapsed_s
        self._per_s += (1.0 - math.exp(-elapsed_s / RATE_SMOOTHING_S)) * (slope - self._per_s)
        self._before = (t_ns, value)
        return self._per_s


class Ppo:
    """Expression by a taught policy.

    Parameters
    ----------
    preset
        Name of a shipped checkpoint, or the path of a checkpoint's folder.
    character
        Sex and expressiveness of the patient, as for the prior.
    """

    def __init__(self, preset: str = "congruence", character: Character | None = None) -> None:
        folder = checkpoint_folder(preset)
        card, weights = read_checkpoint(folder)
        for names, known, what in ((card.observation, OBSERVED, "observation"), (card.action, ACTED, "action")):
            for dimension in names:
                if dimension.name not in known:
                    raise AssetError(
                        f"{folder}/card.toml: a running patient has no {what} {dimension.name!r} "
                        f"(only {', '.join(known)}); train on the task pain-to-voice or pain-to-expression"
                    )
        self.name = f"ppo:{card.name}@{card.sha256[:12]}"
        self._card, self._network = card, Network.of(weights)
        self._prior = Prior(card.prior, character)
        female_share = 0.5 if character is None else 1.0 if character.sex == "female" else 0.0
        self._moan_semitones = MOAN_MALE_SEMITONES + female_share * (MOAN_FEMALE_SEMITONES - MOAN_MALE_SEMITONES)
        self._lowest_nrs = next((d.low for d in card.observation if d.name == "nrs"), 0.0)
        self._prior_at_lowest = self._prior.voice(self._lowest_nrs)
        self._slope = Slope()
        self._offset: dict[str, float] = {}
        self._taught = self.name

    def suggest(self, label: str, observed: dict[str, float], action: dict[str, float]) -> None:
        """Until the next suggestion, act at ``observed`` as a trainer asks, and elsewhere the same step away.

        Physical units by name; an empty action ends it. The voice stays continuous in the pain.
        """
        here = self._act(observed) if action else {}
        self._offset = {name: value - here[name] for name, value in action.items() if name in here}
        self.name = f"{self._taught}+{label}" if action else self._taught

    def admitted(self, pain: PainState) -> float:
        """Pain that the voice admits: the observation ``nrs``."""
        return self._prior.shown(pain.voice_nrs)

    def acting(self, observed: dict[str, float]) -> dict[str, float]:
        """What it does at an observation now, suggestion included: physical units by name."""
        act = self._act(observed)
        return {d.name: min(d.high, max(d.low, act[d.name] + self._offset.get(d.name, 0.0))) for d in self._card.action}

    def _act(self, observed: dict[str, float]) -> dict[str, float]:
        """The network alone."""
        acted = self._network(np.array([[_coordinate(d, observed[d.name]) for d in self._card.observation]]))[0]
        return {d.name: _value(d, float(a)) for d, a in zip(self._card.action, acted, strict=True)}

    def step(self, pain: PainState) -> Expression:
        """What to show of it; below the pains that were taught, the voice fades as the prior's does."""
        shown = self._prior.shown(pain.voice_nrs)
        seen = {"nrs": shown, "nrs_per_s": self._slope.step(pain.t_ns, shown)}
        act = self.acting(seen) if self._offset else self._act(seen)
        like = self._prior.step(pain)
        return Expression(
            t_ns=pain.t_ns,
            cause_seq=pain.cause_seq,
            policy=self.name,
            voice=self._voice(act, like.voice, shown),
            face=FaceAsk(
                min(MAX_NRS, pain.face_nrs * act.get("face_gain", 1.0)),
                like.face.expressiveness * act.get("expressiveness", 1.0),
            ),
        )

    def _voice(self, act: dict[str, float], like: VoiceAsk, shown: float) -> VoiceAsk:
        level_db, f0_semitones = like.level_db, like.f0_semitones
        fade_db = 0.0
        if shown < self._lowest_nrs:
            fade_db = self._prior.voice(shown).level_db - self._prior_at_lowest.level_db
        if "level_db" in act:
            level_db = max(INAUDIBLE_DB, min(0.0, act["level_db"] + fade_db))
            if like.level_db <= INAUDIBLE_DB:
                level_db = INAUDIBLE_DB
        if "f0_ratio" in act:
            f0_semitones = self._moan_semitones + 12.0 * math.log2(act["f0_ratio"])
        return msgspec.structs.replace(
            like,
            level_db=level_db,
            f0_semitones=f0_semitones,
            roughness=min(1.0, max(0.0, like.roughness + act.get("roughness_offset", 0.0))),
            breathiness=min(1.0, max(0.0, like.breathiness + act.get("breathiness_offset", 0.0))),
        )


def _coordinate(dimension: Dimension, value: float) -> float:
    """Normalised coordinate, clipped to [-1, 1]."""
    return max(-1.0, min(1.0, 2.0 * (value - dimension.low) / (dimension.high - dimension.low) - 1.0))


def _value(dimension: Dimension, coordinate: float) -> float:
    """Physical value of a normalised coordinate."""
    return dimension.low + (coordinate + 1.0) / 2.0 * (dimension.high - dimension.low)

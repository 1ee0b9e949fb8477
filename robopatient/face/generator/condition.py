"""The condition row of a generator at every frame: pain and its recent course, touch, voice, and traits of the patient.

One piece of code makes these rows for the training corpus and for a live run, so that a column cannot mean two things;
nothing here needs more than numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
import numpy as np
from msgspec import Meta

from robopatient.errors import ConfigError
from robopatient.face.generator.motion import MOTION_HZ
from robopatient.messages import FaceCommand

__all__ = [
    "ARCHETYPES",
    "CONDITIONS",
    "GROUPS",
    "INTEGRALS_S",
    "MIDDLE",
    "SPREAD",
    "TABLE",
    "TOLD",
    "Archetype",
    "Condition",
    "Conditioner",
    "Traits",
    "calm_rows",
    "check_conditions",
    "condition_of",
    "group_of",
    "guidance_row",
    "index",
    "resampled",
    "told_of",
    "traits_of",
]

Archetype = Literal["narrowed", "opened", "raised", "furrowed", "stoic"]
"""Which faces pain makes, stable in a person (Kunz and Lautenbacher 2014): I eyes narrowed, brows furrowed, nose
wrinkled; II mouth opened, eyes narrowed; III brows raised; IV brows furrowed, eyes narrowed; none to speak of."""
ARCHETYPES: tuple[str, ...] = get_args(Archetype)

INTEGRALS_S = (0.3, 1.0, 3.0, 10.0)
"""Time constants of the leaky means of pain: a face outlasts what hurt it, and longer than a cache of frames."""


class Condition(NamedTuple):
    """One column of a condition.

    Attributes
    ----------
    group
        Columns of a group are dropped in training, and guided, together.
    middle, spread
        About the mean and standard deviation of the column over the corpus: a network sees columns by these, so that
        what hurts is as loud to it as the noise beside it.
    source
        Of these two.
    told
        Under which name it is told at every frame: a field of ``FaceCommand``, of the same name, or what the caller
        knows. Neighbouring columns of one name are the elements of one value. "" for pain and for traits.
    limit
        Largest size in the corpus: what a command says beyond it is told as this.
    """

    name: str
    unit: str
    group: str
    middle: float
    spread: float
    source: str
    told: str = ""
    limit: float = math.inf


TABLE: tuple[Condition, ...] = (
    Condition("pain", "NRS 0 to 10", "pain", 0.0, 2.0, "rest, and the standard deviation over the corpus"),
    Condition("pain_rate_per_s", "NRS/s", "pain", 0.0, 10.0, "rest, and the standard deviation over the corpus"),
    *(Condition(f"pain_{tau:g}s", f"NRS, leaky mean of {tau:g} s", "pain", 0.0, 2.0, "as pain") for tau in INTEGRALS_S),
    Condition("contact", "0 or 1", "contact", 0.5, 0.5, "touched half of the time", "contact"),
    Condition("site_left_mm", "mm left of the navel", "site", 0.0, 60.0, "stimulus.site_sd_mm", "site_mm", 150.0),
    Condition("site_head_mm", "mm above the navel", "site", 0.0, 60.0, "stimulus.site_sd_mm", "site_mm", 150.0),
    Condition("expressiveness", "factor", "expressiveness", 1.0, 0.3, "people.expressiveness"),
    Condition("asymmetry", "-1 right to 1 left", "expressiveness", 0.0, 0.3, "people.asymmetry_sd, rounded"),
    Condition("tempo", "octaves", "expressiveness", 0.0, 0.3, "people.tempo_sd_octaves"),
    *(Condition(name, "0 or 1", "archetype", 0.2, 0.4, "one of five, equally often") for name in ARCHETYPES),
    Condition("sex", "0 female to 1 male", "sex", 0.5, 0.5, "half of the people each"),
    Condition("age_years", "years", "age", 50.0, 25.0, "people.age_years, rounded"),
    Condition("valence", "-1 to 1", "emotion", 0.0, 0.35, "emotion.sd in half of the trials, rounded", "emotion"),
    Condition("arousal", "-1 to 1", "emotion", 0.0, 0.35, "emotion.sd in half of the trials, rounded", "emotion"),
    Condition("loudness", "0 inaudible to 1 loudest cry", "voice", 0.0, 0.2, "assumption", "loudness"),
)
"""The columns of a condition, in their order: checkpoints hold it. Sources name keys of policies/corpus/recipe.toml."""

CONDITIONS: tuple[str, ...] = tuple(row.name for row in TABLE)
GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(row.name for row in TABLE if row.group == group) for group in dict.fromkeys(row.group for row in TABLE)
}
"""Columns by group."""
MIDDLE, SPREAD = np.array([row.middle for row in TABLE]), np.array([row.spread for row in TABLE])
"""Shape (C,)."""
TOLD: dict[str, tuple[int, ...]] = {
    told: tuple(at for at, row in enumerate(TABLE) if row.told == told)
    for told in dict.fromkeys(row.told for row in TABLE if row.told)
}
"""Columns by the name under which they are told at every frame."""
FROM_COMMAND = tuple(name for name in TOLD if name in FaceCommand.__struct_fields__)

MAX_RATE_PER_S = 90.0
"""Pain counts as rising at most this fast: from 0 to 9 in three frames."""

_INDEX = {name: at for at, name in enumerate(CONDITIONS)}


class Traits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is in pain, as far as the face is concerned.

    Attributes
    ----------
    expressiveness
        Factor on what is shown: 0 stoic, 1 typical, 2 most expressive. A trait, never the mean of what was shown.
    sex
        0 female to 1 male.
    asymmetry
        Which side shows more: -1 all right to 1 all left.
    tempo
        Octaves by which this face is quicker (positive) or slower than most.
    """

    expressiveness: Annotated[float, Meta(ge=0, le=3)] = 1.0
    archetype: Archetype = "narrowed"
    sex: Annotated[float, Meta(ge=0, le=1)] = 0.5
    age_years: Annotated[float, Meta(ge=4, le=100)] = 50.0
    asymmetry: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    tempo: Annotated[float, Meta(ge=-1, le=1)] = 0.0


_TRAITS = tuple(name for name in Traits.__struct_fields__ if name in _INDEX)
"""Traits that are one column."""


def index(name: str) -> int:
    """Column of a condition; KeyError for a name that is none."""
    return _INDEX[name]


def group_of() -> np.ndarray:
    """Which group (its place in ``GROUPS``) each column belongs to, shape (C,)."""
    return np.array([list(GROUPS).index(row.group) for row in TABLE])


def traits_of(row: np.ndarray) -> Traits:
    """Traits that a row of conditions was made from, shape (C,)."""
    first = _INDEX[ARCHETYPES[0]]
    archetype = ARCHETYPES[int(np.argmax(row[first : first + len(ARCHETYPES)]))]
    numbers = {name: float(row[_INDEX[name]]) for name in _TRAITS}
    return msgspec.convert({"archetype": archetype, **numbers}, Traits)


class Conditioner:
    """Makes the rows of one face, or of many side by side.

    Parameters
    ----------
    traits
        Of each face, m of them; all arguments and results below have this many rows.
    """

    def __init__(self, traits: Sequence[Traits]) -> None:
        self._rows = np.zeros((len(traits), len(CONDITIONS)))
        for row, one in zip(self._rows, traits, strict=True):
            for name in _TRAITS:
                row[_INDEX[name]] = getattr(one, name)
            row[_INDEX[one.archetype]] = 1.0
        self._keep = np.exp(-1.0 / (MOTION_HZ * np.array(INTEGRALS_S)))
        self._first = _INDEX[f"pain_{INTEGRALS_S[0]:g}s"]
        self._pain = np.zeros(len(traits))

    def step(
        self,
        pain: np.ndarray | float,
        *,
        expressiveness: np.ndarray | float | None = None,
        **told: np.ndarray | float | tuple[float, float],
    ) -> np.ndarray:
        """Conditions of the next frame, shape (m, C).

        Parameters
        ----------
        pain
            To be shown, 0 to 10, shape (m,) or one for all.
        expressiveness
            In place of the trait.
        told
            By the names of ``TOLD``, shape (m,), (m, 2) where a name has two columns, or one for all; 0 without.
        """
        rows = self._rows
        felt = np.clip(np.broadcast_to(np.asarray(pain, dtype=float), self._pain.shape), 0.0, 10.0)
        rate = np.clip((felt - self._pain) * MOTION_HZ, -MAX_RATE_PER_S, MAX_RATE_PER_S)
        self._pain = felt
        means = slice(self._first, self._first + len(INTEGRALS_S))
        rows[:, means] = felt[:, None] + (rows[:, means] - felt[:, None]) * self._keep
        rows[:, _INDEX["pain"]] = felt
        rows[:, _INDEX["pain_rate_per_s"]] = rate
        for columns in TOLD.values():
            rows[:, columns] = 0.0
        for name, value in told.items():
            columns = TOLD[name]
            rows[:, columns if len(columns) > 1 else columns[0]] = value
        if expressiveness is not None:
            rows[:, _INDEX["expressiveness"]] = expressiveness
        return rows.copy()


def told_of(command: FaceCommand) -> dict[str, np.ndarray | float]:
    """What a command tells of the columns of ``TOLD``, within their limits; what it leaves open is left out."""
    told: dict[str, np.ndarray | float] = {}
    for name in FROM_COMMAND:
        value, limit = getattr(command, name), TABLE[TOLD[name][0]].limit
        if value is not None:
            told[name] = np.clip(np.asarray(value, dtype=float), -limit, limit)
    return told


def condition_of(
    pain: np.ndarray,
    hz: float,
    traits: Traits,
    *,
    contact: np.ndarray | None = None,
    site_mm: tuple[float, float] = (0.0, 0.0),
    loudness: np.ndarray | None = None,
    emotion: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Conditions of a whole course of pain, shape (m, C) at 30 rows a second.

    Parameters
    ----------
    pain
        0 to 10, shape (n,); other rates than 30 Hz are resampled by straight lines.
    contact, loudness
        Shape (n,); without them: touched where there is pain, and a silent voice.

    Raises
    ------
    ConfigError
        Naming the row where pain is not finite or outside 0 to 10.
    """
    pain = _checked(pain)
    touched = (pain > 0.0).astype(float) if contact is None else np.asarray(contact, dtype=float)
    heard = np.zeros_like(pain) if loudness is None else np.asarray(loudness, dtype=float)
    columns = [resampled(one, hz).tolist() for one in (pain, touched, heard)]
    conditioner = Conditioner([traits])
    rows = [
        conditioner.step(p, contact=round(c), site_mm=site_mm, loudness=v, emotion=emotion)[0]
        for p, c, v in zip(*columns, strict=True)
    ]
    return np.array(rows).reshape(-1, len(CONDITIONS))


def resampled(values: np.ndarray, hz: float) -> np.ndarray:
    """Values at 30 a second by straight lines; as they are when they have that rate. Shape (n,) to (m,)."""
    if not np.isfinite(hz) or hz <= 0.0:
        raise ConfigError(f"{hz:g} Hz is no rate; give the rows a second of the recording, for example 30")
    if hz == MOTION_HZ or len(values) == 0:
        return np.asarray(values, dtype=float)
    count = int(np.floor((len(values) - 1) / hz * MOTION_HZ)) + 1
    return np.interp(np.arange(count) / MOTION_HZ, np.arange(len(values)) / hz, values)


def calm_rows(condition: np.ndarray) -> np.ndarray:
    """The same people without pain, touch or voice, float32, of any shape (..., C)."""
    calm = np.array(condition, np.float32)
    for name in GROUPS["pain"]:
        calm[..., _INDEX[name]] = 0.0
    for name in FROM_COMMAND:
        calm[..., TOLD[name]] = 0.0
    return calm


def check_conditions(names: Iterable[str], where: str) -> None:
    """Refuse rows whose columns are not ``CONDITIONS``, in this order.

    Raises
    ------
    ConfigError
        Naming what is missing, unknown or misplaced.
    """
    names = tuple(names)
    missing = [name for name in CONDITIONS if name not in names]
    unknown = [name for name in names if name not in _INDEX]
    if missing or unknown:
        raise ConfigError(
            f"{where}: conditions: missing {', '.join(missing) or 'none'}; unknown {', '.join(unknown) or 'none'}; "
            "train again with this version: robopatient face train"
        )
    if names != CONDITIONS:
        at = next(at for at, name in enumerate(names) if name != CONDITIONS[at])
        raise ConfigError(
            f"{where}: conditions are in another order: column {at} is {names[at]}, expected {CONDITIONS[at]}; "
            "a control would reach another's slot"
        )


def guidance_row(guidance: Mapping[str, float] | None) -> np.ndarray:
    """Weights of the groups of conditions, shape (groups,); what is not named is not pushed.

    Raises
    ------
    ConfigError
        For a group that does not exist or a weight that is no number from -1 to 10.
    """
    row = np.zeros(len(GROUPS), np.float32)
    for name, weight in (guidance or {}).items():
        if name not in GROUPS or not -1.0 <= weight <= 10.0:
            raise ConfigError(f"guidance: {name} = {weight}; give -1 to 10 for one of {', '.join(GROUPS)}")
        row[list(GROUPS).index(name)] = weight
    return row


def _checked(pain: np.ndarray) -> np.ndarray:
    pain = np.asarray(pain, dtype=float)
    if pain.ndim != 1:
        raise ConfigError(f"pain: shape {pain.shape}; give one column")
    bad = np.flatnonzero(~(np.isfinite(pain) & (pain >= 0.0) & (pain <= 10.0)))
    if len(bad):
        raise ConfigError(f"pain: row {bad[0]} is {pain[bad[0]]:g}; every row must be a number from 0 to 10")
    return pain

"""Makes a corpus: people with traits, kept apart by split, each in some dozen short trials."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from policies.corpus.card import card
from policies.corpus.faces import act
from policies.corpus.recipe import CorpusRecipe, load_recipe
from policies.corpus.stimuli import EVENTS, Stimuli, palpation, thermal
from policies.corpus.store import Corpus, Kind, Sequence, Split, check
from policies.errors import PolicyError
from robopatient.face.generator.condition import ARCHETYPES, Traits
from robopatient.face.generator.motion import MOTION_HZ

__all__ = ["CorpusDesign", "simulate"]

RUN_IN_S = 9.0
"""Simulated before every trial and discarded: earlier pain is still in the leaky means."""

Count = Annotated[int, Meta(ge=0, le=1000)]


class CorpusDesign(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much of what.

    ``palpation_trials`` counts painful ones and controls; ``validation_share`` and ``test_share`` are of the people.
    """

    subjects: Annotated[int, Meta(ge=4, le=5000)] = 160
    palpation_trials: Count = 12
    thermal_trials: Count = 3
    trial_s: Annotated[float, Meta(ge=2, le=300)] = 12.0
    validation_share: Annotated[float, Meta(gt=0, lt=0.5)] = 0.12
    test_share: Annotated[float, Meta(gt=0, lt=0.5)] = 0.18


def simulate(design: CorpusDesign | None = None, seed: int = 1, recipe: CorpusRecipe | None = None) -> Corpus:
    """Corpus of simulated faces; the same design, seed and recipe give the same corpus.

    Raises
    ------
    PolicyError
        When the design leaves a split without people or asks for no trials.
    """
    design, recipe = design or CorpusDesign(), recipe or load_recipe()
    if design.palpation_trials + design.thermal_trials == 0:
        raise PolicyError("corpus design: no trials asked for; set palpation_trials or thermal_trials")
    rng_people, rng_stimuli, rng_faces = (np.random.default_rng([seed, stream]) for stream in range(3))
    people = [_person(recipe, rng_people) for _ in range(design.subjects)]
    splits = _splits(design, rng_people)
    owner, kinds = _plan(design, recipe, rng_people)
    run_in, frames = round(RUN_IN_S * MOTION_HZ), round(design.trial_s * MOTION_HZ)
    palpated = np.array([kind != "thermal" for kind in kinds])
    stimuli = _stimuli(recipe, kinds, palpated, run_in + frames, rng_stimuli)
    motion, condition = act(recipe, [people[one] for one in owner], stimuli, palpated, rng_faces)
    count: dict[int, int] = {}
    sequences = []
    for row, (one, kind) in enumerate(zip(owner, kinds, strict=True)):
        count[one] = count.get(one, 0) + 1
        sequences.append(
            Sequence(
                subject=f"p{one:04d}",
                trial=f"{kind}-{count[one]:02d}",
                split=splits[one],
                kind=kind,
                pain=stimuli.pain[row, run_in:].astype(np.float32),
                motion=motion[row, run_in:].astype(np.float32),
                condition=condition[row, run_in:].astype(np.float32),
                traits=people[one],
            )
        )
    origin = f"simulated, seed {seed}, {msgspec.json.encode(design).decode()}"
    corpus = Corpus(sequences, origin)
    check(corpus)
    return Corpus(sequences, origin, card(corpus, recipe))


def _person(recipe: CorpusRecipe, rng: np.random.Generator) -> Traits:
    shares = np.array(recipe.row("people.archetype_shares"))
    octave = recipe("people.expressiveness_log_sd") * rng.standard_normal()
    return msgspec.convert(
        {
            "expressiveness": float(np.clip(recipe("people.expressiveness_median") * np.exp(octave), 0.15, 2.5)),
            "archetype": ARCHETYPES[rng.choice(len(ARCHETYPES), p=shares / shares.sum())],
            "sex": float(rng.random() >= recipe("people.female_share")),
            "age_years": float(rng.uniform(*recipe.pair("people.age_years"))),
            "asymmetry": float(np.clip(recipe("people.asymmetry_sd") * rng.standard_normal(), -1.0, 1.0)),
            "tempo": float(np.clip(recipe("people.tempo_sd_octaves") * rng.standard_normal(), -1.0, 1.0)),
        },
        Traits,
    )


def _splits(design: CorpusDesign, rng: np.random.Generator) -> list[Split]:
    """Split of every person; everyone is in exactly one."""
    validation = max(1, round(design.validation_share * design.subjects))
    test = max(1, round(design.test_share * design.subjects))
    splits: list[Split] = ["train"] * design.subjects
    for at, person in enumerate(rng.permutation(design.subjects)[: validation + test].tolist()):
        splits[person] = "validation" if at < validation else "test"
    return splits


def _plan(design: CorpusDesign, recipe: CorpusRecipe, rng: np.random.Generator) -> tuple[list[int], list[Kind]]:
    """Whose and which every trial is."""
    owner: list[int] = []
    kinds: list[Kind] = []
    for person in range(design.subjects):
        controls = rng.random(design.palpation_trials) < recipe("stimulus.control_share")
        kinds += ["control" if control else "palpation" for control in controls]
        kinds += ["thermal"] * design.thermal_trials
        owner += [person] * (design.palpation_trials + design.thermal_trials)
    return owner, kinds


def _stimuli(
    recipe: CorpusRecipe, kinds: list[Kind], palpated: np.ndarray, frames: int, rng: np.random.Generator
) -> Stimuli:
    """Presses and heat of all trials, in their rows."""
    painful = np.array([kind == "palpation" for kind in kinds])
    parts = (
        (palpated, palpation(recipe, painful[palpated], frames, rng)),
        (~palpated, thermal(recipe, int((~palpated).sum()), frames, rng)),
    )
    rows = len(kinds)
    whole = Stimuli(
        pain=np.zeros((rows, frames)),
        contact=np.zeros((rows, frames)),
        event=np.full((rows, frames), -1),
        peak=np.zeros((rows, EVENTS)),
        sudden=np.zeros((rows, EVENTS)),
        site_mm=np.zeros((rows, 2)),
    )
    for where, part in parts:
        for name in Stimuli.__struct_fields__:
            getattr(whole, name)[where] = getattr(part, name)
    return whole

"""Whole sessions and the one rating that each gets: bags of clips without ratings of their own.

Ratings are those that a table brings, of people; without any, simulated ones by the peak-end rule with scatter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from experiments.judges.clips import Clip

__all__ = ["ClipSession", "sessions_of"]

PALPATIONS, SESSIONS = 6, 8
"""Clips in a session, and sessions of each person: drawn among the person's clips, so they overlap."""
RATER_SD_NRS = 0.7
"""Scatter of a rating about the rule (assumption)."""


class ClipSession(NamedTuple):
    """Clips of one person, by their place in the list they were drawn from, and the rating of them all, NRS."""

    person: str
    clips: tuple[int, ...]
    rating: float


def sessions_of(clips: list[Clip], seed: int) -> list[ClipSession]:
    """Rated sessions of the clips, or simulated sessions of everybody who has enough of them.

    A simulated rating is the mean of the worst and the last pain (Redelmeier and Kahneman 1996, Pain 66:3) and scatter.
    """
    rated = [number for number, clip in enumerate(clips) if np.isfinite(clip.rating)]
    if rated:
        return _rated(clips, rated)
    rng = np.random.default_rng([seed, 8])
    people: dict[str, list[int]] = {}
    for number, clip in enumerate(clips):
        people.setdefault(clip.person, []).append(number)
    found = []
    for person, mine in people.items():
        for _ in range(SESSIONS if len(mine) >= PALPATIONS else 0):
            chosen = rng.choice(mine, PALPATIONS, replace=False).tolist()
            pains = [clips[number].nrs for number in chosen]
            rating = 0.5 * (max(pains) + pains[-1]) + RATER_SD_NRS * rng.standard_normal()
            found.append(ClipSession(person, tuple(chosen), float(np.clip(rating, 0.0, 10.0))))
    return found


def _rated(clips: list[Clip], rated: list[int]) -> list[ClipSession]:
    """Clips of one person and one session, in their order; all carry the session's rating."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number in rated:
        groups.setdefault((clips[number].person, clips[number].session), []).append(number)
    return [ClipSession(person, tuple(of), clips[of[0]].rating) for (person, _), of in groups.items()]

"""How a hand presses: the one course of a press over time, its place, and hands that press one after another.

A press rises, is held and falls. The same course serves for a force in newtons and for a pain that is given in its
place. What was measured is played as it is: ``recorded`` reads a file, ``measured_hand`` palpates as people did.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from firmware_bridge.phantom import spread
from firmware_bridge.presses import TREMOR, Hand
from firmware_bridge.recordings import ForceRecording, load_recording
from firmware_bridge.virtual_device import ForceSource
from robopatient.errors import ConfigError
from robopatient.patient import PatientProfile, TenderSite
from robopatient.phantom import Phantom

__all__ = [
    "STUDY_TREMOR",
    "ForceSource",
    "Palpation",
    "PressProfile",
    "Shape",
    "course",
    "measured_hand",
    "press",
    "recorded",
    "worst_site",
]

Shape = Literal["cosine", "sine", "smooth", "linear"]
"""Of rise and fall: raised cosine, quarter sine (the recorded median, ``firmware_bridge.presses``), cubic, straight."""
TREMOR_HZ = 7.0
STUDY_TREMOR = TREMOR
"""Relative SD of a hold that trembles as in ``firmware_bridge.presses``."""
FORGET_S = 10.0

Seconds = Annotated[float, Meta(ge=0, le=3600)]


def course(
    t_s: ArrayLike,
    *,
    peak: ArrayLike = 1.0,
    rise_s: ArrayLike,
    hold_s: ArrayLike,
    fall_s: ArrayLike,
    end: ArrayLike | None = None,
    shape: Shape = "cosine",
) -> NDArray[np.float64]:
    """Value of a press over time: 0 before ``t_s`` = 0, ``peak`` while it is held, 0 after its end.

    Parameters
    ----------
    t_s
        Seconds since the press begins; all arguments are broadcast together, the result has their common shape.
    end
        Value at the end of the hold, to which it goes in a straight line; None: it stays at ``peak``.
    """
    t, rise, hold, fall, top = (np.asarray(value, np.float64) for value in (t_s, rise_s, hold_s, fall_s, peak))
    up = np.clip(t / np.maximum(rise, 1e-9), 0.0, 1.0)
    down = np.clip((rise + hold + fall - t) / np.maximum(fall, 1e-9), 0.0, 1.0)
    way = np.minimum(up, down)
    if shape == "cosine":
        way = 0.5 - 0.5 * np.cos(np.pi * way)
    elif shape == "sine":
        way = np.sin(0.5 * np.pi * way)
    elif shape == "smooth":
        way = way * way * (3.0 - 2.0 * way)
    if end is None:
        return np.asarray(top * way)
    share = np.clip((t - rise) / np.maximum(hold, 1e-9), 0.0, 1.0)
    return np.asarray((top + (np.asarray(end, np.float64) - top) * share) * way)


class PressProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One press of a hand.

    Where it presses is told by one of three: ``at_mm``, ``site`` or ``region``; without any it is the most tender site
    of the patient, or the navel of a patient without one.

    Attributes
    ----------
    peak_newton
        Force while it is held, N.
    at_mm
        Place from the navel: to the patient's left, towards the head, mm.
    site
        Name of a tender site of the patient.
    region
        One of the nine regions (``robopatient.phantom.REGIONS``): the patient's most tender site in it, or its middle.
    rise_s, hold_s, fall_s
        Length of each part, s.
    onset_s
        When the hand arrives, s from the start of the simulation.
    tremor
        Relative SD of the force while it rises and falls.

    Examples
    --------
    >>> import robopatient as rp
    >>> one = rp.press(newton=15, site="McBurney's point", hold_s=2.0)
    >>> one.force([0.0, 1.0]).tolist()
    [0.0, 15.0]
    """

    peak_newton: Annotated[float, Meta(ge=0, le=500)]
    at_mm: tuple[float, float] | None = None
    site: str = ""
    region: str = ""
    rise_s: Seconds = 0.2
    hold_s: Seconds = 0.6
    fall_s: Seconds = 0.2
    shape: Shape = "cosine"
    onset_s: Seconds = 0.0
    tremor: Annotated[float, Meta(ge=0, le=1)] = 0.0

    @property
    def end_s(self) -> float:
        """When the hand has left, s."""
        return self.onset_s + self.rise_s + self.hold_s + self.fall_s

    def force(self, t_s: ArrayLike) -> NDArray[np.float64]:
        """Total force at times ``t_s`` from the start of the simulation, N, of the same shape."""
        since_s = np.asarray(t_s, np.float64) - self.onset_s
        bell = course(since_s, rise_s=self.rise_s, hold_s=self.hold_s, fall_s=self.fall_s, shape=self.shape)
        if self.tremor:
            wave = math.sqrt(2.0) * np.sin(2.0 * np.pi * TREMOR_HZ * since_s)
            bell = bell * (1.0 + self.tremor * wave * (bell < 1.0))
        return np.asarray(self.peak_newton * bell)

    def place_mm(self, phantom: Phantom, sites: Iterable[TenderSite] = ()) -> tuple[float, float]:
        """Where it presses this patient, from the navel: to the left, towards the head, mm.

        Raises
        ------
        ConfigError
            When the patient has no site of that name, or there is no such region.
        """
        sites = list(sites)
        if self.at_mm is not None:
            return self.at_mm
        if self.site:
            named = [one for one in sites if one.name == self.site]
            if not named:
                known = ", ".join(one.name for one in sites) or "no site at all"
                raise ConfigError(f'press: site "{self.site}" is not one of this patient ({known}); try a region')
            return named[0].left_mm, named[0].head_mm
        if self.region:
            middle = phantom.middle_mm(self.region)
            sites = [one for one in sites if one.region == self.region]
            return worst_site(sites) or middle
        return worst_site(sites) or (0.0, 0.0)


def press(newton: float = 20.0, **parts: Any) -> PressProfile:
    """A press of ``newton`` N, checked: the other fields are those of ``PressProfile``.

    Raises
    ------
    ConfigError
        Naming the field that is unknown or out of range.

    Examples
    --------
    >>> import robopatient as rp
    >>> rp.press(newton=20, region="right iliac", hold_s=1.0).end_s
    1.4
    """
    try:
        return msgspec.convert({"peak_newton": newton, **parts}, PressProfile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"press: {error}; fields are {', '.join(PressProfile.__struct_fields__)}") from error


def worst_site(sites: Iterable[TenderSite]) -> tuple[float, float] | None:
    """Place of the most tender of some sites, from the navel, mm; None without a site."""
    worst = max(sites, key=lambda one: one.strength, default=None)
    return None if worst is None else (worst.left_mm, worst.head_mm)


class Palpation:
    """Presses one after another as forces on the four cells: a ``ForceSource`` for the virtual board and for the rig.

    Parameters
    ----------
    phantom, sites
        What tells where each press lies.
    """

    def __init__(
        self, presses: Iterable[PressProfile] = (), *, phantom: Phantom, sites: Iterable[TenderSite] = ()
    ) -> None:
        self._phantom = phantom
        self._sites = tuple(sites)
        self._presses: list[tuple[PressProfile, tuple[float, float]]] = []
        for one in presses:
            self._add(one)

    @property
    def end_s(self) -> float:
        """When the hand has left for good, s; 0 before the first press."""
        return max((one.end_s for one, _ in self._presses), default=0.0)

    def press(self, press: PressProfile) -> None:
        """Press once more; what is over long ago is forgotten."""
        self._presses = [old for old in self._presses if old[0].end_s > press.onset_s - FORGET_S]
        self._add(press)

    def forces(self, t_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
        """Forces of the four cells, N, shape (n, 4), of conversions that end at ``t_s`` (n,) and last ``period_s``."""
        cells = np.zeros((len(t_s), 4))
        first_s, last_s = (float(t_s[0]) - period_s, float(t_s[-1])) if len(t_s) else (0.0, 0.0)
        for one, plate_mm in self._presses:
            if one.onset_s < last_s and first_s < one.end_s:
                cells += spread(one.force(t_s - period_s / 2), *plate_mm)
        return cells

    def _add(self, press: PressProfile) -> None:
        self._presses.append((press, self._phantom.plate_mm(*press.place_mm(self._phantom, self._sites))))


def recorded(file: str, profile: PatientProfile, phantom: Phantom) -> ForceRecording:
    """Recorded forces (``PATH`` or ``PATH#NAME``); those without a place of their own press the patient's first site.

    Raises
    ------
    RecordingError
        Naming the file and what is wrong with it.
    """
    site = profile.sites[0] if profile.sites else None
    return load_recording(file, phantom.plate_mm(site.left_mm, site.head_mm) if site else phantom.navel_mm)


def measured_hand(seed: int, profile: PatientProfile, phantom: Phantom) -> Hand:
    """A hand that palpates without end as people were measured to, most often at the most tender site."""
    return Hand(seed, phantom.plate_mm(*(worst_site(profile.sites) or (0.0, 0.0))))

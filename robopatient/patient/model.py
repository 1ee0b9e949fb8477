"""What the patient feels: force frames in, pain out.

Deterministic: the pain depends on the frames and their times and on nothing else, so a record can be felt again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from robopatient.config import ControlConfig, SensingConfig
from robopatient.errors import ConfigError
from robopatient.messages import ForceFrame, PainState, Phase
from robopatient.patient.profile import PatientProfile, TenderSite
from robopatient.phantom import Phantom, load_phantom

__all__ = ["Patient", "tenderness"]

MAX_NRS = 10.0
TOUCH_NEWTON = 1.2
"""Below it the abdomen is untouched (the published press counter ends a press there)."""
TREND_S = 0.05
"""Over so long the force's slope is averaged to tell rising from held (assumption: hands tremble at 8 Hz and more)."""
MOVING_NEWTON_PER_S = 30.0
"""Force that changes faster is rising or falling (assumption: a fifth of a press's usual slope)."""
SETTLED_NEWTON_PER_S = 10.0
"""Force that changes slower is held; between the two the phase stays what it was (assumption)."""
FASTEST_RELEASE_NEWTON_PER_S = 400.0
"""Faster changes are no hand's (95th percentile of the published slopes, facts sheet robopatient_systems, 1.7)."""
QUIET_FLAGS = frozenset(("stale", "paused"))
"""Frames that tell nothing about the hand: pain fades."""


def tenderness(sites: Sequence[TenderSite], baseline: float, left_mm: float, head_mm: float) -> tuple[float, str]:
    """Tenderness 0 to 1 of a point of the body, and the site that makes it ("" where only the baseline does)."""
    best, name = 0.0, ""
    for site in sites:
        distance2 = (left_mm - site.left_mm) ** 2 + (head_mm - site.head_mm) ** 2
        here = site.strength * math.exp(-distance2 / (2.0 * site.sigma_mm**2))
        if here > best:
            best, name = here, site.name
    return baseline + (1.0 - baseline) * best, name if best > baseline else ""


class Patient:
    """One patient on one phantom.

    Parameters
    ----------
    profile
        Who it is.
    seed
        Kept for components that draw; the present ones do not.
    phantom
        What they lie on; None is the phantom of a default session.
    fail_quiet_ms
        Time in which pain is gone when the frames say that they know nothing.

    Raises
    ------
    ConfigError
        When a tender site is not in the region that it names.
    """

    def __init__(
        self,
        profile: PatientProfile,
        seed: int = 0,
        phantom: Phantom | None = None,
        fail_quiet_ms: float = ControlConfig().fail_quiet_ms,
    ) -> None:
        self.profile = profile
        self.seed = seed
        self.phantom = phantom or load_phantom(SensingConfig().phantom)
        self._fail_quiet_ns = fail_quiet_ms * 1e6
        self._t_ns: int | None = None
        self._phase: Phase = "rest"
        self._trend = 0.0
        self._tender = 0.0  # where the hand is, or was last
        self._site = ""
        self._nociception = 0.0
        self._brace = 0.0
        self._rebound = 0.0
        self._quiet_until_ns: float | None = None
        for site in profile.sites:
            region = self.phantom.region(*self.phantom.plate_mm(site.left_mm, site.head_mm))
            if region != site.region:
                raise ConfigError(
                    f'{profile.name}: site "{site.name}" says {site.region}, but left_mm = {site.left_mm:g}, head_mm = '
                    f"{site.head_mm:g} is {region} on {self.phantom.name}; mend the region or the place"
                )

    def step(self, force: ForceFrame) -> PainState:
        """Feel one frame. Frames that go back in time, or repeat, let no time pass."""
        dt_s = max(0.0, (force.t_ns - self._t_ns) * 1e-9) if self._t_ns is not None else 0.0
        self._t_ns = max(force.t_ns, self._t_ns or force.t_ns)
        if not QUIET_FLAGS.isdisjoint(force.flags):
            self._fade(dt_s)
        else:
            self._quiet_until_ns = None
            self._feel(force, dt_s)
        # Each part takes a share of what the parts before it have left of the scale: more force is always more pain.
        pain = self._nociception
        guarding = self.profile.guarding.gain * self._brace * pain * (1.0 - pain / MAX_NRS)
        release = self._rebound * (1.0 - (pain + guarding) / MAX_NRS)
        nrs = min(MAX_NRS, pain + guarding + release)
        return PainState(
            t_ns=force.t_ns,
            cause_seq=force.seq,
            nrs=nrs,
            site=self._site if nrs > 0.0 else "",
            phase=self._phase,
            components={"nociception": pain, "guarding": guarding, "release": release},
        )

    def _feel(self, force: ForceFrame, dt_s: float) -> None:
        psychophysics, guarding, release = self.profile.psychophysics, self.profile.guarding, self.profile.release
        if force.contact_mm is not None:
            self._tender, self._site = tenderness(
                self.profile.sites, psychophysics.baseline_tenderness, *self.phantom.body_mm(*force.contact_mm)
            )
        newton = force.total_newton
        touched = newton >= TOUCH_NEWTON
        self._trend = _approach(self._trend, force.rate_newton_per_s, dt_s, TREND_S) if touched else 0.0
        self._phase = _next_phase(self._phase, self._trend) if touched else "rest"

        over = max(0.0, newton - psychophysics.threshold_newton) / psychophysics.reference_newton
        drive = MAX_NRS * -math.expm1(-self._tender * over**psychophysics.exponent)
        tau_s = (psychophysics.attack_ms if drive > self._nociception else psychophysics.decay_ms) * 1e-3
        self._nociception = _approach(self._nociception, drive, dt_s, tau_s)

        bracing = max(0.0, self._nociception - guarding.from_nrs) / (MAX_NRS - guarding.from_nrs)
        tau_s = guarding.build_s if bracing > self._brace else guarding.relax_s
        self._brace = _approach(self._brace, bracing, dt_s, tau_s)

        faded = _approach(self._rebound, 0.0, dt_s, release.decay_ms * 1e-3)
        letting_go = min(max(0.0, -force.rate_newton_per_s), FASTEST_RELEASE_NEWTON_PER_S)
        depth = self._nociception / MAX_NRS  # what did not hurt to press does not hurt to let go
        self._rebound = max(faded, min(MAX_NRS, release.nrs_per_newton_per_s * depth * letting_go))

    def _fade(self, dt_s: float) -> None:
        """Straight to 0 within ``fail_quiet_ms`` of the first quiet frame, whatever the time constants."""
        self._phase = "rest"
        now_ns = self._t_ns or 0
        if self._quiet_until_ns is None:
            self._quiet_until_ns = now_ns - dt_s * 1e9 + self._fail_quiet_ns
        left_ns = self._quiet_until_ns - now_ns
        share = left_ns / (left_ns + dt_s * 1e9) if left_ns > 0.0 else 0.0
        self._nociception *= share
        self._rebound *= share
        self._brace *= share


def _approach(value: float, target: float, dt_s: float, tau_s: float) -> float:
    """First-order step towards a target."""
    return value + (target - value) * -math.expm1(-dt_s / tau_s)


def _next_phase(phase: Phase, trend_newton_per_s: float) -> Phase:
    """Phase of a touched abdomen."""
    if phase == "rest" or trend_newton_per_s > MOVING_NEWTON_PER_S:
        return "onset"
    if trend_newton_per_s < -MOVING_NEWTON_PER_S:
        return "release"
    return "hold" if abs(trend_newton_per_s) < SETTLED_NEWTON_PER_S else phase

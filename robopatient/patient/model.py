"""What the patient feels and says: force frames and announcements in, pain and answers out.

The model is a chain of small effects, each in its own file; this one only puts them in order. Deterministic: the
result depends on seed, frames and actions and on nothing else, so a record can be felt again.
"""

from __future__ import annotations

import math

import msgspec

from robopatient.config import ControlConfig, SensingConfig
from robopatient.errors import ConfigError
from robopatient.levels import HAND_OFF_NEWTON, MAX_NRS, QUIET_FLAGS
from robopatient.messages import ForceFrame, PainState, Phase, Said
from robopatient.patient.adaptation import TwoProcess
from robopatient.patient.breath import Breath
from robopatient.patient.cues import CueMemory
from robopatient.patient.display import Streams
from robopatient.patient.expectation import lean, make_belief
from robopatient.patient.fluctuation import PainFluctuation
from robopatient.patient.guarding import Brace, Rebound
from robopatient.patient.offset import Offset
from robopatient.patient.own_effects import make_effect
from robopatient.patient.profile import PatientProfile, check
from robopatient.patient.report import SelfReport
from robopatient.patient.section import approach
from robopatient.patient.signs import elicited
from robopatient.patient.stress import strain
from robopatient.patient.summation import WindUp
from robopatient.patient.tenderness import nociception
from robopatient.phantom import Phantom, load_phantom

__all__ = ["Patient"]

PRESS_NEWTON = 3.0
"""A touch that never reached it teaches nothing (``SensingConfig.press_on_newton``): a resting hand is no press."""
HURTS_NRS = 0.05
"""Pain of a press below which no site is named (assumption: fading pain never ends by itself)."""
TREND_S = 0.05
"""Over so long the force's slope is averaged to tell rising from held (assumption: hands tremble at 8 Hz and more)."""
MOVING_NEWTON_PER_S = 30.0
"""Force that changes faster is rising or falling (assumption: a fifth of a press's usual slope)."""
SETTLED_NEWTON_PER_S = 10.0
"""Force that changes slower is held; between the two the phase stays what it was (assumption)."""
BREATHE = ("breathe in", "breath in", "deep breath", "inhale")
"""Announcements that are instructions to breathe."""


class Patient:
    """One patient on one phantom.

    Parameters
    ----------
    profile
        Who it is.
    seed
        Of all that is drawn: the endogenous pain and the answers.
    phantom
        What they lie on; None is the phantom of a default session.
    fail_quiet_ms
        Time after the last frame that was felt in which pain is gone when those that follow know nothing.

    Raises
    ------
    ConfigError
        When traits contradict each other, a tender site is not in the region that it names, or an effect of one's own
        cannot be made.
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
        _check_places(profile, self.phantom)
        chronic = profile.kind == "chronic"
        self.stress = profile.stress.level
        self.relief = 0.0
        """Analgesia given in the session, 0 to 1: the share that it takes of drive and of endogenous pain."""
        self._chronic = chronic
        self._brace = Brace(profile.guarding)
        self._rebound = Rebound(profile.release)
        self._breath = Breath(profile.breathing, seed)
        self._descending = {site.name for site in profile.sites if site.descent_mm > 0.0}
        self._streams = Streams(profile.display)
        self._wind_up = WindUp(profile.summation) if profile.summation else None
        self._two_process = TwoProcess(profile.adaptation) if profile.adaptation else None
        self._belief = make_belief(profile.expectation) if profile.expectation else None
        self._cues = CueMemory(profile.cues) if profile.cues else None
        self._offset = Offset(profile.offset, chronic) if profile.offset else None
        self._wander = PainFluctuation(profile.fluctuation, seed) if profile.fluctuation else None
        try:
            self._own = {f"own_{effect.name}": make_effect(effect, seed) for effect in profile.effects}
        except ConfigError as error:
            raise ConfigError(f"{profile.name}: {error}") from error
        self._self_report = SelfReport(profile.talk, profile.sites, (profile.complaint, profile.history), seed)

        self._fail_quiet_ns = fail_quiet_ms * 1e6
        self._quiet_until_ns: float | None = None
        self._presence = 1.0
        self._t_ns: int | None = None
        self._phase: Phase = "rest"
        self._trend = 0.0
        self._body_mm: tuple[float, float] | None = None  # where the hand is, or was last
        self._region = ""
        self._site = ""
        self._hurt_site = ""  # where it hurt last: what a question after the press is about
        self._nociception = 0.0
        self._peak_newton = 0.0
        self._peak_region = ""
        self._peak_nociception = 0.0
        self._peak_felt = 0.0
        self._felt = PainState(t_ns=0, cause_seq=-1, nrs=0.0, site="", phase="rest")

    def step(self, force: ForceFrame) -> PainState:
        """Feel one frame. Frames that go back in time, or repeat, let no time pass."""
        dt_s = max(0.0, (force.t_ns - self._t_ns) * 1e-9) if self._t_ns is not None else 0.0
        self._t_ns = max(force.t_ns, self._t_ns or force.t_ns)
        if not QUIET_FLAGS.isdisjoint(force.flags):
            self._fade(dt_s)
        else:
            self._feel(force, dt_s)
        parts = self._parts(force, dt_s)
        nrs = min(MAX_NRS, max(0.0, sum(parts.values())))
        self._breath.step(self._phase, nrs, nrs if self._site in self._descending else 0.0, dt_s)
        shown = self._streams.step(nrs, dt_s)
        self._peak_nociception = max(self._peak_nociception, self._nociception)
        self._peak_felt = max(self._peak_felt, nrs)
        site = self._site if self._nociception >= HURTS_NRS else ""
        self._hurt_site = site or self._hurt_site
        pressed_nrs = nrs if self._phase != "rest" else 0.0
        self._felt = PainState(
            t_ns=force.t_ns,
            cause_seq=force.seq,
            nrs=nrs,
            site=site,
            phase=self._phase,
            components=parts,
            report_nrs=shown.report,
            face_nrs=shown.face,
            voice_nrs=shown.voice,
            sign=elicited(site, pressed_nrs, self._rebound.nrs, self._brace.tension, self._breath.arrested),
            breath=self._breath.chest,
        )
        return self._felt

    def cue(self, words: str) -> None:
        """Announce something before a press, or tell the patient to breathe in."""
        if any(word in words.lower() for word in BREATHE):
            self._breath.take()
        elif self._cues is not None:
            self._cues.announce(words)

    def answer(self, question: str, t_ns: int) -> Said:
        """Answer a question about what is felt now, or was felt just before."""
        state = msgspec.structs.replace(self._felt, site=self._felt.site or self._hurt_site)
        report = self._self_report.answer(question, state)
        return Said(
            t_ns=t_ns,
            cause_seq=state.cause_seq,
            question=report.question,
            text=report.text,
            nrs=-1 if report.nrs is None else report.nrs,
            refused=report.refused,
            felt_nrs=state.nrs,
            words=report.words,
        )

    def _feel(self, force: ForceFrame, dt_s: float) -> None:
        psychophysics = self.profile.psychophysics
        self._quiet_until_ns = None
        # Endogenous pain comes back as softly as it went.
        self._presence = min(1.0, self._presence + dt_s * 1e9 / self._fail_quiet_ns)
        if force.contact_mm is not None:
            self._body_mm = self.phantom.body_mm(*force.contact_mm)
            self._region = self.phantom.region(*force.contact_mm)
        newton = force.total_newton
        touched = newton >= HAND_OFF_NEWTON
        self._trend = approach(self._trend, force.rate_newton_per_s, dt_s, TREND_S) if touched else 0.0
        was, self._phase = self._phase, _next_phase(self._phase, self._trend) if touched else "rest"
        if was == "rest" and touched:
            self._peak_newton = self._peak_nociception = self._peak_felt = 0.0
        elif was != "rest" and not touched and self._peak_newton >= PRESS_NEWTON:
            self._learn()
        if newton > self._peak_newton:
            self._peak_newton, self._peak_region = newton, self._region

        drive = 0.0
        if self._body_mm is not None:
            threshold, gain = strain(self.profile.stress, self.stress, self._chronic)
            drive, self._site = nociception(
                self.profile.sites,
                psychophysics,
                self._body_mm,
                newton,
                threshold_newton=psychophysics.threshold_newton * threshold,
                gain=gain * (1.0 - self.relief),
                inspiration=self._breath.inspiration,
            )
        tau_s = (psychophysics.attack_ms if drive > self._nociception else psychophysics.decay_ms) * 1e-3
        self._nociception = approach(self._nociception, drive, dt_s, tau_s)
        self._brace.step(self._nociception, dt_s)
        self._rebound.step(self._nociception, force.rate_newton_per_s, dt_s)

    def _parts(self, force: ForceFrame, dt_s: float) -> dict[str, float]:
        """The chain: each effect adds to (or takes from) the pain that those before it have left."""
        parts = {"nociception": self._nociception}
        pain = self._nociception
        if self._wind_up is not None:
            self._wind_up.step(pain, dt_s)
            parts["summation"] = self._wind_up.added(pain)
            pain += parts["summation"]
        if self._two_process is not None:
            self._two_process.step(dt_s)
            parts["habituation"], parts["sensitisation"] = self._two_process.added(pain, self._region)
            pain += parts["habituation"] + parts["sensitisation"]
        if self._cues is not None:
            self._cues.step(dt_s)
        if self._belief is not None:
            parts["expectation"] = lean(pain, self._expected(), self._belief.gamma)
            pain += parts["expectation"]
        parts["guarding"] = self._brace.added(pain)
        pain += parts["guarding"]
        if self._offset is not None:
            parts["offset"] = self._offset.step(pain, dt_s)
            pain += parts["offset"]
        parts["release"] = self._rebound.nrs * (1.0 - pain / MAX_NRS)
        pain += parts["release"]
        for name, effect in self._own.items():
            added = self._presence * effect.step(min(MAX_NRS, max(0.0, pain)), force, dt_s)
            if not math.isfinite(added):
                raise ConfigError(f"{self.profile.name}: {name} is {added}; its step must return a finite number, NRS")
            parts[name] = added
            pain += added
        if self._wander is not None:
            endogenous = self._presence * (1.0 - self.relief) * self._wander.step(dt_s)
            parts["endogenous"] = endogenous * (1.0 - pain / MAX_NRS)
        return parts

    def _expected(self) -> float:
        """What the patient expects of a press here, NRS."""
        belief = self._belief
        if belief is None:
            return 0.0
        return self._cues.expected(belief.expected_nrs, self._region) if self._cues else belief.expected_nrs

    def _learn(self) -> None:
        """A press has ended: habituate to it and expect the next by it."""
        if self._two_process is not None:
            self._two_process.press_ended(self._peak_region, self._peak_nociception)
        against = False
        if self._cues is not None and self._belief is not None:
            against = self._cues.press_ended(self._peak_felt, self._peak_region, self._belief.expected_nrs)
        if self._belief is not None:
            self._belief.learn(self._peak_felt, against)

    def _fade(self, dt_s: float) -> None:
        """Straight to 0 within ``fail_quiet_ms`` of the last frame that was felt, whatever the time constants."""
        self._phase = "rest"
        now_ns = self._t_ns or 0
        if self._quiet_until_ns is None:
            self._quiet_until_ns = now_ns - dt_s * 1e9 + self._fail_quiet_ns
        left_ns = self._quiet_until_ns - now_ns
        share = left_ns / (left_ns + dt_s * 1e9) if left_ns > 0.0 else 0.0
        self._nociception *= share
        self._presence *= share
        self._rebound.fade(share)
        self._brace.fade(share)


def _check_places(profile: PatientProfile, phantom: Phantom) -> None:
    """A profile need not come from a file: what the loader refuses is refused here too."""
    check(profile, profile.name)
    for site in profile.sites:
        region = phantom.region(*phantom.plate_mm(site.left_mm, site.head_mm))
        if region != site.region:
            raise ConfigError(
                f'{profile.name}: site "{site.name}" says {site.region}, but left_mm = {site.left_mm:g}, head_mm = '
                f"{site.head_mm:g} is {region} on {phantom.name}; correct the region or the place"
            )


def _next_phase(phase: Phase, trend_newton_per_s: float) -> Phase:
    """Phase of a touched abdomen."""
    if phase == "rest" or trend_newton_per_s > MOVING_NEWTON_PER_S:
        return "onset"
    if trend_newton_per_s < -MOVING_NEWTON_PER_S:
        return "release"
    return "hold" if abs(trend_newton_per_s) < SETTLED_NEWTON_PER_S else phase

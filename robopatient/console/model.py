"""State and actions of the operator: fed with messages, read by the panels, no Qt.

The panels draw what the model says at each refresh; they keep no state of their own beyond widgets.
"""

from __future__ import annotations

import collections
import math
from typing import Literal

import msgspec

from robopatient import messages as m
from robopatient.clock import Clock
from robopatient.config import SessionConfig
from robopatient.console.examination import ExaminationModel
from robopatient.console.lights import Lamp, State, derive_lights
from robopatient.console.study_model import StudyModel
from robopatient.console.trace import Trace
from robopatient.levels import FLAGS, SILENCE_DBFS, Flag
from robopatient.patient import PatientProfile
from robopatient.phantom import Phantom
from robopatient.presence import Presence
from robopatient.study.study import load_study
from robopatient.topics import TOPICS

__all__ = ["Alert", "ConsoleModel", "EventLine", "Picture"]

"""Level at which the trace of the voice lies on its floor (the range of ``VoiceAsk.level_db``)."""
UNHUSH_GUARD_S = 0.5
"""A second press this soon after a hush is a panicked double press: the patient stays silent (assumption)."""
ACTION_SETTLES_S = 0.1
"""A health report made this soon after a key press may not know of it yet (loop period 4 ms, bus a few ms)."""
STOP_ARMED_S = 4.0
"""Time to press Stop again (assumption: long enough to read the question, short enough to forget it)."""
FLAG_HOLD_S = 2.0
"""A flag that flickers with the frames stays on the banner this long, so that it can be read."""
ERROR_HOLD_S = 10.0
"""An error stays on the banner this long; the event list keeps it."""
EVENTS = 200
PRESSES_SHOWN = 400


class Alert(msgspec.Struct, frozen=True):
    """One line of the banner."""

    state: State | Literal["hush"]
    text: str


class EventLine(msgspec.Struct, frozen=True):
    """One line of the event list; ``kind`` is "press", "info", "warning" or "error"."""

    t_ns: int
    kind: str
    text: str


class Picture(msgspec.Struct, frozen=True):
    """What the face showed last: RGB bytes, top row first, and when it came."""

    t_ns: int
    height: int
    width: int
    rgb: bytes


class ConsoleModel:
    """Everything the window shows.

    Parameters
    ----------
    config
        The session's resolved configuration.
    clock
        Told to the model, so that tests turn it by hand.
    patient
        Who lies on the table.
    phantom
        On what.
    """

    def __init__(self, config: SessionConfig, clock: Clock, patient: PatientProfile, phantom: Phantom) -> None:
        self.config = config
        self.clock = clock
        self.patient = patient
        self.phantom = phantom
        self.examination = ExaminationModel(config, patient, phantom)
        self.study = _study_model(config, clock)
        self.force_newton = Trace()
        self.nrs = Trace()
        self.level_dbfs = Trace()
        self.f0_hz = Trace()
        self.pspi = Trace()
        self.contact_mm: tuple[float, float] | None = None
        self.pain: m.PainState | None = None
        self.heard: m.Heard | None = None
        self.loudness: m.Loudness | None = None
        self.picture: Picture | None = None
        self.presses: collections.deque[m.Press] = collections.deque(maxlen=PRESSES_SHOWN)
        self.press_count = 0
        self.region_counts: collections.Counter[str] = collections.Counter()
        self.events: collections.deque[EventLine] = collections.deque(maxlen=EVENTS)
        self.event_count = 0
        self.actors: dict[str, m.ActorState] = {}
        self.presence = Presence(config)
        self.health: m.Health | None = None
        self.start: m.SessionStart | None = None
        self.stop: m.SessionStop | None = None
        self.running = config.control.autostart
        self.hushed = False
        self._begun_ns: int | None = None
        self._missed_lately = 0
        self._acted_ns = 0
        self._hushed_ns: int | None = None
        self._stop_armed_ns: int | None = None
        self._flagged_ns: dict[str, int] = {}
        self._error: EventLine | None = None

    # What is told

    def feed(self, message: m.Message) -> None:
        """Take in one message of the bus; types that the console does not show are ignored."""
        self.examination.feed(message)
        self.study.feed(message)
        self.presence.feed(message)
        match message:
            case m.ForceFrame():
                self._begin(message.t_ns)
                self.force_newton.append(message.t_ns, message.total_newton)
                self.contact_mm = message.contact_mm
                for flag in message.flags:
                    self._flagged_ns[flag] = message.t_ns
            case m.PainState():
                self.pain = message
                self.nrs.append(message.t_ns, message.nrs)
            case m.Heard():
                self.heard = message
                self.level_dbfs.append(message.t_ns, max(SILENCE_DBFS, message.level_dbfs))
                self.f0_hz.append(message.t_ns, message.f0_hz if message.f0_hz > 0 else math.nan)
            case m.Seen():
                self.pspi.append(message.t_ns, message.pspi)
            case m.Press():
                self._feed_press(message)
            case m.Health():
                self._feed_health(message)
            case m.ActorState():
                self._feed_actor(message)
            case m.OperatorAction():
                self._apply(message)
            case m.Note():
                self._add_event(EventLine(message.t_ns, message.level, f"{message.source}: {message.text}"))
            case m.Said():
                self._add_event(EventLine(message.t_ns, "info", f"patient: “{message.text}”"))
            case m.Spoken(why="interjection"):
                self._add_event(EventLine(message.t_ns, "info", f"patient: “{message.text}”"))
            case m.Loudness():
                self.loudness = message
            case m.ScenarioChange():
                self._add_event(EventLine(message.t_ns, "info", f"scenario: {message.text or message.state}"))
            case m.Rating():
                self._add_event(EventLine(message.t_ns, "info", f"{message.rater}: {message.scale} {message.value:g}"))
            case m.SessionStart():
                self.start = message
            case m.SessionStop():
                self.stop = message
                self.running = False

    def show(self, height: int, width: int, rgb: bytes) -> None:
        """Take in the face's newest picture."""
        self.picture = Picture(self.clock.now_ns(), height, width, rgb)

    # What the operator may do

    def toggle_run(self) -> m.OperatorAction:
        """Start expressing, or pause."""
        return self._act("stop" if self.running else "start")

    def tare(self) -> m.OperatorAction:
        """Take the present load as zero."""
        return self._act("tare")

    def hush(self) -> m.OperatorAction:
        """Silence at once, however often it is asked for."""
        return self._act("hush")

    def toggle_hush(self) -> m.OperatorAction | None:
        """Silence at once, or let the patient speak again; None for the second half of a panicked double press."""
        if not self.hushed:
            return self._act("hush")
        if self._hushed_ns is not None and self.clock.now_ns() - self._hushed_ns < UNHUSH_GUARD_S * 1e9:
            return None
        return self._act("unhush")

    def note(self, text: str) -> m.OperatorAction | None:
        """A remark for the record; None when there is nothing in it."""
        text = " ".join(text.split())
        return self._act("note", text) if text else None

    def wish(self, action: str, argument: str) -> m.OperatorAction:
        """Anything else that the instructor wants: "ask", "cue", "trigger", "scenario", "rating"."""
        return self._act(action, argument)

    def press_stop(self) -> m.OperatorAction | None:
        """Arm the end of the session (None), or end it when armed."""
        if self.stop_armed:
            self._stop_armed_ns = None
            return self._act("quit")
        self._stop_armed_ns = self.clock.now_ns()
        return None

    # What the panels ask

    @property
    def stop_armed(self) -> bool:
        """Whether a second press now ends the session."""
        return self._stop_armed_ns is not None and self.clock.now_ns() - self._stop_armed_ns < STOP_ARMED_S * 1e9

    @property
    def elapsed_s(self) -> float:
        """Since the loop began to turn, 0 before; it stands still once the session has stopped."""
        return self.elapsed_at(self.stop.t_ns if self.stop is not None else self.clock.now_ns())

    def elapsed_at(self, t_ns: int) -> float:
        """Seconds from the beginning of the session to a moment, 0 before it."""
        return 0.0 if self._begun_ns is None else max(0.0, (t_ns - self._begun_ns) * 1e-9)

    def is_stale(self, topic: str) -> bool:
        """Whether a stream is older than its maximum age, or has not begun: "force", "pain", "heard" or "seen"."""
        trace = {"force": self.force_newton, "pain": self.nrs, "heard": self.level_dbfs, "seen": self.pspi}[topic]
        max_age_ms = TOPICS[topic].max_age_ms or math.inf
        return trace.latest_ns is None or self.clock.now_ns() - trace.latest_ns > max_age_ms * 1e6

    def lights(self) -> tuple[Lamp, ...]:
        """Board, voice, face, record, loop."""
        now_ns = self.clock.now_ns()
        return derive_lights(
            self.config,
            self.health,
            self._missed_lately,
            self.actors,
            now_ns,
            self.loudness,
            self._face_trouble(now_ns),
            self._voice_trouble(now_ns),
        )

    @property
    def expressing(self) -> bool:
        """Whether voice and face, as far as they belong to the session, are there for the patient to use."""
        states = {light.name: light.state for light in self.lights()}
        wanted = {"Voice": self.config.voice.enabled, "Face": self.config.face.enabled}
        return all(states[name] in ("ok", "warn") for name, enabled in wanted.items() if enabled)

    def warnings(self) -> list[Alert]:
        """What the operator should know now, worst first."""
        now_ns = self.clock.now_ns()
        found: list[Alert] = []
        if self.stop is not None:
            detail = f": {self.stop.detail}" if self.stop.detail else ""
            found.append(
                Alert("bad" if self.stop.reason == "failed" else "warn", f"Session ended ({self.stop.reason}){detail}")
            )
        found += [Alert(light.state, _alert(light)) for light in self.lights() if light.state in ("bad", "warn")]
        newton = 0.0 if self.is_stale("force") else self.force_newton.latest
        if newton > self.config.sensing.limit_newton:
            self._flagged_ns[Flag.OVERLOAD] = now_ns
        elif newton > self.config.sensing.warn_newton:
            found.append(Alert("warn", f"Force above {self.config.sensing.warn_newton:.0f} N: firm palpation"))
        found += [
            Alert(FLAGS[flag].alert, FLAGS[flag].advice)
            for flag, seen_ns in self._flagged_ns.items()
            if flag in FLAGS and FLAGS[flag].alert != "off" and now_ns - seen_ns < FLAG_HOLD_S * 1e9
        ]
        if self._error is not None and now_ns - self._error.t_ns < ERROR_HOLD_S * 1e9:
            found.append(Alert("warn", self._error.text))
        return sorted(found, key=lambda warning: warning.state != "bad")

    # Within

    def _begin(self, t_ns: int) -> None:
        if self._begun_ns is None:
            self._begun_ns = t_ns

    @property
    def _expected(self) -> bool:
        """Whether the loop turns, so that pictures and sound must come."""
        return self.stop is None and self.running

    def _face_trouble(self, now_ns: int) -> str:
        fault = self.presence.face(now_ns) if self._expected else None
        if fault is None:
            return ""
        frozen = "frozen" if self.pspi.latest_ns is not None else "not shown"
        return f"Face {frozen} since {self._clock(fault.since_ns)}{_because(fault.why)}. {self._way_out}"

    def _voice_trouble(self, now_ns: int) -> str:
        fault = self.presence.voice(now_ns) if self._expected else None
        if fault is None:
            return ""
        since = self._clock(fault.since_ns)
        return f"No sound since {since}: check the loudspeaker{_because(fault.why)}. {self._way_out}"

    @property
    def _way_out(self) -> str:
        """What an operator can do about a part that does not work: there is no key that starts it again."""
        pause = "P" if self.config.study.name or self.config.lesson.folder else "Space"
        return f"{pause}: pause. Ctrl Q twice: stop, then start the session again"

    def _clock(self, t_ns: int) -> str:
        seconds = int(self.elapsed_at(t_ns))
        return f"{seconds // 60}:{seconds % 60:02d}"

    def _act(self, action: str, argument: str = "") -> m.OperatorAction:
        """Make an action and show its effect at once: an operator must not wait for the loop to see a hush."""
        made = m.OperatorAction(self.clock.now_ns(), action, argument)
        self._apply(made)
        return made

    def _apply(self, action: m.OperatorAction) -> None:
        if action.action in ("start", "stop"):
            self.running = action.action == "start"
        elif action.action in ("hush", "unhush", "resume"):
            self.hushed = action.action == "hush"
            self._hushed_ns = action.t_ns if self.hushed else None
        self._acted_ns = max(self._acted_ns, action.t_ns)

    def _feed_press(self, press: m.Press) -> None:
        if press in self.presses:
            return  # told by the record and by the bus
        self.presses.append(press)
        self.press_count += 1
        self.region_counts[press.region] += 1
        now_ns = self.clock.now_ns()
        text = f"Press {self.press_count}: {press.peak_newton:.1f} N, {press.region}"
        if self.nrs.window(now_ns, (now_ns - press.t_ns) * 1e-9)[1].size:
            text += f", pain {self.nrs.peak(now_ns, (now_ns - press.t_ns) * 1e-9):.1f}"
        self._add_event(EventLine(press.release_t_ns, "press", text))

    def _feed_health(self, health: m.Health) -> None:
        self._begin(health.t_ns)
        self.presence.begin(health.t_ns)
        if self.health is not None:
            self._missed_lately = max(0, health.loop_missed - self.health.loop_missed)
        self.health = health
        if health.t_ns - self._acted_ns > ACTION_SETTLES_S * 1e9:
            self.running = health.running
            self.hushed = health.hushed

    def _feed_actor(self, told: m.ActorState) -> None:
        known = self.actors.get(told.actor)
        self.actors[told.actor] = told
        if known is None or known.state != told.state:  # details may hold figures that change with every heartbeat
            kind = {"failed": "error", "degraded": "warning"}.get(told.state, "info")
            self._add_event(
                EventLine(told.t_ns, kind, f"{told.actor}: {told.state}" + (f", {told.detail}" if told.detail else ""))
            )

    def _add_event(self, event: EventLine) -> None:
        if event in self.events:
            return
        self.events.append(event)
        self.event_count += 1
        if event.kind == "error":
            self._error = event


def _alert(light: Lamp) -> str:
    """A light in a sentence."""
    if light.alert:
        return light.alert
    return f"{light.name}: {light.word.lower()}. {light.why[:1].upper()}{light.why[1:]}".rstrip(". ")


def _because(why: str) -> str:
    return f" ({why})" if why else ""


def _study_model(config: SessionConfig, clock: Clock) -> StudyModel:
    """Model of the session's study or training session, or of neither."""
    if config.lesson.folder:
        return StudyModel(clock, break_every=config.lesson.break_every, break_s=config.lesson.break_s)
    if not config.study.name:
        return StudyModel(clock)
    file = load_study(config.study.name).file
    design = file.design
    return StudyModel(clock, break_every=design.break_every, break_s=design.break_s, replays=file.press.replays)

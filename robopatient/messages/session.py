"""A session: its start and stop, what the operator does, how its parts are."""

from __future__ import annotations

import msgspec

from robopatient.messages.flow import Message

__all__ = [
    "ActorState",
    "Health",
    "Note",
    "OperatorAction",
    "SessionStart",
    "SessionStop",
]


class SessionStart(Message, frozen=True, gc=False):
    """All that is known before the first frame: enough to run the session again.

    Attributes
    ----------
    files_sha256
        Hash of every file that pain and expression are computed from, by kind and name: "patients/appendicitis".
    """

    t_ns: int
    wall_time_iso: str
    session_id: str
    version: str
    commit: str
    seed: int
    config_json: str
    calibration_json: str
    machine: dict[str, str]
    files_sha256: dict[str, str] = msgspec.field(default_factory=dict)


class SessionStop(Message, frozen=True, gc=False):
    """How it ended: "done", "operator", "interrupted", "failed"."""

    t_ns: int
    reason: str
    detail: str = ""


class OperatorAction(Message, frozen=True, gc=False):
    """A command from the operator: "start", "stop", "tare", "hush", "unhush", "note" (text in ``argument``), "quit".

    For the patient: "cue" (what is announced: "this may hurt", "breathe in"), "ask" (a question: "nrs", "where",
    "quality", "feeling", "history"), "stress" and "relief" (a level from 0 to 1).

    For the training: "trigger" (a name that the scenario waits for), "scenario" ("goto STATE", "event NAME", "hold",
    "go on") and "rating" ("NRS 6", "BPS.face 3": see ``robopatient.scales``).

    Of the trainer of a policy: "begun" and "learnt" (how many answers it holds) and "suggest" (see
    ``robopatient.study.chooser``).
    """

    t_ns: int
    action: str
    argument: str = ""
    source: str = "console"


class ActorState(Message, frozen=True, gc=False):
    """An actor's own report: "starting", "ready", "degraded" (``detail`` says why), "stopped", "failed"."""

    t_ns: int
    actor: str
    state: str
    detail: str = ""
    pid: int = 0


class Health(Message, frozen=True, gc=False):
    """How the loop and the link are doing, once a second or at any change of ``link``.

    ``link`` is the bridge's word: "closed", "down", "identifying", "starting", "streaming" or "silent".
    """

    t_ns: int
    link: str
    board: str
    frame_rate_hz: float
    frames: int
    frames_lost: int
    frames_bad: int
    clock_residual_ms: float
    loop_missed: int
    loop_late_p99_us: float
    running: bool
    hushed: bool
    warnings: tuple[str, ...] = ()


class Note(Message, frozen=True, gc=False):
    """Something worth a line in the record: an error, a restart, an operator's remark. Level: info, warning, error."""

    t_ns: int
    level: str
    source: str
    text: str

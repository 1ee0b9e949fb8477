"""The nouns that flow: frozen, typed, with the unit in the name. Read this file first.

``t_ns`` is the host's monotonic time of the moment the thing happened. ``cause_seq`` is the sequence number of
the force frame behind it, so that a latency is a subtraction in the record and never an estimate.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from firmware_bridge.frames import RawFrame, Status

__all__ = [
    "ActorState",
    "Dial",
    "Expression",
    "FaceAsk",
    "FaceCommand",
    "ForceFrame",
    "Health",
    "Heard",
    "LessonState",
    "Loudness",
    "Note",
    "OperatorAction",
    "PainState",
    "Phase",
    "Press",
    "Rating",
    "RawFrame",
    "Said",
    "ScenarioChange",
    "Seen",
    "SessionStart",
    "SessionStop",
    "Spoken",
    "Status",
    "StudyPhase",
    "StudyState",
    "TrialRecord",
    "TrialStart",
    "VoiceAsk",
    "VoiceCommand",
]

Phase = Literal["rest", "onset", "hold", "release"]
"""Where in a press the patient is: untouched, force rising, force held, force falling."""


StudyPhase = Literal[
    "setup",
    "consent",
    "instructions",
    "ready",
    "press",
    "react",
    "question",
    "feedback",
    "break",
    "paused",
    "done",
    "aborted",
]
"""Where in a study the session is; "feedback" lasts until the trial's row is on the disk."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """Base of every message: immutable and cheap."""


class ForceFrame(Message, frozen=True, gc=False):
    """What presses the abdomen, in newtons.

    Attributes
    ----------
    cells_newton
        Tared, filtered force of each cell, shape (n_cells,).
    contact_mm
        Centre of pressure (x, y) in the phantom's frame, or None without contact.
    flags
        Words from ``robopatient.sensing.FLAGS``: "saturated", "dead_cell", "early_contact", "stale", "spike",
        "overload", "untared", "clock_unsynced".
    """

    t_ns: int
    received_ns: int
    seq: int
    cells_newton: tuple[float, ...]
    contact_mm: tuple[float, float] | None = None
    rate_newton_per_s: float = 0.0
    flags: tuple[str, ...] = ()

    @property
    def total_newton(self) -> float:
        """Sum over the cells."""
        return float(sum(self.cells_newton))


class Press(Message, frozen=True, gc=False):
    """One finished press: from first contact to release.

    ``t_ns`` is the onset. ``seq`` and ``peak_seq`` name the force frames of onset and peak. ``x_mm, y_mm`` is the
    centre of pressure averaged over the frames above half the peak.
    """

    t_ns: int
    seq: int
    peak_t_ns: int
    peak_seq: int
    release_t_ns: int
    peak_newton: float
    rise_newton_per_s: float
    x_mm: float
    y_mm: float
    region: str
    flags: tuple[str, ...] = ()


class PainState(Message, frozen=True, gc=False):
    """What the patient feels now, and how much of it reaches each way of telling.

    Felt pain, self-report, face and voice are four streams, because in people they part; a stream that is not given
    (negative) is as felt.

    Attributes
    ----------
    nrs
        Felt pain on the numeric rating scale, 0 to 10, continuous.
    site
        Name of the tender site that dominates, or "" when none is pressed.
    components
        Named parts of ``nrs`` before clipping, same unit: "nociception", "guarding", "release", …; what relieves
        is negative.
    report_nrs
        Pain that the patient would own to if asked now, before noise: recalled, held back or exaggerated.
    face_nrs, voice_nrs
        Pain that reaches the face and the voice, before the identity's expressiveness.
    sign
        Clinical sign that is being elicited: "McBurney", "Murphy", "rebound", "guarding", or "".
    """

    t_ns: int
    cause_seq: int
    nrs: float
    site: str
    phase: Phase
    components: dict[str, float] = {}
    report_nrs: float = -1.0
    face_nrs: float = -1.0
    voice_nrs: float = -1.0
    sign: str = ""

    def __post_init__(self) -> None:
        """Streams that are not given are as felt."""
        for stream in ("report_nrs", "face_nrs", "voice_nrs"):
            if getattr(self, stream) < 0.0:
                msgspec.structs.force_setattr(self, stream, self.nrs)


class Said(Message, frozen=True, gc=False):
    """What the patient answered.

    Attributes
    ----------
    question
        What was asked: "nrs", "where", "quality", "feeling", "history", or the words that were not understood.
    text
        The answer in the patient's words.
    nrs
        Number given, 0 to 10, or -1 when none was.
    refused
        Whether the patient would not or could not answer.
    felt_nrs
        Felt pain at that moment: the truth beside the report.
    words
        Descriptors in the answer.
    """

    t_ns: int
    cause_seq: int
    question: str
    text: str
    nrs: int = -1
    refused: bool = False
    felt_nrs: float = 0.0
    words: tuple[str, ...] = ()


class VoiceAsk(Message, frozen=True, gc=False):
    """What the expression wants to be heard.

    Attributes
    ----------
    level_db
        Level relative to this voice's loudest cry, dB (0 loudest, -60 inaudible).
    f0_semitones
        Offset from the identity's habitual speaking f0.
    roughness, breathiness
        0 to 1.
    call
        "auto" lets the gesture machine choose by pain; else a gesture's name.
    duration_ratio
        Length of a call over its usual one, 0.5 to 2.
    formant_ratio
        Formants over the identity's own, 0.7 to 1.4.
    """

    level_db: float
    f0_semitones: float
    roughness: float
    breathiness: float
    call: str = "auto"
    duration_ratio: float = 1.0
    formant_ratio: float = 1.0


class FaceAsk(Message, frozen=True, gc=False):
    """What the expression wants to be seen: pain shown 0-10 and expressiveness 0 (stoic) to 1 (typical) to 2.

    Attributes
    ----------
    flush
        -1 pallor to 1 redness of the skin, on top of what pain and the person's own blood do.
    sweat, tears
        0 to 1, on top likewise.
    """

    nrs: float
    expressiveness: float = 1.0
    flush: float = 0.0
    sweat: float = 0.0
    tears: float = 0.0


class Expression(Message, frozen=True, gc=False):
    """How this patient shows it; ``policy`` names the mapper (and checkpoint hash) that made it."""

    t_ns: int
    cause_seq: int
    policy: str
    voice: VoiceAsk
    face: FaceAsk


class VoiceCommand(Message, frozen=True, gc=False):
    """What is asked of the voice, after ``expression/split.py``. Latest wins.

    ``received_ns`` is when the force frame behind it reached this computer: the zero of every latency.
    """

    t_ns: int
    cause_seq: int
    received_ns: int
    nrs: float
    phase: Phase
    ask: VoiceAsk
    hush: bool = False


class FaceCommand(Message, frozen=True, gc=False):
    """What is asked of the face, after ``expression/split.py``. Latest wins.

    Attributes
    ----------
    site_mm
        Centre of pressure from the navel: to the patient's left, towards the head; None without contact.
    loudness
        Of the voice asked for at the same moment, 0 inaudible to 1 its loudest cry: the mouth must fit it.
    """

    t_ns: int
    cause_seq: int
    received_ns: int
    nrs: float
    phase: Phase
    ask: FaceAsk
    contact: bool = False
    hush: bool = False
    site_mm: tuple[float, float] | None = None
    loudness: float = 0.0


class Heard(Message, frozen=True, gc=False):
    """What left the loudspeaker: one audio block.

    Attributes
    ----------
    t_ns
        When the first sample that the block's command could change leaves the DAC: PortAudio's own account of the
        block, plus the limiter's look-ahead.
    block
        Index of the block since the stream began; ``block * block_frames`` is the sample index in ``voice.wav``.
    cause_seq, cause_received_ns
        The force frame behind the newest command applied in this block, and when it was received.
    f0_hz
        Fundamental rendered at the end of the block, 0 when unvoiced or silent.
    level_dbfs
        RMS of the block.
    command_t_ns
        ``t_ns`` of the newest command applied in this block, 0 before the first: the block can be rendered again
        from the record. (``cause_seq`` stands still while commands go on when the board is silent.)
    call
        Gesture of the voice; of words "say: " and the words.
    f1_hz, f2_hz, f3_hz
        Formants of the vocal tract at the end of the block; 0 in silence and where a recording plays.
    fresh, hush
        Whether a command was newly applied in this block, and whether the newest one is a hush: a board that is
        silent leaves ``command_t_ns`` as it is.
    """

    t_ns: int
    block: int
    cause_seq: int
    cause_received_ns: int
    f0_hz: float
    level_dbfs: float
    roughness: float
    call: str
    underruns: int
    command_t_ns: int = 0
    f1_hz: float = 0.0
    f2_hz: float = 0.0
    f3_hz: float = 0.0
    fresh: bool = False
    hush: bool = False


class Spoken(Message, frozen=True, gc=False):
    """Words that began to sound in the patient's voice: with the commands, enough to render the session again.

    Attributes
    ----------
    t_ns
        When their block left the DAC.
    block
        In which they began: an index as in ``Heard``.
    why
        "answer" (to a question) or "interjection" (the pain's own words).
    nrs
        Pain from which their prosody was made.
    seconds
        How long they are; a sudden pain may cut them short.
    sha256
        Of their samples.
    """

    t_ns: int
    cause_seq: int
    block: int
    text: str
    why: str
    nrs: float
    seconds: float
    sha256: str


class Loudness(Message, frozen=True, gc=False):
    """How loud the last second of the voice was; what needs a calibrated loudspeaker is NaN without one.

    Attributes
    ----------
    block
        First block that is not counted yet.
    peak_dbfs
        Highest sample of that second.
    max_dbfs
        Ceiling that the limiter keeps.
    full_scale_dba
        From the rig's calibration: dB(A) at 1 m of pink noise of 0 dBFS RMS.
    level_dba
        A-weighted level of that second at 1 m.
    dose_percent
        Of a day's allowance since the voice began (NIOSH 98-126), at 1 m.
    """

    t_ns: int
    block: int
    peak_dbfs: float
    max_dbfs: float
    full_scale_dba: float
    level_dba: float
    dose_percent: float


class Seen(Message, frozen=True, gc=False):
    """What the face showed: one presented frame, with all that is needed to draw it again.

    Presented means: a picture was drawn and, where a window is wanted, that window took it. Nothing is told while
    nothing is drawn, while the window's screen is not connected, while the window is minimised, or once it has been
    closed or could not be opened: a span without ``Seen`` is one in which nobody saw the face. Where no window is
    wanted (``face.window = "no"``, or "auto" without a display) a picture that was drawn counts. What stands in front
    of the window, or whether anybody looks, is not known.

    Attributes
    ----------
    t_ns
        When the frame was swapped to the display (or handed over, headless).
    frame
        Number of the presented frame; it goes on without a break over a span in which nothing was presented.
    au
        Intensities 0-5 by name, as drawn.
    head_deg
        Pitch (nod down positive), yaw (to the patient's left positive), roll (to the patient's left shoulder).
    gaze_deg
        Pitch, yaw of both eyes relative to the head.
    breath
        Chest excursion, 0 (exhaled) to 1.
    dropped
        Frame periods without a presented picture since the previous ``Seen``, or since the face began: of the rate at
        which the face is drawn at that time, which is below ``face.fps`` on a slow machine.
    flush, sweat, tears
        Skin's redness (-1 pale to 1 red), sweat and tears (0 to 1), as drawn.
    forward_mm
        How far the head was put forward.
    patch
        Whether the photodiode's patch in the corner of the display was bright.
    """

    t_ns: int
    frame: int
    cause_seq: int
    cause_received_ns: int
    au: dict[str, float]
    pspi: float
    head_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze_deg: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
    dropped: int = 0
    flush: float = 0.0
    sweat: float = 0.0
    tears: float = 0.0
    forward_mm: float = 0.0
    patch: bool = False


class OperatorAction(Message, frozen=True, gc=False):
    """A wish of the operator: "start", "stop", "tare", "hush", "unhush", "note" (text in ``argument``), "quit".

    For the patient: "cue" (what is announced: "this may hurt", "breathe in"), "ask" (a question: "nrs", "where",
    "quality", "feeling", "history"), "stress" and "relief" (a level from 0 to 1).

    For the training: "trigger" (a name that the scenario waits for), "scenario" ("goto STATE", "event NAME", "hold",
    "go on") and "rating" ("NRS 6", "BPS.face 3": see ``robopatient.scales``).
    """

    t_ns: int
    action: str
    argument: str = ""
    source: str = "console"


class Rating(Message, frozen=True, gc=False):
    """What somebody who watched judged, on a named scale.

    Attributes
    ----------
    rater
        Who judged: "trainee", "instructor" or the name of a rater device.
    scale
        Scale and item: "NRS", "BPS.face", "PAINAD.vocalisation", "OSCE.consent".
    value
        In the scale's own unit.
    """

    t_ns: int
    rater: str
    scale: str
    value: float


class ScenarioChange(Message, frozen=True, gc=False):
    """A step of the training scenario: a state entered or an event that happened.

    Attributes
    ----------
    state
        Where the scenario is from now on.
    event
        Name of the event, or "" for a change of state alone.
    why
        What brought it about, in words: the rule's condition, a trigger or the instructor's override.
    text
        What the instructor is told.
    """

    t_ns: int
    cause_seq: int
    state: str
    event: str = ""
    why: str = ""
    text: str = ""


class TrialRecord(Message, frozen=True, gc=False):
    """One finished attempt at a trial: what was asked, what was presented, what was answered.

    A row is on the disk before the next trial starts and is never changed: of several rows with one ``trial`` the last
    with status "done" counts.

    Attributes
    ----------
    study
        Name of the study.
    design_sha256
        Hash of the study's settings and of this participant's list of trials.
    participant
        Pseudonym.
    session
        Number of the session, from 1.
    block
        Number of the block in the session, from 0.
    trial
        Number of the trial in the session's list, from 0: the same for every attempt at it.
    attempt
        Number of the attempt, from 0.
    kind
        "main", "practice", "catch" or "repeat".
    repeat_of
        Trial that this one repeats, or -1.
    factors
        Levels that were asked for, by factor.
    status
        "done", "missed" (no trigger or no answer), "early contact", "aborted" or "invalid".
    question
        Name of the question.
    response
        Label of the answer, or "" without one.
    response_value
        The answer as a number; NaN without one.
    response_time_s
        From the question's appearance to the answer, s; NaN without one.
    response_ns
        When the answer was given, host monotonic time; 0 when it was not.
    trigger_ns
        Time of the force frame that set off the reaction; 0 when none did.
    command_ns
        When the loop sent the first command of the reaction; 0 when it did not.
    sound_ns
        When the first sounding sample of the reaction left the loudspeaker; 0 when none did.
    frame_ns
        When the first picture of the reaction was shown; 0 when none was.
    force_at_trigger_newton
        Total force of the frame that set off the reaction.
    peak_newton
        Largest total force of the attempt.
    f0_hz
        Median f0 of the reaction's voiced audio blocks, 0 without any.
    level_dbfs
        RMS of the reaction's loudest audio block, -120 when silent.
    au
        Largest intensity of each action unit shown in the reaction, by the names that the face sent (AU6, AU6L …).
    pspi
        Largest PSPI shown in the reaction; NaN when it was given without a picture.
    replays
        How often the reaction was presented again before the answer.
    flags
        What was unusual: "early contact", "outside band", "spike", "overload", "unanswered", "clock jump", …
    seed
        Seed that the list of trials was drawn from.
    corrects
        Trial whose earlier row this one replaces (undo, redo), or -1.
    """

    t_ns: int
    study: str
    design_sha256: str
    participant: str
    session: int
    block: int
    trial: int
    attempt: int
    kind: str
    repeat_of: int
    factors: dict[str, float | str]
    status: str
    question: str
    response: str
    response_value: float
    response_time_s: float
    response_ns: int
    trigger_ns: int
    command_ns: int
    sound_ns: int
    frame_ns: int
    force_at_trigger_newton: float
    peak_newton: float
    f0_hz: float
    level_dbfs: float
    au: dict[str, float]
    pspi: float
    replays: int
    flags: tuple[str, ...]
    seed: int
    corrects: int = -1


class StudyState(Message, frozen=True, gc=False):
    """All that a screen of a study needs to know, at every change and some 30 times a second.

    Attributes
    ----------
    study
        Name of the study.
    participant
        Pseudonym.
    phase
        Where in the study the session is.
    block
        Number of the block, from 0.
    n_blocks
        How many blocks the session has.
    trial
        Trials of the session that are done.
    n_trials
        How many trials the session has.
    practice
        1: this trial does not count.
    question
        Name of the question to be shown, or "".
    target_low_newton, target_high_newton
        Band that the press should reach; both 0 without one.
    force_newton
        Total force now.
    time_left_s
        Of the press window, the answer or the break; negative without a limit.
    text
        Key of the text to be shown, in the file of strings.
    flags
        What the operator must know: "not saved", "disk nearly full", "board silent", "replaying", …
    media
        Films to be shown one after another in phase "react": paths.
    """

    t_ns: int
    study: str
    participant: str
    phase: StudyPhase
    block: int
    n_blocks: int
    trial: int
    n_trials: int
    practice: bool
    question: str
    target_low_newton: float
    target_high_newton: float
    force_newton: float
    time_left_s: float
    text: str
    flags: tuple[str, ...] = ()
    media: tuple[str, ...] = ()


class TrialStart(Message, frozen=True, gc=False):
    """What the trial that begins now will present: for the operator, never for the participant.

    Attributes
    ----------
    trial
        Number of the trial in the session's list, from 0.
    attempt
        Number of the attempt, from 0.
    kind
        "main", "practice", "catch" or "repeat".
    factors
        Levels asked for, by factor.
    """

    t_ns: int
    trial: int
    attempt: int
    kind: str
    factors: dict[str, float | str]


class Dial(Message, frozen=True, gc=False):
    """Where the dial of a rater device stands, 0 to 1, so that a screen can point at the answer it would give."""

    t_ns: int
    position: float


class LessonState(Message, frozen=True, gc=False):
    """How far a live lesson has got, at every change; the lesson's own log is the record of it.

    Attributes
    ----------
    lesson
        Name of its folder.
    answers, goal
        Ratings in force, and how many are wanted.
    worth
        Expected worth of the deployed policy, 0 to 1: median and 90 % interval.
    curve
        The worth at each count of answers so far: count, median, low, high.
    observed, shown
        The current map: peak forces at the worst site, and the action there by name.
    units
        Of force, observation and actions, by name; the first is the map's axis.
    presented
        Force, observation and action of the trial in hand, by name; empty between trials.
    source
        Why this expression was chosen: "thompson", "policy" or "repeat".
    model
        Which model of the rater predicts best at present.
    frozen
        Why adaptation has stopped, or "".
    repeats, identical, difference_steps
        Hidden repeats so far, share answered the same way, mean difference in steps of the scale.
    busy
        1: the trainer is learning from the last answer.
    refused
        Why the last wish could not be met, or "".
    checkpoint
        Folder of the policy once it is written, or "".
    """

    t_ns: int
    lesson: str
    answers: int
    goal: int
    worth: tuple[float, float, float]
    curve: tuple[tuple[float, float, float, float], ...]
    observed: tuple[float, ...]
    shown: dict[str, tuple[float, ...]]
    units: dict[str, str]
    presented: dict[str, float] = {}
    source: str = ""
    model: str = ""
    frozen: str = ""
    repeats: int = 0
    identical: float = 0.0
    difference_steps: float = 0.0
    busy: bool = False
    refused: str = ""
    checkpoint: str = ""


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
    files_sha256: dict[str, str] = {}


class SessionStop(Message, frozen=True, gc=False):
    """How it ended: "done", "operator", "interrupted", "failed"."""

    t_ns: int
    reason: str
    detail: str = ""

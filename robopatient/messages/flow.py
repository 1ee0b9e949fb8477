"""What flows through a session, in this order: raw frame, force, pain, expression, command, what was heard and seen.

Every message is frozen and typed and has the unit in the name of the field. ``t_ns`` is the host's monotonic time of
the moment the thing happened. ``cause_seq`` is the sequence number of the force frame behind it, so that a latency is a
subtraction in the record and never an estimate.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

from firmware_bridge.frames import RawFrame, Status
from robopatient.levels import MAX_NRS, SILENCE_DB, UNTOLD

__all__ = [
    "Expression",
    "FaceAsk",
    "FaceCommand",
    "FacePose",
    "ForceFrame",
    "Heard",
    "Limits",
    "Loudness",
    "Message",
    "PainState",
    "Phase",
    "Press",
    "RawFrame",
    "Seen",
    "Status",
    "VoiceAsk",
    "VoiceCommand",
]

Phase = Literal["rest", "onset", "hold", "release"]
"""Where in a press the patient is: untouched, force rising, force held, force falling."""


class Limits(NamedTuple):
    """What a voice can follow of a field: beside the field, ``Annotated[float, Limits(0.0, 1.0)]``.

    A message beyond them is one all the same; the voice takes the nearest value that it can follow.
    """

    low: float
    high: float


class Message(msgspec.Struct, frozen=True, gc=False):
    """Base of every message: immutable and cheap."""


class ForceFrame(Message, frozen=True, gc=False):
    """What presses the abdomen, in newtons.

    ``flags`` are words about the quality of the force, each explained in ``robopatient.levels.Flag``.

    Attributes
    ----------
    cells_newton
        Tared, filtered force of each cell, shape (n_cells,).
    contact_mm
        Centre of pressure (x, y) in the phantom's frame, or None without contact.
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
    """What the patient feels now, and how much of it reaches self-report, face and voice.

    Felt pain, self-report, face and voice are four streams, because in people they differ; a negative value of
    a stream means that it equals felt pain.

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
    breath
        Chest excursion, 0 (exhaled) to 1; negative: not told.
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
    breath: float = UNTOLD

    def __post_init__(self) -> None:
        """Streams that are not given are as felt."""
        for stream in ("report_nrs", "face_nrs", "voice_nrs"):
            if getattr(self, stream) < 0.0:
                msgspec.structs.force_setattr(self, stream, self.nrs)


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

    level_db: Annotated[float, Limits(SILENCE_DB, 0.0)]
    f0_semitones: Annotated[float, Limits(-24.0, 48.0)]
    roughness: Annotated[float, Limits(0.0, 1.0)]
    breathiness: Annotated[float, Limits(0.0, 1.0)]
    call: str = "auto"
    duration_ratio: Annotated[float, Limits(0.5, 2.0)] = 1.0
    formant_ratio: Annotated[float, Limits(0.7, 1.4)] = 1.0


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

    Attributes
    ----------
    breath
        Chest excursion of the patient, 0 (exhaled) to 1, of which idle breathing sounds; negative: not told, the voice
        breathes by itself.
    """

    t_ns: int
    cause_seq: int
    received_ns: int
    nrs: Annotated[float, Limits(0.0, MAX_NRS)]
    phase: Phase
    ask: VoiceAsk
    hush: bool = False
    breath: Annotated[float, Limits(UNTOLD, 1.0)] = UNTOLD


class FaceCommand(Message, frozen=True, gc=False):
    """What is asked of the face, after ``expression/split.py``. Latest wins.

    Attributes
    ----------
    site_mm
        Centre of pressure from the navel: to the patient's left, towards the head; None without contact.
    loudness
        Of the voice asked for at the same moment, 0 inaudible to 1 its loudest cry: the mouth must fit it.
    breath
        Chest excursion of the patient, 0 (exhaled) to 1; negative: not told, the face breathes by itself.
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
    breath: float = UNTOLD


class FacePose(Message, frozen=True, gc=False):
    """A face at one instant: what the generator makes, what is drawn and what the record keeps.

    Attributes
    ----------
    au
        Intensities 0 to 5 by name ("AU4"); "AU4L" or "AU4R" in place of it for one side. Absent units are 0.
    head_deg
        Pitch (nod down positive), yaw (to the patient's left positive), roll (to the patient's left shoulder).
    gaze_deg
        Pitch (down positive), yaw (to the patient's left positive) of both eyes relative to the head.
    breath
        Chest excursion, 0 (exhaled) to 1.
    flush
        Blood in the skin against this person's own colour: -1 as pale, 1 as red as can be.
    sweat, tears
        0 to 1: a sheen, then beads; wet eyes with red rims, then tracks down the cheeks.
    forward_mm
        How far the head is put forward (AU57), negative: drawn back (AU58).
    """

    au: dict[str, float] = {}
    head_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gaze_deg: tuple[float, float] = (0.0, 0.0)
    breath: float = 0.0
    flush: float = 0.0
    sweat: float = 0.0
    tears: float = 0.0
    forward_mm: float = 0.0

    @property
    def body(self) -> tuple[float, float, float]:
        """Flush, sweat and tears within their limits."""
        return (
            min(max(self.flush, -1.0), 1.0), min(max(self.sweat, 0.0), 1.0), min(max(self.tears, 0.0), 1.0),
        )  # fmt: skip


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

    Presented means: a picture was drawn and, where a window is wanted, that window took it. Nothing is sent while
    nothing is drawn, while the window's screen is not connected, while the window is minimised, or once it has been
    closed or could not be opened: a span without ``Seen`` is one in which the face was not seen. Where no window is
    wanted (``face.window = "no"``, or "auto" without a display) a picture that was drawn counts. What stands in front
    of the window, or whether anybody looks, is not known.

    Attributes
    ----------
    t_ns
        When the frame was swapped to the display (or handed over, headless).
    frame
        Number of the presented frame; it goes on without a break over a span in which nothing was presented.
    pose
        The face, as drawn. In the record its fields are columns under their own names.
    dropped
        Frame periods without a presented picture since the previous ``Seen``, or since the face began: of the rate at
        which the face is drawn at that time, which is below ``face.fps`` on a slow machine.
    patch
        Whether the photodiode's patch in the corner of the display was bright.
    """

    t_ns: int
    frame: int
    cause_seq: int
    cause_received_ns: int
    pose: FacePose
    pspi: float
    dropped: int = 0
    patch: bool = False

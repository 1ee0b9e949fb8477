"""The messages: what flows between the stages and the processes. Read ``flow`` first.

All names are here: ``from robopatient import messages as m``.
"""

from robopatient.messages.flow import (
    Expression,
    FaceAsk,
    FaceCommand,
    FacePose,
    ForceFrame,
    Heard,
    Limits,
    Loudness,
    Message,
    PainState,
    Phase,
    Press,
    RawFrame,
    Seen,
    Status,
    VoiceAsk,
    VoiceCommand,
)
from robopatient.messages.session import (
    ActorState,
    Health,
    Note,
    OperatorAction,
    SessionStart,
    SessionStop,
)
from robopatient.messages.speech import (
    Said,
    Spoken,
)
from robopatient.messages.study import (
    Dial,
    StudyPhase,
    StudyState,
    TrialRecord,
    TrialStart,
)
from robopatient.messages.training import (
    LessonState,
    Rating,
    ScenarioChange,
)

__all__ = [
    "ActorState",
    "Dial",
    "Expression",
    "FaceAsk",
    "FaceCommand",
    "FacePose",
    "ForceFrame",
    "Health",
    "Heard",
    "LessonState",
    "Limits",
    "Loudness",
    "Message",
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

from robopatient.messages import ActorState
from robopatient.session.actor_lines import ActorLines

SECOND = 1_000_000_000


def lines(*told: tuple[float, str, str], actor: str = "face") -> list[str]:
    """Lines of states at times in seconds."""
    each = ActorLines()
    found = [each.line(ActorState(round(at_s * SECOND), actor, state, detail)) for at_s, state, detail in told]
    return [line for line in found if line]


def test_a_fault_is_told_once_however_often_it_is_repeated_and_however_its_figures_change() -> None:
    fault = "no picture: no EGL; trying again every 60 s"
    assert lines(*((t, "degraded", f"{fault}; gl 512 px, {t} ms a frame") for t in range(90))) == [
        f"face: {fault}; gl 512 px, 0 ms a frame"
    ]


def test_another_fault_and_the_end_of_it_are_told() -> None:
    told = [(0.0, "degraded", "no picture"), (1.0, "degraded", "drawn small")]
    told += [(2.0 + t, "ready", "gl") for t in range(20)]
    told += [(30.0, "degraded", "no picture")]
    assert lines(*told) == ["face: no picture", "face: drawn small", "face: ready", "face: no picture"]


def test_a_fault_that_comes_and_goes_every_three_seconds_is_told_once() -> None:
    told = [(float(t), "ready" if t % 3 else "degraded", "device lost" if t % 3 == 0 else "") for t in range(60)]
    assert lines(*told, actor="voice") == ["voice: device lost"]


def test_an_actor_that_was_never_troubled_says_nothing() -> None:
    starting = (0.0, "starting", "the first start compiles the voice")
    assert lines(starting, (1.0, "ready", "48 kHz"), (9.0, "ready", "48 kHz"), (10.0, "stopped", "")) == []


def test_what_control_waits_for_at_the_start_is_told_and_that_it_is_over() -> None:
    told = [
        (0.0, "starting", ""),
        (3.0, "starting", "waiting for voice and face"),
        (4.0, "starting", "waiting for voice"),
    ]
    assert lines(*told, (5.0, "ready", ""), (6.0, "ready", ""), actor="control") == [
        "control: waiting for voice and face",
        "control: waiting for voice",
        "control: ready",
    ]

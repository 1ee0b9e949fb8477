"""Position of a replay: play, pause, seek, speed, on the clock of the sound card when there is sound. No Qt.

While sound plays, the moment shown is the moment that leaves the DAC now, as the sound's process tells it: a device
whose clock runs fast or slow, or that skips, takes the picture with it.
"""

from __future__ import annotations

import multiprocessing
from typing import Any, Protocol

import msgspec

from robopatient.clock import Clock
from robopatient.voice.playback import Order, Place, PlaybackPlan, serve

__all__ = ["SPEEDS", "Sound", "SoundProcess", "Transport"]

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
END_S = 0.02
"""So near to the end it is over: the sound ends with a whole sample, the replay need not."""
PATIENCE_S = 1.5
"""Without a word from the sound for so long the replay goes on by the host's clock."""


class Sound(Protocol):
    """Something that plays by order and tells where it is."""

    def order(self, order: Order) -> None:
        """Do this from now on."""
        ...

    def place(self) -> Place | None:
        """The newest that it told, or None."""
        ...

    def close(self) -> None:
        """End."""
        ...


class SoundProcess:
    """The sound of a recorded session in a process of its own."""

    def __init__(self, plan: PlaybackPlan) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: Any = context.Process(
            target=serve, args=(msgspec.json.encode(plan), theirs), name="robopatient-replay-sound", daemon=True
        )
        self._process.start()
        theirs.close()
        self._newest: Place | None = None

    def order(self, order: Order) -> None:
        """Send it on; a process that has died is told by ``place``."""
        try:
            self._pipe.send_bytes(msgspec.msgpack.encode(order))
        except (BrokenPipeError, OSError):
            self._newest = Place(order.serial, 0, order.at_s, 0.0, "failed", "the sound's process has died")

    def place(self) -> Place | None:
        """The newest that it told."""
        try:
            while self._pipe.poll(0):
                self._newest = msgspec.msgpack.decode(self._pipe.recv_bytes(), type=Place)
        except (EOFError, OSError):
            self._newest = Place(-1, 0, 0.0, 0.0, "failed", "the sound's process has died")
        return self._newest

    def close(self) -> None:
        """Hang up, and see the process off."""
        self._pipe.close()
        self._process.join(timeout=2.0)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(timeout=2.0)


class Transport:
    """Plays, pauses and seeks in the timeline.

    Parameters
    ----------
    length_s
        Where it ends.
    sound
        None for a session without sound: then the host's clock counts.

    Attributes
    ----------
    playing, speed, muted
        What was asked for; ``playing`` ends by itself at the end.
    clock
        The host's.
    """

    def __init__(self, length_s: float, clock: Clock, sound: Sound | None = None) -> None:
        self.length_s = length_s
        self.playing = False
        self.speed = 1.0
        self.muted = False
        self.clock = clock
        self._sound = sound
        self._serial = 0
        self._at_s = 0.0
        self._since_ns = clock.now_ns()
        self._told: Place | None = None

    def toggle(self) -> None:
        """Play, or pause; from the end it begins again."""
        at_s = self.position_s()
        self.playing = not self.playing
        self._go(0.0 if self.playing and at_s >= self.length_s - END_S else at_s)

    def seek(self, at_s: float) -> None:
        """Be somewhere else."""
        self._go(min(max(at_s, 0.0), self.length_s))

    def step_speed(self, step: int) -> None:
        """The next slower (-1) or faster (+1) of ``SPEEDS``."""
        index = min(max(SPEEDS.index(self.speed) + step, 0), len(SPEEDS) - 1)
        self.set_speed(SPEEDS[index])

    def set_speed(self, speed: float) -> None:
        """Go on at this speed."""
        at_s = self.position_s()
        self.speed = speed
        self._go(at_s)

    def toggle_mute(self) -> None:
        """Without sound, or with it again; time goes on as before."""
        at_s = self.position_s()
        self.muted = not self.muted
        self._go(at_s)

    def position_s(self) -> float:
        """The moment that is heard now; after the last one the replay stands still."""
        at_s = self._now_s()
        if self.playing and at_s >= self.length_s - END_S:
            self.playing = False
            self._go(self.length_s)
            return self.length_s
        return min(max(at_s, 0.0), self.length_s)

    @property
    def sound_state(self) -> tuple[str, str]:
        """What the sound says of itself: state and detail; ("", "") without sound."""
        told = self._told
        return (told.state, told.detail) if told is not None else ("", "")

    def close(self) -> None:
        """Let go of the sound."""
        if self._sound is not None:
            self._sound.close()

    def _go(self, at_s: float) -> None:
        self._at_s = at_s
        self._since_ns = self.clock.now_ns()
        self._serial += 1
        if self._sound is not None:
            self._sound.order(Order(self._serial, at_s, self.speed if self.playing else 0.0, self.muted))

    def _now_s(self) -> float:
        if not self.playing:
            return self._at_s
        now_ns = self.clock.now_ns()
        waited_s = (now_ns - self._since_ns) * 1e-9
        if self._sound is None:
            return self._at_s + waited_s * self.speed
        told = self._told = self._sound.place() or self._told
        if told is not None and told.serial == self._serial and told.state != "failed":
            age_s = (now_ns - told.t_ns) * 1e-9  # negative while the block is still on its way to the DAC
            if age_s < PATIENCE_S:
                return max(self._at_s, told.at_s + age_s * told.speed)
        failed = told is not None and told.state == "failed"
        if failed or waited_s > PATIENCE_S:
            return self._at_s + waited_s * self.speed
        return self._at_s  # the sound is about to begin: the picture waits for it

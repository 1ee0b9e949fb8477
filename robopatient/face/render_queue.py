"""A queue of pictures drawn by several processes, for films and data sets: one renderer each, the order is kept.

Pixels come back through shared memory; poses go out as JSON. Live faces never pass here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing import shared_memory
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

import msgspec
import numpy as np

from robopatient.errors import DeviceError, RobopatientError
from robopatient.face.identity import FaceIdentity
from robopatient.face.light import Look
from robopatient.face.render import Kind
from robopatient.messages import FacePose

__all__ = ["RenderQueue", "worth_it"]

SLOTS = 4
"""Pictures that a process may be ahead."""
WORTH_FRAMES = 150
"""Fewer frames than this are drawn before another process has started (measured: 2 to 4 s)."""
START_S = 120.0


def worth_it(frames: int) -> bool:
    """Whether so many frames on this machine are drawn sooner by several processes."""
    return frames >= WORTH_FRAMES and (os.cpu_count() or 1) >= 2


class RenderQueue:
    """A renderer of several processes; use it as a context manager, and ``draw_many`` for poses in order.

    Parameters
    ----------
    workers
        Processes, one a core by default.

    Raises
    ------
    DeviceError
        When a process cannot draw; with its reason.
    """

    def __init__(
        self, kind: Kind, identity: FaceIdentity, size_px: int, look: Look | None = None, workers: int = 0
    ) -> None:
        look = look or Look()
        self._shape = (size_px, look.width_px(size_px), look.channels)
        self._size = int(np.prod(self._shape))
        self._next = 0
        spawn = multiprocessing.get_context("spawn")
        self._workers: list[tuple[Any, Connection, shared_memory.SharedMemory]] = []
        for _ in range(workers or min(4, os.cpu_count() or 1)):
            ours, theirs = spawn.Pipe()
            memory = shared_memory.SharedMemory(create=True, size=self._size * SLOTS)
            arguments = (theirs, memory.name, kind, msgspec.json.encode(identity), size_px, msgspec.json.encode(look))
            process = spawn.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._workers.append((process, ours, memory))

    def __enter__(self) -> RenderQueue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def draw(self, pose: FacePose) -> np.ndarray:
        """Picture of one pose."""
        return next(self.draw_many([pose]))

    def draw_many(self, poses: Iterable[FacePose]) -> Iterator[np.ndarray]:
        """Pictures of poses in their order, shape (height, width, channels), uint8.

        Raises
        ------
        DeviceError
            When a process died or cannot draw.
        """
        waiting: deque[int] = deque()
        count = len(self._workers)
        for sent, pose in enumerate(poses, self._next):
            if len(waiting) == count * SLOTS:
                yield self._take(waiting.popleft())
            self._send(sent, pose)
            waiting.append(sent)
            self._next = sent + 1
        while waiting:
            yield self._take(waiting.popleft())

    def close(self) -> None:
        """End the processes."""
        for process, pipe, memory in self._workers:
            try:
                pipe.send_bytes(b"")
            except OSError:
                process.terminate()
            process.join(timeout=5.0)
            if process.is_alive():
                process.terminate()
            pipe.close()
            memory.close()
            memory.unlink()
        self._workers.clear()

    def _send(self, number: int, pose: FacePose) -> None:
        _, pipe, _ = self._workers[number % len(self._workers)]
        try:
            pipe.send_bytes(msgspec.json.encode(pose, enc_hook=float))  # numpy's numbers too
        except OSError as error:
            raise DeviceError(f"a drawing process ended ({error}); what it said stands above") from error

    def _take(self, number: int) -> np.ndarray:
        process, pipe, memory = self._workers[number % len(self._workers)]
        try:
            if not pipe.poll(START_S):
                raise DeviceError(f"a drawing process has not answered for {START_S:g} s")
            said = pipe.recv_bytes()
        except (OSError, EOFError) as error:
            process.join(timeout=1.0)
            raise DeviceError(
                f"a drawing process ended with status {process.exitcode}; what it said stands above"
            ) from error
        if said:
            raise DeviceError(f"a drawing process cannot draw: {said.decode()}")
        slot = number // len(self._workers) % SLOTS
        start = slot * self._size
        return np.ndarray(self._shape, np.uint8, memory.buf, start).copy()


def _work(pipe: Connection, name: str, kind: Kind, identity: bytes, size_px: int, look: bytes) -> None:
    """Body of a process: draw what comes into one slot after the other."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from robopatient.face.render import make_renderer

    memory = shared_memory.SharedMemory(name=name)
    renderer = None
    number = 0
    try:
        while said := pipe.recv_bytes():
            try:
                if renderer is None:
                    renderer = make_renderer(
                        kind,
                        msgspec.json.decode(identity, type=FaceIdentity),
                        size_px,
                        msgspec.json.decode(look, type=Look),
                    )
                pixels = renderer.draw(msgspec.json.decode(said, type=FacePose))
            except (RobopatientError, ImportError) as error:
                pipe.send_bytes(str(error).encode() or b"unknown")
                continue
            start = number % SLOTS * pixels.size
            np.ndarray(pixels.shape, np.uint8, memory.buf, start)[:] = pixels
            number += 1
            pipe.send_bytes(b"")
    except (EOFError, OSError):
        return  # the film's process is gone
    finally:
        if renderer is not None:
            renderer.close()
        memory.close()

"""``bench dataset``: what making labelled faces costs, whether a second worker pays, and whether kills leave a trace.

Everything is in the rate: start-up, making the people, drawing, labels, files, cards and hashes.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from experiments.benchmarks.dataset_kills import killed_and_not
from experiments.benchmarks.figures import Figure, distribution, machine, new_result, show, value
from experiments.datasets.design import DatasetDesign, load_design
from experiments.datasets.draw import (
    DrawJob,
    StillRenderer,
    encoded,
    identity_of,
    label_row,
    looks_of,
    seen_row,
    take_of,
)
from experiments.datasets.generate import generate
from experiments.datasets.labels import Labeller
from experiments.datasets.verify import LABELS, PLACES, verify
from experiments.datasets.worker import draw
from policies.worker_pool import on_cluster, ray_cluster
from robopatient.errors import SessionError
from robopatient.face.scene import load_scene

__all__ = ["bench_dataset"]

WORKERS = 2
A_ROUND = 4
"""People drawn in each turn of a comparison."""
PARTS_PEOPLE = 3


def bench_dataset(as_json: bool, design: str, rounds: int, kills: int, kill_design: str, seed: int) -> None:
    """Measure and print, whether or not targets are met.

    Parameters
    ----------
    rounds
        Turns of one and of two Ray workers; 0 leaves the comparison out.
    kills, kill_design
        How often a set of that design is killed while it is made; 0 leaves it out.
    """
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="robopatient-") as name:
        folder, plan = Path(name), load_design(design)
        new = [msgspec.structs.replace(plan, seed=plan.seed + 3 * seed + k) for k in (1, 2, 3)]  # never met people
        figures += _whole_set(new[0], folder / "set")
        figures += _parts(new[1], folder / "parts")
        if rounds:
            figures.append(_speedup(new[2], folder / "ray", rounds))
        if kills:
            found = killed_and_not(kill_design, folder / "kills", kills, seed)
            figures.append(value("kills_same_files_fraction", found.same / found.files, at_least=1.0, n=found.kills))
    show(new_result("dataset", figures, [], machine(), seed), as_json)


def _whole_set(plan: DatasetDesign, out: Path) -> list[Figure]:
    """Labelled frames a second of the whole command, and what verifying it finds."""
    frames = plan.balance.people * plan.frames_a_person
    start = time.perf_counter()
    generate(plan, out, workers=WORKERS, say=lambda text: None)
    took_s = time.perf_counter() - start
    checks = verify(out)
    again = [check for check in checks if check.name in (LABELS, PLACES)]
    equal = min((check.agree / check.total for check in again), default=0.0)
    passed = sum(check.passed for check in checks) / len(checks)
    rate = value("labelled_frames_per_s", frames / took_s, at_least=40.0, n=frames)
    return [
        msgspec.structs.replace(rate, remark=f"{plan.balance.people} new people, all of it: {took_s:.0f} s"),
        value("labels_equal_fraction", equal, at_least=1.0, n=again[0].total if again else 0),
        value("checks_passed_fraction", passed, at_least=1.0, n=len(checks)),
    ]


def _parts(plan: DatasetDesign, folder: Path) -> list[Figure]:
    """Processor time of each part of a person of stills, in one process that is warm."""
    folder.mkdir()
    spent: dict[str, list[float]] = {
        name: [] for name in ("person_ms", "frame_draw_ms", "frame_label_ms", "frame_file_ms")
    }

    @contextlib.contextmanager
    def timed(name: str):  # type: ignore[no-untyped-def]
        start = time.process_time()
        yield
        spent[name].append((time.process_time() - start) * 1e3)

    studio = StillRenderer(plan)
    studio.set_appearance(identity_of(plan, plan.people()[-1]))
    for person in plan.people()[:PARTS_PEOPLE]:
        identity = identity_of(plan, person)
        with timed("person_ms"):
            renderers = studio.set_appearance(identity)
            labeller = Labeller(load_scene(identity).head, plan.picture.size_px, plan.picture.label_px)
        for shot in plan.shots():
            pose = take_of(plan, person, identity, shot).poses[0]
            with timed("frame_label_ms"):
                label_row(pose)
                face = labeller.deform(pose)
                for look in looks_of(plan):
                    seen_row(labeller, face, look)
            for renderer in renderers:
                with timed("frame_draw_ms"):
                    picture = renderer.draw(pose)
                with timed("frame_file_ms"):
                    (folder / "picture").write_bytes(encoded(picture, plan.picture.file))
    studio.close()
    spent["frame_label_ms"] = [ms / len(looks_of(plan)) for ms in spent["frame_label_ms"]]
    return [distribution(name, np.array(ms)) for name, ms in spent.items()]


def _speedup(plan: DatasetDesign, folder: Path, rounds: int) -> Figure:
    """Time of one Ray worker over that of two for as many people, in alternation; the median over rounds."""
    people = iter(plan.people())
    folder.mkdir()

    def jobs(count: int) -> list[DrawJob]:
        found = [DrawJob(plan, person, folder / person.name) for person, _ in zip(people, range(count), strict=False)]
        if len(found) < count:
            raise SessionError(f"--rounds {rounds}: the design has too few people; give fewer rounds")
        return found

    ratios = []
    with ray_cluster("local") as found:
        list(on_cluster(found, draw, jobs(2 * WORKERS), WORKERS))  # both have started, imported and compiled
        for _ in range(rounds):
            took_s = []
            for workers in (1, WORKERS):
                start = time.perf_counter()
                list(on_cluster(found, draw, jobs(A_ROUND), workers))
                took_s.append(time.perf_counter() - start)
            ratios.append(took_s[0] / took_s[1])
    figure = value("ray_speedup_2", float(np.median(ratios)), at_least=1.8, n=rounds)
    return msgspec.structs.replace(figure, remark="rounds: " + ", ".join(f"{ratio:.2f}" for ratio in ratios))

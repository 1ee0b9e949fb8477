"""Lessons on a Ray cluster of this machine are those of one process, to the last bit."""

import pytest

from policies.evaluate import TrainingJob, run_job
from policies.worker_pool import run_in_order

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]

JOBS = [
    TrainingJob("learner", "pain-to-voice", ("congruence7",), 20, 3, 3),
    TrainingJob("PPO, tuned", "pain-to-voice", ("congruence7",), 20, 4, 4),
    TrainingJob("table bandit", "pain-to-voice", ("agree",), 20, 5, 5),
]


def test_ray_gives_the_same_lessons_bit_for_bit_in_the_same_order():
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'robopatient[cluster]'")
    told = []
    try:
        spread = run_in_order(
            run_job, JOBS, ray_address="local", on_result=lambda place, lesson: told.append((place, lesson))
        )
    finally:
        ray.shutdown()
    assert spread == run_in_order(run_job, JOBS)
    assert told == list(enumerate(spread))

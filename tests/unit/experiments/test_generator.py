"""The generator's benchmark and the evaluation's verb, with a face and a recipe that cost nothing."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from experiments.benchmarks import generator
from experiments.benchmarks.figures import ReferenceLateness
from experiments.evaluation import generator as evaluation
from policies.corpus.simulator import CorpusDesign
from policies.errors import PolicyError
from policies.face_baselines.recipe_network import RecipeSize
from policies.face_evaluate import QUICK
from robopatient.errors import AssetError
from robopatient.face.generator.motion import CHANNELS, clamp, column

TINY = RecipeSize(dim=8, mults=(1, 2), heads=1, head_dim=8, signal_dim=8, latent=28)


class Stub:
    """Stands for a checkpoint: a face that follows pain and trembles."""

    name = "streaming diffusion (stub)"

    def __init__(self, folder):
        self.folder = folder
        self.card = SimpleNamespace(parameters=1_250_000)

    def generate(self, condition, seed):
        face = self.stream(seed)
        return np.stack([face.step(row) for row in condition])

    def stream(self, seed):
        rng = np.random.default_rng(seed)

        class Face:
            def step(self, row):
                frame = 0.05 * rng.standard_normal(len(CHANNELS))
                frame[column("AU4")] += row[0] / 3
                return clamp(frame)

        return Face()


@contextmanager
def never_late(folder):
    """In place of the reference process, which is slower to start than this bench is to end."""
    result = []
    yield result
    result.append(ReferenceLateness(np.zeros(0, np.int64), np.zeros(0)))


@pytest.fixture
def stub(monkeypatch, tmp_path):
    (tmp_path / "step.onnx").write_bytes(bytes(2_000_000))
    (tmp_path / "denoiser").mkdir()
    (tmp_path / "denoiser" / "config.json").write_text(json.dumps({"scale": [1.0] * len(CHANNELS)}))
    for module in (generator, evaluation):
        monkeypatch.setattr(module, "Shipped", lambda name: Stub(tmp_path))
    monkeypatch.setattr(generator, "PUBLISHED", TINY)
    monkeypatch.setattr(generator, "FRAMES", 40)
    monkeypatch.setattr(generator, "reference_process", never_late)


def test_the_bench_has_the_names_of_the_page_of_figures(stub, capsys):
    generator.bench_generator(as_json=True, rounds=2, faces=1, minutes=2)
    printed = json.loads(capsys.readouterr().out)
    figures = {one["name"]: one for one in printed["figures"]}
    assert list(figures) == [
        "generator_fps", "ratio_paindiffusion_recipe", "step_ms", "drift_variance_ratio", "drift_pspi_change",
        "parameters_million", "checkpoint_mb",
    ]  # fmt: skip
    assert figures["parameters_million"]["value"] == 1.25
    assert figures["checkpoint_mb"]["value"] == 2.0
    assert figures["drift_variance_ratio"]["value"] == pytest.approx(1.0, abs=0.02)
    assert figures["drift_variance_ratio"]["met"] is True
    assert printed["baselines"][0]["name"] == "PainDiffusion recipe"
    assert "24 frames = 54 steps" in printed["baselines"][0]["figures"][0]["remark"]


def test_the_evaluation_writes_its_page_and_figures(stub, monkeypatch, capsys, tmp_path):
    design = CorpusDesign(subjects=12, palpation_trials=2, thermal_trials=0, trial_s=6.0, test_share=0.3)
    monkeypatch.setattr(evaluation, "QUICK_DESIGN", design)
    monkeypatch.setattr(
        evaluation, "QUICK", msgspec.structs.replace(QUICK, draws=30, distribution_draws=3, pairs=2, clips=1)
    )
    evaluation.evaluate_generator(out=tmp_path / "out", baselines=("mean face",), quick=True, faces=False, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert (tmp_path / "out" / "report.html").stat().st_size > 50_000
    assert json.loads((tmp_path / "out" / "figures.json").read_text()) == printed
    names = [one["name"] for one in printed["figures"]]
    assert {"pain_sim", "pain_dist", "pain_corr", "FRCorr", "FRDist", "lag_error_s"} <= set(names)
    assert [one["name"] for one in printed["baselines"]] == ["held-out people again", "mean face"]


def test_unknown_baselines_and_checkpoints_are_named(tmp_path):
    with pytest.raises(PolicyError, match='no baseline "oracle"'):
        evaluation.evaluate_generator(baselines=("oracle",), out=tmp_path)
    with pytest.raises(AssetError, match="neither a folder nor one of"):
        evaluation.open_generator("no-such-checkpoint", None, "", 1)

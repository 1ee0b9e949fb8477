import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.needs import module

from robopatient.errors import AssetError, ConfigError
from robopatient.face.generator.checkpoint import CARD, STEP, checkpoint_folder, read_stream
from robopatient.face.generator.condition import Traits, condition_of
from robopatient.face.generator.motion import HIGH, LOW
from robopatient.face.generator.pickles import refuse_pickles

module("diffusers", "face")

from robopatient.face.generator import pipeline as pipelines  # noqa: E402

RISE = condition_of(np.linspace(0.0, 8.0, 45), 30.0, Traits(archetype="opened"))


@pytest.fixture
def copy(toy_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(toy_checkpoint, tmp_path / "copy"))


def edited(folder: Path, **changes: object) -> Path:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))
    return folder


def test_the_streaming_step_agrees_with_the_pipeline(toy_checkpoint: Path) -> None:
    card, _, _ = read_stream(toy_checkpoint)
    assert card.agreement < 1e-4  # standardised units, 600 frames


def test_a_pipeline_comes_back_from_disk_as_it_was(toy_checkpoint: Path, tmp_path: Path) -> None:
    pipeline = pipelines.PainDiffusionPipeline.load(toy_checkpoint)
    pipeline.save_pretrained(str(tmp_path / "again"), safe_serialization=True)
    again = pipelines.PainDiffusionPipeline.load(tmp_path / "again")
    motion = pipeline(RISE, seed=3).motion
    assert motion.shape == (45, len(LOW))
    assert (motion >= LOW).all()
    assert (motion <= HIGH).all()
    assert np.array_equal(motion, again(RISE, seed=3).motion)
    assert not np.array_equal(motion, again(RISE, seed=4).motion)
    assert not list(toy_checkpoint.rglob("*.bin"))


def test_faces_side_by_side_are_each_what_they_are_alone(toy_checkpoint: Path) -> None:
    pipeline = pipelines.PainDiffusionPipeline.load(toy_checkpoint)
    pair = np.stack([RISE, condition_of(np.zeros(45), 30.0, Traits())])
    assert pipeline(pair, seed=1, flow_steps=2).motion.shape == (2, 45, len(LOW))
    assert np.allclose(pipeline(pair[:1], seed=1).motion[0], pipeline(RISE, seed=1).motion, atol=1e-4)


def test_the_scheduler_of_the_library_takes_the_same_step_as_euler_by_hand() -> None:
    torch = module("torch", "face")
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25])
    torch.manual_seed(0)
    sample, velocity = torch.randn(2, 5), torch.randn(2, 5)
    stepped = scheduler.step(velocity, scheduler.timesteps[0], sample, return_dict=False)[0]
    assert torch.allclose(stepped, sample + (0.75 - 1.0) * velocity)


def test_guidance_pushes_only_when_asked(toy_checkpoint: Path) -> None:
    pipeline = pipelines.PainDiffusionPipeline.load(toy_checkpoint)
    plain = pipeline(RISE, seed=1, flow_steps=2).motion
    assert np.array_equal(plain, pipeline(RISE, seed=1, flow_steps=2, guidance={"pain": 0.0}).motion)
    assert not np.allclose(plain, pipeline(RISE, seed=1, flow_steps=2, guidance={"pain": 2.0}).motion)
    assert not np.allclose(pipeline(RISE, 1).motion, pipeline(RISE, 1, guidance={"pain": 2.0}).motion)


def test_a_stimulus_that_is_not_finite_is_named(toy_checkpoint: Path) -> None:
    pipeline = pipelines.PainDiffusionPipeline.load(toy_checkpoint)
    broken = RISE.copy()
    broken[7, 0] = np.nan
    with pytest.raises(ConfigError, match="row 7: pain is not finite"):
        pipeline(broken)
    with pytest.raises(ConfigError, match="expected"):
        pipeline(RISE[:, 1:])


def test_pickles_are_refused_whatever_they_are_called(copy: Path) -> None:
    weights = copy / "denoiser" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(AssetError, match="is a pickle"):
        pipelines.PainDiffusionPipeline.load(copy)
    with pytest.raises(AssetError, match="is a pickle"):
        read_stream(copy)
    weights.unlink()
    (copy / "denoiser" / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    with pytest.raises(AssetError, match=r"pytorch_model.bin: is a pickle"):
        refuse_pickles(copy)


def test_a_checkpoint_of_another_format_rate_or_order_is_refused(copy: Path) -> None:
    card = json.loads((copy / CARD).read_text())
    with pytest.raises(AssetError, match="format 99"):
        read_stream(edited(copy, format=99))
    with pytest.raises(AssetError, match="trained at 25 frames a second"):
        read_stream(edited(copy, format=card["format"], hz=25.0))
    with pytest.raises(AssetError, match="missing: AU1"):
        read_stream(edited(copy, hz=30.0, channels=card["channels"][1:]))
    turned = [card["conditions"][1], card["conditions"][0], *card["conditions"][2:]]
    with pytest.raises(AssetError, match="another order"):
        read_stream(edited(copy, channels=card["channels"], conditions=turned))


def test_files_that_do_not_belong_together_are_refused(copy: Path) -> None:
    (copy / STEP).write_bytes((copy / STEP).read_bytes() + b"\0")
    with pytest.raises(AssetError, match="is not the file that"):
        read_stream(copy)
    (copy / STEP).unlink()
    with pytest.raises(AssetError, match=r"step.onnx: cannot be read"):
        read_stream(copy)


def test_a_name_that_does_not_exist_says_which_do() -> None:
    with pytest.raises(AssetError, match="neither a folder nor one of"):
        checkpoint_folder("nobody")

from pathlib import Path

import pytest
from support.needs import module


@pytest.fixture(scope="session")
def toy_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with made-up weights, written as a checkpoint."""
    torch = module("torch", "face")
    module("diffusers", "face")
    module("onnx", "train")
    from robopatient.face.generator.checkpoint import write_checkpoint
    from robopatient.face.generator.condition import CONDITIONS
    from robopatient.face.generator.denoiser import FaceDenoiser

    torch.manual_seed(0)
    model = FaceDenoiser(width=32, layers=2, heads=2, window=8)
    for parameter in model.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    with torch.no_grad():  # this toy at least answers pain
        model.read.weight.mul_(3.0)
        first = model.embed_condition[0]
        first.weight[:, CONDITIONS.index("pain")] *= 20.0
    folder = tmp_path_factory.mktemp("generator") / "toy"
    write_checkpoint(folder, model.eval(), origin="nothing", training={"seed": 0, "updates": 0})
    return folder

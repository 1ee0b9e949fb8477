"""A generator on disk: the folder of a diffusers pipeline, and in it what a live run steps without torch.

``stream.json`` says what the streaming step expects and which bytes belong to it; everything that does not fit this
version is refused by name, and pickles are refused altogether.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from robopatient.config import ASSETS
from robopatient.errors import AssetError, ConfigError, RobopatientError
from robopatient.face.generator.condition import CONDITIONS, GROUPS, check_conditions
from robopatient.face.generator.dose import DOSE
from robopatient.face.generator.motion import CHANNELS, MOTION_HZ
from robopatient.face.generator.pickles import refuse_pickles
from robopatient.folders import user_path

if TYPE_CHECKING:
    from robopatient.face.generator.denoiser import FaceDenoiser

__all__ = ["CARD", "FORMAT", "START", "STEP", "StreamCard", "checkpoint_folder", "read_stream",
           "write_checkpoint"]  # fmt: skip

FORMAT = 2
"""Of the streaming step: raised when its inputs or their meaning change."""
CARD, STEP, START = "stream.json", "step.onnx", "start.npz"
GENERATORS = ASSETS / "generators"
LARGEST_BYTES = 15_000_000


class StreamCard(msgspec.Struct, frozen=True, kw_only=True):
    """What the streaming step was made for.

    Attributes
    ----------
    sha256
        Of ``step.onnx`` and ``start.npz``.
    agreement
        Largest difference to the torch pipeline, each going on from its own frames, in standardised units, measured
        over 20 s when it was written.
    """

    format: int
    hz: float
    channels: tuple[str, ...]
    conditions: tuple[str, ...]
    groups: tuple[str, ...]
    parameters: int
    origin: str
    training: dict[str, Any]
    agreement: float
    sha256: dict[str, str]


def checkpoint_folder(name: str) -> Path:
    """Folder of a checkpoint: a name under ``assets/generators``, or a folder of the user's own.

    Raises
    ------
    AssetError
        Naming those that exist.
    """
    own = user_path(name)
    folder = own if own.is_dir() else GENERATORS / name
    if not folder.is_dir():
        known = ", ".join(sorted(path.parent.name for path in GENERATORS.glob(f"*/{CARD}"))) or "none"
        raise AssetError(f"face.checkpoint = {name}: neither a folder nor one of: {known}; train one: face train")
    return folder


def read_stream(folder: Path) -> tuple[StreamCard, Path, dict[str, np.ndarray]]:
    """Card, path of the ONNX step and the state to start from, all checked.

    Raises
    ------
    AssetError
        Naming the file that is missing, damaged, pickled, or made for other columns, another rate or format.
    """
    refuse_pickles(folder)
    path = folder / CARD
    try:
        card = msgspec.json.decode(path.read_bytes(), type=StreamCard)
    except (OSError, msgspec.DecodeError) as error:
        raise AssetError(f"{path}: cannot be read ({error}); train one: robopatient face train") from error
    if card.format != FORMAT:
        raise AssetError(f"{path}: format {card.format}, this version reads {FORMAT}; train again")
    if card.hz != MOTION_HZ:
        raise AssetError(f"{path}: trained at {card.hz:g} frames a second, this version steps {MOTION_HZ:g}")
    if card.channels != CHANNELS or card.groups != tuple(GROUPS):
        wrong = [name for name in CHANNELS if name not in card.channels]
        raise AssetError(f"{path}: channels or groups are others (missing: {', '.join(wrong) or 'none'}); train again")
    try:
        check_conditions(card.conditions, str(path))
    except ConfigError as error:
        raise AssetError(str(error)) from error
    for name in (STEP, START):
        try:
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise AssetError(f"{folder / name}: cannot be read ({error.strerror})") from error
        if digest != card.sha256.get(name):
            raise AssetError(
                f"{folder / name}: is not the file that {CARD} was written for; copy the whole folder again"
            )
    with np.load(folder / START, allow_pickle=False) as file:
        start = {name: file[name] for name in file.files}
    return card, folder / STEP, start


def write_checkpoint(folder: Path, model: FaceDenoiser, *, origin: str, training: dict[str, Any]) -> StreamCard:
    """Write pipeline, streaming step and model card, and measure that the two agree.

    Raises
    ------
    RobopatientError
        When the step does not agree with the pipeline, or the folder would grow beyond what may be shipped.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler

    from robopatient.face.generator.export import compare, export_step
    from robopatient.face.generator.pipeline import PainDiffusionPipeline

    folder.mkdir(parents=True, exist_ok=True)
    pipeline = PainDiffusionPipeline(model, FlowMatchEulerDiscreteScheduler())
    pipeline.save_pretrained(str(folder), safe_serialization=True)
    export_step(model, folder / STEP, folder / START)
    agreement = compare(model, folder / STEP, folder / START)
    card = StreamCard(
        format=FORMAT,
        hz=MOTION_HZ,
        channels=CHANNELS,
        conditions=CONDITIONS,
        groups=tuple(GROUPS),
        parameters=sum(one.numel() for one in model.parameters()),
        origin=origin,
        training=training,
        agreement=agreement,
        sha256={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (STEP, START)},
    )
    (folder / DOSE).unlink(missing_ok=True)  # it was measured on the weights before
    (folder / CARD).write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
    (folder / "README.md").write_text(_model_card(card), encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LARGEST_BYTES:
        raise RobopatientError(f"{folder}: {size / 1e6:.1f} MB; more than {LARGEST_BYTES / 1e6:.0f} MB are not shipped")
    return card


def _model_card(card: StreamCard) -> str:
    return f"""# Face generator

Causal diffusion transformer for faces in pain: {card.parameters / 1e6:.2f} M parameters, {card.hz:g} frames a second,
{len(card.channels)} channels, one network pass a frame.

* **Learned from**: {card.origin}. Simulated faces; no recording of a person. It shows what that recipe says, and
  most of the recipe's numbers are assumptions. It has not been evaluated with people.
* **Use**: moving the face of a robotic patient in research and training. Not for judging the pain of anybody.
* **Training**: {card.training.get("updates", "unknown")} updates, seed {card.training.get("seed", "unknown")};
  all of the training file is in `{CARD}`.
* **Files**: `model_index.json`, `denoiser/`, `scheduler/`: a diffusers pipeline
  (`robopatient.face.generator.pipeline.PainDiffusionPipeline`); `{STEP}`, `{START}`: one streaming step for ONNX
  Runtime. Over 600 frames, each going on from its own, it agrees with the pipeline within {card.agreement:.1e}
  (standardised units).
* **Licence**: that of robopatient.
"""

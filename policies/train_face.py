"""``robopatient face train``: from a corpus to a generator that a session can use.

What is left in the folder: the training file with its seed, the corpus' card, the losses, the state to go on from,
and the finished checkpoint.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import torch
from accelerate import Accelerator

from firmware_bridge.outputs import claim_folder
from policies.corpus.recipe import load_recipe
from policies.corpus.simulator import CorpusDesign, simulate
from policies.corpus.store import Corpus, load
from policies.errors import PolicyError
from policies.face_state import has_state, load_state, save_state
from policies.face_trainer import FaceTrainer, FaceTraining, Flow, Guidance, Jump, NetworkSize, Side
from robopatient.config import decode_toml
from robopatient.face.generator.checkpoint import write_checkpoint
from robopatient.folders import user_path

__all__ = ["DEFAULT", "SMOKE", "corpus_of", "read_training", "train"]

DEFAULT = Path(__file__).with_name("train_face.toml")
SMOKE = FaceTraining(
    design=CorpusDesign(subjects=40, palpation_trials=3, thermal_trials=1, trial_s=5.0),
    network=NetworkSize(width=32, layers=2, heads=2, window=16),
    flow=Flow(steps=30, batch=8, frames=32),
    jump=Jump(steps=16, batch=4, frames=40, settle=16),
    side=Side(batch=2),
    guidance=Guidance(steps=4, batch=2),
)
"""A toy that shows that everything works; its face is not realistic."""
LOG_EVERY = 10
TELL_EVERY = 50


def read_training(path: Path | None, smoke: bool = False) -> FaceTraining:
    """Training file (None: the shipped one).

    Raises
    ------
    AssetError, ConfigError
        Naming the file and the key.
    """
    return SMOKE if smoke else decode_toml(path or DEFAULT, FaceTraining)


def corpus_of(config: FaceTraining) -> Corpus:
    """The corpus that a training file names, or the one that it describes."""
    if config.corpus:
        return load(user_path(config.corpus))
    return simulate(config.design, config.seed, load_recipe())


def train(config: Path | None, out: Path, smoke: bool = False, resume: bool = False) -> None:
    """Train until the last update, then write the checkpoint into ``out``.

    Raises
    ------
    RobopatientError
        When the training file, the corpus or the interrupted training cannot be used.
    """
    settings = read_training(config, smoke)
    accelerator = Accelerator()
    torch.set_num_threads(max(1, torch.get_num_threads() if accelerator.device.type == "cpu" else 1))
    rank = accelerator.process_index
    if has_state(out, rank) and not resume:
        raise PolicyError(f"{out}: holds an interrupted training; go on with --resume, or give another --out")
    claim_folder(out)
    _tell(accelerator, "corpus")
    corpus = corpus_of(settings)
    trainer = FaceTrainer(settings, corpus, accelerator)
    if resume:
        load_state(out, trainer, rank)
        _tell(accelerator, f"goes on after update {trainer.at}")
    _loop(trainer, out, accelerator)
    save_state(out, trainer, rank)
    if accelerator.is_main_process:
        (out / "corpus.md").write_text(corpus.card, encoding="utf-8")
        write_checkpoint(
            out / "checkpoint",
            trainer.averaged(),
            origin=corpus.origin,
            training=msgspec.to_builtins(settings) | {"updates": trainer.at},
        )
        print(
            f"{out / 'checkpoint'}: written after {trainer.at} updates; use it: --set face.checkpoint={out}/checkpoint"
        )


def _loop(trainer: FaceTrainer, out: Path, accelerator: Accelerator) -> None:
    """Updates until the end, with a log, a bar and a checkpoint every now and then."""
    config = trainer.config
    saved_s = time.monotonic()
    with _Log(out, trainer.at, accelerator.is_main_process) as log, _Bar(config.steps, trainer.at) as bar:
        while trainer.at < config.steps:
            stage = trainer.stage
            losses = trainer.step()
            if trainer.at % LOG_EVERY == 0:
                log.add(trainer.at, stage, losses)
            bar(trainer.at, stage, losses)
            if time.monotonic() - saved_s >= config.keep.save_s:
                save_state(out, trainer, accelerator.process_index)
                saved_s = time.monotonic()


def _tell(accelerator: Accelerator, text: str) -> None:
    if accelerator.is_main_process:
        print(f"face train: {text}", file=sys.stderr, flush=True)


class _Log:
    """losses.csv, and TensorBoard where it is installed."""

    def __init__(self, out: Path, at: int, writes: bool) -> None:
        self._path = out / "losses.csv" if writes else None
        self._at = at
        self._board: Any = None
        if writes:
            try:
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(str(out / "tensorboard"))
            except ImportError:
                pass  # an extra: losses.csv says the same

    def __enter__(self) -> _Log:
        if self._path is not None and self._at == 0:
            self._path.write_text("update,stage,loss,value\n", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            self._board.close()

    def add(self, at: int, stage: str, losses: dict[str, float]) -> None:
        """A row a loss."""
        if self._path is not None:
            with self._path.open("a", newline="") as file:
                csv.writer(file).writerows([at, stage, name, f"{value:.6f}"] for name, value in losses.items())
        if self._board is not None:
            for name, value in losses.items():
                self._board.add_scalar(f"{stage}/{name}", value, at)


class _Bar:
    """A bar on a terminal, a line now and then when piped."""

    def __init__(self, total: int, done: int) -> None:
        self._total, self._done = total, done
        self._bar: Any = None
        self._task: Any = None
        self._mean: dict[str, float] = {}
        self._stage = ""

    def __enter__(self) -> _Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task("training", total=self._total, completed=self._done)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _same(self, stage: str) -> bool:
        self._stage, before = stage, self._stage
        return before == stage

    def __call__(self, at: int, stage: str, losses: dict[str, float]) -> None:
        """Report the progress."""
        for name, value in losses.items():
            self._mean[name] = 0.98 * self._mean.get(name, value) + 0.02 * value
        if not self._same(stage):
            self._mean = dict(losses)
        text = f"{stage} " + " ".join(f"{name} {value:.3f}" for name, value in self._mean.items())
        if self._bar is not None:
            self._bar.update(self._task, completed=at, description=text)
        elif at % TELL_EVERY == 0 or at == self._total:
            print(f"face train: {at}/{self._total} {text}", file=sys.stderr, flush=True)

"""One reader of what users write, one way to open for writing, no error swallowed: exceptions are named."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("robopatient", "firmware_bridge", "policies", "experiments")

READERS = {
    "firmware_bridge/inputs.py",  # the one reader of tables
    "robopatient/config.py",  # the one reader of TOML
    "experiments/judges/outside/openface.py",  # runs in another Python, on a table that OpenFace has just written
}
CATCH_ALL = {
    "robopatient/face/generator/stream.py": 1,  # onnxruntime raises classes of its own
    "robopatient/face/generator/pipeline.py": 1,  # diffusers raises whatever it likes
    "robopatient/face/process.py": 1,  # a lost OpenGL context, a compiler without its cache
    "robopatient/face/render_gl.py": 1,  # the driver
    "robopatient/session/control.py": 1,  # writes the reason of the end into the record, and raises it again
    "robopatient/study/study.py": 1,  # a study's own Python
    "robopatient/console/window_process.py": 1,  # inside Qt's event loop
    "experiments/studies/lab.py": 1,  # writes the reason of the end into the record, and raises it again
}
WRITERS = {
    # The one way, and what writes into the part files and folders that it hands out.
    "firmware_bridge/outputs.py", "firmware_bridge/board_tools.py", "robopatient/patient/cli.py",
    "robopatient/record/library_export.py", "robopatient/record/export.py", "robopatient/record/tables.py",
    "robopatient/record/bids.py", "robopatient/record/physio.py", "experiments/analysis/folder.py",
    "robopatient/simulation/generate.py", "robopatient/face/display/profile.py", "robopatient/voice/calibration.py",
    "robopatient/sensing/calibration_files.py", "policies/face_import/flame.py", "policies/corpus/store.py",
    "policies/populations.py", "policies/train_face.py",
    # Files of a session's own new folder, made again by its own commands.
    "robopatient/session/journal.py", "robopatient/session/replay.py", "robopatient/session/debrief.py",
    "robopatient/record/presses.py", "robopatient/record/debrief_figures.py", "robopatient/record/participants.py",
    "robopatient/report/page.py", "robopatient/voice/process.py", "robopatient/face/film.py",
    # Caches, checkpoints in a folder of their own, data sets in theirs, a device or a pipe.
    "robopatient/face/cache.py", "robopatient/voice/words.py", "robopatient/face/generator/export.py",
    "robopatient/face/generator/checkpoint.py", "robopatient/face/bodies/outlets.py", "policies/frozen.py",
    "policies/face_state.py", "policies/ratings_log.py", "experiments/evaluation/dose.py",
    "experiments/evaluation/generator.py", "experiments/datasets/tables.py", "experiments/datasets/draw.py",
    "experiments/datasets/layout.py", "experiments/datasets/shards.py", "experiments/datasets/generate.py",
    "experiments/studies/congruence_replication/sounds.py", "experiments/benchmarks/dataset.py",
    "experiments/benchmarks/monitor.py", "experiments/benchmarks/training_runs.py",
    "experiments/benchmarks/coverage.py", "firmware_bridge/link.py", "firmware_bridge/boards/simavr.py",
}  # fmt: skip
WRITING = {"write_text", "write_bytes", "to_csv", "savez", "savez_compressed"}
MODES = {"w", "wb", "x", "xb", "wt", "a", "ab", "w+", "r+", "r+b", "a+"}


def modules(found: Callable[[ast.AST], bool]) -> dict[str, int]:
    """How often something is found in each module of the four packages."""
    counts = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            count = sum(found(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            if count:
                counts[path.relative_to(ROOT).as_posix()] = count
    return counts


def name_of(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_tables_and_toml_are_read_in_one_place_each() -> None:
    def reads(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        called = ast.unparse(node.func)
        return called in {
            "csv.reader",
            "csv.DictReader",
            "pd.read_csv",
            "pandas.read_csv",
            "tomllib.load",
            "tomllib.loads",
        }

    assert set(modules(reads)) == READERS


def test_nothing_new_catches_every_error() -> None:
    def catches(node: ast.AST) -> bool:
        return isinstance(node, ast.ExceptHandler) and (node.type is None or name_of(node.type) == "Exception")

    assert modules(catches) == CATCH_ALL


def test_whatever_opens_for_writing_is_named() -> None:
    def writes(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        name = name_of(node.func)
        modes = [*node.args[:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        opened = name in {"open", "fdopen"} and any(isinstance(m, ast.Constant) and m.value in MODES for m in modes)
        return name in WRITING or opened

    unnamed = set(modules(writes)) - WRITERS - {"robopatient/locks.py"}
    assert unnamed == set()

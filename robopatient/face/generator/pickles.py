"""Files that would have to be unpickled, which can run anything, are not read."""

from __future__ import annotations

from pathlib import Path

from firmware_bridge.inputs import is_lfs_pointer
from robopatient.errors import AssetError

__all__ = ["refuse_pickles"]

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")


def refuse_pickles(folder: Path) -> None:
    """Refuse a folder with files that would have to be unpickled, or that Git did not fetch.

    Raises
    ------
    AssetError
        Naming the first such file.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_lfs_pointer(path):
            raise AssetError(f"{path}: is a Git LFS pointer, not the file itself; fetch it with: git lfs pull")
        pickled = path.suffix in PICKLES
        if path.suffix in (".safetensors", ".onnx") and path.is_file():
            with path.open("rb") as file:
                head = file.read(9)
            # safetensors begin with the length of a JSON header, pickles with their protocol or as a zip file
            pickled = head[8:] != b"{" if path.suffix == ".safetensors" else head[:1] == b"\x80" or head[:2] == b"PK"
        if pickled:
            raise AssetError(f"{path}: is a pickle, which can run anything; only safetensors are read: convert it")

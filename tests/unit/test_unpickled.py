"""Nothing on a wire, in a ring or in a file is ever unpickled: no call that could is in the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
PACKAGES = ("firmware_bridge", "robopatient")


def faults(source: str) -> list[str]:
    """Calls and imports that may unpickle: the modules themselves, numpy told to, torch not told not to, pipes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: import {alias.name}" for alias in node.names if alias.name in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(f"{node.lineno}: from {node.module}")
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
            if words.get("allow_pickle") is True or name in ("recv_pyobj", "send_pyobj"):
                found.append(f"{node.lineno}: {name}")
            owner = (
                node.func.value.id
                if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                else ""
            )
            if owner == "torch" and name == "load" and words.get("weights_only") is not True:
                found.append(f"{node.lineno}: torch.load")
            if name == "recv" and "orders" in owner:
                found.append(f"{node.lineno}: Connection.recv")
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_source_of_the_patient_or_the_bridge_can_unpickle(package):
    bad = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / package).rglob("*.py"))
        if (found := faults(path.read_text(encoding="utf-8")))
    }
    assert bad == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "np.load(p, allow_pickle=True)", "socket.recv_pyobj()",
        "torch.load(p)", "orders.recv()",
    ],
)  # fmt: skip
def test_each_way_to_unpickle_would_be_found(source):
    assert faults(source)

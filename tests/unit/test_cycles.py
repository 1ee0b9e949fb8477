"""No module needs, by itself or by others, a module that needs it: also where the import stands within a function."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported(tree: ast.Module, known: set[str]) -> set[str]:
    """Modules that a file imports, but for those that only a type checker sees."""
    typed = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    unseen = {id(inner) for node in typed for inner in ast.walk(node)}
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and id(node) not in unseen]
    names = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    return {name if name in known else name.rpartition(".")[0] for name in names} & known


@pytest.mark.parametrize("package", ["robopatient"])
def test_no_module_imports_one_that_imports_it(package):
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / package).rglob("*.py")
    }
    graph = {name: imported(ast.parse(path.read_text()), set(files)) - {name} for name, path in files.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError with the modules

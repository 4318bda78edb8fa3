"""Holds the shape of the code: imports point upwards only, sizes stay small, nothing executes files."""

import ast
import pickle
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "gradwise"
FILES = sorted(ROOT.rglob("*.py"))

# Each module imports only from names above its own. Those on one line may not import each other.
ORDER = [
    ["version"],
    ["errors"],
    ["config"],
    ["registry"],
    ["ops"],
    ["activations"],
    ["initializers", "regularizers", "constraints"],
    ["core"],
    ["data"],
    ["datasets", "utils"],
    ["layers"],
    ["losses"],
    ["metrics"],
    ["optimizers"],
    ["saving"],
    ["training"],
    ["callbacks"],
    ["models"],
    ["evaluation"],
    ["views"],
    ["workflow"],
    ["cli"],
]
RANK = {name: place for place, names in enumerate(ORDER) for name in names}


def package_of(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gradwise":
            parts = node.module.split(".")
            if len(parts) == 1:
                yield from ((alias.name, node.lineno) for alias in node.names)
            else:
                yield parts[1], node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "gradwise":
                    yield (alias.name.split(".") + [""])[1], node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_upwards(path):
    if path.parent == ROOT and path.name in ("__init__.py", "__main__.py"):
        return
    own = package_of(path)
    assert own in RANK, f"{own} has no place in the order"
    for name, line in imports_of(ast.parse(path.read_text())):
        assert name, f"{path}:{line} imports gradwise itself"
        if name != own:
            assert RANK[name] < RANK[own], f"{path.relative_to(ROOT)}:{line}: {own} may not import {name}"


def test_there_is_no_import_cycle_inside_a_package():
    graph = {}
    for path in FILES:
        name = "gradwise." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        name = name.removesuffix(".__init__")
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gradwise."):
                found.update((node.module, f"{node.module}.{alias.name}") for alias in node.names)
        graph[name] = found
    graph.pop("gradwise", None)
    # `from package import module` depends on the module; `from module import name` on the module named first.
    graph = {
        name: {inner if inner in graph else outer for outer, inner in found} for name, found in graph.items()
    }
    done, path = set(), []

    def visit(name):
        assert name not in path, "cycle: " + " -> ".join([*path[path.index(name) :], name])
        if name in done or name not in graph:
            return
        path.append(name)
        for other in graph[name] & graph.keys() - {name}:
            visit(other)
        path.pop()
        done.add(name)

    for name in graph:
        visit(name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path):
    text = path.read_text()
    assert text.count("\n") <= 600, f"{path} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(
                getattr(first, "value", None), ast.Constant
            )
            body = node.end_lineno - (first.end_lineno if documented else node.body[0].lineno - 1)
            assert body <= 60, f"{path}:{node.lineno} {node.name} has {body} lines"


# Reads published data sets that are pickled, by a subclass that admits arrays and nothing else.
UNPICKLES = ROOT / "datasets" / "_objects.py"


@pytest.mark.parametrize(
    "path", [path for path in FILES if path != UNPICKLES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_nothing_executes_data(path):
    forbidden = re.compile(
        r"\b(pickle|marshal|importlib|__import__)\b|(?<![.\w])(eval|exec)\(|allow_pickle=True"
    )
    for number, line in enumerate(path.read_text().splitlines(), 1):
        code = line.split("#")[0]
        if '"' not in code and "'" not in code:
            assert not forbidden.search(code), f"{path}:{number}: {line.strip()}"


def test_the_one_unpickler_admits_three_names():
    uses = re.findall(r"pickle\.(\w+)", UNPICKLES.read_text())
    assert set(uses) == {"Unpickler", "UnpicklingError"}
    from gradwise.datasets import _objects

    assert issubclass(_objects._ArraysOnly, pickle.Unpickler)
    assert {name for _, name in _objects._ADMITTED} == {"_reconstruct", "ndarray", "dtype"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_assert_statements(path):
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.Assert), f"{path}:{node.lineno}: raise an error that says what to do"


def test_folders_are_flat_and_documented():
    for path in FILES:
        assert len(path.relative_to(ROOT).parts) <= 3, f"{path} lies too deep"
    for folder in {path.parent for path in FILES}:
        tree = ast.parse((folder / "__init__.py").read_text())
        assert ast.get_docstring(tree), f"{folder} does not say what it is for"

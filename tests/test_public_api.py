"""The public names are those of a checked-in list; each is documented and annotated.

After a deliberate change: `python tests/test_public_api.py` writes the list anew.
"""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "gradwise"
LIST = Path(__file__).parent / "public_api.txt"
# What users import from: the top and the packages under it that are made for them.
PLACES = [
    "",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "errors",
    "initializers",
    "layers",
]
PLACES += ["losses", "metrics", "models", "optimizers", "optimizers.schedules", "regularizers", "utils"]


def place(name):
    return importlib.import_module(f"gradwise.{name}".rstrip("."))


def source_of(name):
    folder = ROOT.joinpath(*name.split(".")) if name else ROOT
    return (folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")).read_text()


def names_in(name):
    """What a place names in `__all__`; else what it defines or re-exports with `from x import y as y`."""
    if hasattr(place(name), "__all__"):
        yield from place(name).__all__
        return
    for node in ast.parse(source_of(name)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found = [node.name]
        elif isinstance(node, ast.ImportFrom):
            found = [alias.name for alias in node.names if alias.asname == alias.name]
        else:
            continue
        yield from (item for item in found if not item.startswith("_") or item == "__version__")


def public_names():
    return sorted(f"gradwise.{name}.{item}".replace("..", ".") for name in PLACES for item in names_in(name))


def public_items():
    for name in public_names():
        folder, _, item = name.rpartition(".")
        found = getattr(importlib.import_module(folder), item)
        if callable(found):
            yield name, found


def test_the_names_are_those_of_the_list():
    now, listed = set(public_names()), set(LIST.read_text().split())
    assert sorted(now - listed) == [], (
        "new names: if they are meant to be public, write the list anew (see above)"
    )
    assert sorted(listed - now) == [], "names that users rely on are gone"


ITEMS = dict(public_items())


def methods_of(item):
    """A function itself; the constructor and the public methods of a class of ours."""
    if not isinstance(item, type):
        yield item.__name__ if hasattr(item, "__name__") else "call", item
        return
    for name, member in inspect.getmembers(item, inspect.isfunction):
        ours = (member.__module__ or "").startswith("gradwise")
        if ours and (name == "__init__" or not name.startswith("_")):
            yield name, member


@pytest.mark.parametrize("name", ITEMS)
def test_public_names_are_documented(name):
    text = inspect.getdoc(ITEMS[name])
    assert text, f"{name} has no docstring"
    first = text.splitlines()[0]
    assert first[0].isupper() or not first[0].isalpha() or first.startswith(ITEMS[name].__name__), first
    assert text.split("\n\n")[0].rstrip().endswith((".", ":", ")")), first
    if isinstance(ITEMS[name], type):
        for method, function in methods_of(ITEMS[name]):
            assert method == "__init__" or inspect.getdoc(function), f"{name}.{method} has no docstring"


@pytest.mark.parametrize("name", ITEMS)
def test_public_names_are_annotated(name):
    for method, function in methods_of(ITEMS[name]):
        if not inspect.isfunction(inspect.unwrap(function)):
            continue
        signature = inspect.signature(function)
        for parameter in list(signature.parameters.values()):
            if parameter.name not in ("self", "cls"):
                assert parameter.annotation is not parameter.empty, f"{name}.{method}({parameter.name})"
        assert signature.return_annotation is not signature.empty, f"{name}.{method} -> ?"


def test_importing_brings_no_heavy_library():
    """They would cost the start of every program; whoever needs one imports it where it is used."""
    import subprocess
    import sys

    heavy = (
        "sklearn",
        "matplotlib",
        "pandas",
        "polars",
        "rich",
        "PIL",
        "torch",
        "tensorflow",
        "keras",
        "scipy.stats",
    )
    code = f"import sys, gradwise; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


if __name__ == "__main__":
    LIST.write_text("\n".join(public_names()) + "\n")

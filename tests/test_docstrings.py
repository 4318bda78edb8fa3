"""Documentation that is run: the examples of every module, and the shapes that ops document."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

ROOT = Path(__file__).parent.parent / "src" / "gradwise"
MODULES = sorted(
    ".".join(("gradwise", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if path.name != "__main__.py"
)
OPS = [name for name in MODULES if name.startswith("gradwise.ops.")]
SHAPE = re.compile(r"(float|number|int|bool)\[([^\]]*)\]")
# "..." stands for two axes of these sizes, and each letter for a size of its own.
REST = (11, 13)
TYPES = {"float": "float32", "number": "float32", "int": "int32", "bool": "bool"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    report = []
    runner = doctest.DocTestRunner(optionflags=options, verbose=False)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def functions():
    for name in OPS:
        for key, item in vars(importlib.import_module(name)).items():
            if (
                not key.startswith("_")
                and callable(item)
                and getattr(item, "__module__", "") == name
                and not isinstance(item, type)
            ):
                yield f"{name.removeprefix('gradwise.ops.')}.{key}", item


def section(text, title):
    """The lines under a heading such as Args:, by parameter; for Returns the text itself."""
    match = re.search(rf"^{title}:\n((?: {{4}}.*\n?|\n)+)", text, re.MULTILINE)
    return inspect.cleandoc(match.group(1)) if match else ""


def documented(function):
    """The shapes of the arguments without a default, and of the result; None if one is not documented."""
    text = inspect.getdoc(function) or ""
    arguments = dict(re.findall(r"^(\w+): (.*)", section(text, "Args"), re.MULTILINE))
    shapes = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            continue
        found = SHAPE.match(arguments.get(parameter.name, ""))
        if not found:
            return None
        shapes[parameter.name] = found.groups()
    result = SHAPE.match(section(text, "Returns"))
    if not shapes or not result or " each:" in section(text, "Returns").split("\n")[0]:
        return None
    return shapes, result.groups()


CHECKED = [(name, function, documented(function)) for name, function in functions() if documented(function)]


def size_of(axis, sizes):
    axis = axis.split("/")[0].strip()  # C/groups, with one group
    if axis.isdigit():
        return int(axis)
    return sizes.setdefault(axis, {"KH": 2, "KW": 3}.get(axis, 4 + len(sizes)))


def axes_of(text):
    return [axis.strip() for axis in text.split(",")] if text.strip() else []


def shape_of(text, sizes):
    shape = []
    for axis in axes_of(text):
        shape.extend(REST if axis == "..." else [size_of(axis, sizes)])
    return tuple(shape)


def test_most_ops_document_their_shapes():
    assert len(CHECKED) > 45


@pytest.mark.parametrize(
    ("function", "shapes"), [item[1:] for item in CHECKED], ids=[item[0] for item in CHECKED]
)
def test_documented_shapes(function, shapes):
    arguments, (kind, result) = shapes
    sizes = {}
    given = {
        name: jax.ShapeDtypeStruct(shape_of(text, sizes), TYPES[dtype])
        for name, (dtype, text) in arguments.items()
    }
    output = jax.eval_shape(function, *given.values())
    known = set(sizes)
    expected = shape_of(result, sizes)
    assert len(output.shape) == len(expected)
    new = [axis for axis in axes_of(result) if axis != "..." and not axis.isdigit() and axis not in known]
    if not new:  # an output's own letters, such as OH, may have any size
        assert output.shape == expected
    for have, axis in zip(output.shape, axes_of(result), strict=False):
        if axis in known and "..." not in result:
            assert have == sizes[axis], axis
    wanted = {"float": jnp.floating, "int": jnp.integer, "bool": jnp.bool_, "number": jnp.number}[kind]
    assert jnp.issubdtype(output.dtype, wanted)

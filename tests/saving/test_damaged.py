"""Files that are damaged, foreign or made to do harm: one clear error each, nothing executed or blown up."""

import io
import json
import zipfile

import numpy as np
import pytest

import gradwise as gw
from gradwise import layers
from gradwise.errors import FileError, GradwiseError

pytestmark = pytest.mark.feature("B4")

MEMBERS = ("metadata.json", "config.json", "extras.json", "weights.safetensors")


@pytest.fixture(scope="module")
def model():
    model = gw.Sequential([gw.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "model.gwz"
    model.save(path)
    return path.read_bytes()


@pytest.fixture
def load(tmp_path):
    def load(content, **options):
        path = tmp_path / "model.gwz"
        path.write_bytes(content)
        return gw.load_model(path, **options)

    return load


def members(whole):
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(parts, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_config(whole, change):
    parts = members(whole)
    config = json.loads(parts["config.json"])
    change(config)
    return pack({**parts, "config.json": json.dumps(config).encode()})


def test_the_parts_are_as_documented(whole):
    assert sorted(members(whole)) == sorted(MEMBERS)
    assert json.loads(members(whole)["metadata.json"])["format"] == 1


@pytest.mark.parametrize("share", [n / 20 for n in range(20)])
def test_a_truncated_file(whole, load, share):
    with pytest.raises(FileError, match="expected a whole model file"):
        load(whole[: int(share * len(whole))])


def test_changed_bytes_never_do_anything_but_raise(whole, load, model):
    """A checksum guards every member; a change elsewhere is refused or harmless."""
    generator = np.random.default_rng(0)
    x = np.ones((2, 4), "float32")
    expected = model.predict(x)
    for _ in range(60):
        content = bytearray(whole)
        for place in generator.integers(0, len(content), 3):
            content[place] ^= 1 << generator.integers(0, 8)
        try:
            again = load(bytes(content), compile=False)
        except GradwiseError:
            continue
        np.testing.assert_array_equal(again.predict(x), expected)


def test_foreign_files(whole, load, tmp_path):
    with pytest.raises(FileError, match="a model file, but got no such file"):
        gw.load_model(tmp_path / "nothing.gwz")
    for content in (b"", b"\x89HDF\r\n\x1a\n" + bytes(100), b"PK\x03\x04", bytes(1000)):
        with pytest.raises(FileError):
            load(content)
    with pytest.raises(FileError, match="an archive with a.txt. Pass a file that model.save wrote"):
        load(pack({"a.txt": b"hello"}))


@pytest.mark.parametrize("name", ["../evil.py", "/etc/passwd", "extra.bin", "config.json/../x"])
def test_members_that_do_not_belong(whole, load, name):
    with pytest.raises(FileError, match="expected a model file with"):
        load(pack({**members(whole), name: b"1"}))
    for missing in MEMBERS:
        with pytest.raises(FileError):
            load(pack({key: value for key, value in members(whole).items() if key != missing}))


def test_compressed_members_are_refused(whole, load):
    """No zip bombs: what is stored is what is read."""
    parts = {**members(whole), "extras.json": b" " * 10_000_000 + b"{}"}
    with pytest.raises(FileError, match="compressed or claims a wrong size"):
        load(pack(parts, zipfile.ZIP_DEFLATED))


def test_a_huge_declared_size(whole, load):
    content = bytearray(whole)
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 20 : directory + 28] = (2**31 - 10).to_bytes(4, "little") * 2
    with pytest.raises(FileError, match="claims a wrong size|whole model file"):
        load(bytes(content))


def test_a_newer_format_says_so(whole, load):
    parts = members(whole)
    metadata = json.loads(parts["metadata.json"])
    newer = pack({**parts, "metadata.json": json.dumps({**metadata, "format": 99, "gradwise": "9.0"})})
    with pytest.raises(
        FileError, match=r"format 1 or older, but got format 99, written by gradwise 9.0. Update gradwise"
    ):
        load(newer)
    for odd in ({}, [], {"format": "1"}, {"format": 0}, {"format": None}):
        with pytest.raises(FileError, match="no format number"):
            load(pack({**parts, "metadata.json": json.dumps(odd)}))


def test_weights_of_other_names_and_shapes(whole, load):
    from safetensors.numpy import load as read
    from safetensors.numpy import save

    arrays = read(members(whole)["weights.safetensors"])
    for changed, text in [
        ({"other": arrays["dense/bias"], **arrays}, "not in the model: other"),
        ({key: value for key, value in arrays.items() if key != "dense/bias"}, "missing: dense/bias"),
        ({**arrays, "dense/bias": np.ones(7, "float32")}, r"'dense/bias' with shape \(3,\), but got \(7,\)"),
    ]:
        with pytest.raises(FileError, match=text):
            load(pack({**members(whole), "weights.safetensors": save(changed)}))


CHANGES = {
    "a module by name": lambda c: c["model"].update({"class": "os.system"}),
    "a builtin": lambda c: c["model"].update({"class": "builtins.eval"}),
    "a function as class": lambda c: c["model"].update({"class": "activations.relu"}),
    "a loss as model": lambda c: c.update({"model": {"class": "losses.MeanSquaredError", "config": []}}),
    "a number as model": lambda c: c.update({"model": 3}),
    "no model": lambda c: c.pop("model"),
    "unknown settings": lambda c: c["model"]["config"].append(["evil", 1]),
    "settings of another form": lambda c: c["model"].update({"config": {"a": 1}}),
    "no settings": lambda c: c["model"].pop("config"),
    "unhashable keys": lambda c: c["model"].update({"config": [[["a"], 1]]}),
    "an unknown type": lambda c: c["model"]["config"].append(["name", {"array": [1], "dtype": "nonsense"}]),
    "an unknown optimizer": lambda c: c["compile"].update(
        {"optimizer": {"class": "optimizers.Evil", "config": []}}
    ),
    "compile with a surplus": lambda c: c["compile"].update({"run": "rm"}),
    "compile of another form": lambda c: c.update({"compile": [1, 2]}),
    "frozen of another form": lambda c: c.update({"frozen": 3}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_configuration(whole, load, name):
    with pytest.raises((FileError, GradwiseError)) as caught:
        load(with_config(whole, CHANGES[name]))
    assert len(str(caught.value)) < 700


def test_an_unknown_class_names_the_fix(whole, load):
    content = with_config(whole, lambda c: c["model"].update({"class": "shop.Basket"}))
    with pytest.raises(
        FileError,
        match=r"'shop.Basket'. Import the module that registers it, or pass custom_objects=\{'Basket': ...\}",
    ):
        load(content)


def test_a_layer_larger_than_the_file_takes_no_memory(whole, load):
    text = members(whole)["config.json"].decode()
    huge = json.dumps(json.loads(text)).replace('["units", 3]', '["units", 1000000000000]')
    assert huge.count("1000000000000") == 1
    with pytest.raises(FileError, match="largest array holds"):
        load(pack({**members(whole), "config.json": huge.encode()}))


def test_text_nested_without_end(whole, load):
    for name in ("config.json", "metadata.json", "extras.json"):
        with pytest.raises(FileError):
            load(pack({**members(whole), name: b"[" * 200_000}))

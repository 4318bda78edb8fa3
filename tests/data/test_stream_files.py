"""Arrays in files: equal to arrays in memory, without filling the memory."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from gradwise.data import Loader, row_files
from gradwise.data.stream_sources import from_npy
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6")

N = 300


@pytest.fixture(autouse=True)
def all_files_are_large(monkeypatch):
    monkeypatch.setattr(row_files, "_SMALL", 0)


@pytest.fixture
def arrays(tmp_path, rng):
    x = rng.normal(size=(N, 3, 5)).astype(np.float32)
    y = rng.integers(0, 9, N)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    return x, y, str(tmp_path / "x.npy"), str(tmp_path / "y.npy")


def same(ours, theirs):
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for batch, other in zip(ours, theirs, strict=True):
        for a, b in zip(batch, other, strict=True):
            assert type(a) is np.ndarray and a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("settings", [{}, {"shuffle": False}, {"window": 64}, {"window": 7}], ids=str)
def test_files_give_the_batches_of_arrays_in_memory(arrays, settings):
    x, y, x_path, y_path = arrays
    ours = Loader(from_npy(x_path, y_path), 32, seed=2, **settings)
    theirs = Loader((x, y), 32, seed=2, **settings)
    for _ in range(2):
        same(ours, theirs)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[40:],
        lambda a: a[40:90][3:],
        lambda a: a.reshape(N, 15),
        lambda a: a.reshape(-1, 5)[6:].reshape(-1, 3, 5),
        lambda a: a[::2],
        lambda a: a[:, 1],
        lambda a: a[::-1],
        lambda a: a.transpose(0, 2, 1),
        lambda a: a + 1,
    ],
)
def test_views_of_mapped_arrays_read_the_right_rows(arrays, view):
    mapped = from_npy(arrays[2])
    same(Loader(view(mapped), 32, seed=0), Loader(np.array(view(arrays[0])), 32, seed=0))


def test_raw_maps_and_what_was_written_to_them(tmp_path):
    mapped = np.memmap(tmp_path / "raw", np.int16, "w+", offset=6, shape=(N, 4))
    mapped[:] = np.arange(N * 4).reshape(N, 4)
    same(Loader(mapped, 32, seed=0), Loader(np.array(mapped), 32, seed=0))
    private = np.memmap(tmp_path / "raw", np.int16, "c", offset=6, shape=(N, 4))
    private[:] = 7
    assert all((x == 7).all() for (x,) in Loader(private, 32))


def test_a_file_goes_to_workers_as_its_path(arrays):
    loader = Loader(from_npy(arrays[2]), 32)
    list(loader)
    assert len(pickle.dumps(loader._source)) < 1000 < arrays[0].nbytes


def test_unfit_files_are_refused(tmp_path, arrays):
    with pytest.raises(InputError, match=r"expected a .npy file of numbers, but got an error \(\[Errno 2\]"):
        from_npy(str(tmp_path / "none.npy"))
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object))
    with pytest.raises(InputError, match="Write it with numpy.save"):
        from_npy(str(tmp_path / "objects.npy"))
    loader = Loader(from_npy(arrays[2]), 32)
    with open(arrays[2], "r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(InputError, match="expected 300 rows of 60 bytes, but got a file that ends in row"):
        list(loader)


SCRIPT = """
import sys
import numpy as np
from gradwise.data import Loader
from gradwise.data.stream_sources import from_npy

def resident(entry):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(entry))

total, before = 0, resident("VmRSS")
for settings in ({"shuffle": False}, {"window": 4096}, {}):
    for (x,) in Loader(from_npy(sys.argv[1]), 256, seed=0, **settings):
        total += x.nbytes
print(total, resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_memory_does_not_fill_with_the_file(tmp_path):
    path = str(tmp_path / "large.npy")
    np.lib.format.open_memmap(path, "w+", np.float32, (200_000, 256)).flush()  # 195 MB of holes
    done = subprocess.run([sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    total, grown = map(float, done.stdout.split())
    assert total == 3 * 200_000 * 256 * 4
    assert grown < 60

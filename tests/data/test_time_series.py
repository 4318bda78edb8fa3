"""Windows of time series: against brute force, without a look ahead, and split by time."""

import numpy as np
import pandas
import pytest

from gradwise.data.tables import read_table
from gradwise.data.time_series import windows
from gradwise.data.time_splits import time_split
from gradwise.errors import InputError

pytestmark = pytest.mark.feature("A6", "A7")


def by_hand(series, targets, length, horizon=1, gap=0, step=1, stride=1):
    """Every window written out as a loop over steps."""
    found, start = [], 0
    while True:
        steps = [start + place * step for place in range(length)]
        goals = [steps[-1] + 1 + gap + place for place in range(horizon)]
        if goals[-1] >= len(series):
            return found
        found.append((start, [series[s] for s in steps], [targets[g] for g in goals]))
        start += stride


def drawn(number):
    random = np.random.default_rng(number)
    settings = {
        "horizon": int(random.integers(1, 4)),
        "gap": int(random.integers(0, 4)),
        "step": int(random.integers(1, 4)),
        "stride": int(random.integers(1, 5)),
    }
    return random, int(random.integers(1, 6)), settings


@pytest.mark.parametrize("number", range(25))
def test_windows_are_those_written_out(number):
    random, length, settings = drawn(number)
    series = random.normal(size=(int(random.integers(30, 60)), 3)).astype("float32")
    targets = random.integers(0, 5, size=len(series)) if number % 2 else None
    found = windows(series, length, targets=targets, **settings)
    wanted = by_hand(series, series if targets is None else targets, length, **settings)
    assert found.starts.tolist() == [start for start, _, _ in wanted]
    x, y = found.arrays()
    np.testing.assert_array_equal(x, [part for _, part, _ in wanted])
    goals = np.array([part for _, _, part in wanted])
    np.testing.assert_array_equal(y, goals[:, 0] if settings["horizon"] == 1 else goals)
    assert x.dtype == np.float32 and y.dtype == (series if targets is None else targets).dtype
    one_x, one_y = found[len(found) - 1]
    np.testing.assert_array_equal(one_x, x[-1])
    np.testing.assert_array_equal(one_y, y[-1])
    some_x, some_y = found[np.array([2, 0])]
    np.testing.assert_array_equal(some_x, x[[2, 0]])
    np.testing.assert_array_equal(some_y, y[[2, 0]])
    assert (found.target_times == found.starts + (length - 1) * settings["step"] + 1 + settings["gap"]).all()


@pytest.mark.parametrize("number", range(30))
@pytest.mark.parametrize("missing", ["refuse", "drop", "fill_forward"])
def test_nothing_from_the_time_of_the_targets_on_reaches_the_inputs(number, missing):
    random, length, settings = drawn(number)
    series = random.normal(size=(60, 2))
    targets = random.normal(size=60)
    if missing != "refuse":
        series[random.random(series.shape) < 0.05] = np.nan
    found = windows(series, length, targets=targets, missing=missing, **settings)
    index = int(random.integers(len(found)))
    before, _ = found[index]
    time, start = found.target_times[index], found.starts[index]
    later = series.copy()
    later[time:] = random.normal(size=later[time:].shape) * 100
    later[time:][random.random(later[time:].shape) < 0.3] = np.nan if missing != "refuse" else 7.0
    goals = random.normal(size=60)
    again = windows(later, length, targets=goals, missing=missing, **settings)
    (same,) = np.nonzero(again.starts == start)[0]
    np.testing.assert_array_equal(again[same][0], before)
    # The opposite too: what the window reads does change it.
    later[start] += 1.0
    if not np.isnan(later[start]).any():
        changed = windows(later, length, targets=goals, missing=missing, **settings)
        (same,) = np.nonzero(changed.starts == start)[0]
        assert (changed[same][0] != before).any()


def test_a_series_of_numbers_has_one_feature():
    found = windows(np.arange(6), 2)
    x, y = found.arrays()
    assert x.shape == (4, 2, 1) and x.dtype == np.float32
    assert y.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert windows(np.arange(6), 2, horizon=3).arrays()[1].tolist() == [[2.0, 3.0, 4.0], [3.0, 4.0, 5.0]]


def test_all_windows_take_no_memory_of_their_own():
    series = np.random.default_rng(0).normal(size=(1000, 4))
    x, _ = windows(series, 100, step=2, stride=3).arrays()
    assert np.shares_memory(x, series) and not x.flags.writeable
    several, _ = windows([series[:500], series[500:]], 100).arrays()
    assert not np.shares_memory(several, series)  # the border breaks the even distances


@pytest.mark.parametrize("number", range(10))
def test_no_window_crosses_a_border(number):
    random, length, settings = drawn(number)
    pieces = [random.normal(size=(int(random.integers(10, 40)), 2)) for _ in range(4)]
    goals = [piece[:, 0] > 0 for piece in pieces]
    found = windows(pieces, length, targets=goals, **settings)
    x, y = found.arrays()
    wanted = [
        part
        for piece, goal in zip(pieces, goals, strict=True)
        for part in by_hand(piece, goal, length, **settings)
    ]
    np.testing.assert_array_equal(x, [part for _, part, _ in wanted])
    goal = np.array([part for _, _, part in wanted])
    np.testing.assert_array_equal(y, goal[:, 0] if settings["horizon"] == 1 else goal)
    groups = np.repeat(["c", "a", "b", "d"], [len(piece) for piece in pieces])
    other = windows(np.concatenate(pieces), length, targets=np.concatenate(goals), groups=groups, **settings)
    np.testing.assert_array_equal(other.starts, found.starts)
    np.testing.assert_array_equal(other.ends, found.ends)


def test_a_series_too_short_for_a_window_has_none():
    found = windows([np.arange(3.0), np.arange(10.0), np.arange(2.0)], 4)
    assert found.starts.tolist() == [3, 4, 5, 6, 7, 8]


def test_missing_values_are_dropped_or_filled_from_the_past():
    nan = np.nan
    series = np.array([nan, 1, 2, nan, nan, 5, 6, 7, 8, 9])
    dropped = windows(series, 2, missing="drop")
    assert [x.ravel().tolist() + [y] for x, y in dropped] == [[5, 6, 7], [6, 7, 8], [7, 8, 9]]
    filled = windows(series, 2, missing="fill_forward")
    assert [x.ravel().tolist() + [float(y)] for x, y in filled] == [
        [2, 2, 5],  # steps 3 and 4 as step 2; the windows to predict step 3 or 4 are left out
        [2, 5, 6],
        [5, 6, 7],
        [6, 7, 8],
        [7, 8, 9],
    ]
    assert np.isnan(series[3])  # the series itself stays


def test_filling_forward_is_that_of_pandas_and_stays_in_its_series():
    import pandas as pd

    random = np.random.default_rng(0)
    series = random.normal(size=(80, 3))
    series[random.random(series.shape) < 0.3] = np.nan
    series[40] = np.nan  # the first step of the second series
    goals = np.zeros(80)
    found = windows([series[:40], series[40:]], 1, targets=[goals[:40], goals[40:]], missing="fill_forward")
    whole = pd.concat([pd.DataFrame(series[:40]).ffill(), pd.DataFrame(series[40:]).ffill()]).to_numpy()
    np.testing.assert_array_equal(found.series, whole)
    full = ~np.isnan(whole).any(axis=1)
    full[[39, 79]] = False  # nothing follows
    assert found.starts.tolist() == np.nonzero(full)[0].tolist()
    assert 40 not in found.starts


def test_targets_that_are_missing_are_never_filled_in():
    goals = np.arange(10.0)
    goals[5] = np.nan
    for missing in ("drop", "fill_forward"):
        found = windows(np.arange(10.0), 2, targets=goals, horizon=2, missing=missing)
        assert found.target_times.tolist() == [2, 3, 6, 7, 8]


@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("purge", [True, False])
def test_splits_by_time_share_no_target(number, purge):
    random, length, settings = drawn(number)
    pieces = [np.arange(float(random.integers(80, 120))) for _ in range(int(random.integers(1, 3)))]
    found = windows(pieces, length, **settings)
    split = time_split(found, (0.5, 0.25, 0.25), purge=purge)
    parts = [split.train, split.validation, split.test]
    firsts = np.concatenate([[0], found.ends[:-1]])
    horizon = np.arange(settings["horizon"])
    reach = np.arange(length) * settings["step"]
    for first, end in zip(firsts, found.ends, strict=True):
        inside = [part[(found.starts[part] >= first) & (found.starts[part] < end)] for part in parts]
        targets = [set((found.target_times[part][:, None] + horizon).ravel().tolist()) for part in inside]
        inputs = [set((found.starts[part][:, None] + reach).ravel().tolist()) for part in inside]
        for early, late in ((0, 1), (1, 2), (0, 2)):
            assert max(targets[early]) < min(targets[late])
            if purge:
                assert max(targets[early]) < min(inputs[late])
    left = np.setdiff1d(np.arange(len(found)), np.concatenate(parts))
    assert (f"{len(left)} window" in "".join(split.notes)) == bool(len(left))
    # Nothing is left out without need: each of those reaches over a cut.
    cuts = [
        first + round(share * (end - first))
        for first, end in zip(firsts, found.ends, strict=True)
        for share in (0.5, 0.75)
    ]
    for window in left:
        begin = found.starts[window] if purge else found.target_times[window]
        assert any(begin < cut <= found.target_times[window] + horizon[-1] for cut in cuts)


def test_a_series_is_split_by_its_steps():
    split = time_split(np.arange(10.0), (0.6, 0, 0.4))
    assert (split.train.tolist(), len(split.validation), split.test.tolist()) == (
        list(range(6)),
        0,
        [6, 7, 8, 9],
    )


def test_scaling_uses_the_steps_of_training_alone():
    random = np.random.default_rng(0)
    series = random.normal(3.0, 2.0, size=(200, 3))
    series[:, 2] = 4.0
    found = windows(series, 5, step=2, targets=np.arange(200))
    split = time_split(found)
    scaled = found.scale_by(split.train)
    read = np.unique(found.starts[split.train][:, None] + 2 * np.arange(5))
    np.testing.assert_allclose(scaled.mean, series[read].mean(axis=0))
    np.testing.assert_allclose(scaled.scale, [*series[read, :2].std(axis=0), 1.0])
    np.testing.assert_allclose(scaled.arrays()[0], (found.arrays()[0] - scaled.mean) / scaled.scale)
    np.testing.assert_array_equal(scaled.arrays()[1], found.arrays()[1])
    later = series.copy()
    later[read.max() + 1 :] = 1e6
    other = windows(later, 5, step=2, targets=np.arange(200)).scale_by(split.train)
    np.testing.assert_array_equal(other.mean, scaled.mean)
    twice = scaled.scale_by(split.test)
    np.testing.assert_allclose(twice.series, (series - twice.mean) / twice.scale)


def test_hourly_air_in_beijing(data_directory):
    from gradwise.data.tables import read_table

    path = data_directory / "timeseries" / "beijing_pm25.csv.gz"
    if not path.is_file():
        pytest.skip("needs timeseries/beijing_pm25.csv.gz")
    table = read_table(path)
    names = ["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "Is", "Ir"]
    columns = [table.column(name) for name in names]
    series = np.stack([np.where(one.missing, np.nan, one.values) for one in columns], axis=1).astype(
        "float32"
    )
    target = series[:, 0].copy()
    assert series.shape == (43824, 7) and np.isnan(target).sum() == 2067
    with pytest.raises(InputError, match="NaN at 2067 of 43824 steps, first at step 0"):
        windows(series, 24, targets=target)
    dropped = windows(series, 24, targets=target, missing="drop")
    filled = windows(series, 24, targets=target, missing="fill_forward")
    known = ~np.isnan(target)
    clean = np.lib.stride_tricks.sliding_window_view(known, 25).all(axis=1)
    assert dropped.starts.tolist() == np.nonzero(clean)[0].tolist()
    assert (
        filled.target_times.tolist() == (np.nonzero(known[48:])[0] + 48).tolist()
    )  # PM2.5 begins at step 24
    split = time_split(filled)
    train = filled.scale_by(split.train).take(split.train)
    x, y = train.arrays()
    assert x.shape == (len(split.train), 24, 7) and y.shape == (len(split.train),)
    assert np.isfinite(x).all() and np.isfinite(y).all()
    assert np.abs(x.reshape(-1, 7).mean(axis=0)).max() < 0.02
    # The hour before is a good guess, as it is for this series: lag 1 correlates with 0.97.
    last = filled.arrays()[0][:, -1, 0]
    assert np.corrcoef(last, filled.arrays()[1])[0, 1] > 0.95


def test_windows_are_a_source_of_samples_for_a_loader():
    from gradwise.data.stream import Loader

    found = windows(np.random.default_rng(0).normal(size=(50, 2)), 4, stride=2)
    x, y = found.arrays()
    batches = list(Loader(found, batch_size=5, shuffle=False))
    np.testing.assert_array_equal(np.concatenate([batch[0] for batch in batches]), x)
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in batches]), y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 0}, "windows, length: expected an integer of at least 1, but got 0"),
        ({"length": 2.0}, "windows, length: expected an integer of at least 1, but got 2.0"),
        ({"horizon": 0}, "windows, horizon: expected an integer of at least 1"),
        ({"gap": -1}, "windows, gap: expected an integer of at least 0, but got -1"),
        ({"step": True}, "windows, step: expected an integer of at least 1, but got True"),
        ({"stride": 0}, "windows, stride: expected an integer of at least 1"),
        ({"missing": "dropp"}, "windows, missing: .*Did you mean 'drop'"),
        ({"length": 10}, "expected a series of at least 11 steps, but got 10"),
        (
            {"targets": np.zeros(9)},
            "windows, targets: expected one value for each of the 10 steps, but got 9",
        ),
        ({"targets": np.array(["a"] * 10)}, "windows, targets: expected numbers"),
        ({"series": [np.zeros((5, 2)), np.zeros((5, 3))]}, "windows, series: .*arrays of different D"),
        (
            {"series": [np.zeros(5), np.zeros(5)], "targets": [np.zeros(4), np.zeros(6)]},
            "arrays of other lengths than the series",
        ),
        ({"groups": [0, 1] * 5}, "windows, groups: .*groups that come back after another one"),
        ({"groups": [0] * 9}, "windows, groups: expected one value for each of the 10 samples"),
        ({"targets": np.full(10, np.nan), "missing": "drop"}, "at least one window without missing values"),
    ],
)
def test_windows_that_cannot_be_cut(settings, message):
    with pytest.raises(InputError, match=message):
        windows(**{"series": np.arange(10.0), "length": 2, **settings})


def test_splits_that_cannot_be_made():
    found = windows(np.arange(20.0), 8)
    with pytest.raises(
        InputError,
        match="time_split: expected windows or steps for every part, but got none for the validation",
    ):
        time_split(found)
    assert len(time_split(found, purge=False).validation) == 4
    table = {"a": [1, 2, 3], "b": ["x", "y", "z"]}
    for source in (read_table(table), pandas.DataFrame(table), table, "series.csv", 3.0):
        with pytest.raises(
            InputError, match=r"time_split: expected windows, or a series as an array \[T, ...\]"
        ):
            time_split(source)
    with pytest.raises(InputError, match="time_split, parts: expected three shares"):
        time_split(found, (0.5, 0.5))
    with pytest.raises(InputError, match="scale_by: expected at least one window to scale by, but got none"):
        found.scale_by(np.zeros(0, int))


def test_windows_are_shown_by_their_sizes():
    assert repr(windows(np.zeros((20, 3)), 5)) == "Windows(15 of length 5, features 3, targets 1)"

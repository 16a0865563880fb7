"""How windows are scaled: by hand, and as the models of ours that read the same scale theirs."""

import numpy as np
import pytest

from nextclose.errors import NotEnoughDataError
from nextclose.features.table import make_table
from nextclose.samples.samples import make_samples
from nextclose.samples.scaling import fit_scaler
from nextclose.samples.splits import known_at
from nextclose.samples.window_scaler import WindowScaler, min_max_scaler, standard_scaler
from nextclose.samples.windows import windows
from tests.builders import close_only, day, samples_of, walk_bars

NAN = np.nan


def scaler(*, is_capped: bool) -> WindowScaler:
    return WindowScaler(
        center=np.array([1, NAN if is_capped else 0], dtype=np.float32),
        width=np.array([2, 1], dtype=np.float32),
        is_capped=is_capped,
        target_center=10.0,
        target_width=4.0,
    )


def test_standard_deviations_are_cut_at_5_and_what_is_not_known_is_0():
    # (5 - 1) / 2, (100 - 1) / 2 cut, unknown, and a column that training does not know
    x = np.array([[5, 3], [100, 3], [NAN, 3]], dtype=np.float32)
    np.testing.assert_array_equal(scaler(is_capped=True).scaled(x), [[2, 0], [5, 0], [0, 0]])


def test_min_max_has_no_cut():
    x = np.array([[5, 3], [101, 7]], dtype=np.float32)
    np.testing.assert_array_equal(scaler(is_capped=False).scaled(x), [[2, 3], [50, 7]])


def test_targets_come_back():
    own = scaler(is_capped=False)
    np.testing.assert_array_equal(own.scaled_targets(np.array([12.0, 30.0])), [0.5, 5.0])
    np.testing.assert_array_equal(own.targets([0.5, 5.0]), [12.0, 30.0])


def test_windows_are_scaled_as_the_table_that_our_models_read():
    samples = samples_of(walk_bars())
    train = known_at(samples, samples.origin[500])
    span = samples.table.families["stationary"]
    names = samples.table.names[span.start : span.stop]
    rows = np.flatnonzero(samples.ready("stationary", context_sessions=20))[::50]
    ours = fit_scaler(train, names=names, family="stationary").apply(samples)
    raw = windows(samples.table.values[:, span.start : span.stop], rows, sessions=20)
    np.testing.assert_array_equal(
        standard_scaler(train).scaled(raw), windows(ours, rows, sessions=20)
    )


def test_the_ranges_are_of_what_training_windows_read_and_nothing_else():
    bars = walk_bars((420, 420))
    samples = make_samples(make_table(bars, families=("classic",)))
    own = min_max_scaler(samples, np.array([270, 271, 280]), sessions=60)
    read = np.r_[211:281]  # 270 - 59 up to 280
    values = samples.table.values[read]
    np.testing.assert_array_equal(own.center, values.min(axis=0))
    np.testing.assert_array_equal(own.width, np.ptp(values, axis=0))
    close = samples.table.close[read]
    assert own.target_center == np.float32(close.min())
    assert own.target_width == np.float32(np.ptp(close))


def test_columns_that_bars_lack_are_no_columns():
    samples = samples_of(close_only(walk_bars()))
    assert len(standard_scaler(samples).center) < 41
    assert np.isfinite(standard_scaler(samples).center).all()


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(NotEnoughDataError, match="at least 2"):
        standard_scaler(known_at(samples_of(walk_bars()), day(0)))

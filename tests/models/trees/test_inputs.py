import numpy as np
import pytest

from nextclose.models.trees.inputs import CALENDAR, input_names, lag_names, tree_inputs
from nextclose.samples.samples import Samples
from tests.builders import samples_of, walk_bars


@pytest.fixture(scope="module")
def samples() -> Samples:
    return samples_of(walk_bars((640, 600)))


def test_inputs_are_the_stationary_columns_without_calendar_and_five_sessions_of_lags(samples):
    names = ("log_scale", "rsi")
    row = 400
    inputs = tree_inputs(samples, names, np.array([row, 1000]))[0]
    column = {name: samples.table.values[:, i] for i, name in enumerate(samples.table.names)}
    lags = [
        column[name][row - lag] for lag in (5, 4, 3, 2, 1) for name in ("return_1", "move_ratio_1")
    ]
    np.testing.assert_array_equal(inputs, [column["log_scale"][row], column["rsi"][row], *lags])
    assert lag_names()[:3] == ("return_1[-5]", "move_ratio_1[-5]", "return_1[-4]")
    assert lag_names()[-1] == "move_ratio_1[-1]"
    assert inputs.dtype == np.float32


def test_every_stationary_column_but_the_calendar_is_read(samples):
    names = input_names(samples)
    span = samples.table.families["stationary"]
    stationary = set(samples.table.names[span.start : span.stop])
    assert set(names) == stationary - set(CALENDAR)
    assert set(CALENDAR) < stationary


def test_no_rows_have_no_inputs(samples):
    assert tree_inputs(samples, ("rsi",), np.array([], dtype=np.int64)).shape == (0, 11)

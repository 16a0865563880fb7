import numpy as np
import pytest

from nextclose.models.lstm.shrinkage import proven_share
from tests.builders import day


def test_the_share_of_three_weekly_blocks_worked_by_hand():
    # block means 1, 2, 3: mean 2, s.d. 1, standard error 1 / sqrt 3; 1 - (1 / 3) / 4 = 11 / 12
    gain = np.repeat([1.0, 2.0, 3.0], 5)
    sessions = day(0) + np.arange(15)
    assert proven_share(gain, sessions, horizon_sessions=1) == pytest.approx(11 / 12)


def test_blocks_are_as_long_as_outcomes_overlap():
    gain = np.repeat([1.0, 2.0, 3.0], 7)
    sessions = day(0) + np.arange(21)
    assert proven_share(gain, sessions, horizon_sessions=7) == pytest.approx(11 / 12)
    assert proven_share(gain, sessions, horizon_sessions=30) == 0.0  # not one whole block


def test_the_oldest_sessions_that_fill_no_block_are_left_out():
    gain = np.concatenate([[-99.0] * 4, np.repeat([1.0, 2.0, 3.0], 5)])
    sessions = day(0) + np.arange(19)
    assert proven_share(gain, sessions, horizon_sessions=1) == pytest.approx(11 / 12)


def test_symbols_of_one_session_are_one_observation():
    # three symbols with gains 0, 1 and 2 times the daily one: mean as before, in any order
    daily, sessions = np.repeat([1.0, 2.0, 3.0], 5), day(0) + np.arange(15)
    gain = np.concatenate([2 * daily, 0 * daily, daily])
    order = np.random.default_rng(0).permutation(45)
    share = proven_share(gain[order], np.tile(sessions, 3)[order], horizon_sessions=1)
    assert share == pytest.approx(11 / 12)


@pytest.mark.parametrize(
    "gain",
    [
        np.repeat([-1.0, -2.0, -3.0], 5),  # worse
        np.zeros(15),  # nothing
        np.repeat([4.0, -3.0, 0.0], 5),  # a gain smaller than its error
        np.repeat([0.0, 1.0, 2.0], 5),  # a gain of 1.7 errors
        np.repeat([1.0, 2.0], 5),  # two blocks prove nothing
        np.array([]),
    ],
)
def test_what_is_not_proven_is_not_used(gain):
    assert proven_share(gain, day(0) + np.arange(len(gain)), horizon_sessions=1) == 0.0

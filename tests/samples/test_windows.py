import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextclose.data.sources.loading import sample_bars
from nextclose.features.table import make_table
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import family_columns
from nextclose.samples.splits import holdout, known_at
from nextclose.samples.windows import chain_starts, window_rows, windows
from nextclose.schema import Bars
from tests.builders import bare_samples, daily_samples, ragged_calendars


@pytest.fixture(scope="module")
def five_years() -> Samples:
    """The tutorial's data: the last 1,258 sessions of AAPL, its 41 columns, one session ahead."""
    frame = sample_bars().frame.filter(pl.col("symbol") == "AAPL").tail(1258)
    return make_samples(make_table(Bars(frame=frame), families=["classic"]), horizons=(1,))


def test_windows_of_the_tutorial_have_its_shape_and_one_sample_more(five_years):
    # 1,258 rows; the 200-session mean fills from row 199 on: 1,059 rows; the first window of 60
    # ends 59 rows later: 1,000 origins; the newest has no next close yet: 999 samples.
    # The tutorial drops 200 rows where 199 are empty: 1,058 rows, 998 samples.
    ready = five_years.ready("classic", context_sessions=60)
    rows = np.flatnonzero(ready & np.isfinite(five_years.outcome[:, 0]))
    x = windows(family_columns(five_years, "classic"), rows, sessions=60)
    assert x.shape == (999, 60, 41)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    assert rows[0] == 199 + 59
    assert rows[-1] == 1258 - 2


def test_the_tutorials_split_is_699_150_150(five_years):
    fold = holdout(five_years, family="classic", context_sessions=60)
    ready = five_years.ready("classic", context_sessions=60)
    n_train, n_valid = (
        int((ready & np.isfinite(part.outcome[:, 0])).sum()) for part in (fold.train, fold.valid)
    )
    known = np.isfinite(five_years.outcome[fold.test_rows, 0])
    assert (n_train, n_valid, int(known.sum())) == (699, 150, 150)


def test_a_window_ends_at_its_row_oldest_first():
    assert window_rows(np.array([4, 2]), sessions=3).tolist() == [[2, 3, 4], [0, 1, 2]]
    columns = np.arange(10.0).reshape(5, 2)
    np.testing.assert_array_equal(
        windows(columns, np.array([4]), sessions=2), [[[6.0, 7.0], [8.0, 9.0]]]
    )


# --- chains: quarters are 13 weeks from Monday 1969-12-29 on ---

# the quarters around the turn of 2002/03 begin on these Mondays, each 91 days after the last
QUARTERS = ("2002-05-20", "2002-08-19", "2002-11-18", "2003-02-17", "2003-05-19")


def test_a_quarter_is_91_days_and_the_first_begins_on_the_monday_before_1970():
    begin = np.array(["1969-12-29", *QUARTERS], dtype="datetime64[D]")
    assert all(day.astype(object).weekday() == 0 for day in begin)
    assert ((begin - begin[0]).astype(np.int64) % 91 == 0).all()
    assert (np.diff(begin[1:]).astype(np.int64) == 91).all()


def weekdays(first: str, n: int) -> np.ndarray:
    return np.busday_offset(first, np.arange(n), roll="forward")


def chain_days(samples: Samples, rows: np.ndarray) -> list[str]:
    starts = chain_starts(samples, rows, family="bare")
    return [str(day) for day in samples.origin[starts]]


def row_at(samples: Samples, *days: str) -> np.ndarray:
    return np.searchsorted(samples.origin, np.array(days, dtype="datetime64[D]"))


CHAINS = [  # origin, where its chain begins
    ("2002-11-15", "2002-05-20"),  # the Friday that ends a quarter: 129 sessions are read before
    ("2002-11-18", "2002-08-19"),  # the Monday that begins one: 65
    ("2002-11-19", "2002-08-19"),
    ("2003-02-14", "2002-08-19"),
    ("2003-02-17", "2002-11-18"),
    ("2003-05-16", "2002-11-18"),
    ("2003-05-19", "2003-02-17"),
]


@pytest.mark.parametrize(("origin", "start"), CHAINS)
def test_a_chain_begins_with_the_quarter_before_that_of_its_row(origin, start):
    samples = bare_samples([weekdays("2002-01-01", 400)], warmup=5)
    assert chain_days(samples, row_at(samples, origin)) == [start]


def test_where_every_day_is_a_session_a_quarter_still_begins_on_a_monday():
    samples = daily_samples(800)
    rows = row_at(samples, "2002-11-17", "2002-11-18")  # 181 and 91 days after their chains' first
    assert chain_days(samples, rows) == ["2002-05-20", "2002-08-19"]


def test_a_chain_begins_at_the_first_session_of_a_quarter_whose_monday_is_none():
    days = weekdays("2002-01-01", 400)
    samples = bare_samples([days[~np.isin(days, np.array(["2002-11-18"], "M8[D]"))]])
    assert chain_days(samples, row_at(samples, "2003-03-03")) == ["2002-11-19"]


def test_a_chain_begins_no_earlier_than_its_segment_is_warm():
    samples = bare_samples([weekdays("2002-10-01", 200)], warmup=59)
    # 23 weekdays of October, 21 of November, 15 of December come before row 59
    assert samples.origin[59] == np.datetime64("2002-12-23")
    rows = row_at(samples, "2002-12-23", "2002-12-24", "2003-02-17", "2003-05-19")
    expected = ["2002-12-23", "2002-12-23", "2002-12-23", "2003-02-17"]
    assert chain_days(samples, rows) == expected


def test_a_chain_stays_in_its_segment_and_begins_with_the_row_s_own_quarter_after_a_pause():
    long, paused = weekdays("2002-01-01", 400), weekdays("2002-11-18", 20)
    after = weekdays("2003-06-02", 20)  # a quarter without a session lies between
    samples = bare_samples([long, np.concatenate([paused, after])])
    rows = np.array([399, 400, 419, 420, 439])
    starts = chain_starts(samples, rows, family="bare")
    assert starts[1:].tolist() == [400, 400, 420, 420]
    assert 0 < starts[0] < 400


@given(
    seed=st.integers(0, 2**32 - 1),
    n_days=st.integers(10, 900),
    missing=st.floats(0, 0.6),
    warmup=st.integers(0, 60),
    dropped=st.floats(0, 1, exclude_max=True),
)
def test_a_later_start_of_the_file_moves_no_chain_that_it_leaves_whole(
    seed, n_days, missing, warmup, dropped
):
    calendars = ragged_calendars(seed=seed, n_symbols=2, n_days=n_days, missing=missing)
    full = bare_samples(calendars, warmup=warmup)
    gone = int(dropped * len(calendars[0]))
    late = bare_samples([calendars[0][gone:], calendars[1]], warmup=warmup)
    rows = np.flatnonzero(late.ready("bare"))
    own = chain_starts(late, rows, family="bare")
    before = chain_starts(full, rows + gone, family="bare") - gone
    # only chains that begin in what is gone, or is not warm any more, begin where it is warm
    assert (own == np.maximum(before, np.where(rows < late.table.segments[0, 1], warmup, 0))).all()
    # what is read of a row's chain: at most two quarters, of its own segment, all of it warm
    days = (late.origin[rows] - late.origin[own]).astype(np.int64)
    assert (days < 182).all()
    assert (own <= rows).all()
    for start, stop in late.table.segments:
        inside = (rows >= start) & (rows < stop)
        assert (own[inside] >= start + warmup).all()
    # asked alone, in another order, or cut off at its own day
    assert chain_starts(late, rows[::-1], family="bare").tolist() == own[::-1].tolist()
    if len(rows):
        cut = known_at(late, late.origin[rows[0]])
        assert chain_starts(cut, rows[:1], family="bare").tolist() == own[:1].tolist()

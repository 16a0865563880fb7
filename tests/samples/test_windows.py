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
from nextclose.samples.windows import training_chunks, window_rows, windows
from nextclose.schema import Bars
from tests.builders import bare_samples, daily_samples, day, ragged_calendars


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


def test_chunks_of_twelve_rows_worked_by_hand():
    # chunks of 5 with 2 of burn-in: a new one every 3 rows; rows 2 .. 11 count once
    chunks = training_chunks(
        daily_samples(12), family="bare", chunk_sessions=5, burn_in_sessions=2, offset_sessions=0
    )
    expected = [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7], [6, 7, 8, 9, 10], [9, 10, 11, 11, 11]]
    assert chunks.rows.tolist() == expected
    kept = [row[keep].tolist() for row, keep in zip(chunks.rows, chunks.keep, strict=True)]
    assert kept == [[2, 3, 4], [5, 6, 7], [8, 9, 10], [11]]


def test_an_offset_shifts_the_tiling_back_onto_the_first_row():
    chunks = training_chunks(
        daily_samples(6), family="bare", chunk_sessions=5, burn_in_sessions=2, offset_sessions=1
    )
    assert chunks.rows.tolist() == [[0, 0, 1, 2, 3], [2, 3, 4, 5, 5]]
    kept = [row[keep].tolist() for row, keep in zip(chunks.rows, chunks.keep, strict=True)]
    assert kept == [[2, 3], [4, 5]]


@given(
    seed=st.integers(0, 2**32 - 1),
    n_symbols=st.integers(1, 4),
    sizes=st.tuples(st.integers(1, 20), st.integers(1, 30)),
    shift=st.floats(0, 1, exclude_max=True),
    warmup=st.integers(0, 25),
    cut=st.integers(0, 90),
)
def test_every_ready_row_past_burn_in_counts_once_and_no_chunk_leaves_its_segment(
    seed, n_symbols, sizes, shift, warmup, cut
):
    burn_in, stride = sizes
    calendars = ragged_calendars(seed=seed, n_symbols=n_symbols, n_days=80, missing=0.1)
    samples = known_at(bare_samples(calendars, warmup=warmup), day(cut))
    chunks = training_chunks(
        samples,
        family="bare",
        chunk_sessions=burn_in + stride,
        burn_in_sessions=burn_in,
        offset_sessions=int(shift * stride),
    )
    expected = [
        row
        for start, stop in samples.segments
        for row in range(start + warmup + burn_in, max(stop, start + warmup + burn_in))
    ]
    assert sorted(chunks.rows[chunks.keep].tolist()) == expected
    for rows, keep in zip(chunks.rows, chunks.keep, strict=True):
        ((start, stop),) = [
            segment for segment in samples.segments.tolist() if segment[0] <= rows[0] < segment[1]
        ]
        assert rows.min() >= start + warmup
        assert rows.max() < stop
        for position in np.flatnonzero(keep):
            # real, consecutive rows stand before each row that counts; no repeated edge
            burnt = rows[position - burn_in : position + 1]
            assert burnt.tolist() == list(range(rows[position] - burn_in, rows[position] + 1))


def test_a_segment_without_a_row_to_count_has_no_chunk():
    samples = bare_samples([day(0) + np.arange(30), day(0) + np.arange(8)], warmup=5)
    chunks = training_chunks(
        samples, family="bare", chunk_sessions=20, burn_in_sessions=3, offset_sessions=16
    )
    assert set(chunks.rows.ravel().tolist()) == set(range(5, 30))
    nothing = training_chunks(
        known_at(samples, day(6)),
        family="bare",
        chunk_sessions=20,
        burn_in_sessions=3,
        offset_sessions=16,
    )
    assert nothing.rows.shape == (0, 20)
    assert nothing.keep.shape == (0, 20)

"""Moves that are no moves: splits nobody adjusted for.

Rows have adjusted prices where the file knew them; `close_raw` is then the close as traded.

A split is refused where all that is known agrees: the close and the opening gap lie near a usual
ratio, the volume is no more than it explains, the symbol's own past and the other symbols are calm
and the price does not come back. Of 3:2 a real move is told least, so it must be known to agree.
A move beyond ten-fold that does not come back is refused whatever else is known. A refusal may look
at later rows, as those two do: nothing is learnt from prices that are refused. What is marked in
the rows is decided from the row and those before it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from nextclose.data.findings import hits_at
from nextclose.data.rules.outliers import MAD_TO_SIGMA, TENFOLD, is_change_of_unit
from nextclose.data.rules.steps import (
    close_ratios,
    day_numbers,
    is_first,
    is_segment_start,
    past_rows,
)
from nextclose.schema import Bools, Floats, Ints

# new shares for old ones, and the log of how far the price falls
SPLITS = {"3:2": np.log(1.5), **{f"{n}:1": np.log(n) for n in range(2, 11)}}
SPLITS |= {f"1:{n}": -np.log(n) for n in range(2, 11)}
NAMES, SIZES = list(SPLITS), np.array(list(SPLITS.values()))
NEAR = 0.02  # of a usual split's log ratio: that of the close, or of the opening gap
GAP_NEAR, CLOSE_NEAR = 0.05, 0.1  # and the other one: a night's own move, a day's
SMALL = 0.5  # log ratio below which a split must be known to be one: 3:2
COMES_BACK, BACK_ROWS = 0.25, (1, 2)  # within so much of the move, so many rows later: a wrong tick
TRADED_PAST = 20  # rows of volume to compare with
TRADED_MORE = 3.0  # times the volume that a split explains: a real move
CALM_PAST, CALM_LEAST = 60, 20  # returns before that are read, and that must be there
CALM_SIGMA = 10.0  # robust deviations of them: a move of fewer may be the symbol's own
LEAST_PRICE = 2.0  # no share is split to less
MARKET_CALM = 0.1  # of the move: the other symbols' median |log return| on a calm day
MARKET_LEAST = 20  # other symbols that make a market
SPLIT_COLUMNS = ("split_ratio", "is_split")  # of `with_split_moves`

Frame = pl.DataFrame


def with_split_moves(frame: Frame) -> Frame:
    """The rows with `split_ratio` and `is_split`, for the rules that look at all symbols together.

    `split_ratio` (Float32) is the close over the one before where it moves as an unadjusted split
    moves it, or beyond ten-fold; null elsewhere. In logs, the close lies within 0.02 of a usual
    ratio; or the opening gap within 0.05 and the close within 0.1.
    `is_split`: what is known of the symbol itself agrees that it is one; only a ten-fold move does
    that where its prices are adjusted. Rows that `is_real_move` names are none, nor are those where
    both closes are known, but for ten-fold moves; nor pence amid pounds, nor a way back.
    Causal: `split_ratio` is; `is_split` reads two rows more, to see whether the price comes back.
    """
    ratio = close_ratios(frame)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((ratio < np.exp(-0.35)) | (ratio > np.exp(0.35)))
    rows = rows[~frame["is_real_move"].to_numpy()[rows]]
    rows = rows[~is_change_of_unit(frame, rows)]
    rows = rows[~_comes_back(frame, rows, np.log(ratio[rows]), later=False)]
    move, gap = np.log(ratio[rows]), _opening_gaps(frame, rows)
    size = _split_sizes(move, gap)
    is_like = ~np.isnan(size) & ~_has_both_closes(frame, rows)
    is_tenfold = np.abs(move) > TENFOLD
    asked = np.flatnonzero(is_like & ~is_tenfold & ~_is_adjusted(frame, rows))
    is_split = is_tenfold.copy()
    is_split[asked] = _agrees(frame, rows[asked], move[asked], gap[asked], size[asked])
    is_split &= ~_comes_back(frame, rows, move, later=True)
    columns = np.full(len(ratio), np.nan, np.float32), np.zeros(len(ratio), dtype=np.bool_)
    is_named = is_like | is_tenfold
    columns[0][rows[is_named]], columns[1][rows] = ratio[rows[is_named]], is_split
    return frame.with_columns(
        pl.Series(SPLIT_COLUMNS[0], columns[0]).fill_nan(None),
        pl.Series(SPLIT_COLUMNS[1], columns[1]),
    )


def unadjusted_splits(frame: Frame) -> Frame:
    """The rows of `is_split` on a day on which the other symbols were calm, or beyond ten-fold.

    Calm: the median of their absolute log returns is at most a tenth of the move's. A move as of
    3:2 asks for twenty others, where there are any.
    Expects: all symbols, with the columns of `with_split_moves`.
    """
    rows = _refused_rows(frame)
    return hits_at(rows, _split_texts(frame, rows), column="close")


def doubtful_splits(frame: Frame) -> Frame:
    """The rows that move as a split would and are not refused, less those marked already."""
    is_like = frame["split_ratio"].is_not_null() & ~frame["spiked"] & ~frame["breaks"]
    rows = np.setdiff1d(is_like.arg_true().to_numpy(), _refused_rows(frame))
    return hits_at(rows, _split_texts(frame, rows), column="close")


def with_split_mask(frame: Frame, _hits: Frame) -> Frame:
    """The rows with `spiked` set wherever a close moves as a split would, refused or not."""
    return frame.with_columns(pl.col("spiked") | pl.col("split_ratio").is_not_null())


def _split_sizes(move: Floats, gap: Floats) -> Floats:
    """The log ratio of the split that explains each move; NaN where none does. Shape (row,)."""
    by_close, by_gap = _nearest_split(-move), _nearest_split(-gap)
    is_near = np.abs(move + by_close) <= NEAR
    is_gap = (np.abs(gap + by_gap) <= GAP_NEAR) & (np.abs(move + by_gap) <= CLOSE_NEAR)
    return np.where(is_near, by_close, np.where(is_gap, by_gap, np.nan))


def _agrees(frame: Frame, rows: Ints, move: Floats, gap: Floats, size: Floats) -> Bools:
    """Whether what is known of the symbol agrees with a split of that log size. Shape (row,).

    What is not known says nothing. The close or the opening gap is within 0.02 of it; of a small
    split both are, and the volume is known.
    """
    off, gap_off = np.abs(move + size), np.abs(gap + size)
    traded = _traded_share(frame, rows, size)
    is_near = (np.fmin(off, gap_off) <= NEAR) & ~(gap_off > GAP_NEAR)
    is_both = (np.maximum(off, gap_off) <= NEAR) & np.isfinite(traded)
    agrees = np.where(np.abs(size) < SMALL, is_both, is_near) & ~(traded > TRADED_MORE)
    agrees &= ~(np.abs(size) < CALM_SIGMA * _past_deviations(frame, rows))
    left = _close_before(frame, rows) * np.exp(-size)
    return np.asarray(agrees & ((size < 0) | (left >= LEAST_PRICE)))


def _comes_back(frame: Frame, rows: Ints, move: Floats, *, later: bool) -> Bools:
    """Whether a move is undone one or two rows later; or else undoes one as early. Shape (row,).

    Then the closes before and after both lie within a quarter of the move.
    """
    close, segment = np.log(frame["close"].to_numpy()), np.cumsum(is_segment_start(frame))
    is_back = np.zeros(len(rows), dtype=np.bool_)
    for n in BACK_ROWS:
        first, last = (rows - 1, rows + n) if later else (rows - 1 - n, rows)
        is_there = (first >= 0) & (last < len(close))
        a, b = np.where(is_there, first, rows), np.where(is_there, last, rows)
        is_near = np.abs(close[b] - close[a]) <= COMES_BACK * np.abs(move)
        is_back |= is_there & (segment[a] == segment[b]) & is_near
    return is_back


def _opening_gaps(frame: Frame, rows: Ints) -> Floats:
    """Log of each open over the close before; NaN where it is not known. Shape (row,)."""
    if "open" not in frame.columns:
        return np.full(len(rows), np.nan)
    return np.asarray(np.log(frame["open"].to_numpy()[rows] / _close_before(frame, rows)))


def _traded_share(frame: Frame, rows: Ints, size: Floats) -> Floats:
    """Volume over what a split of that log size makes of the mean of the 20 before. Shape (row,).

    A reverse split is taken to leave it as it is. NaN: where nothing is known of either.
    """
    if "volume" not in frame.columns:
        return np.full(len(rows), np.nan)
    volume = np.append(frame["volume"].to_numpy().astype(np.float64), np.nan)
    past = volume[past_rows(frame, rows, TRADED_PAST)]  # (row, session)
    n_known = np.isfinite(past).sum(axis=1)
    usual = np.nansum(past, axis=1) / np.where(n_known, n_known, np.nan)
    return np.asarray(volume[rows] / np.where(usual > 0, usual, np.nan) / np.exp(np.fmax(size, 0)))


def _past_deviations(frame: Frame, rows: Ints) -> Floats:
    """Robust standard deviation of the up to 60 returns before each row; NaN where fewer than 20.

    Shape (row,).
    """
    size = np.append(np.abs(np.log(close_ratios(frame))), np.nan)
    past = np.sort(size[past_rows(frame, rows, CALM_PAST)], axis=1)  # NaN last
    n_known = np.isfinite(past).sum(axis=1)
    middle = past[np.arange(len(rows)), np.maximum(n_known - 1, 0) // 2]
    return np.where(n_known >= CALM_LEAST, MAD_TO_SIGMA * middle, np.nan)


def _close_before(frame: Frame, rows: Ints) -> Floats:
    return frame["close"].to_numpy()[rows - 1]


def _is_adjusted(frame: Frame, rows: Ints) -> Bools:
    """Whether each row and the one before are of a source that says its prices are adjusted."""
    is_adjusted = frame["is_adjusted"].to_numpy()
    return np.asarray(is_adjusted[rows] & is_adjusted[rows - 1])


def _has_both_closes(frame: Frame, rows: Ints) -> Bools:
    """Whether each row and the one before have an adjusted close beside the raw one."""
    if "close_raw" not in frame.columns:
        return np.zeros(len(rows), dtype=np.bool_)
    is_known = frame["close_raw"].is_not_null().to_numpy()
    return np.asarray(is_known[rows] & is_known[rows - 1])


def _refused_rows(frame: Frame) -> Ints:
    """Rows of `is_split` that the other symbols do not speak against."""
    rows = (frame["is_split"] & ~frame["breaks"]).arg_true().to_numpy()
    if not len(rows):
        return np.asarray(rows)
    size = np.abs(np.log(frame["split_ratio"].to_numpy()[rows]))
    n_others, median = _other_moves(frame, rows)
    is_alone = is_first(frame).sum() == 1
    is_calm = ~(median > MARKET_CALM * size) & (
        (size > SMALL) | (n_others >= MARKET_LEAST) | is_alone
    )
    return np.asarray(rows[is_calm | (size > TENFOLD)])


def _other_moves(frame: Frame, rows: Ints) -> tuple[Ints, Floats]:
    """Other symbols with a return on each row's day; the median of their absolute log returns.

    Shape (row,) each. NaN: without others. Expects: no row that starts a segment.
    """
    day, close = day_numbers(frame), frame["close"].to_numpy()
    at = np.flatnonzero(np.isin(day, day[rows]) & ~is_segment_start(frame))  # has all of `rows`
    size = np.abs(np.log(close[at] / close[at - 1]))
    order = np.lexsort((size, day[at]))
    days, rank = day[at][order], np.empty(len(at), dtype=np.int64)
    rank[order] = np.arange(len(at))
    own = rank[np.searchsorted(at, rows)]
    start = np.searchsorted(days, day[rows])
    n_others = np.searchsorted(days, day[rows], side="right") - start - 1
    median = np.zeros(len(rows))
    for place in ((n_others - 1) // 2, n_others // 2):  # the middle one of the others, or two
        place = start + np.maximum(place, 0)
        median += size[order][np.minimum(place + (place >= own), len(at) - 1)] / 2
    return n_others, np.where(n_others > 0, median, np.nan)


def _split_texts(frame: Frame, rows: Ints) -> list[str]:
    ratio, before = frame["split_ratio"].to_numpy()[rows], _close_before(frame, rows)
    move = np.log(ratio.astype(np.float64))
    size = _split_sizes(move, _opening_gaps(frame, rows))
    names = map(split_name, np.where(np.isnan(size), -move, size))
    return [
        f"{old * times:.7g} after {old:.7g} ({100 * (times - 1):+.1f} %), as a {name}"
        for old, times, name in zip(before, ratio, names, strict=True)
    ]


def split_name(size: float) -> str:
    """The usual split nearest to that log ratio; beyond ten-fold a rough one."""
    if abs(size) <= TENFOLD:
        return f"{NAMES[int(np.abs(SIZES - size).argmin())]} split"
    n = f"{np.exp(abs(size)):.0f}"
    return f"split of about {n}:1" if size > 0 else f"split of about 1:{n}"


def _nearest_split(size: Floats) -> Floats:
    """The usual split nearest to each log ratio, by its own. Shape (row,)."""
    return np.asarray(SIZES[np.abs(size[:, None] - SIZES).argmin(axis=1)])


def is_split_step(step: Floats) -> Bools:
    """Whether the ratio of two closes steps as a split makes it, or beyond ten-fold. (row,)."""
    is_step = np.abs(step) > 0.3
    large = step[is_step]
    is_step[is_step] = (np.abs(large - _nearest_split(large)) <= GAP_NEAR) | (
        np.abs(large) > TENFOLD
    )
    return np.asarray(is_step)

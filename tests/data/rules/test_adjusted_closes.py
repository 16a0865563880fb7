import numpy as np
import polars as pl
import pytest

from nextclose.data.suggestions import suggestion_toml
from tests.data.bar_frames import closes, codes, read, the, walk

RAW = walk(120, sd=0.015)
DAY = np.arange(120)


def both(raw: np.ndarray, adjusted: np.ndarray, **settings: object) -> dict[str, int]:
    frame = closes(raw).with_columns(adj_close=pl.Series(adjusted))
    return codes(read(frame, **settings))


def quarterly(raw: np.ndarray, *, dividend: float = 0.01, every: int = 60) -> np.ndarray:
    """The closes less what each dividend to come is of them."""
    return np.asarray(raw * (1 - dividend) ** (-(DAY + 1 - len(raw)) // every))


YEN = np.round(100 * RAW)
UNRELATED = [  # adjusted closes that are none
    np.append(RAW[1:], RAW[-1]),  # one row ahead
    np.append(RAW[0], RAW[:-1]),  # behind
    walk(120, seed=9, sd=0.015),  # another company's
    np.where(DAY < 100, RAW, RAW[100]),  # stands still from some day on
    np.where(DAY % 4 == 0, np.roll(RAW, 1), RAW),
]


@pytest.mark.parametrize("adjusted", UNRELATED)
def test_an_adjusted_close_that_is_of_other_prices_is_refused(adjusted):
    assert both(RAW, adjusted).get("E60") == 1
    left_out = both(RAW, adjusted, columns={"adj_close": ""})
    assert left_out == {}


RELATED = [  # raw and adjusted closes
    (RAW, quarterly(RAW)),
    (RAW, quarterly(RAW, dividend=0.003, every=5)),  # each week
    (RAW, np.round(quarterly(RAW, every=21), 2)),
    (np.round(RAW / 50, 2), np.round(quarterly(RAW) / 60, 2)),  # a cent is a percent
    (RAW, np.round(0.02 * RAW, 2)),
    (np.round(0.02 * RAW, 2), 0.02 * quarterly(RAW)),  # the raw close alone is rounded
    (YEN, np.round(quarterly(RAW))),
    (np.where(DAY < 60, 4 * RAW, RAW), RAW),  # 4:1
]


def test_whole_prices_one_row_off_are_refused_too():
    assert both(YEN, np.append(YEN[1:], YEN[-1])).get("E60") == 1


@pytest.mark.parametrize(("raw", "adjusted"), RELATED)
def test_dividends_splits_and_rounding_are_not_refused(raw, adjusted):
    assert "E60" not in both(raw, adjusted)


def test_the_cure_is_a_choice_of_the_users():
    frame = closes(RAW).with_columns(adj_close=pl.Series(UNRELATED[0]))
    finding = the(read(frame), "E60")
    assert finding.symbol == "AAPL"
    assert suggestion_toml([finding]).splitlines()[1:] == [
        "# columns = COLUMNS  # E60",
        '# columns = { "adj_close" = "" }  # E60',
    ]


@pytest.mark.parametrize("name", ["Adj Close", "adjusted_close", "AdjClose"])
def test_the_column_is_left_out_under_any_name(name):
    frame = closes(RAW).with_columns(pl.Series(UNRELATED[0]).alias(name))
    assert read(frame, columns={"adj_close": ""}).frame["close"].to_list() == RAW.tolist()

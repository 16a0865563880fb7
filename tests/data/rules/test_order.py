import polars as pl
import pytest

from tests.data.bar_frames import closes, codes, days, read, the

DAYS = days(5)
CLOSES = [10.0, 11.0, 12.0, 13.0, 14.0]


def with_rows(*extra: tuple[int, float]) -> pl.DataFrame:
    """Five closes and, behind them in the file, more of the same days."""
    more = closes([c for _, c in extra], on=[DAYS[k] for k, _ in extra])
    return pl.concat([closes(CLOSES), more]) if extra else closes(CLOSES)


REPEATS = [  # rows more, settings, codes without the order's, closes kept
    ([(1, 11.0)], {}, {"R42": 1}, CLOSES),
    ([(1, 11.0), (1, 11.0)], {}, {"R42": 2}, CLOSES),
    ([(1, 11.5)], {}, {"E43": 1}, CLOSES),
    ([(1, 11.5), (1, 11.5)], {}, {"E43": 1, "R42": 1}, CLOSES),
    ([(1, 11.5), (1, 11.7)], {}, {"E43": 2}, CLOSES),
    ([(1, 11.5)], {"duplicates": "last"}, {"P43": 1}, [10.0, 11.5, 12.0, 13.0, 14.0]),
    ([(1, 11.5), (1, 11.7)], {"duplicates": "last"}, {"P43": 2}, [10.0, 11.7, 12.0, 13.0, 14.0]),
    # back to the first value: the last row is what counts, not the first of its kind
    ([(1, 11.5), (1, 11.0)], {"duplicates": "last"}, {"P43": 2}, CLOSES),
]


@pytest.mark.parametrize(("extra", "settings", "expected", "kept"), REPEATS)
def test_a_session_stands_once(extra, settings, expected, kept):
    bars = read(with_rows(*extra), **settings)
    counts = codes(bars)
    assert counts.pop("R40") == len(extra)
    assert counts == expected
    assert bars.frame["close"].to_list() == kept


def test_a_contradiction_is_told_with_both_rows():
    finding = the(read(with_rows((1, 11.5))), "E43")
    assert (finding.row, finding.session) == (6, str(DAYS[1]))
    assert finding.found == "row 2 again with close 11.5 against 11.0"
    assert 'data.duplicates = "last"' in finding.fix


def test_equal_days_of_two_symbols_are_no_repeats():
    assert codes(read(closes(CLOSES), closes([20.0, 19.0], symbol="IBM"))) == {}


CURRENCIES = [  # codes of five rows, what is found, at which row
    (["USD"] * 5, None, 0),
    (["GBP", "GBP", "EUR", "EUR", "EUR"], "EUR after GBP", 2),
    (["GBp", "GBP", "GBp", "GBP", "GBp"], "GBP after GBp", 1),
    ([None, "USD", None, "USD", "USD"], None, 0),
    ([None, "USD", None, "EUR", "EUR"], "EUR after USD", 3),
]


@pytest.mark.parametrize(("names", "found", "row"), CURRENCIES)
def test_a_second_currency_within_a_symbol_is_refused_once(names, found, row):
    other = closes(CLOSES[::-1], symbol="IBM", currency=["JPY"] * 5)
    bars = read(closes(CLOSES, currency=names), other)
    refused = [finding for finding in bars.findings if finding.code == "E62"]
    assert [finding.found for finding in refused] == ([found] if found else [])
    if found:
        assert refused[0].session == str(DAYS[row])
    assert bars.frame.height == 10

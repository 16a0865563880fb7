"""Who teaches, who says when to stop, and what is read of them."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.features.table import make_table
from nextclose.features.universal import WARMUP
from nextclose.pretraining.companies import LEAST_SESSIONS, company_part, histories, n_symbols
from nextclose.pretraining.lessons import inputs_of
from nextclose.schema import Bars
from tests.builders import DAY_ZERO, walk_bars
from tests.pretraining.panels import changed_elsewhere, market_bars, names_of, panel, session

LAST = np.datetime64("2100-01-01")


@pytest.mark.parametrize(
    "classes",
    [
        ("FOX", "FOXA", "foxa.us"),
        ("BRK.A", "BRK-B", "BRK B", "BRKB"),
        ("^GSPC", "GSPC.INDX"),
        ("005930.KS", "005935.KS"),  # common and preferred shares of one company in Seoul
    ],
)
def test_share_classes_of_a_company_play_one_part(classes):
    assert len({company_part(symbol) for symbol in classes}) == 1


@pytest.mark.parametrize(
    "symbols",
    [
        names_of("teach", 1300) + names_of("stop", 300) + names_of("test", 500),
        [f"{code:06}.SS" for code in range(600000, 604000)],  # numbers share their first digits
        [f"{first}{second}股份" for first in "中华国东西南北上海" for second in "天地山水火木金土"],
    ],
)
def test_every_exchange_has_companies_of_all_parts(symbols):
    assert {company_part(symbol) for symbol in symbols} == {"teach", "stop", "test"}


def test_of_many_names_62_in_100_teach_and_15_say_when_to_stop():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    names = [a + b + c for a in letters for b in letters for c in letters]
    parts = [company_part(name) for name in names]
    shares = [parts.count(part) / len(parts) for part in ("teach", "stop", "test")]
    np.testing.assert_allclose(shares, [0.62, 0.15, 0.23], atol=0.01)


def test_only_companies_of_the_part_are_read_and_only_up_to_the_day():
    bars = panel(n_teach=3, n_stop=2, n_test=2)
    day = session(500)
    teach = histories(bars, part="teach", until=np.datetime64(day))
    assert [history.symbol for history in teach] == names_of("teach", 3)
    for history in teach:
        assert (history.first, history.last) == (bars.frame["session"].min(), day)
        assert {len(values) for values in history.columns.values()} == {500}


def test_what_others_did_and_what_came_later_changes_no_history_that_teaches():
    bars = panel(n_teach=3, n_stop=2, n_test=2)
    day = session(500)
    clean, poisoned = (
        histories(each, part="teach", until=np.datetime64(day))
        for each in (bars, changed_elsewhere(bars, after=day))
    )
    for one, other in zip(clean, poisoned, strict=True):
        for name, values in one.columns.items():
            assert values.tobytes() == other.columns[name].tobytes()
    control = changed_elsewhere(bars, after=session(499))
    leaky = histories(control, part="teach", until=np.datetime64(day))
    assert leaky[0].columns["close"][-1] == 7.0  # the day itself is read


def test_segments_are_histories_of_their_own_and_short_ones_teach_nothing():
    (symbol,) = names_of("teach", 1)
    bars = market_bars((symbol,), n_sessions=2 * LEAST_SESSIONS + 9)
    segment = np.repeat([0, 1, 2], [LEAST_SESSIONS, 10, LEAST_SESSIONS - 1])
    parted = replace(bars, frame=bars.frame.with_columns(pl.Series("segment", segment)))
    (whole,) = histories(parted, part="teach", until=LAST)
    assert len(whole.columns["close"]) == LEAST_SESSIONS
    again = replace(
        parted,
        frame=parted.frame.with_columns(pl.col("segment").replace(1, 2)),
    )
    both = histories(again, part="teach", until=LAST)
    assert len(both) == 2
    assert n_symbols(both) == 1


def four_days(**more: list[object]) -> Bars:
    """A company that teaches; the last four sessions of its long past are given."""
    (symbol,) = names_of("teach", 1)
    n = LEAST_SESSIONS
    quiet = {"open": 10.1, "high": 10.5, "low": 9.5, "close": 10.0}
    columns: dict[str, list[object]] = {name: [value] * n for name, value in quiet.items()}
    for name, last in more.items():
        columns[name] = [*columns.get(name, [False] * n)[: n - 4], *last]
    sessions = np.busday_offset(DAY_ZERO, np.arange(n), roll="forward")
    return Bars(frame=pl.DataFrame({"symbol": [symbol] * n, "session": sessions} | columns))


@pytest.mark.parametrize(
    ("more", "hidden"),
    [
        ({"open": [10.1, 10.0, 10.1, 10.1]}, [1]),  # opens where the day before closed
        ({"high": [10.5, 10.5, 9.5, 10.5]}, [2]),  # no span
        ({"high": [10.5, 10.5, 10.5, None]}, [3]),
        ({"filled": [False, True, False, False]}, [1]),
        ({"widened": [True, False, False, False]}, [0]),
        ({"halted": [False, False, True, True]}, [2, 3]),
        ({"spiked": [True, True, True, True]}, []),
    ],
)
def test_ranges_that_say_nothing_are_not_known(more, hidden):
    (history,) = histories(four_days(**more), part="teach", until=LAST)
    for name in ("open", "high", "low"):
        is_hidden = np.isnan(history.columns[name])
        assert np.flatnonzero(is_hidden).tolist() == [LEAST_SESSIONS - 4 + k for k in hidden]
    assert np.isfinite(history.columns["close"]).all()


def test_bars_without_ranges_give_closes_alone():
    bars = panel(n_teach=1, n_stop=0, n_test=0)
    closes = replace(bars, frame=bars.frame.drop("open"))
    (history,) = histories(closes, part="teach", until=LAST)
    assert list(history.columns) == ["close"]


@pytest.mark.parametrize("mask", ["widened", "filled", "halted"])
def test_a_range_that_teaches_nothing_is_none_in_a_forecast_either(mask):
    frame = walk_bars((300,)).frame
    marked = frame.with_columns((pl.int_range(pl.len()) % 3 == 0).alias(mask))
    bars = Bars(frame=marked.with_columns(symbol=pl.lit(names_of("teach", 1)[0])))
    (history,) = histories(bars, part="teach", until=LAST)
    table = make_table(bars, families=("universal",))
    np.testing.assert_array_equal(table.values, inputs_of(history.columns))
    assert not np.array_equal(
        table.values[WARMUP:],
        make_table(Bars(frame=frame), families=("universal",)).values[WARMUP:],
    )

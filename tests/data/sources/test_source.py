from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import polars as pl
import pytest

import nextclose as nc
from nextclose.data.sources.frames import frame_bars
from nextclose.data.sources.loading import load_bars
from nextclose.errors import ConfigError, DataError, SourceError

DAYS = [date(2019, 3, 4), date(2019, 3, 5), date(2019, 3, 6)]


def frame(symbol: str = "A", **columns: list[Any]) -> pl.DataFrame:
    closes: dict[str, list[Any]] = {"date": DAYS, "close": [11.0, 12.0, 13.0]}
    return pl.DataFrame(closes | columns).with_columns(pl.lit(symbol).alias("symbol"))


class Vendor:
    """A source that gives what it was made with."""

    name = "vendor"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def prices(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refusals(answer: Any) -> tuple[nc.DataError, list[tuple[str, str, str]]]:
    with pytest.raises(DataError) as raised:
        load_bars(Vendor(answer))
    return raised.value, [(f.code, f.path, f.found) for f in raised.value.findings]


def later_failure() -> Iterator[pl.DataFrame]:
    yield frame("A")
    raise ConnectionResetError("the line is cut")


def test_a_source_is_read_as_a_frame_is():
    source: nc.Source = Vendor(frame())
    bars = nc.load_bars(source)
    assert bars.fingerprint == frame_bars(frame()).fingerprint
    assert {finding.path for finding in bars.findings if finding.code == "W25"} == {"vendor"}


def test_pandas_with_an_index_and_two_levels_of_columns_is_read():
    index = pd.DatetimeIndex(DAYS, name="Date")
    alone = pd.DataFrame({"Close": [11.0, 12.0, 13.0]}, index=index)
    wide = pd.concat({"A": alone, "B": 2 * alone}, axis=1)
    assert load_bars(Vendor(wide)).symbols == ("A", "B")
    assert (
        load_bars(Vendor(alone.assign(Symbol="A"))).fingerprint == frame_bars(frame()).fingerprint
    )


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_several_frames_are_joined_and_told_apart(kind):
    other = pd.DataFrame(frame("B").to_dict(as_series=False))
    bars = load_bars(Vendor(kind([frame("A"), other])))
    assert bars.symbols == ("A", "B")
    assert bars.frame.height == 6


def test_findings_name_the_source_the_frame_and_the_row():
    bad = frame("B", close=[21.0, -1.0, 23.0])
    _, (refusal,) = refusals([frame("A"), bad])
    assert refusal == ("E54", "vendor frame 2", "-1.0")
    error, _ = refusals(bad)
    assert error.findings[0].line().startswith("E54 vendor row 2, column close, B 2019-03-05")


def test_a_source_stands_beside_files_and_every_problem_of_both_is_named(tmp_path):
    path = tmp_path / "C.csv"
    path.write_text("date,close\n2019-03-04,31\n2019-03-05,32\n2019-03-06,33\n")
    bars = load_bars(path, Vendor(frame("A")), "sample")
    assert {"A", "C", "AAPL"} <= set(bars.symbols)
    path.write_text("date,close\n2019-03-04,31\n2019-03-05,-32\n2019-03-06,33\n")
    with pytest.raises(DataError) as raised:
        load_bars(path, Vendor(frame("A", close=[11.0, -12.0, 13.0])))
    assert [f.path for f in raised.value.findings] == [str(path), "vendor"]


def test_the_settings_that_name_columns_hold_for_sources_too():
    odd = frame().rename({"close": "last"})
    config = nc.DataConfig(columns={"last": "close"})
    assert load_bars(Vendor(odd), config=config).frame["close"].to_list() == [11.0, 12.0, 13.0]


def test_a_frame_without_symbols_asks_for_them():
    error, (refusal,) = refusals(frame().drop("symbol"))
    assert refusal[:2] == ("E21", "vendor")
    assert "add a column 'symbol'" in error.findings[0].fix


NO_FRAMES = [
    (None, "vendor", "NoneType"),
    (5, "vendor", "int"),
    ("prices.csv", "vendor", "str"),
    ({"A": frame()}, "vendor", "dict"),
    (frame().lazy(), "vendor", "polars.lazyframe.frame.LazyFrame"),
    (frame()["close"], "vendor frame 1", "float"),
    ([frame(), "prices.csv"], "vendor frame 2", "str"),
]


@pytest.mark.parametrize(("answer", "path", "found"), NO_FRAMES)
def test_what_is_no_frame_is_refused_with_its_type(answer, path, found):
    error, codes = refusals(answer)
    assert isinstance(error, SourceError)
    assert codes == [("E73", path, found)]
    assert error.findings[0].fix == "return a pandas or polars data frame, or a list of them."


@pytest.mark.parametrize(
    ("answer", "path"),
    [([], "vendor"), (frame().clear(), "vendor"), ([frame(), frame("B")[:0]], "vendor frame 2")],
)
def test_a_source_without_rows_is_refused_and_never_a_short_answer(answer, path):
    error, ((code, where, _),) = refusals(answer)
    assert isinstance(error, SourceError)
    assert (code, where) == ("E72", path)


@pytest.mark.parametrize("answer", [ConnectionResetError("the line is cut"), later_failure()])
def test_a_failure_of_its_own_is_named_and_nothing_is_kept(answer):
    error, codes = refusals(answer)
    assert isinstance(error, SourceError)
    assert codes == [("E71", "vendor", "ConnectionResetError: the line is cut")]
    assert isinstance(error.__cause__, ConnectionResetError)
    assert error.exit_code == 9


def test_an_error_of_nextclose_passes_as_it_is():
    with pytest.raises(ConfigError, match="pip install vendor"):
        load_bars(Vendor(ConfigError("Fix: pip install vendor.")))


def test_a_file_that_a_source_lacks_is_its_own_failure():
    _, codes = refusals(FileNotFoundError("no key"))
    assert codes == [("E71", "vendor", "FileNotFoundError: no key")]


class Nameless:
    def prices(self) -> pl.DataFrame:
        return frame()


NO_SOURCES = [
    (frame(), "read a data frame with frame_bars()"),
    (frame().to_dict(as_series=False), "give it a text `name` and a method `prices()`"),
    (None, "NoneType is no path, no URL and no source"),
    (Nameless(), "test_source.Nameless is no path"),
    (open, "builtin_function_or_method is no path"),
]


@pytest.mark.parametrize(("given", "says"), NO_SOURCES)
def test_what_is_no_source_is_a_mistake_of_the_call(given, says):
    with pytest.raises(ConfigError, match=r"Fix: ") as raised:
        load_bars(given)
    assert says in str(raised.value)

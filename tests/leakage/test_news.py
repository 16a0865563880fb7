"""Headlines in the time travel: what is seen after a close changes nothing that was known at it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from nextclose.config import NewsConfig
from nextclose.data.calendars.sessions import closing_instants, session_table
from nextclose.data.news.items import news_items
from nextclose.data.news.timing import items_by_session
from nextclose.features.news import NEWS_NAMES
from nextclose.schema import Bars, News
from tests.frames import collect_bars
from tests.leakage.artefacts import FOLDS, Pipeline, leaks, moved
from tests.leakage.worlds import SESSIONS, clean_panel, day, ragged_panel

Frame = pl.DataFrame
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
CUTS = [day(row) for row in (350, 399, 400, 415, 430)]
SETTINGS = NewsConfig(window_sessions=5)
Place = Callable[[Frame, dict[str, str]], Frame]


def new_york_panel() -> Frame:
    """The clean panel without the days on which New York is closed: its exchange is XNYS.

    With them the bars prove to be of 24/5, which closes at 17:00.
    """
    _, is_session = session_table("XNYS").at(SESSIONS)
    return clean_panel().filter(pl.col("date").is_in(SESSIONS[is_session].tolist()))


PANELS = [(new_york_panel, "XNYS"), (clean_panel, "24/5"), (ragged_panel, "XNYS")]


def news_file() -> Frame:
    """Items around the cut-off of each fourth session or so: stamps and dates, repeats, revisions.

    Scores follow the next move, so that there is much to learn and much to leak.
    """
    rng = np.random.default_rng(3)
    prices = clean_panel()
    rows = []
    for symbol in SYMBOLS:
        close = prices.filter(symbol=symbol)["close"].to_numpy()
        move = np.abs(np.diff(np.log(close), append=np.log(close[-1])))
        for k, session in enumerate(SESSIONS):
            for one in range(int(rng.integers(0, 3))):
                score = float(np.clip(60 * move[k] - 1, -1, 1))
                stamp = stamps(session)[int(rng.integers(0, 5))]
                words = f"{symbol} {int(rng.integers(0, 40))}" + ("!" if one else "")
                rows.append((symbol, stamp, words, score))
    rng.shuffle(rows)
    columns = ["symbol", "first_seen", "headline", "score"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def stamps(session: np.datetime64) -> list[str]:
    """A date alone, and times in the morning, 1 s around the cut-off of New York, and at night."""
    (close,) = closing_instants("XNYS", np.array([session]))
    if np.isnat(close):  # a holiday on which the made prices go on
        return [str(session)] * 5
    cut = close - np.timedelta64(30, "m")
    one = np.timedelta64(1, "s")
    times = (cut - np.timedelta64(5, "h"), cut, cut + one, close + np.timedelta64(4, "h"))
    return [str(session), *(f"{time}Z" for time in times)]


def in_time(items: Frame, exchanges: dict[str, str]) -> Frame:
    return items_by_session(items, exchanges, cutoff_minutes=30)


def loading(file: Frame, place: Place = in_time) -> Callable[[Frame], Bars]:
    """The loader with that news file beside the prices."""
    rows = pl.int_range(1, file.height + 1, eager=True)

    def load(prices: Frame) -> Bars:
        bars = collect_bars(prices)
        items, _ = news_items(file, path="news", rows=rows)
        placed = place(items, {symbol: bars.exchanges[symbol] for symbol in bars.symbols})
        frame = placed.select("symbol", "session", "score")
        return replace(bars, news=News(frame=frame, scorer="file", cutoff_minutes=30))

    return load


def pipeline(file: Frame, *, models: tuple[str, ...] = (), place: Place = in_time) -> Pipeline:
    return Pipeline(models=models, load=loading(file, place), news=SETTINGS)


def is_later(after: date, exchange: str = "XNYS") -> pl.Expr:
    """Whether an item of the file is of no use at the close of `after`."""
    (close,) = closing_instants(exchange, np.array([after], dtype="datetime64[D]"))
    deadline = str(close - np.timedelta64(30, "m"))  # texts of one form sort as times do
    text = pl.col("first_seen")
    is_date = text.str.len_chars() == 10
    seen_later = text.str.strip_suffix("Z") > deadline
    return pl.when(is_date).then(text >= str(after)).otherwise(seen_later)


WORLDS: dict[str, Callable[[Frame], Frame]] = {
    "none": lambda later: later.clear(),
    "turned": lambda later: later.with_columns(-pl.col("score")),
    "loud": lambda later: later.with_columns(pl.lit(1.0).alias("score")),
    "twice": lambda later: pl.concat([later, later.with_columns(pl.col("headline") + " more")]),
    "one headline": lambda later: later.with_columns(pl.lit("AAA 1").alias("headline")),
    "dates alone": lambda later: later.with_columns(
        # the date after: an item may not come to be known earlier
        (pl.col("first_seen").str.head(10).str.to_date().dt.offset_by("1d")).cast(pl.String)
    ),
    "other symbol": lambda later: later.with_columns(pl.lit("BBB").alias("symbol")),
}


def other_news(file: Frame, after: date, world: str, exchange: str = "XNYS") -> Frame:
    later = is_later(after, exchange)
    return pl.concat([WORLDS[world](file.filter(later)), file.filter(~later)])


def found_leaks(place: Place) -> Iterator[list[str]]:
    """What the harness says of each world of each cut, from loader to features."""
    file, prices = news_file(), new_york_panel()
    made = pipeline(file, place=place).artefacts(prices)
    for cut in CUTS:
        for world in WORLDS:
            other = pipeline(other_news(file, cut, world), place=place).artefacts(prices)
            yield leaks(made, other, at=cut)


@pytest.mark.parametrize(("panel", "exchange"), PANELS)
def test_no_later_item_changes_a_feature_and_every_column_can_change(panel, exchange):
    file, prices = news_file(), panel()
    assert {*collect_bars(prices).exchanges.values()} == {exchange}
    made = pipeline(file).artefacts(prices)
    changed: set[str] = set()
    for i, cut in enumerate(CUTS):
        for world in list(WORLDS)[i % 2 :: 2]:
            other = pipeline(other_news(file, cut, world, exchange)).artefacts(prices)
            assert leaks(made, other, at=cut) == [], f"after {cut}: {world}"
            changed |= moved(made, other)
    assert changed == {f"feature {name}" for name in NEWS_NAMES}


def test_no_later_item_changes_a_fit_or_a_forecast_made_before_it():
    file, prices = news_file(), new_york_panel()
    models = ("naive", "trees")
    made = pipeline(file, models=models).artefacts(prices)
    changed: set[str] = set()
    for cut, world in zip(CUTS, ("none", "turned", "loud", "twice", "none"), strict=True):
        other = pipeline(other_news(file, cut, world), models=models)
        found = other.artefacts(prices, until=cut)
        assert leaks(made, found, at=cut) == [], f"after {cut}: {world}"
        changed |= moved(made, found)
    assert {"fit trees forests.0.arrays.condition", "forecast trees 1"} <= changed
    assert not {name for name in changed if "naive" in name}


def test_items_seen_in_time_change_a_forecast_and_a_second_late_they_do_not():
    file, prices = news_file(), new_york_panel()
    session = SESSIONS[FOLDS[0]]
    for stamp, is_seen in ((stamps(session)[2], True), (stamps(session)[3], False)):
        extra = pl.DataFrame(
            [(symbol, stamp, "an extra word", 1.0) for symbol in SYMBOLS],
            schema=file.schema,
            orient="row",
        )
        one, two = (
            pipeline(frame, models=("trees",)).artefacts(prices, until=day(FOLDS[0]))
            for frame in (file, pl.concat([file, extra]))
        )
        found = leaks(one, two, at=day(FOLDS[0]))
        assert any(line.startswith("forecast trees ") for line in found) == is_seen
        assert all(line.endswith(" 2002-07-15") for line in found)


# --- M66 ---


def at_its_own_date(items: Frame, exchanges: dict[str, str]) -> Frame:
    """A date alone used at the close of that date, which it may be about."""
    placed = in_time(items, exchanges).clear()
    is_date = pl.col("seen_at").is_null()
    early = items.filter(is_date).with_columns(pl.col("day").alias("session"))
    rest = in_time(items.filter(~is_date), exchanges)
    return pl.concat([rest, early.select(placed.columns)]).sort("symbol", "session")


def at_the_close_of_its_day(items: Frame, exchanges: dict[str, str]) -> Frame:
    """An item of the evening used at the close of the afternoon before."""
    return items_by_session(
        items.with_columns(pl.col("seen_at").dt.truncate("1d")), exchanges, cutoff_minutes=30
    )


def a_minute_late(items: Frame, exchanges: dict[str, str]) -> Frame:
    """The cut-off forgotten."""
    return items_by_session(items, exchanges, cutoff_minutes=0)


def nearest(items: Frame, exchanges: dict[str, str]) -> Frame:
    """Each item one session earlier than it may be used (M13: the nearest row, not a past one)."""
    found = in_time(items, exchanges)
    back = np.busday_offset(found["session"].to_numpy().astype("datetime64[D]"), -1)
    return found.with_columns(pl.Series("session", back))


def last_version(items: Frame, exchanges: dict[str, str]) -> Frame:
    """A revised score in the place of the first."""
    found = in_time(items, exchanges)
    return found.with_columns(pl.col("score").last().over("symbol", "headline"))


LEAKS = {
    "M66 date alone at its own close": at_its_own_date,
    "M66 evening at the afternoon's close": at_the_close_of_its_day,
    "M66 no cut-off": a_minute_late,
    "M66 nearest session": nearest,
    "M66 revised": last_version,
}


@pytest.mark.parametrize("name", LEAKS)
def test_news_used_too_early_are_found(name):
    first = next(filter(None, found_leaks(LEAKS[name])))
    assert all(line.startswith("feature ") for line in first)

"""What headlines become at each close, worked by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.config import NewsConfig
from nextclose.errors import ConfigError
from nextclose.features.news import NEWS_NAMES, news_columns
from nextclose.features.table import make_table
from nextclose.schema import Bars, News
from tests.builders import walk_bars

# Friday 2013-01-18, Tuesday 22 after a holiday, then day by day
SESSIONS = np.array(["2013-01-18", "2013-01-22", "2013-01-23", "2013-01-24"], dtype="datetime64[D]")
HALF = NewsConfig(half_life_sessions=1.0, window_sessions=3)


def columns(items, *, session=SESSIONS, config=HALF, exchange="XNYS"):
    when = np.array([day for day, _ in items], dtype="datetime64[D]")
    score = np.array([score for _, score in items], dtype=np.float64)
    return news_columns(session, when, score, exchange=exchange, config=config)


def test_items_weigh_half_after_each_session_and_nothing_after_the_window():
    found = columns([("2013-01-18", 1.0), ("2013-01-22", -0.5), ("2013-01-22", -0.5)])
    # weights: 1; then 1/2 + 2; then 1/4 + 1; then the first is forgotten: 2/4
    np.testing.assert_allclose(
        found[:, 0], [1.0, (0.5 - 1.0) / 2.5, (0.25 - 0.5) / 1.25, (-0.25) / 0.5]
    )
    np.testing.assert_allclose(found[:, 1], np.log([2.0, 3.5, 2.25, 1.5]))
    assert found[:, 2].tolist() == [1.0] * 4


def test_nothing_said_is_three_zeros_and_the_flag_tells_it_from_a_neutral_word():
    assert columns([]).tolist() == [[0.0, 0.0, 0.0]] * 4
    neutral = columns([("2013-01-24", 0.0)])
    assert neutral[2].tolist() == [0.0, 0.0, 0.0]
    assert neutral[3].tolist() == [0.0, pytest.approx(np.log(2)), 1.0]


def test_age_is_counted_in_sessions_of_the_exchange_also_where_bars_are_missing():
    items = [("2013-01-18", 1.0)]
    whole, gap = columns(items), columns(items, session=SESSIONS[[0, 2]])
    assert gap.tolist() == whole[[0, 2]].tolist()
    weekdays = columns(items, exchange="")  # the holiday of the 21st counts
    assert weekdays[1].tolist() == whole[2].tolist()


def test_items_of_later_sessions_and_beyond_the_window_move_no_bit():
    rng = np.random.default_rng(0)
    days = np.busday_offset("2012-01-02", np.arange(300), roll="forward")
    items = [(day, score) for day in days for score in rng.uniform(-1, 1, rng.integers(0, 4))]
    config = NewsConfig()
    whole = columns(items, session=days, config=config)
    for k in (50, 171, 298):
        recent = [item for item in items if days[k - 12] <= item[0] <= days[k]]
        assert columns(recent, session=days[[k]], config=config).tobytes() == whole[k].tobytes()


def with_items(bars: Bars, *, cutoff_minutes: int = 30) -> Bars:
    last = bars.frame["session"].max()
    frame = pl.DataFrame({"symbol": ["AAA", "BBB"], "session": [last, last], "score": [0.5, -0.25]})
    return replace(bars, news=News(frame=frame, scorer="file", cutoff_minutes=cutoff_minutes))


def test_the_family_stands_behind_all_others_and_moves_none_of_their_bits():
    bars = walk_bars((280, 270))
    plain = make_table(bars, families=("stationary", "classic"), market=True)
    table = make_table(
        with_items(bars), families=("stationary", "classic"), market=True, news=NewsConfig()
    )
    n = len(plain.names)
    assert table.names == (*plain.names, *NEWS_NAMES)
    assert table.values[:, :n].tobytes() == plain.values.tobytes()
    family = table.families["news"]
    assert (family.start, family.stop, family.warmup_sessions) == (n, n + 3, 0)
    assert {**table.families, "news": family} == {**plain.families, "news": family}
    assert np.isfinite(table.values[:, n:]).all()
    assert (table.values[:, n + 2] == 1).sum() >= 1


def test_each_symbol_has_its_own_news():
    bars = walk_bars((280, 280))
    last = {name: bars.frame.filter(symbol=name)["session"][-1] for name in bars.symbols}
    frame = pl.DataFrame({"symbol": ["BBB"], "session": [last["BBB"]], "score": [-0.25]})
    news = News(frame=frame, scorer="file", cutoff_minutes=30)
    table = make_table(replace(bars, news=news), news=NewsConfig())
    flags = table.values[:, -1]
    assert flags.tolist() == [0.0] * 559 + [1.0]
    assert table.values[-1, -3] == np.float32(-0.25)


def test_bars_with_news_give_no_columns_unless_they_are_asked_for():
    assert "news" not in make_table(with_items(walk_bars((280,)))).families


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        (walk_bars((280,)), "none are given"),
        (with_items(walk_bars((280,)), cutoff_minutes=15), "theirs is 15"),
    ],
)
def test_news_that_are_missing_or_read_otherwise_are_refused_with_the_cure(bars, said):
    with pytest.raises(
        ConfigError, match=f"cut-off of 30 minutes are needed, {said}. Fix: .*--news"
    ):
        make_table(bars, news=NewsConfig())

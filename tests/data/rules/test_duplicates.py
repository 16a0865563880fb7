import numpy as np
import pytest

from tests.data.bar_frames import closes, codes, days, read, walk

N = 300
ONE = walk(N, seed=1)


def twin_findings(*frames):
    return [f for f in read(*frames).findings if f.code == "W69"]


PAIRS = [  # the second symbol's closes, its first row, whether twins
    (ONE, 0, True),
    (4 * ONE, 0, True),
    (0.8731 * ONE, 0, True),  # in another currency: equal but for the last bits
    (ONE[49:], 49, True),  # 250 returns
    (ONE[50:], 50, False),  # 249
    (1 / ONE, 0, False),  # a mirror
    (walk(N, seed=2), 0, False),
    (ONE * (1 + 1e-13 * walk(N, seed=4)), 0, True),  # all of them by bits
    (np.where(np.arange(N) == 150, 1.0001 * ONE, ONE), 0, False),  # one close is another
    (np.round(ONE / 3, 2), 0, False),  # rounded anew: another series, as far as bits can tell
    (ONE * np.exp(1e-5 * walk(N, seed=3)), 0, False),
    (np.full(N, 7.0) + (np.arange(N) == 9), 0, False),
]


@pytest.mark.parametrize(("values", "start", "are_twins"), PAIRS)
def test_one_series_under_two_names_is_told_naming_both(values, start, are_twins):
    twins = twin_findings(
        closes(ONE, symbol="AAA"), closes(values, on=days(N)[start:], symbol="BBB")
    )
    assert len(twins) == are_twins
    if are_twins:
        assert (twins[0].symbol, twins[0].session) == ("BBB", "")
        assert twins[0].found == f"AAA and BBB, {len(values) - 1} equal returns"


def test_a_twin_with_other_days_missing_is_found():
    gone = np.arange(N) % 50 == 7
    on = [day for k, day in enumerate(days(N)) if not gone[k]]
    thin = closes(ONE[~gone], on=on, symbol="BBB")
    returns = 299 - 2 * gone.sum()  # less those to and from each missing day
    assert returns >= 250
    # six returns of two days stand where the other has one: not the same, so no twin to the bit
    assert twin_findings(closes(ONE, symbol="AAA"), thin) == []


def test_a_twin_is_found_among_cheap_shares_that_share_most_of_their_returns():
    """Three prices only: on every day each return is that of many symbols."""
    noise = np.random.default_rng(6)
    prices = [np.array([2.0, 2.1, 2.2])[noise.integers(0, 3, N)] for _ in range(40)]
    frames = [closes(price, symbol=f"S{k:02}") for k, price in enumerate(prices)]
    twins = twin_findings(*frames, closes(prices[3], symbol="TWIN"))
    assert [f.found for f in twins] == ["S03 and TWIN, 299 equal returns"]


def test_three_of_a_kind_count_twice_and_rows_stay():
    frames = [closes(ONE, symbol=name) for name in ("AAA", "BBB", "CCC")]
    bars = read(*frames, closes(walk(N, seed=5), symbol="DDD"))
    assert [(f.symbol, f.count) for f in bars.findings if f.code == "W69"] == [("BBB", 2)]
    assert bars.frame.height == 4 * N


def test_flat_series_are_not_taken_for_twins():
    frames = [closes(np.full(N, 7.0), symbol=name) for name in ("AAA", "BBB")]
    assert codes(read(*frames)) == {"E65": 2}


ENDS = [  # sessions that the second symbol lacks at its end, whether all are alive
    (0, True),
    (5, True),
    (6, False),
    (30, False),
]


@pytest.mark.parametrize(("n_gone", "all_alive"), ENDS)
def test_a_panel_without_dead_symbols_is_told(n_gone, all_alive):
    last = 60 - n_gone
    dead = closes(walk(60, seed=2)[:last], on=days(60)[:last], symbol="BBB")
    bars = read(closes(walk(60), symbol="AAA"), dead)
    warnings = [f for f in bars.findings if f.code == "W68"]
    assert [f.found for f in warnings] == (["all 2 symbols alive at the end"] if all_alive else [])
    assert all((f.symbol, f.session, f.row, f.path) == ("", "", None, "") for f in warnings)

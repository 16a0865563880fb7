from datetime import date, timedelta

import numpy as np
import pytest

from tests.data.bar_frames import closes, codes, days, read, the, walk


def less(n: int, *gone: range):
    """n closes on New York's sessions from 2019 on, some of them missing."""
    missing = {k for rows in gone for k in rows}
    kept = [k for k in range(n) if k not in missing]
    return closes(walk(n)[kept], on=[days(n)[k] for k in kept])


GAPS = [  # rows missing of 40, codes, segments
    ([range(10, 11)], {"W52": 1}, 1),
    ([range(10, 15)], {"W52": 1}, 1),
    ([range(10, 15), range(20, 21)], {"W52": 2}, 1),
    ([range(10, 16)], {"E52": 1}, 2),
    ([range(10, 16), range(20, 30)], {"E52": 2}, 3),
    ([range(20)], {}, 1),  # before the first row nothing is missing
    ([range(30, 40)], {}, 1),
]


@pytest.mark.parametrize(("gone", "expected", "n_segments"), GAPS)
def test_five_missing_sessions_are_passed_over_and_six_end_the_segment(gone, expected, n_segments):
    bars = read(less(40, *gone))
    assert codes(bars) == expected
    assert bars.frame["segment"].unique().to_list() == list(range(n_segments))


def test_a_gap_is_told_at_the_row_behind_it_with_its_length_and_cure():
    finding = the(read(less(40, range(10, 16))), "E52")
    assert finding.session == str(days(40)[16])
    assert finding.found == f"6 sessions missing after {days(40)[9]}"
    assert finding.fix == 'add them, or set data.gaps = "split".'
    assert the(read(less(40, range(10, 11))), "W52").found.startswith("1 session missing")


def test_with_the_policy_the_segment_begins_at_the_same_row():
    bars, strict = (read(less(40, range(10, 16)), **s) for s in ({"gaps": "split"}, {}))
    assert codes(bars) == {"P52": 1}
    assert bars.frame.equals(strict.frame)
    assert bars.frame["segment"].to_list() == [0] * 10 + [1] * 24


def test_rows_that_other_rules_drop_count_as_missing():
    values = walk(40)
    values[10:16] = -1.0
    assert codes(read(closes(values), nonpositive="drop")) == {"P54": 6, "E52": 1}


CLOSURES = [  # days around a closure, calendar, codes
    (["2001-09-10", "2001-09-17"], None, {}),  # the attack
    (["2012-10-26", "2012-10-31"], None, {}),  # the storm
    (["2001-09-10", "2001-09-17"], "weekdays", {"W52": 1}),
    (["2019-07-03", "2019-07-05"], "weekdays", {"W52": 1}),
    (["2019-07-03", "2019-07-05"], None, {}),
    (["2019-04-26", "2019-05-07"], "XTKS", {}),  # ten days for a new emperor
    (["2019-04-26", "2019-05-07"], None, {"E52": 1}),
]


@pytest.mark.parametrize(("around", "calendar", "expected"), CLOSURES)
def test_days_on_which_the_exchange_was_shut_are_not_missing(around, calendar, expected):
    frame = closes([10.0, 11.0], on=[date.fromisoformat(day) for day in around])
    assert codes(read(frame, calendar=calendar)) == expected


DISTANCES = [  # days between bars, bars, whether refused, median shown
    (7, 40, True, "7 days"),
    (30, 40, True, "30 days"),
    (5, 6, True, "5 days"),
    (4, 40, False, ""),
    (7, 5, False, ""),  # four distances are too few to judge by
]


@pytest.mark.parametrize(("distance", "n", "is_refused", "shown"), DISTANCES)
def test_bars_that_are_not_daily_are_refused_once_by_symbol(distance, n, is_refused, shown):
    on = [date(2015, 1, 5) + timedelta(days=distance * k) for k in range(n)]
    bars = read(closes(walk(n), on=on), closes(walk(60), symbol="IBM"), calendar="24/7")
    refused = [finding for finding in bars.findings if finding.code == "E47"]
    assert len(refused) == is_refused
    if is_refused:
        assert (refused[0].symbol, refused[0].session, refused[0].row) == ("AAPL", "", None)
        assert shown in refused[0].found
    assert bars.frame.height == n + 60


def test_the_segments_of_bars_that_are_not_daily_are_those_of_any_others():
    """Whether a symbol is daily is known at its end: it decides what is said, not what is cut."""
    monthly = [date(2015, 1, 5) + timedelta(days=30 * k) for k in range(12)]
    bars = read(closes(walk(12), on=monthly), calendar="24/7")
    assert codes(bars) == {"E47": 1}
    assert bars.frame["segment"].to_list() == list(range(12))


REUSES = [  # sessions missing, factor of the closes behind, whether told
    (31, 5.2, True),
    (31, 1 / 5.2, True),
    (31, 4.8, False),
    (30, 5.2, False),
]


@pytest.mark.parametrize(("n_missing", "factor", "is_told"), REUSES)
def test_another_price_after_a_long_absence_is_another_company(n_missing, factor, is_told):
    on = days(20 + n_missing)
    frame = closes(
        np.concatenate([np.linspace(10, 10.9, 10), factor * np.linspace(10.9, 10, 10)]),
        on=on[:10] + on[10 + n_missing :],
    )
    bars = read(frame, gaps="split")
    assert codes(bars) == {"P52": 1} | ({"W67": 1} if is_told else {})
    assert bars.frame["segment"].to_list() == [0] * 10 + [1] * 10
    if is_told:
        finding = the(bars, "W67")
        assert finding.session == str(on[10 + n_missing])
        assert f'data.since = {{"AAPL" = {finding.session}}}' in finding.fix


def test_from_its_new_beginning_on_a_reused_name_is_whole():
    on = days(60)
    frame = closes(np.concatenate([walk(10), 9 * walk(10)]), on=on[:10] + on[50:])
    bars = read(frame, since={"AAPL": on[50]})
    assert codes(bars) == {}
    assert bars.frame["session"][0] == on[50]
    assert bars.frame["segment"].unique().to_list() == [0]

"""What the short words say is what the verdict says: the cases are worlds of known truth."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.verdict.summary import plain_sentence, summary_line
from nextclose.evaluation.verdict.verdict import verdicts
from tests.evaluation.frames import SD, baselines, overlapping, rows

N = 1000


def judged(model: pl.DataFrame, outcome: np.ndarray, *, garch=SD, **options) -> Any:
    frame = pl.concat([baselines(outcome), rows("garch", outcome, sd=garch), model])
    (row,) = (r for r in verdicts(frame, **options) if r.symbol == "*" and r.model == "mine")
    return row


@pytest.fixture
def outcome():
    return changing_width() * overlapping(np.random.default_rng(0), N, 1, sd=1.0)


def changing_width() -> np.ndarray:
    return np.asarray(SD * np.exp(np.sin(np.arange(N) / 50)))


def test_a_model_that_knows_the_size_only(outcome):
    row = judged(rows("mine", outcome, sd=changing_width()), outcome)
    assert row.evidence.garch is not None
    gain = f"{100 * row.evidence.garch.skill:.1f}%"
    held = f"{100 * row.evidence.coverage.coverage_90:.1f}%"
    assert summary_line(row) == (
        f"direction unknown; sizes {gain} better than garch; 90% range held {held}"
    )
    assert plain_sentence(row) == (
        "One session ahead, mine could not tell whether prices would rise or fall, but it could "
        f"tell how far they would move: {gain} better than garch, the usual model for that. "
        f"{held} of the closes fell inside its 90% ranges."
    )


def test_a_gain_over_garch_that_is_not_sure_is_not_named(outcome):
    width = changing_width()
    row = judged(rows("mine", outcome, sd=width), outcome, garch=width)
    assert row.verdict == "SIZE ONLY"
    gain = f"{100 * row.evidence.ranges.skill:.1f}%"
    assert summary_line(row).startswith(f"direction unknown; sizes {gain} better than history;")
    assert f"{gain} better than the range of past moves." in plain_sentence(row)


def test_a_model_that_knows_the_price_too(outcome):
    right = np.random.default_rng(5).random(N) < 0.57
    calls = 0.003 * np.sign(outcome) * np.where(right, 1, -1)
    row = judged(rows("mine", outcome, median=calls, sd=changing_width()), outcome)
    assert row.verdict == "BETTER"
    error = f"{100 * row.evidence.error.skill:.1f}%"
    assert summary_line(row).startswith(f"price {error} closer; sizes ")
    assert f"mine came {error} closer to the price than saying that it stays. Its" in (
        plain_sentence(row)
    )


def test_a_gain_that_one_side_alone_brought_is_called_that():
    outcome = 0.004 + SD * overlapping(np.random.default_rng(1), N, 1, sd=1.0)
    row = judged(rows("mine", outcome, median=0.004, sd=1.05 * SD), outcome)
    assert row.verdict in ("BETTER", "POINT ONLY")
    assert "than saying that it stays, by always saying 'up'" in plain_sentence(row)


def test_a_point_forecast_has_no_word_on_ranges():
    outcome = 0.004 + SD * overlapping(np.random.default_rng(1), N, 1, sd=1.0)
    row = judged(rows("mine", outcome, median=0.004), outcome)
    assert row.verdict == "POINT ONLY"
    assert summary_line(row).endswith("closer than no change; sizes unknown")
    assert plain_sentence(row).endswith("It could not tell how far prices would move.")


def test_a_model_that_is_far_off_is_named_beside_doing_nothing(outcome):
    rng = np.random.default_rng(2)
    row = judged(rows("mine", outcome, median=0.2 * rng.standard_normal(N)), outcome)
    assert row.verdict == "WORSE"
    ratio = row.evidence.error.loss_ratio
    assert summary_line(row) == f"do not use it: {ratio:.1f} times as far off as no change" or (
        summary_line(row) == f"do not use it: {ratio:.0f} times as far off as no change"
    )
    assert plain_sentence(row) == (
        "One session ahead, do not use mine: on average it missed the price by "
        f"{row.evidence.mape_pct:.2f}%, where saying that it stays missed by "
        f"{row.evidence.naive_mape_pct:.2f}%."
    )


def test_ranges_that_are_worse_and_too_narrow(outcome):
    row = judged(rows("mine", outcome, sd=0.4 * SD), outcome)
    assert row.verdict == "WORSE"
    assert summary_line(row).startswith("do not use it: sizes ")
    assert "; 90% range too narrow: " in summary_line(row)
    assert plain_sentence(row).endswith("inside its 90% ranges: they are too narrow.")


def test_no_evidence_says_on_how_much_it_rests(outcome):
    row = judged(rows("mine", outcome, sd=SD), outcome)
    assert row.verdict == "NO EVIDENCE"
    assert summary_line(row).startswith("no evidence that it is better than no change; 90% range")
    assert "about 1,000 separate outcomes" in plain_sentence(row)


def test_too_short_too_good_void_and_yardstick(outcome):
    short = judged(rows("mine", outcome[:100], sd=SD), outcome[:100])
    assert summary_line(short) == "too little to tell: about 100 separate outcomes"
    assert "30 and 250 are the least" in plain_sentence(short)
    good = judged(rows("mine", outcome, median=0.9 * outcome, sd=0.1 * SD), outcome)
    assert good.verdict == "TOO GOOD"
    assert summary_line(good) == "too good to be true: look for a leak"
    assert "come from the future" in plain_sentence(good)
    void = judged(rows("mine", outcome, sd=SD), outcome, failed_check="audit")
    assert summary_line(void) == "no verdict: a check of the run failed"
    assert plain_sentence(void) == void.sentence
    (history,) = (
        r for r in verdicts(baselines(outcome)) if r.symbol == "*" and r.model == "hs_250"
    )
    assert summary_line(history).startswith("a yardstick: it claims no skill; 90% range ")


def test_seven_sessions_are_counted():
    outcome = overlapping(np.random.default_rng(3), 2 * N, 7)
    frame = pl.concat(
        [baselines(outcome, sd=SD * 7**0.5, horizon=7), rows("mine", outcome, sd=0.04, horizon=7)]
    )
    (row,) = (r for r in verdicts(frame) if r.symbol == "*" and r.model == "mine")
    assert plain_sentence(row).startswith("7 sessions ahead, ")

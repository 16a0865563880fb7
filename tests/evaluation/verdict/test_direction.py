import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr

from nextclose.evaluation.hypothesis_tests.direction import call_covariance, pesaran_timmermann
from nextclose.evaluation.scores.scores import scores_of
from nextclose.evaluation.verdict.direction import calls
from tests.evaluation.frames import SD, overlapping, rows


def called(call: np.ndarray, outcome: np.ndarray, **where) -> pl.DataFrame:
    return rows("lstm", outcome, median=1e-6 * call, sd=SD, **where)


def calls_of(frame: pl.DataFrame, *, pooled: bool = False):
    (panel,) = scores_of(frame).panels
    return calls(panel, panel.models["lstm"], pooled=pooled)


def test_calls_of_one_symbol_at_one_session_worked_by_hand():
    # calls and outcomes: up up 120, up down 60, down up 45, down down 75
    call = np.repeat([1, 1, -1, -1], [120, 60, 45, 75])
    outcome = 0.01 * np.repeat([1, -1, 1, -1], [120, 60, 45, 75])
    figures = calls_of(called(call, outcome))
    # P 0.65, P* = 0.55 x 0.6 + 0.45 x 0.4 = 0.51, variance 4 x 0.2475 x 0.24 x 299 / 300^2
    assert figures.p_value == pytest.approx(ndtr(-0.14 / np.sqrt(0.2376 * 299 / 90_000)))
    assert (figures.hits.hit_rate, figures.hits.base_rate, figures.hits.side) == (0.65, 0.55, "up")
    assert figures.is_above_base
    assert figures.only is None
    low, high = figures.interval
    assert low < 0.65 < high


def test_fewer_than_250_calls_are_not_tested():
    rng = np.random.default_rng(0)
    call, outcome = np.sign(rng.standard_normal((2, 260)))
    call[:10] = 0
    assert calls_of(called(call, SD * outcome)).p_value is not None
    call[:11] = 0
    assert calls_of(called(call, SD * outcome)).p_value is None


@pytest.mark.parametrize("horizon", [1, 7])
@pytest.mark.parametrize(("side", "word"), [(1, "up"), (-1, "down")])
def test_calls_of_one_side_only_have_no_p_value_but_a_name(horizon, side, word):
    outcome = overlapping(np.random.default_rng(1), 400, horizon)
    figures = calls_of(called(np.full(400, side), outcome, horizon=horizon))
    assert (figures.p_value, figures.only) == (None, word)
    assert figures.hits.hit_rate == pytest.approx((np.sign(outcome) == side).mean())


def test_no_calls_at_all_have_neither_rate_nor_side():
    figures = calls_of(called(np.zeros(300), SD * np.random.default_rng(2).standard_normal(300)))
    assert (figures.p_value, figures.only, figures.implied_r2) == (None, None, None)
    assert not figures.is_above_base


def test_outcomes_that_overlap_are_tested_by_the_covariance():
    rng = np.random.default_rng(3)
    outcome = overlapping(rng, 600, 7)
    call = np.sign(overlapping(rng, 600, 7)).astype(np.int64)
    figures = calls_of(called(call, outcome, horizon=7))
    assert figures.p_value == call_covariance(call, outcome, horizon_sessions=7).p_better
    assert figures.p_value != pytest.approx(pesaran_timmermann(call, outcome).p_value, rel=0.01)


def test_copies_of_a_symbol_are_no_more_evidence_than_the_symbol():
    rng = np.random.default_rng(4)
    outcome = SD * rng.standard_normal(500)
    call = np.sign(outcome + 10 * SD * rng.standard_normal(500)).astype(np.int64)
    copies = pl.concat([called(call, outcome, symbol=f"S{k:02}") for k in range(20)])
    alone = call_covariance(call, outcome, horizon_sessions=1).p_better
    assert calls_of(copies, pooled=True).p_value == pytest.approx(alone)


def test_sixty_two_percent_right_stand_for_an_r2_of_thirteen_and_a_half():
    call = np.repeat([1, -1], [620, 380])
    figures = calls_of(called(call, np.full(1000, 0.01)))
    assert figures.implied_r2 == pytest.approx(0.136, abs=5e-4)

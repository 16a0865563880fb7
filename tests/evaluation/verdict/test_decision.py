import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr

from nextclose.evaluation.hypothesis_tests.calibration import christoffersen
from nextclose.evaluation.verdict.verdict import verdicts
from nextclose.formatting import percent
from nextclose.schema import SEED_SCHEMA
from tests.evaluation.frames import SD, baselines, flat_verdicts, rows

N = 400


def calls_right(share: float, *, symbol: str = "AAA", n: int = N) -> pl.DataFrame:
    """As many rises as falls, as many calls of each; `share` of either kind is right."""
    outcome = SD * np.tile([1.0, -1.0], n // 2)
    pair = np.arange(n) // 2
    right = (pair * 7919) % (n // 2) < round(
        share * n / 2
    )  # spread out, the same for rises and falls
    return rows("classic", outcome, median=1e-7 * np.where(right, 1, -1) * outcome, symbol=symbol)


def row_of(frame: pl.DataFrame, model: str = "classic", symbol: str = "AAA", **options):
    (row,) = (r for r in flat_verdicts(frame, **options) if (r.model, r.symbol) == (model, symbol))
    return row


def test_a_direction_claim_needs_a_p_value_of_ten_percent_and_says_what_it_means():
    row = row_of(calls_right(0.55))
    assert row.direction_p == pytest.approx(ndtr(-0.05 / np.sqrt(0.25 * 399 / N**2)))  # 0.0226
    assert row.direction_claim
    assert (row.hit_rate, row.base_rate) == (0.55, 0.5)
    assert row.implied_r2 == pytest.approx(0.0245, abs=1e-4)  # sin^2(pi / 20)
    assert "direction better than chance: 55.0% right (95% interval" in row.sentence
    assert "p = 0.023; would imply R2 2.4%" in row.sentence
    assert "against 50.0% for always 'up'" in row.sentence
    lame = row_of(calls_right(0.53))
    assert lame.direction_p == pytest.approx(0.115, abs=2e-3)
    assert not lame.direction_claim
    assert "better than chance" not in lame.sentence
    assert "would imply R2" in lame.sentence


def test_one_lucky_symbol_among_ten_is_no_direction_claim():
    shares = [0.55] + [0.5] * 9
    frame = pl.concat([calls_right(s, symbol=f"S{k}") for k, s in enumerate(shares)])
    row = row_of(frame, symbol="S0")
    assert row.direction_p < 0.03
    assert not row.direction_claim  # the smallest of ten needs 1 %
    every = pl.concat([calls_right(0.55, symbol=f"S{k}") for k in range(10)])
    assert row_of(every, symbol="S0").direction_claim
    assert "10 comparisons" in row_of(every, symbol="S0").sentence


def test_calls_better_than_chance_but_not_than_always_up_claim_nothing():
    # 900 rises of 1,000: 760 called; 100 falls: 60 called. Hits 820, always up 900
    outcome = SD * np.repeat([1.0, 1.0, -1.0, -1.0], [760, 140, 40, 60])
    call = np.repeat([1.0, -1.0, 1.0, -1.0], [760, 140, 40, 60])
    order = np.random.default_rng(0).permutation(1000)
    row = row_of(rows("classic", outcome[order], median=1e-7 * call[order]))
    assert row.direction_p < 1e-6
    assert (row.hit_rate, row.base_rate) == (0.82, 0.9)
    assert not row.direction_claim


@pytest.mark.parametrize(("side", "word"), [(1e-7, "up"), (-1e-7, "down")])
def test_calls_of_one_side_are_said_to_be_so(side, word):
    outcome = SD * np.random.default_rng(1).standard_normal(N)
    row = row_of(rows("classic", outcome, median=side))
    assert (row.direction_p, row.always, row.direction_claim) == (None, word, False)
    assert f"direction always '{word}', " in row.sentence


def test_what_is_too_good_to_be_true_claims_no_direction():
    row = row_of(calls_right(0.7))
    assert row.verdict == "TOO GOOD"
    assert row.direction_p < 1e-6
    assert not row.direction_claim


def sized(seed: int = 0, n: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes whose volatility a model can know, and that volatility."""
    sd = SD * np.exp(np.sin(np.arange(n) / 50))
    return sd * np.random.default_rng(seed).standard_normal(n), sd


def test_size_and_a_direction_claim_are_not_said_to_exclude_each_other():
    outcome, sd = sized()
    right = np.random.default_rng(2).random(1000) < 0.56
    median = 1e-6 * np.where(right, 1, -1) * np.sign(outcome)
    row = row_of(
        pl.concat([baselines(outcome), rows("lstm", outcome, median=median, sd=sd)]), "lstm"
    )
    assert (row.verdict, row.direction_claim) == ("SIZE ONLY", True)
    assert "not which way" not in row.sentence
    assert "but its error is no lower" in row.sentence
    assert "better than chance" in row.sentence


def test_a_direction_claim_is_told_beside_a_verdict_about_something_else():
    frame = calls_right(0.55)
    far = frame.with_columns(pl.col("^q.*$") * 5e7)  # the same calls, and a median far too wide
    row = row_of(far)
    assert row.verdict == "WORSE"
    assert row.direction_claim
    assert " Beside that, direction better than chance: 55.0% right (" in row.sentence


def seeds_around(skill: float, sd: float, reference: float, *, loss: str = "crps") -> pl.DataFrame:
    """Two seeds whose skills lie symmetrically about `skill`, `sd` their standard deviation."""
    single = [reference * (1 - skill + side * sd / np.sqrt(2)) for side in (-1, 1)]
    other = "absolute_error" if loss == "crps" else "crps"
    table = [{"model": "lstm", "seed": k, loss: v, other: 1e-3} for k, v in enumerate(single)]
    return (
        pl.DataFrame(table)
        .select(
            *("model", pl.col("seed").cast(pl.Int32), pl.lit("AAA").alias("symbol")),
            pl.lit(1, dtype=pl.Int32).alias("horizon_sessions"),
            *(pl.lit(1000, dtype=pl.Int64).alias("forecasts"), "crps", "absolute_error"),
        )
        .cast(pl.Schema(SEED_SCHEMA))
    )


def test_a_gain_below_three_seed_spreads_is_not_claimed():
    outcome, sd = sized()
    frame = pl.concat([baselines(outcome), rows("lstm", outcome, median=1e-6, sd=sd)])
    plain = row_of(frame, "lstm")
    skill, reference = plain.crps_skill_vs_hs, plain.crps / (1 - plain.crps_skill_vs_hs)
    assert (plain.verdict, plain.crps_skill_seed_sd) == ("SIZE ONLY", None)
    narrow = row_of(frame, "lstm", seeds=seeds_around(skill, 0.99 * skill / 3, reference))
    assert narrow.verdict == "SIZE ONLY"
    assert narrow.crps_skill_seed_sd == pytest.approx(0.99 * skill / 3)
    wide = row_of(frame, "lstm", seeds=seeds_around(skill, 1.01 * skill / 3, reference))
    assert wide.verdict == "NO EVIDENCE"
    assert wide.p_ranges_better == plain.p_ranges_better < 1e-6
    assert "does not count: it is under 3 times the spread over its seeds" in wide.sentence
    assert "does not count" not in narrow.sentence + plain.sentence
    alone = seeds_around(skill, skill, reference).head(1)
    assert row_of(frame, "lstm", seeds=alone).verdict == "SIZE ONLY"
    foreign = seeds_around(skill, skill, reference).with_columns(model=pl.lit("other"))
    assert row_of(frame, "lstm", seeds=foreign) == plain


def test_an_error_within_its_seeds_leaves_only_the_ranges():
    known, noise = np.random.default_rng(0).standard_normal((2, 1000))
    part = SD * np.sqrt(0.04) * known
    outcome = part + SD * np.sqrt(0.96) * noise
    history = baselines(outcome, sd=2 * SD)
    frame = pl.concat([history, rows("lstm", outcome, median=part, sd=SD)])
    plain = row_of(frame, "lstm")
    assert plain.verdict == "BETTER"
    skill, reference = 1 - plain.relative_mae, float(np.abs(outcome).mean())
    seeds = seeds_around(skill, skill, reference, loss="absolute_error")
    seeds = seeds.with_columns(crps=pl.lit(plain.crps))
    row = row_of(frame, "lstm", seeds=seeds)
    assert row.relative_mae_seed_sd == pytest.approx(skill)
    assert row.crps_skill_seed_sd == pytest.approx(0.0, abs=1e-12)
    assert row.verdict == "SIZE ONLY"
    assert "in its error does not count" in row.sentence


def test_a_model_worse_than_history_is_worse_whatever_its_seeds():
    outcome = SD * np.random.default_rng(3).standard_normal(1000)
    frame = pl.concat([baselines(outcome), rows("lstm", outcome, sd=2 * SD)])
    row = row_of(frame, "lstm", seeds=seeds_around(0.0, 10.0, 0.01))
    assert row.crps_skill_seed_sd > 1
    assert row.verdict == "WORSE"


def test_a_failed_check_voids_every_verdict_and_keeps_the_figures():
    frame = pl.concat([baselines(SD * np.tile([1.0, -1.0], N // 2)), calls_right(0.55)])
    sound, void = flat_verdicts(frame), flat_verdicts(frame, failed_check="shift")
    assert {row.verdict for row in void} == {"VOID"}
    assert {row.sentence for row in void} == {
        "No verdict: the check 'shift' failed, so none of these figures can be trusted."
    }
    assert not any(row.direction_claim or row.p_value for row in void)
    assert any(row.direction_claim for row in sound)
    assert [row.hit_rate for row in void] == [row.hit_rate for row in sound]


def test_garch_stands_beside_history_with_its_own_interval_and_the_noise_floor_is_its():
    outcome, sd = sized()
    garch = rows("garch", outcome, sd=1.2 * sd)
    lstm = rows("lstm", outcome, median=1e-6, sd=sd)
    row = row_of(pl.concat([baselines(outcome), garch, lstm]), "lstm")
    low, high = row.crps_skill_vs_garch_interval
    assert 0 < low < row.crps_skill_vs_garch < high
    assert row.p_garch_better < 0.01 < 0.99 < row.p_garch_worse
    # the 95 % interval is 1.96 standard errors each way, the floor two
    assert row.noise_floor == pytest.approx((high - low) * 2 / (2 * 1.96), rel=2e-3)
    assert f"{percent(row.crps_skill_vs_garch)} better than garch (95% interval" in row.sentence
    without = row_of(pl.concat([baselines(outcome), lstm]), "lstm")
    low, high = without.crps_skill_interval
    assert without.noise_floor == pytest.approx((high - low) * 2 / (2 * 1.96), rel=2e-3)
    assert without.crps_skill_vs_garch_interval is None
    assert "garch" not in without.sentence


def test_no_evidence_says_how_small_a_difference_is_noise():
    rng = np.random.default_rng(6)
    outcome = SD * rng.standard_normal(1000)
    wiggle = SD * np.exp(0.1 * rng.standard_normal((2, 1000)))
    lstm = rows("lstm", outcome, median=1e-6 * rng.standard_normal(1000), sd=wiggle[0])
    row = row_of(pl.concat([rows("hs_250", outcome, sd=wiggle[1]), lstm]), "lstm")
    assert row.verdict == "NO EVIDENCE"
    assert f"range differences below {100 * row.noise_floor:.2f}% are noise" in row.sentence


@pytest.mark.parametrize(("n", "horizon", "edge"), [(1717, 1, 0.03), (618 * 7, 7, 0.05)])
def test_the_smallest_visible_edge_is_that_of_so_many_origins(n, horizon, edge):
    outcome = SD * np.random.default_rng(5).standard_normal(n)
    row = row_of(rows("classic", outcome, horizon=horizon, median=1e-7))
    assert row.smallest_visible_edge == pytest.approx(edge, rel=1e-3)


def test_calibration_figures_of_a_row_are_those_of_its_own_forecasts():
    outcome = SD * np.tile([0.0, 0.7, -1.5, 1.8, -2.5], 60)
    row = row_of(rows("lstm", outcome, sd=SD), "lstm")
    found = (row.coverage_50, row.coverage_80, row.coverage_90, row.coverage_95)
    assert found == pytest.approx((0.2, 0.4, 0.6, 0.8))
    assert row.pit_p < 1e-6
    assert row.independence_p == christoffersen(np.abs(outcome) > 1.645 * SD, expected=0.1).p_ind


def test_directions_that_know_nothing_are_rarely_claimed():
    """100 worlds of 5 symbols with coin-flip calls: a false claim in at most about 10 %."""
    rng = np.random.default_rng(6)
    claimed = 0
    for _ in range(100):
        frames = []
        for symbol in "ABCDE":
            outcome, call = SD * rng.standard_normal((2, 260))
            frames.append(rows("classic", outcome, median=1e-5 * call, symbol=symbol))
        claimed += any(r.direction_claim for r in verdicts(pl.concat(frames)) if r.symbol != "*")
    assert 1 <= claimed <= 19  # 10 expected, three standard deviations of a count each way

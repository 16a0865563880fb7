import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.hypothesis_tests.mean import (
    fixed_smoothing,
    pooled_bartlett,
    relative_gain,
)
from nextclose.evaluation.scores.losses import with_losses
from nextclose.evaluation.scores.scores import scores_of
from nextclose.schema import ABLATION_SCHEMA
from tests.evaluation.frames import SD, overlapping, rows


def variant(name: str, forecasts: pl.DataFrame) -> pl.DataFrame:
    """The losses of forecasts as those of a variant."""
    frame = with_losses(forecasts).with_columns(variant=pl.lit(name))
    return frame.select(*ABLATION_SCHEMA).cast(pl.Schema(ABLATION_SCHEMA))


def losses(name: str, crps: np.ndarray, *, symbol: str = "AAA", horizon: int = 1) -> pl.DataFrame:
    """A variant with these losses."""
    frame = variant(name, rows("x", np.zeros(len(crps)), sd=SD, symbol=symbol, horizon=horizon))
    return frame.with_columns(crps=pl.Series(crps))


NOTHING = rows("hybrid", np.full(1, np.nan), sd=SD)


def only_part(ablation: pl.DataFrame, forecasts: pl.DataFrame = NOTHING):
    (part,) = ablations(ablation, scores_of(forecasts))
    return part


def test_the_skill_over_a_variant_is_the_mean_of_the_symbols_own():
    crps = np.array([0.01, 0.02, 0.03])
    part = only_part(
        pl.concat(
            [
                losses("raw", crps),
                losses("raw", 10 * crps, symbol="BBB"),
                losses("without har", crps / 0.8),
                losses("without har", 10 * crps / 0.9, symbol="BBB"),
                losses("without lstm", crps / 1.1),
            ]
        )
    )
    equal, without = part.variants
    assert (equal.name, equal.forecasts, equal.origins) == ("without har", 6, 3)
    assert equal.crps_skill == pytest.approx((0.2 + 0.1) / 2)
    assert (without.name, without.forecasts) == ("without lstm", 3)
    assert without.crps_skill == pytest.approx(-0.1)
    assert (equal.interval, equal.p_better, equal.p_worse) == (None, None, None)  # three origins
    assert part.calibration is None


@pytest.mark.parametrize("horizon", [1, 7])
def test_the_test_is_the_decisive_one_of_the_pooled_series(horizon):
    rng = np.random.default_rng(0)
    raw, other = 0.01 + 0.001 * rng.random((2, 300, 2))
    parts = []
    for k, symbol in enumerate("AB"):
        where = {"symbol": symbol, "horizon": horizon}
        parts += [losses("raw", raw[:, k], **where), losses("without har", other[:, k], **where)]
    (without,) = only_part(pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=1)).variants
    gain = relative_gain(raw, other)
    test = (
        pooled_bartlett(gain, horizon_sessions=1)
        if horizon == 1
        else fixed_smoothing(gain, horizon_sessions=horizon)
    )
    assert without.crps_skill == pytest.approx(test.mean)
    assert without.interval == pytest.approx(test.interval())
    assert (without.p_better, without.p_worse) == pytest.approx((test.p_better, test.p_worse))


def against_without(factor: float, n: int = 300):
    loss = 0.01 + 0.002 * np.random.default_rng(1).random(n)
    noise = 1 + 0.01 * np.random.default_rng(2).standard_normal(n)
    others = [
        losses(f"without {name}", f * noise * loss) for name, f in (("har", 1), ("lstm", factor))
    ]
    return only_part(pl.concat([losses("raw", loss), *others]))


def test_the_sentence_says_what_each_member_is_worth():
    part = against_without(1.02)
    start = "At 1 session the hybrid's ranges were, before calibration, "
    assert part.sentence.startswith(start)
    assert " than without har (" in part.sentence
    assert "% better than without lstm (95% interval 1." in part.sentence
    assert part.sentence.endswith("p < 0.001; 300 forecasts, about 300 independent).")


@pytest.mark.parametrize(("factor", "n"), [(1.001, 300), (1.02, 249)])
def test_a_difference_that_is_none_is_told_with_what_it_rests_on(factor, n):
    part = against_without(factor, n)
    assert not part.variants[1].is_beaten
    assert f"{n} forecasts" in part.sentence


def test_a_member_that_does_harm_is_told_with_the_interval_of_how_much():
    part = against_without(0.98)  # 1 - 1 / 0.98 = -2.04 %, and the noise
    assert part.variants[1].crps_skill == pytest.approx(1 - 1 / 0.98, abs=1e-3)
    assert "2.1% worse than without lstm (95% interval 2.0 to 2.2%; p < " in part.sentence


def test_calibration_is_shown_before_and_after_with_its_width_and_its_cost():
    outcome = SD * np.tile([0.5, -1.5, 1.7, -0.1], 5)
    raw = variant("raw", rows("x", outcome, sd=0.8 * SD))  # 90 % within 1.32 SD: holds two of four
    issued = rows("hybrid", outcome, sd=SD)  # within 1.645 SD: holds three of four
    cost = only_part(raw, pl.concat([issued, rows("garch", outcome, sd=9 * SD)])).calibration
    assert (cost.forecasts, cost.coverage_90_raw, cost.coverage_90_issued) == (20, 0.5, 0.75)
    width = [200 * np.sinh(1.6448536 * sd) for sd in (0.8 * SD, SD)]
    assert cost.width_90_raw_pct == pytest.approx(width[0], rel=1e-6)
    assert cost.width_90_issued_pct == pytest.approx(width[1], rel=1e-6)
    assert cost.width_ratio == pytest.approx(width[1] / width[0], rel=1e-6)
    assert cost.crps_cost == pytest.approx(cost.crps_issued / cost.crps_raw - 1)
    assert cost.crps_raw == pytest.approx(raw["crps"].mean())
    assert cost.crps_issued == pytest.approx(with_losses(issued)["crps"].mean())


def test_the_ratios_of_calibration_count_each_symbol_alike():
    parts, issued = [], []
    for symbol, sd, wider in (("AAA", 0.001, 1.5), ("BBB", 0.01, 1.1)):
        outcome = np.zeros(5)
        parts.append(variant("raw", rows("x", outcome, sd=sd, symbol=symbol)))
        issued.append(rows("hybrid", outcome, sd=wider * sd, symbol=symbol))
    cost = only_part(pl.concat(parts), pl.concat(issued)).calibration
    assert cost.width_ratio == pytest.approx(1.3, abs=1e-4)
    assert cost.crps_cost == pytest.approx(0.3)  # normal at its median: CRPS goes with the sd


def test_losses_not_known_yet_are_left_out_and_horizons_are_apart():
    loss = np.array([0.01, 0.02, np.nan])
    frames = [
        losses(name, f * loss, horizon=h)
        for h in (7, 1)
        for name, f in (("raw", 1), ("without har", 2))
    ]
    missing = pl.concat(frames).with_columns(pl.col("crps").fill_nan(None))
    for ablation in (pl.concat(frames), missing):
        parts = ablations(ablation, scores_of(NOTHING))
        assert [x.horizon_sessions for x in parts] == [1, 7]
        assert [x.variants[0].forecasts for x in parts] == [2, 2]
        assert parts[0].variants[0].crps_skill == pytest.approx(0.5)


def test_without_a_hybrid_there_is_nothing_to_say():
    assert ablations(pl.DataFrame(schema=ABLATION_SCHEMA), scores_of(NOTHING)) == ()


def test_overlapping_outcomes_that_know_nothing_rarely_make_a_member_worth_something():
    """100 worlds in which a variant is the hybrid and noise: near 5 % may be beaten."""
    rng = np.random.default_rng(3)
    beaten = 0
    for _ in range(100):
        drift = overlapping(rng, 400, 7, sd=0.001)
        frames = [
            losses("raw", 0.02 + drift, horizon=7),
            losses("without har", np.full(400, 0.02), horizon=7),
        ]
        beaten += only_part(pl.concat(frames)).variants[0].is_beaten
    assert 1 <= beaten <= 12  # 5 expected, three standard deviations of a count each way


def test_the_raw_forecast_meets_garch_and_the_contenders_in_the_place_of_the_issued_one():
    rng = np.random.default_rng(5)
    outcome = SD * rng.standard_normal(400)
    sharp, blunt = rows("x", outcome, sd=SD), rows("hybrid", outcome, sd=2.5 * SD)
    rivals = [rows("garch", outcome, sd=2 * SD), rows("loghar", outcome, sd=1.02 * SD)]
    part = only_part(variant("raw", sharp), pl.concat([blunt, *rivals]))
    theirs = with_losses(rivals[0])["crps"].to_numpy()
    ours = with_losses(sharp)["crps"].to_numpy()
    assert part.garch is not None
    assert part.garch.crps_skill == pytest.approx(1 - ours.mean() / theirs.mean())
    assert part.garch.p_better is not None
    assert part.garch.p_better < 0.001
    assert part.raw_in_confidence_set  # as issued it is the worst of the three
    worst = only_part(
        variant("raw", blunt), pl.concat([sharp.with_columns(model=pl.lit("hybrid")), *rivals])
    )
    assert worst.raw_in_confidence_set is False

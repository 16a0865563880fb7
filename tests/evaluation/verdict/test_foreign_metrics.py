"""What a verdict says of somebody else's metric."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.errors import ConfigError
from nextclose.evaluation.verdict.document import flat_row
from nextclose.evaluation.verdict.verdict import verdicts
from nextclose.metrics import grid_crps, interval_score
from nextclose.schema import LEVELS
from tests.evaluation.frames import NORMAL, SD, baselines, flat_verdicts, rows

N = 400


def doubled_crps(quantiles, outcome):
    return 2.0 * grid_crps(quantiles, outcome)


def frame(symbols=("AAA", "BBB")) -> pl.DataFrame:
    """An lstm with a gap, and a point forecast, beside all baselines; noise in every width."""
    rng = np.random.default_rng(5)
    parts = []
    for symbol in symbols:
        outcome = SD * rng.standard_normal(N)
        sd = SD * np.exp(0.1 * rng.standard_normal(N))
        lstm = rows("lstm", outcome, median=0.1 * outcome, sd=sd, symbol=symbol)
        parts += [
            baselines(outcome, sd=1.2 * SD, symbol=symbol),
            lstm.with_row_index("i").filter(pl.col("i") != 7).drop("i"),
            rows("classic", outcome, median=0.2 * outcome, symbol=symbol),
        ]
    return pl.concat(parts)


def test_a_foreign_metric_is_tested_as_our_own_crps_is():
    for row in flat_verdicts(frame(), metrics={"mine": doubled_crps}):
        mine = row.metrics["mine"]
        assert mine["mean"] == pytest.approx(2 * row.crps, rel=1e-12)
        if row.point_only:
            continue
        assert mine["skill"] == pytest.approx(row.crps_skill_vs_hs, rel=1e-9)
        assert mine["interval"] == pytest.approx(row.crps_skill_interval, rel=1e-9)
        assert mine["p_better"] == pytest.approx(row.p_ranges_better, rel=1e-6)
        assert mine["p_worse"] == pytest.approx(row.p_ranges_worse, rel=1e-6)
        assert mine["reference"] == row.hs_reference


def test_its_mean_stands_beside_those_of_no_change_and_of_the_historical_density():
    outcome = np.array([0.01, -0.02, 0.03, -0.04])
    history = rows("hs_250", outcome, sd=SD)
    lstm = rows("lstm", outcome, median=0.01, sd=2 * SD).head(3)
    flat: Any = flat_verdicts(pl.concat([history, lstm]), metrics={"score": interval_score})
    (mine,) = (r.metrics["score"] for r in flat if (r.model, r.symbol) == ("lstm", "AAA"))
    first = outcome[:3]
    unchanged, ranges = np.zeros((3, len(LEVELS))), np.tile(SD * NORMAL, (3, 1))
    assert mine["mean"] == pytest.approx(interval_score(0.01 + 2 * ranges, first).mean())
    assert mine["naive_mean"] == pytest.approx(interval_score(unchanged, first).mean())
    assert mine["reference"] == "hs_250"
    assert mine["reference_mean"] == pytest.approx(interval_score(ranges, first).mean())
    assert mine["skill"] == pytest.approx(1 - mine["mean"] / mine["reference_mean"])
    assert (mine["interval"], mine["p_better"], mine["p_worse"]) == (None, None, None)  # too short


def test_a_point_forecast_is_compared_too_and_a_gap_is_charged_as_in_every_other_loss():
    flat: Any = flat_verdicts(frame(("AAA",)), metrics={"mine": doubled_crps})
    (classic,) = (r for r in flat if (r.model, r.symbol) == ("classic", "AAA"))
    assert classic.metrics["mine"]["reference"] == "hs_250"
    assert classic.metrics["mine"]["p_better"] is not None
    (lstm,) = (r for r in flat if (r.model, r.symbol) == ("lstm", "AAA"))
    assert lstm.filled == 1


def test_a_gap_of_a_point_forecast_costs_what_no_change_does():
    outcome = np.array([0.01, -0.02, 0.03])
    classic = rows("classic", outcome, median=outcome)  # perfect, but for the one left out
    gap = classic.with_row_index("i").filter(pl.col("i") != 1).drop("i")
    data = pl.concat([rows("naive", outcome), gap])
    flat: Any = flat_verdicts(data, metrics={"mine": doubled_crps})
    (row,) = (r for r in flat if (r.model, r.symbol) == ("classic", "AAA"))
    assert row.metrics["mine"]["mean"] == pytest.approx(2 * 0.02 / 3)
    assert row.metrics["mine"]["naive_mean"] == pytest.approx(2 * 0.06 / 3)
    assert row.metrics["mine"]["skill"] is None  # no historical density ran


def test_without_metrics_a_row_has_no_such_key_and_with_them_nothing_else_changes():
    data = frame(("AAA",))
    plain, told = verdicts(data), verdicts(data, metrics={"mine": doubled_crps})
    for before, after in zip(plain, told, strict=True):
        fields = flat_row(after)
        assert list(fields)[-1] == "metrics"
        del fields["metrics"]
        assert fields == flat_row(before)
        assert "metrics" not in flat_row(before)


def test_a_metric_with_the_name_of_a_figure_of_ours_is_refused_before_any_work():
    for name in ("crps", "model", "inside_90", "percentage_error"):
        with pytest.raises(ConfigError, match=f"metric '{name}'"):
            verdicts(frame(("AAA",)), metrics={name: doubled_crps})

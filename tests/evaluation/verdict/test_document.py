import dataclasses
import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.evaluation.verdict.document import flat_row, plain, verdict_document
from nextclose.evaluation.verdict.verdict import verdicts
from tests.evaluation.frames import SD, baselines, rows

FIELDS = [
    *("symbol", "horizon_sessions", "model", "origins", "forecasts", "independent", "filled"),
    *("point_only", "mape_pct", "naive_mape_pct", "relative_mae", "relative_mae_interval"),
    *("relative_mae_seed_sd", "r2_vs_zero", "hit_rate", "hit_interval", "base_rate", "base_side"),
    *("direction_p", "direction_claim", "always", "implied_r2", "smallest_visible_edge"),
    *("no_calls", "flat", "crps", "crps_skill_vs_hs", "crps_skill_interval"),
    *("crps_skill_seed_sd", "hs_reference", "crps_skill_vs_garch", "crps_skill_vs_garch_interval"),
    *("noise_floor", "coverage_50", "coverage_80", "coverage_90", "coverage_95", "width_90_pct"),
    *("independence_p", "pit_p", "p_error_better", "p_error_worse", "p_ranges_better"),
    *("p_ranges_worse", "p_garch_better", "p_garch_worse", "p_value", "comparisons"),
    *("miscalibrated", "verdict", "sentence", "taught_until"),
    *("symbols_better_than_garch", "symbols_worse_than_garch", "symbols_better_than_hs"),
    *("symbols_worse_than_hs", "symbols_better_than_naive", "symbols_worse_than_naive"),
    *("worst_year", "worst_year_skill", "worst_year_reference", "mcs_p", "in_confidence_set"),
    "spa_p",
]


def two_symbols() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    frames = []
    for symbol in ("AAA", "BBB"):
        outcome = SD * rng.standard_normal(400)
        frames += [
            baselines(outcome, sd=3 * SD, symbol=symbol),
            rows("garch", outcome, sd=1.5 * SD, symbol=symbol),
            rows("lstm", outcome, median=0.1 * SD, sd=SD, symbol=symbol),
        ]
    return pl.concat(frames)


def lstm_rows() -> dict[str, Any]:
    return {row.symbol: row for row in verdicts(two_symbols()) if row.model == "lstm"}


def test_a_row_has_every_field_in_the_order_that_its_readers_know():
    for row in verdicts(two_symbols()):
        assert list(flat_row(row)) == FIELDS


def test_the_figures_of_a_row_are_those_of_its_evidence():
    row = lstm_rows()["BBB"]
    evidence, flat = row.evidence, flat_row(row)
    error, ranges, garch = evidence.error, evidence.ranges, evidence.garch
    assert flat["relative_mae"] == 1 - error.skill
    low, high = flat["relative_mae_interval"]
    assert (1 - high, 1 - low) == pytest.approx(error.interval)
    assert (flat["crps_skill_vs_hs"], flat["hs_reference"]) == (ranges.skill, "hs_250")
    assert flat["crps_skill_interval"] == list(ranges.interval)
    assert flat["crps_skill_vs_garch"] == garch.skill > 0
    assert flat["crps_skill_vs_garch_interval"] == list(garch.interval)
    names = ("p_error_better", "p_error_worse", "p_ranges_better", "p_garch_worse")
    p_values = (error.p_better, error.p_worse, ranges.p_better, garch.p_worse)
    assert tuple(flat[name] for name in names) == p_values
    assert len(set(p_values)) == 4
    assert flat["noise_floor"] == garch.noise_floor
    assert (flat["hit_rate"], flat["direction_p"]) == (evidence.calls.hits.hit_rate, None)
    assert flat["always"] == "up"
    assert (flat["comparisons"], flat["verdict"]) == (2, row.verdict)


def test_a_figure_that_there_is_not_is_null():
    (naive,) = (r for r in verdicts(two_symbols()) if (r.model, r.symbol) == ("naive", "BBB"))
    flat = flat_row(naive)
    nothing = ("crps_skill_vs_hs", "hs_reference", "p_garch_better", "coverage_90", "pit_p")
    assert {flat[name] for name in nothing} == {None}


def test_the_standing_lies_flat_and_is_null_for_a_symbol():
    pooled, single = lstm_rows()["*"], lstm_rows()["BBB"]
    first, second = verdict_document([pooled, single], run={})["rows"]
    for name, value in dataclasses.asdict(pooled.standing).items():
        assert first[name] == value
        assert second[name] is None
    assert first["mcs_p"] is not None


def test_the_document_is_strict_json():
    run = {"seed": 1, "spread": float("nan"), "horizons": (1, 7)}
    document = verdict_document(verdicts(two_symbols()), run=run)
    again = json.loads(json.dumps(document, allow_nan=False))
    assert again == document
    assert list(again) == ["format", "run", "rows"]
    assert (again["format"], again["run"]) == (1, {"seed": 1, "spread": None, "horizons": [1, 7]})
    assert [row["symbol"] for row in again["rows"][:3]] == ["*", "AAA", "BBB"]


def test_plain_values_have_lists_for_tuples_and_none_for_what_is_not_finite():
    value = {1: (np.float64(0.5), float("inf")), "a": {"b": [True, None, "x"]}}
    assert plain(value) == {"1": [0.5, None], "a": {"b": [True, None, "x"]}}

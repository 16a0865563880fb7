"""Stages in one call: what a memory of fits may be asked, and what a run with news is made of."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.config import DataConfig, FeaturesConfig, NewsConfig, TreesConfig
from nextclose.errors import ConfigError
from nextclose.evaluation.scores import losses
from nextclose.evaluation.verdict.verdict import verdict_rows
from nextclose.features.columns import Feature
from nextclose.metrics import pit
from nextclose.results import report_content
from nextclose.run import backtest
from tests.builders import tiny_config, until, walk_bars
from tests.plugins import WEEK_RANGE, Wide, week_range
from tests.serving.test_news import BARS, SETTINGS, with_items


def test_fits_are_recalled_for_the_same_columns_only(tmp_path):
    longer = SETTINGS.model_copy(update={"news": NewsConfig(half_life_sessions=9.0)})
    alone = SETTINGS.model_copy(update={"features": FeaturesConfig(market=False)})
    bars = with_items(BARS)
    for config in (SETTINGS, longer, alone, SETTINGS):
        kept = backtest(bars, config=config, memory=tmp_path)
        fresh = backtest(bars, config=config)
        assert_frame_equal(kept.forecasts, fresh.forecasts, check_exact=True)
        assert_frame_equal(kept.backtest.ablation, fresh.backtest.ablation, check_exact=True)
        assert kept.news == fresh.news
    assert len(fresh.news) == 3


def exchanges_differ():
    bars = walk_bars((640,) * 6)
    first = bars.frame["session"].unique().sort()[-40]
    config = tiny_config(models=("loghar",), horizons=(1,), test_from=first)
    tokyo = dict.fromkeys(bars.symbols[:3], "XTKS")
    return (bars, config), (replace(bars, exchanges=tokyo), config)


def repairs_differ():
    bars = walk_bars((460, 450), phi=0.85)
    plain = {name: pl.lit(value=False) for name in ("spiked", "filled")}
    frame = bars.frame.with_columns(halted=pl.col("close").round(0) % 2 == 0, **plain)
    bars = replace(bars, frame=frame)
    config = tiny_config(models=("trees",), horizons=(1,), test_sessions=40)
    trees = TreesConfig(rounds=25, min_child_weight=1.0)
    config = config.model_copy(update={"trees": trees})
    return (bars, config), (bars, config.model_copy(update={"data": DataConfig(fill="ffill:1")}))


@pytest.mark.parametrize("pair", [exchanges_differ, repairs_differ])
def test_a_warm_run_is_the_cold_one_where_exchanges_or_repairs_differ(pair, tmp_path):
    fresh = []
    for bars, config in pair():
        kept = backtest(bars, config=config, memory=tmp_path)
        fresh.append(backtest(bars, config=config))
        assert_frame_equal(kept.forecasts, fresh[-1].forecasts, check_exact=True)
    assert n_kept(tmp_path) == sum(len(run.backtest.fits) for run in fresh)


def test_a_later_run_on_more_bars_fits_only_what_is_new(tmp_path):
    bars = walk_bars((760, 750))
    models = ("har", "garch", "loghar", "trees", "lstm", "hybrid")
    config = tiny_config(models=models, test_sessions=100)
    earlier = until(bars, bars.frame["session"].unique().sort()[-46])  # 45 follow: one refit
    before = backtest(earlier, config=config, memory=tmp_path)
    n_before = n_kept(tmp_path)
    kept = backtest(bars, config=before.config, memory=tmp_path)
    n_new = len(kept.backtest.study.folds) - len(before.backtest.study.folds)
    assert n_new == 1
    # five models, and three yardsticks beside garch
    assert n_kept(tmp_path) - n_before == n_new * (5 + 3)
    fresh = backtest(bars, config=before.config)
    assert_frame_equal(kept.forecasts, fresh.forecasts, check_exact=True)


def test_forecasts_are_scored_once_for_the_verdict_the_report_and_all_else(tmp_path, monkeypatch):
    n_rows = []

    def counting_pit(quantiles, outcome):
        n_rows.append(len(quantiles))
        return pit(quantiles, outcome)

    monkeypatch.setattr(losses, "pit", counting_pit)
    run = backtest(with_items(BARS), config=SETTINGS)
    run.save(tmp_path, figures=False)
    assert (tmp_path / "report.html").exists()
    assert n_rows == [len(run.forecasts)]


def n_kept(folder: Path) -> int:
    return len(list(folder.glob("*")))


def test_fits_on_own_columns_are_kept_by_what_the_columns_hold(tmp_path):
    def fitted_with(feature: Feature) -> int:
        """How many fits the memory holds after one run with this column."""
        config = tiny_config(models=("ewma",), test_sessions=40)
        features = {"mine": feature}
        kept = backtest(bars, config=config, features=features, memory=tmp_path)
        fresh = backtest(bars, config=config, features=features)
        assert_frame_equal(kept.forecasts, fresh.forecasts, check_exact=True)
        return n_kept(tmp_path)

    bars = walk_bars((460, 450))
    n = fitted_with(Feature(week_range, 4))
    assert fitted_with(Feature(lambda bars: week_range(bars), 4)) == n
    assert fitted_with(Feature(lambda bars: 2 * week_range(bars), 4)) == 2 * n
    assert fitted_with(Feature(week_range, 270)) == 3 * n


def test_an_own_model_and_an_own_column_are_judged_beside_ours():
    bars = walk_bars((460, 450))
    config = tiny_config(test_sessions=40)
    plugin = Wide(input="week_range")
    run = backtest(
        bars, models=("ewma", plugin), features={"week_range": WEEK_RANGE}, config=config
    )
    assert run.config.backtest.models == ("ewma", "wide")
    yardsticks = {"drift", "hs_250", "hs_expanding"}  # the history is too short for garch
    assert set(run.forecasts["model"]) == {"ewma", "wide", *yardsticks}
    assert {row.model for row in run.verdict} == {"ewma", "wide"}
    assert report_content(run, command="x").headline == "wide"
    assert run.document["run"]["lead"]["reason"] == "own model"
    with pytest.raises(ConfigError, match="feature 'week_range' is needed but not there"):
        backtest(bars, models=("ewma", plugin), config=config)


def test_a_run_leads_with_the_simplest_of_the_best_set_and_says_so():
    config = tiny_config(horizons=(1, 7), test_sessions=300, refit_sessions=999)
    run = backtest(walk_bars((760, 750)), models=("trees", "loghar", "ewma"), config=config)
    lead, rows = run.document["run"]["lead"], verdict_rows(run.scores.panels)
    sets = {best["horizon_sessions"]: best for best in lead["best_sets"]}
    assert [*sets] == [1, 7]
    for h, best in sets.items():
        pooled = [row for row in rows if (row.symbol, row.horizon_sessions) == ("*", h)]
        told = {row.model: row.standing.in_confidence_set for row in pooled if row.standing}
        n_compared = sum(is_in is not None for is_in in told.values())
        assert best["n_compared"] == n_compared > 3  # yardsticks that were not listed too
        members = [name for name, is_in in told.items() if is_in]
        assert sorted(best["models"]) == sorted(members)
    best_everywhere = {*sets[1]["models"]} & {*sets[7]["models"]} & {"ewma", "loghar", "trees"}
    assert lead["model"] == next(n for n in ("ewma", "loghar", "trees") if n in best_everywhere)
    content = report_content(run, command="x")
    assert (content.headline, content.lead_sentence) == (lead["model"], lead["sentence"])


def test_one_model_may_be_given_without_a_list_and_bad_arguments_are_refused():
    bars, config = walk_bars((460, 450)), tiny_config(test_sessions=40)
    assert backtest(bars, models="ewma", config=config).config.backtest.models == ("ewma",)
    with pytest.raises(ConfigError, match="horizons"):
        backtest(bars, models="ewma", horizons=[0], config=config)
    with pytest.raises(ConfigError, match=r"Wide is a class. Fix: give an object: Wide\(\)"):
        backtest(bars, models=Wide, config=config)  # type: ignore[arg-type]

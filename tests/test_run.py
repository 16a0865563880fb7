"""Stages in one call: what a memory of fits may be asked, and what a run with news is made of."""

from polars.testing import assert_frame_equal

from nextclose.config import FeaturesConfig, NewsConfig
from nextclose.evaluation.scores import losses
from nextclose.metrics import pit
from nextclose.run import backtest
from nextclose.runfolder import write_run
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


def test_forecasts_are_scored_once_for_the_verdict_the_report_and_all_else(tmp_path, monkeypatch):
    n_rows = []

    def counting_pit(quantiles, outcome):
        n_rows.append(len(quantiles))
        return pit(quantiles, outcome)

    monkeypatch.setattr(losses, "pit", counting_pit)
    run = backtest(with_items(BARS), config=SETTINGS)
    write_run(run, tmp_path, command="for the test", figures=False)
    assert (tmp_path / "report.html").exists()
    assert n_rows == [len(run.forecasts)]

"""A model beside itself without news: the same in all else, and what is said of it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import Backtest, FitTask, backtest, serial
from nextclose.config import LstmConfig, RunConfig, TreesConfig
from nextclose.evaluation.breakdowns.ablation import ablations
from nextclose.evaluation.breakdowns.news import news_worth, shown_reader, with_news_ablation
from nextclose.evaluation.breakdowns.training import fits_of
from nextclose.evaluation.scores.losses import with_losses
from nextclose.evaluation.scores.scores import scores_of
from nextclose.features.news import NEWS_NAMES
from nextclose.features.table import make_table
from nextclose.models.trees.trees import FittedTrees
from nextclose.samples.samples import make_samples
from nextclose.schema import ABLATION_SCHEMA, Bars, News
from tests.builders import hybrid_config, samples_of, study_of_last, tiny_config, walk_bars
from tests.evaluation.breakdowns.test_ablation import losses
from tests.plugins import Wide

SHORT = walk_bars((860, 820))
EAGER = TreesConfig(rounds=25, min_child_weight=20.0)


def told_in_advance(bars: Bars) -> Bars:
    """News that know the size of the next move: a signal to be found."""
    session = pl.col("session")
    move = pl.col("close").log().diff().shift(-1).over("symbol").abs()
    frame = bars.frame.select("symbol", session, (60 * move - 1).clip(-1, 1).alias("score"))
    news = News(frame=frame.drop_nulls(), scorer="file", cutoff_minutes=30)
    return replace(bars, news=news)


def study_of(bars: Bars, config: RunConfig):
    news = config.news if bars.news is not None else None
    return study_of_last(make_samples(make_table(bars, news=news)), config)


@pytest.fixture(scope="module")
def trees() -> RunConfig:
    plan = tiny_config(models=("naive", "loghar", "trees"), test_sessions=280, refit_sessions=140)
    return plan.model_copy(update={"trees": EAGER})


@pytest.fixture(scope="module")
def twice(trees) -> Backtest:
    return with_news_ablation(backtest(study_of(told_in_advance(SHORT), trees)))


def test_the_losses_without_news_are_those_of_a_run_that_never_had_any(twice, trees):
    plain = backtest(study_of(SHORT, trees))
    keys = ["symbol", "horizon_sessions", "origin"]
    without = twice.ablation.filter(variant="without news").sort(keys)
    never = issued_losses(plain, "trees").sort(keys)
    assert dict(without.schema) == ABLATION_SCHEMA
    assert without.height > 500
    assert_frame_equal(without.drop("variant"), never.drop("variant"), check_exact=True)
    raw = twice.ablation.filter(variant="raw").sort(keys)
    assert_frame_equal(raw.select(keys), without.select(keys))  # equal origins
    for model in ("naive", "loghar"):
        ours, theirs = (run.forecasts.filter(model=model) for run in (twice, plain))
        assert_frame_equal(ours, theirs, check_exact=True)


def issued_losses(walked: Backtest, model: str) -> pl.DataFrame:
    """Losses of a model's issued forecasts."""
    frame = with_losses(walked.forecasts.filter(model=model)).drop_nulls("crps")
    frame = frame.with_columns(variant=pl.lit("issued"))
    return frame.select(*ABLATION_SCHEMA).cast(pl.Schema(ABLATION_SCHEMA))


def test_a_signal_in_the_news_is_found_and_told(twice):
    one = news_worth(twice.ablation, model="trees")[0]
    assert (one.horizon_sessions, one.model) == (1, "trees")
    assert one.crps_with < one.crps_without
    assert one.gain.is_beaten
    assert one.sentence.startswith("At 1 session news helped: with them the ranges of trees were ")
    assert "% better than without (95% interval " in one.sentence


def test_only_readers_of_news_are_fitted_twice_and_the_second_time_without_their_columns():
    tasks: list[FitTask] = []

    def mapper(function, study, given):
        tasks.extend(task for task in given if isinstance(task, FitTask))
        return serial(function, study, given)

    config = hybrid_config("loghar", "trees", models=("naive", "garch", "hybrid"))
    config = config.model_copy(update={"trees": EAGER})
    study = study_of(told_in_advance(walk_bars((760, 740))), config)
    walked = with_news_ablation(backtest(study, mapper=mapper), mapper=mapper)
    counts = Counter((task.model, task.reads_news) for task in tasks)
    n = len(study.folds)
    assert counts == {
        ("naive", True): n - study.n_rehearsals,
        ("loghar", True): n,
        ("garch", True): n - study.n_rehearsals,
        ("trees", True): n,
        ("trees", False): n,
    }
    trees = fits_of(walked, "trees")[0]
    assert isinstance(trees, FittedTrees)
    assert set(NEWS_NAMES) < set(trees.names)
    variants = walked.ablation["variant"].unique().to_list()
    assert {"raw", "without news", "loghar alone"} < set(variants)
    (first, *_) = ablations(walked.ablation, scores_of(walked.forecasts))
    assert "without news" in [one.name for one in first.variants]
    worth = news_worth(walked.ablation, model="hybrid")
    assert [one.horizon_sessions for one in worth] == [1, 7, 30]
    assert "the ranges of the hybrid, before calibration, were" in worth[0].sentence


def test_the_model_shown_is_the_hybrid_else_ones_own_else_the_least_simple_that_reads_news():
    samples = samples_of(SHORT)

    def shown_of(config: RunConfig, *plugins: Wide) -> str:
        return shown_reader(make_study(samples, config, plugins=plugins))

    assert shown_of(hybrid_config("loghar", "trees")) == "hybrid"
    # lstm is less simple, but reads none
    assert shown_of(tiny_config(models=("naive", "trees", "lstm"))) == "trees"
    assert shown_of(tiny_config(models=("trees",))) == "trees"
    config = tiny_config(models=("trees", "wide"))
    assert shown_of(config, Wide(more={"reads_news": True})) == "wide"
    assert shown_of(config, Wide()) == "trees"
    tuned = LstmConfig(fine_tune=True)
    both = tiny_config(models=("trees", "lstm")).model_copy(update={"lstm": tuned})
    assert shown_of(both) == "lstm"


def test_without_a_hybrid_its_parts_are_not_told(twice):
    assert ablations(twice.ablation, scores_of(twice.forecasts)) == ()


def worth_of(factor: float, n: int = 300):
    rng = np.random.default_rng(1)
    loss = 0.01 + 0.002 * rng.random(n)
    without = factor * loss * (1 + 0.01 * rng.standard_normal(n))
    frames = [losses("raw", loss), losses("without news", without)]
    (found,) = news_worth(pl.concat(frames), model="hybrid")
    assert found.crps_with == pytest.approx(loss.mean())
    assert found.crps_without == pytest.approx(without.mean())
    return found


@pytest.mark.parametrize(
    ("factor", "n", "said"),
    [
        (1.02, 300, "At 1 session news helped: "),
        (1.02, 249, "At 1 session nothing shows that news helped: "),  # too few to test
        (1.0002, 300, "At 1 session nothing shows that news helped: "),
        (0.98, 300, "At 1 session news did harm: "),
    ],
)
def test_only_a_significant_difference_is_called_one(factor, n, said):
    assert worth_of(factor, n).sentence.startswith(said)


def test_without_such_rows_nothing_is_said():
    assert news_worth(losses("raw", np.full(9, 0.01)), model="hybrid") == ()
    assert news_worth(pl.DataFrame(schema=ABLATION_SCHEMA), model="hybrid") == ()

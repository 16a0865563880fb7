"""The method page says what the code does: its tables, words and numbers are those of the code."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from docs import choices

from nextclose.backtesting import study
from nextclose.config import (
    BacktestConfig,
    ClassicConfig,
    HybridConfig,
    NewsConfig,
    RunConfig,
    TreesConfig,
)
from nextclose.evaluation.hypothesis_tests import mean, multiple_comparison, power
from nextclose.evaluation.scores import losses
from nextclose.evaluation.verdict import comparison, coverage, decision, pooled
from nextclose.features import columns, indicators, market, stationary, universal
from nextclose.metrics import ABOVE_GRID, BELOW_GRID, implied_r2
from nextclose.models import baselines, location, registry
from nextclose.models.classic import classic
from nextclose.models.classic import network as classic_network
from nextclose.models.hybrid import record
from nextclose.models.loghar import loghar, prior
from nextclose.models.lstm import lstm, shape
from nextclose.models.trees import inputs as trees_inputs
from nextclose.models.trees import training as trees_training
from nextclose.models.volatility import garch, gjr, har
from nextclose.pretraining import network as teacher
from nextclose.pretraining.pretrain import Course
from nextclose.samples import refits, scaling, splits, windows
from nextclose.schema import HORIZONS, LEVEL_WEIGHTS, LEVELS
from nextclose.studies import needed_sessions

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(
        r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)",
        (ROOT / "docs" / "method.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)
PLAN, TREES = BacktestConfig(), TreesConfig()
LOGHAR = RunConfig(backtest=BacktestConfig(models=("loghar",)))
ONE, ALL = decision.SUSPICION_SYMBOL, decision.SUSPICION_POOLED

# section, what it says, the code's numbers in it
SAID: tuple[tuple[int, str, tuple[Any, ...]], ...] = (
    (1, "by default {}, {}, {}.", HORIZONS),
    (2, "max(sqrt(v_t), {:g})", (indicators.VOLATILITY_FLOOR,)),
    (2, "sum_k {:g}^k r_{{t-k}}^2", (indicators.DECAY,)),
    (2, "k = 0 .. {}", (indicators.TERMS - 1,)),
    (2, "exactly {} squared returns", (indicators.TERMS,)),
    (2, "The first {} sessions have none; up to the {}th",
     (universal.WARMUP, indicators.VOLATILITY_LOOKBACK)),
    (2, "the last {}, {:g})", (columns.YEAR, indicators.VOLATILITY_FLOOR)),
    (2, "{} columns", (len(stationary.STATIONARY.columns),)),
    (2, "beyond +-{:g} are cut", (stationary.CAP,)),
    (2, "capped at +-{:g}", (scaling.CAP,)),
    (3, "issues {} quantiles", (len(LEVELS),)),
    (3, "{:g} below the grid, {:g} above it", (BELOW_GRID, ABOVE_GRID)),
    (4, "last {:,} sessions, at least {} outcomes", (har.POOL_SESSIONS, har.POOL_MINIMUM)),
    (4, "the own last {}, or all", (baselines.HISTORY_SESSIONS,)),
    (4, "max(x'c, {:g})", (har.HAR_FLOOR,)),
    (4, "its {:g} % training quantile", (100 * har.HAR_CAP_LEVEL,)),
    (4, "the last {:,} returns", (garch.FIT_RETURNS,)),
    (4, "fewer than {} sessions there is no forecast", (garch.MINIMUM_SESSIONS,)),
    (4, "rounded to {} decimals", (garch.FIT_DECIMALS,)),
    (4, "from phi = {:g} on", (gjr.UNIT_ROOT,)),
    (4, "nu > {:g}", (gjr.NU_FLOOR,)),
    (4, "over the last {} sessions of forecast", (garch.SCALE_SESSIONS,)),
    (4, "is below {:g} times the returns' deviation from their median", gjr.SIZE_BOUNDS[1:]),
    (4, "above {:g} times that without the largest hundredth of them", gjr.SIZE_BOUNDS[:1]),
    (4, "trailing volatility is from {:g} to {:g} at", garch.SCALE_BOUNDS),
    (4, "cut to [{:g}, {:g}]", loghar.MOVE_BOUNDS),
    (4, "m = {:g} sqrt(h) L / s_t", (location.RISK_PRICE,)),
    (4, "the mean |r| of the last {:,} sessions", (columns.LONG_RUN,)),
    (4, "fewer, at least {:.4f}; e_j", (indicators.VOLATILITY_FLOOR,)),
    (4, "Logarithms are of at least {:g}. Where", (loghar.LOG_FLOOR,)),
    (4, "Logarithms are of at least {:g}. Where", (market.LEAST_RATIO,)),
    (4, "at least {} symbols with a year", (loghar.MARKET_SYMBOLS,)),
    (4, "of ln move_ratio_{}, {}, {} and of ln(A_t / L)", market.MOVE_SPANS),
    (4, "means over {} and {} sessions", market.RETURN_SPANS),
    (4, "over rows with {} returns before", (loghar.LEVEL_SESSIONS,)),
    (4, "prices up to {}, {} and {}: a fit", tuple(each.until for each in prior.shipped_priors())),
    (4, "the last {:,} sessions, {} at least", (loghar.REACH_SESSIONS, needed_sessions(LOGHAR))),
    (4, "{} steps of reweighted", (loghar.FIT_STEPS,)),
    (4, "at horizons {}, {}, {}, linear in ln h", prior.HORIZONS),
    (4, "| coefficients c | {:,} h |", (prior.ROWS_PER_SESSION,)),
    (4, "| shape of E about its median | {} h |", (prior.SHAPE_ROWS_PER_SESSION,)),
    (4, "at least {:g}, blended with 1, worth {} h rows", (loghar.WIDTH_FLOOR, loghar.WIDTH_ROWS)),
    (4, "aim of `har`, at least {:g}", (trees_training.LABEL_FLOOR,)),
    (4, "less {} of the calendar", (len(trees_inputs.CALENDAR),)),
    (4, "of the {} sessions before", (trees_inputs.LAGS,)),
    (4, "at most {} rounds, patience {}, learning rate {:g}, {} leaves, child weight {:g}",
     (TREES.rounds, TREES.patience_rounds, TREES.learning_rate, TREES.max_leaves,
      TREES.min_child_weight)),
    (4, "of {} units reads {} columns", (Course().units, len(universal.INPUTS))),
    (4, "capped at +-{:g}; a layer", (universal.CAP,)),
    (4, "each of {} horizons, {} to {}",
     (len(shape.TAUGHT_HORIZONS), shape.TAUGHT_HORIZONS[0], shape.TAUGHT_HORIZONS[-1])),
    (4, "(d + {:g} m + exp(l) (sinh((arcsinh n_j + {:g} a) w) - sinh({:g} a w))), w = exp(-{:g} k)",
     (shape.LOCATION_STEP, shape.SKEW_STEP, shape.SKEW_STEP, shape.TAIL_STEP)),
    (4, "d = {:g} sqrt(h) (mean of |r| over the last {:,}) / s",
     (location.RISK_PRICE, columns.LONG_RUN)),
    (4, "beyond {} sessions there is no forecast", (lstm.LONGEST,)),
    (4, "quarters of {} days", (windows.CHAIN_DAYS,)),
    (4, "from the {}th session on; columns look back at most {:,}",
     (universal.WARMUP + 1, columns.LONG_RUN)),
    (4, "those of the last {:,} sessions", (lstm.REACH_SESSIONS,)),
    (4, "horizons weighing h^{:g}", (teacher.WEIGHT_POWER,)),
    (4, "companies for {:g} % of the lessons", (100 * Course().real_share,)),
    (4, "members: {}, {}", HybridConfig().members),
    (4, "{:g} x (mean of |r| over the last {:,}) x h", (location.RISK_PRICE, columns.LONG_RUN)),
    (4, "windows of {} sessions of {} columns",
     (classic_network.WINDOW_SESSIONS, classic_network.N_FEATURES)),
    (4, "two LSTM layers of {}", (classic_network.UNITS,)),
    (4, "Adam {:g}, batches of {}, at most {} epochs, patience {}",
     (classic_network.LEARNING_RATE, classic_network.BATCH_SAMPLES, ClassicConfig().max_epochs,
      classic_network.PATIENCE_EPOCHS)),
    (4, "the {} origins before the {} it", (ClassicConfig().train_origins, classic.VALID_SESSIONS)),
    (5, "their {:.0f} % range", (100 * (LEVELS[record.HIGH] - LEVELS[record.LOW]),)),
    (5, "fade by half in {:.0f} forecasts", (math.log(0.5) / math.log(record.FADE),)),
    (5, "(x + {:g} n0) / (n + n0), n0 = {} h", (record.OUTSIDE, record.PRIOR_FORECASTS)),
    (5, "z({:g}) / z(1 - p / 2), p kept in [{:g}, {:g}]",
     (1 - record.OUTSIDE / 2, *record.MISS_BOUNDS)),
    (6, "the last {:g} % of origins with a known outcome, or {} if",
     (100 * splits.VALID_FRACTION, splits.VALID_SESSIONS)),
    (6, "begin every {} sessions", (PLAN.refit_sessions,)),
    (6, "before the last {:,} sessions, or", (PLAN.test_sessions,)),
    (6, "counted from {}", (refits.REFITS_COUNT_FROM,)),
    (6, "{} sessions before the test", (PLAN.rehearsal_sessions,)),
    (6, "so that {} origins", (study.FIRST_ORIGINS,)),
    (7, "at {:g}, {:g}, {:g}, {:g} %", tuple(100 * n for n in losses.SHOWN_INTERVALS)),
    (8, "1995 at {:g} % over the symbols", (100 * mean.FALSE_DISCOVERIES,)),
    (8, "one test, at {:g} %", (100 * decision.POOLED_LEVEL,)),
    (8, "size {:g} %", (100 * multiple_comparison.SIZE,)),
    (8, "under {:g} % of the fullest", (100 * pooled.NEARLY_ALL,)),
    (8, "{:,} draws; at least {} max(h, {}) origins",
     (multiple_comparison.DRAWS, *[multiple_comparison.MIN_BLOCKS] * 2)),
    (8, "a symbol needs {:.0f}/30 of them", (30 * coverage.MIN_INDEPENDENT_COVERAGE,)),
    (9, "the model is `{}`, `{}` or `{}`", decision.YARDSTICKS),
    (9, "`{}`, `{}`, `{}` and `{}` run in every backtest", registry.COMPARED_WITH),
    (9, ", ".join(["`{}`"] * len(registry.SIMPLICITY)), registry.SIMPLICITY),
    (9, "fewer than {} origins, or fewer than {} h",
     (comparison.MIN_ORIGINS, comparison.MIN_INDEPENDENT)),
    (9, "from {} forecasts on, R2 above {:g} % or a hit rate more than {:g} points above",
     (ONE.n_forecasts, 100 * ONE.r2, 100 * ONE.hit_over_base)),
    (9, "from {:,} on, above {:g} % and {:g} points",
     (ALL.n_forecasts, 100 * ALL.r2, 100 * ALL.hit_over_base)),
    (9, "at p <= {:g} %", (100 * decision.POOLED_LEVEL,)),
    (9, "within {:.5f} of 0", (decision.INDISTINCT,)),
    (9, "below {:g} standard deviations, over seeds", (comparison.SEED_SPREADS,)),
    (9, "more than {:g} points *and* significantly", (100 * decision.COVERAGE_TOLERANCE,)),
    (10, "at {:g} %, one-sided, in {:g} % of samples", (100 * power.SIZE, 100 * power.POWER)),
    (11, "less {} minutes", (NewsConfig().cutoff_minutes,)),
    (11, "halve every {:g} sessions and end after {}",
     (NewsConfig().half_life_sessions, NewsConfig().window_sessions)),
)  # fmt: skip


def flowing(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def tables(number: int) -> list[list[list[str]]]:
    """The tables of a section: rows of cells, heads left off."""
    blocks = re.findall(r"(?:^\|.*\n)+", SECTIONS[str(number)], re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]
        for block in blocks
    ]


def figures(row: list[str]) -> list[float]:
    """The numbers in the cells of a row, units left off."""
    return [float(cell.replace(",", "").removesuffix(" %")) for cell in row]


@pytest.mark.parametrize(("number", "text", "values"), SAID, ids=[text for _, text, _ in SAID])
def test_the_page_quotes_the_code(number, text, values):
    assert text.format(*values) in flowing(SECTIONS[str(number)])


def test_the_grid_of_the_page_is_the_grid():
    stated: dict[float, float] = {}
    for levels, weight in tables(3)[0]:
        if span := re.fullmatch(r"(.+) to (.+) by (.+)", levels):
            low, high, step = map(float, span.groups())
            each = np.round(np.arange(low, high + step / 2, step), 3).tolist()
        else:
            each = [float(level) for level in levels.split(",")]
        stated |= dict.fromkeys(each, float(weight))
    assert sorted(stated) == LEVELS.tolist()
    assert [stated[level] for level in sorted(stated)] == LEVEL_WEIGHTS.tolist()


def test_the_verdicts_of_the_page_are_those_of_the_decision_in_its_order():
    assert [word for word, _ in tables(9)[0]] == list(get_args(decision.Category))
    assert list(get_args(decision.Category))[:4] == list(decision.CLAIMLESS)  # "the first four"


def test_every_model_is_on_the_page():
    assert [name for name in registry.OURS if f"`{name}`" not in SECTIONS["4"]] == []
    assert Course().tunings == 3  # "three times from there"


def test_what_an_edge_needs_is_computed():
    for row in tables(10)[0]:
        edge, *stated = figures(row)
        origins = [power.direction_origins_needed(edge / 100, horizon_sessions=h) for h in (1, 30)]
        assert stated[:2] == origins
        assert stated[2] == round(100 * implied_r2(0.5 + edge / 100), 2)


def test_what_a_sample_can_tell_apart_is_in_the_committed_result():
    found = json.loads((ROOT / "benchmarks/results/twenty_stocks.json").read_text())["ablation"]
    expected = []
    for part in found:
        horizon, met = part["horizon_sessions"], part["garch"]
        low, high = met["interval"]
        skill, half = round(100 * met["crps_skill"], 2), round(50 * (high - low), 2)
        expected.append([horizon, met["origins"], round(met["origins"] / horizon), skill, half])
    assert [figures(row) for row in tables(10)[1]] == expected


def test_modules_and_files_that_the_page_names_are_there():
    named = re.findall(r"`([\w.]+(?:/[\w.]+)+)`", "".join(SECTIONS.values()))
    assert len(named) > 20
    for name in named:
        module = ROOT / "src" / "nextclose" / name
        assert module.is_dir() or module.with_suffix(".py").exists() or (ROOT / name).exists(), name


def test_what_code_and_tests_cite_is_on_the_page():
    rows = {number: value for number, _, value in reversed(tables(12)[0])}
    cited: dict[str, str] = {}
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("test_*.py")]:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"[Mm]ethod section (\d+)", text)) <= set(SECTIONS), path
        for number in re.findall(r"method reference value (\d+)", text):
            cited[number] = cited.get(number, "") + text
    assert cited.keys() == rows.keys()
    for number, _, value in tables(12)[0]:
        digits = [part for part in re.findall(r"[\d.]+(?:e-\d+)?", value) if len(part) > 3]
        assert [part for part in digits if part not in cited[number]] == [], number


def test_what_each_choice_of_the_hybrid_is_worth_is_in_the_committed_result():
    page = choices.PAGE.read_text(encoding="utf-8")
    result = json.loads(choices.RESULT.read_text())
    assert choices.page_with(choices.tables(result), page) == page


def test_papers_that_models_and_tests_rest_on_are_on_the_page():
    listed = flowing(SECTIONS["14"])
    paper = re.compile(
        r"([A-Z][\w-]+)(?:(?:, [A-Z][\w-]+)* & [A-Z][\w-]+)?(?: et al\.)? \((\d{4})\)"
    )
    n_papers = 0
    for folder in ("models", "evaluation"):
        for path in (ROOT / "src" / "nextclose" / folder).rglob("*.py"):
            for author, year in paper.findall(flowing(path.read_text(encoding="utf-8"))):
                n_papers += 1
                assert re.search(rf"{author}[^(]*\({year}\)", listed), f"{author} {year}: {path}"
    assert n_papers > 15

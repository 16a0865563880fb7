"""The key of a fit: whatever the fit reads changes it, and nothing else does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from nextclose.backtesting.fit_key import fit_keys
from nextclose.backtesting.walk_forward import FitTask
from nextclose.config import RunConfig
from nextclose.schema import Bars, News
from nextclose.serving.versions import PACKAGES, versions
from nextclose.studies import Plugins, study_of
from tests.builders import edition_file, tiny_config, until, walk_bars
from tests.plugins import WEEK_RANGE, Wide

MODELS = ("har", "garch", "loghar", "trees", "lstm", "classic")
FIRST = date(2002, 12, 2)  # row 500 of 620 weekdays: 120 are tested, in three folds
OTHER: dict[str, Any] = {  # a setting of its section whose neighbour is not one above
    "device": "cuda",
    "editions": (edition_file("2000-12-31", seed=7),),
    "symbols": ("AAA",),
    "horizons": (7,),
    "learning_rate": 0.011,
    "min_child_weight": 7.0,
}


def marked_bars() -> Bars:
    bars = walk_bars((620, 610))
    marks = {name: pl.col("close") > limit for name, limit in MASKS.items()}
    exchanges = dict.fromkeys(bars.symbols, "XNYS")
    return replace(bars, frame=bars.frame.with_columns(**marks), exchanges=exchanges, news=news())


MASKS = {"halted": 50.0, "spiked": 49.0, "filled": 51.0}


def news(*, score: float = 0.5, scorer: str = "file") -> News:
    items = {"symbol": ["AAA"] * 2, "session": [date(2002, 4, 1), date(2002, 4, 8)]}
    frame = pl.DataFrame(items | {"score": [score, -0.25]})
    return News(frame=frame, scorer=scorer, cutoff_minutes=30)


BARS = marked_bars()


def config_of(**plan: Any) -> RunConfig:
    values: dict[str, Any] = {"models": MODELS, "test_from": FIRST}
    return tiny_config(**(values | plan))


def keys_of(
    bars: Bars = BARS,
    config: RunConfig | None = None,
    *,
    models: tuple[str, ...] = MODELS,
    fold: int = 0,
    code: str = "code",
    own: Plugins | None = None,
    **task: Any,
) -> dict[str, str]:
    """The key of each model's fit."""
    study = study_of(bars, config or config_of(), own or Plugins())
    tasks = [FitTask(model=name, fold=fold, **({"seed_index": 0} | task)) for name in models]
    keys = fit_keys(study, tasks, code=code)
    return {task.model: key for task, key in keys.items()}


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return keys_of()


def assert_all_differ(these: dict[str, str], those: dict[str, str]) -> None:
    assert [name for name in these if these[name] == those[name]] == []


def with_section(config: RunConfig, section: str, **changes: Any) -> RunConfig:
    part = getattr(config, section).model_copy(update=changes)
    return config.model_copy(update={section: part})


def settings_of_models() -> Iterator[tuple[str, str]]:
    for section in ("trees", "lstm", "classic"):
        yield from ((section, name) for name in type(getattr(RunConfig(), section)).model_fields)


def test_equal_inputs_give_equal_keys_and_no_two_fits_have_one(keys):
    assert keys_of() == keys
    every = [
        key
        for fold in range(3)
        for seed_index in range(2)
        for key in keys_of(fold=fold, seed_index=seed_index).values()
    ]
    assert len(set(every)) == len(every) == 3 * 2 * len(MODELS)


@pytest.mark.parametrize(("section", "name"), [*settings_of_models()])
def test_every_setting_of_a_model_is_in_its_key_and_in_no_others(keys, section, name):
    was = getattr(getattr(config_of(), section), name)
    other = OTHER[name] if name in OTHER else was + 1
    changed = keys_of(config=with_section(config_of(), section, **{name: other}))
    assert {model for model in MODELS if changed[model] != keys[model]} == {section}


def cell(name: str, symbol: str, row: int) -> Bars:
    """The bars with one value of one symbol changed, at its `row`."""
    frame = BARS.frame
    place = frame.with_row_index("row").filter(symbol=symbol)["row"][row]
    column = frame[name].clone()
    column[place] = not column[place] if name in MASKS else column[place] * 1.001
    return replace(BARS, frame=frame.with_columns(column))


CHANGES = {
    "a close": cell("close", "BBB", 300),
    "a high": cell("high", "AAA", 300),
    "a volume": cell("volume", "AAA", 300),
    "the last close that is known": cell("close", "AAA", 500),
    "an exchange": replace(BARS, exchanges={"AAA": "XNYS", "BBB": "XTKS"}),
    "the news": replace(BARS, news=news(score=0.75)),
    "one symbol less": replace(BARS, frame=BARS.frame.filter(symbol="AAA")),
    "a symbol's name": replace(BARS, frame=BARS.frame.with_columns(
        pl.col("symbol").replace("BBB", "CCC"))),
    "the first session": replace(BARS, frame=BARS.frame.slice(1)),
}  # fmt: skip


@pytest.mark.parametrize("bars", CHANGES.values(), ids=CHANGES)
def test_every_part_of_the_bars_is_in_the_key(keys, bars):
    assert_all_differ(keys_of(bars), keys)


def test_columns_that_are_not_there_are_in_the_key():
    config = config_of(models=MODELS[:-1])  # the tutorial's network needs them
    without = replace(BARS, frame=BARS.frame.drop("volume"))
    assert_all_differ(*(keys_of(b, config, models=MODELS[:-1]) for b in (without, BARS)))


PLANS = {
    "no market": with_section(config_of(), "features", market=False),
    "masks": with_section(config_of(), "features", masks=True),
    "filled bars": with_section(config_of(), "data", fill="ffill:1"),
    "news half as long": with_section(config_of(), "news", half_life_sessions=1.0),
    "news forgotten sooner": with_section(config_of(), "news", window_sessions=3),
    "other horizons": config_of(horizons=(1, 7)),
    "a fit a day later": config_of(test_from=FIRST + timedelta(days=1)),
}


@pytest.mark.parametrize("config", PLANS.values(), ids=PLANS)
def test_what_makes_the_table_and_the_fold_is_in_the_key(keys, config):
    assert_all_differ(keys_of(config=config), keys)


@pytest.mark.parametrize("mask", MASKS)
def test_masks_that_are_inputs_are_in_the_key(mask):
    config = PLANS["masks"]
    assert_all_differ(keys_of(cell(mask, "AAA", 300), config), keys_of(config=config))


def test_code_versions_and_what_a_task_may_read_are_in_the_key(keys):
    assert_all_differ(keys_of(code="other"), keys)
    assert_all_differ(keys_of(reads_news=False), keys)
    assert {"nextclose", "numpy", "torch", "exchange_calendars", "ta-lib"} <= {*versions()}
    assert {"xgboost", "xgboost-cpu"} & {*versions()} != set()
    assert set(versions()) <= {*PACKAGES}


def test_a_model_of_ones_own_is_in_its_key_with_version_settings_and_class():
    def key_of(model: Any) -> str:
        config = config_of(models=("wide",))
        own = Plugins(models=(model,), features={"week_range": WEEK_RANGE})
        return keys_of(replace(BARS, news=None), config, models=("wide",), own=own)["wide"]

    class Wider(Wide):
        pass

    models = (
        Wide(version="1"),
        Wide(version="2"),
        Wide(version="1", factor=3.0),
        Wider(version="1"),
    )
    assert len({key_of(model) for model in models}) == len(models)


IRRELEVANT = {
    "the hybrid": with_section(config_of(), "hybrid", members=("garch", "har")),
    "folds left out": config_of(last_folds={"trees": 3}),
    "how much is tested": config_of(test_sessions=60),
    "settings that read files": with_section(config_of(), "data", encoding="latin-1"),
    "other models": config_of(models=("naive", *MODELS)),
}


@pytest.mark.parametrize("config", IRRELEVANT.values(), ids=IRRELEVANT)
def test_what_no_fit_reads_is_in_no_key(keys, config):
    assert keys_of(config=config) == keys


def test_bars_after_a_fit_are_not_in_its_key_unless_its_model_may_see_that_they_are_there(keys):
    cut = until(BARS, date(2003, 4, 1))
    assert keys_of(cut) == keys
    both = config_of(models=("ewma", "wide"))
    own = Plugins(models=(Wide(version="1"),))
    late, early = (
        keys_of(replace(bars, news=None), both, models=("ewma", "wide"), own=own)
        for bars in (BARS, cut)
    )
    assert late["ewma"] == early["ewma"]
    assert late["wide"] != early["wide"]


def test_a_fold_has_its_key_wherever_it_stands_in_the_plan(keys):
    study = study_of(BARS, config_of(), Plugins())
    second = study.folds[1].fitted_at.astype(object)
    assert keys_of(config=config_of(test_from=second)) == keys_of(fold=1)

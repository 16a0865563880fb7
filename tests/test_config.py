from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from nextclose.config import (
    BacktestConfig,
    ClassicConfig,
    DataConfig,
    FeaturesConfig,
    HybridConfig,
    LstmConfig,
    NewsConfig,
    RunConfig,
    TreesConfig,
    canonical_json,
    config_hash,
    overridden,
    parse_config,
)
from nextclose.errors import ConfigError
from nextclose.models.registry import OURS, hybrid_of, models_of

EVERYTHING = """
[data]
encoding = "latin-1"
separator = ";"
decimal = ","
thousands = "."
follow_symlinks = true
columns = { "Schluss" = "close" }
only = { Board = "TQBR" }
missing = ["", "-"]
date_format = "%d.%m.%Y"
numeric_symbols = true
calendar = "XETR"
day_shift = 1
price_basis = "raw"
splits = "splits.csv"
not_a_split = ["AAPL 2000-09-29"]
since = { FB = 2012-06-01 }
unfinished = "keep"
non_session = "keep"
header = ["date", "close"]
symbols = { "a.csv" = "AAPL" }
bad_symbols = "leave out"
ranges = "refuse"
duplicates = "last"
nonpositive = "drop"
gaps = "split"
fill = "ffill:2"
spikes = "clip"
as_of = 2013-01-01
allow_missing = 1

[backtest]
models = ["naive", "lstm"]
horizons = [1, 5]
test_sessions = 300
test_from = 2012-01-03
refit_sessions = 63
rehearsal_sessions = 300
last_folds = { lstm = 2 }

[features]
market = false
masks = true

[news]
cutoff_minutes = 15
half_life_sessions = 1.5
window_sessions = 5

[lstm]
editions = ["mine.safetensors"]
fine_tune = true

[classic]
symbols = ["AAPL"]
horizons = [1]
train_origins = 900
max_epochs = 3
device = "cuda"

[hybrid]
members = ["garch", "har"]

[trees]
rounds = 60
patience_rounds = 20
learning_rate = 0.1
max_leaves = 8
min_child_weight = 50.0
"""


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, path="run.toml")
    return caught.value


def test_every_setting_of_every_section_can_be_given():
    expected = RunConfig(
        backtest=BacktestConfig(
            models=("naive", "lstm"),
            horizons=(1, 5),
            test_sessions=300,
            test_from=date(2012, 1, 3),
            refit_sessions=63,
            rehearsal_sessions=300,
            last_folds={"lstm": 2},
        ),
        data=DataConfig(
            encoding="latin-1",
            separator=";",
            decimal=",",
            thousands=".",
            follow_symlinks=True,
            columns={"Schluss": "close"},
            only={"Board": "TQBR"},
            missing=("", "-"),
            date_format="%d.%m.%Y",
            numeric_symbols=True,
            calendar="XETR",
            day_shift=1,
            price_basis="raw",
            splits="splits.csv",
            not_a_split=("AAPL 2000-09-29",),
            since={"FB": date(2012, 6, 1)},
            unfinished="keep",
            non_session="keep",
            header=("date", "close"),
            symbols={"a.csv": "AAPL"},
            bad_symbols="leave out",
            ranges="refuse",
            duplicates="last",
            nonpositive="drop",
            gaps="split",
            fill="ffill:2",
            spikes="clip",
            as_of=date(2013, 1, 1),
            allow_missing=1,
        ),
        features=FeaturesConfig(market=False, masks=True),
        news=NewsConfig(cutoff_minutes=15, half_life_sessions=1.5, window_sessions=5),
        lstm=LstmConfig(editions=("mine.safetensors",), fine_tune=True),
        classic=ClassicConfig(
            symbols=("AAPL",), horizons=(1,), train_origins=900, max_epochs=3, device="cuda"
        ),
        hybrid=HybridConfig(members=("garch", "har")),
        trees=TreesConfig(
            rounds=60,
            patience_rounds=20,
            learning_rate=0.1,
            max_leaves=8,
            min_child_weight=50.0,
        ),
    )
    parsed = parse_config(EVERYTHING, path="run.toml")
    assert parsed == expected
    for part in RunConfig.model_fields:
        section = getattr(parsed, part)
        assert section.model_fields_set == set(type(section).model_fields), part


def test_an_empty_file_is_the_published_run():
    assert parse_config("", path="run.toml") == RunConfig()


def test_lists_become_tuples():
    parsed = parse_config('[backtest]\nmodels = ["naive"]\nhorizons = [7]', path="run.toml")
    assert parsed.backtest.models == ("naive",)
    assert parsed.backtest.horizons == (7,)


@pytest.mark.parametrize(
    ("text", "message", "section", "key"),
    [
        (
            "[lstm]\neditons = []",
            "run.toml: [lstm] 'editons' is not a setting; the nearest is 'editions'.",
            "lstm",
            "editons",
        ),
        (
            "[backtest]\nhorizon = [1]",
            "run.toml: [backtest] 'horizon' is not a setting; the nearest is 'horizons'.",
            "backtest",
            "horizon",
        ),
        (
            "[lstn]\neditions = []",
            "run.toml: 'lstn' is not a setting; the nearest is 'lstm'.",
            "",
            "lstn",
        ),
        (
            'gaps = "split"',
            "run.toml: 'gaps' belongs under [data].",
            "",
            "gaps",
        ),
        (
            '[backtest]\ngaps = "split"',
            "run.toml: [backtest] 'gaps' belongs under [data].",
            "backtest",
            "gaps",
        ),
        (
            "device = 3",
            "run.toml: 'device' belongs under [classic].",
            "",
            "device",
        ),
        (
            "horizons = [1]",
            "run.toml: 'horizons' belongs under [backtest] or [classic].",
            "",
            "horizons",
        ),
        (
            "[classic]\nepochs = 3",
            "run.toml: [classic] 'epochs' is not a setting; the nearest is 'max_epochs'.",
            "classic",
            "epochs",
        ),
    ],
)
def test_an_unknown_key_names_the_nearest(text, message, section, key):
    error = refused(text)
    assert str(error) == message
    assert (error.section, error.key) == (section, key)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[classic]\nmax_epochs = 0", "max_epochs"),
        ("[classic]\nmax_epochs = 8.0", "max_epochs"),  # strict: no float for a count
        ('[classic]\nmax_epochs = "8"', "max_epochs"),
        ('[classic]\ndevice = "tpu"', "device"),
        ('[lstm]\neditions = "mine.safetensors"', "editions"),
        ("[backtest]\nhorizons = []", "horizons"),
        ("[backtest]\nhorizons = [0, 1]", "horizons"),
        ("[backtest]\nhorizons = [7, 1]", "horizons"),
        ("[backtest]\nhorizons = [1, 1]", "horizons"),
        ("[backtest]\nmodels = []", "models"),
        ('[backtest]\nmodels = ["naive", "naive"]', "models"),
        ("[backtest]\ntest_sessions = 0", "test_sessions"),
        ('[backtest]\ntest_from = "soon"', "test_from"),
        ("[backtest]\nlast_folds = { lstm = 0 }", "lstm"),
        ("[backtest]\nrehearsal_sessions = -1", "rehearsal_sessions"),
        ('[hybrid]\nmembers = ["garch"]', "members"),
        ('[hybrid]\nmembers = ["garch", "garch"]', "members"),
        ("[trees]\nrounds = 0", "rounds"),
        ("[trees]\npatience_rounds = 0", "patience_rounds"),
        ("[trees]\nlearning_rate = 1.5", "learning_rate"),
        ("[trees]\nmax_leaves = 33", "max_leaves"),
        ("[trees]\nmin_child_weight = -1.0", "min_child_weight"),
        ("lstm = 3", "lstm"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(text, key):
    error = refused(text)
    assert error.key == key
    assert str(error).startswith("run.toml:")
    assert key in str(error)


def test_what_is_no_toml_is_refused_with_the_place():
    error = refused("[lstm\neditions = []")
    assert "run.toml: not TOML" in str(error)
    assert "line 1" in str(error)


def test_the_default_models_and_members_are_models_there_are():
    config = RunConfig()
    assert set(config.backtest.models) <= set(OURS)
    assert set(config.hybrid.members) <= set(OURS)
    models = models_of(config)
    assert list(models) == [*config.backtest.models, *(set(models) - set(config.backtest.models))]
    assert [model.name for model in models.values()] == list(models)
    assert set(hybrid_of(config).models) == set(config.hybrid.members)


@pytest.mark.parametrize("member", ["naive", "hybrid", "classic", "grach"])
def test_a_member_that_cannot_take_part_is_refused_by_name(member):
    config = RunConfig(hybrid=HybridConfig(members=("loghar", member)))
    with pytest.raises(ConfigError, match=f"members: '{member}' cannot take part") as caught:
        hybrid_of(config)
    assert (caught.value.section, caught.value.key) == ("hybrid", "members")
    for name in ("loghar", "garch", "trees", "lstm"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("group", "values", "section", "key", "said"),
    [
        (DataConfig, {"gap": "split"}, "data", "gap", "the nearest is 'gaps'"),
        (DataConfig, {"gaps": "fill"}, "data", "gaps", "expected 'split'"),
        (BacktestConfig, {"horizons": [1, "7"]}, "backtest.horizons", "1", "a valid integer"),
        (RunConfig, {"data": {"gap": 1}}, "data", "gap", "the nearest is 'gaps'"),
    ],
)
def test_settings_written_in_python_are_answered_like_a_file(group, values, section, key, said):
    with pytest.raises(ConfigError, match=said) as raised:
        group(**values)
    assert (raised.value.section, raised.value.key) == (section, key)


def test_settings_written_in_python_may_be_lists():
    models: Any = ["har"]
    assert BacktestConfig(models=models).models == ("har",)


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        RunConfig().trees.rounds = 3


def test_equal_settings_have_equal_hashes_and_others_not():
    one = parse_config("[trees]\nrounds = 16\nlearning_rate = 0.1", path="a.toml")
    same = parse_config("[trees]\nlearning_rate = 0.1\nrounds = 16", path="b.toml")
    other = parse_config("[trees]\nrounds = 17\nlearning_rate = 0.1", path="a.toml")
    assert config_hash(one) == config_hash(same)
    assert config_hash(one) != config_hash(other)


def test_canonical_json_is_sorted_without_spaces_and_refuses_what_is_no_number():
    assert canonical_json({"b": [1, None], "a": {"d": 0.1, "c": "é"}}) == (
        '{"a":{"c":"\\u00e9","d":0.1},"b":[1,null]}'
    )
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json({"a": float("nan")})


def test_options_replace_models_and_horizons_and_nothing_else():
    config = parse_config(EVERYTHING, path="run.toml")
    changed = overridden(config, models="ewma,har", horizons="1,7,30")
    assert changed.backtest.models == ("ewma", "har")
    assert changed.backtest.horizons == (1, 7, 30)
    assert changed.backtest.refit_sessions == 63
    assert changed.lstm == config.lstm
    assert overridden(config, models=None, horizons=None) == config


@pytest.mark.parametrize("horizons", ["1,x", "", "7,1", "0"])
def test_horizons_that_are_none_are_refused(horizons):
    with pytest.raises(ConfigError) as caught:
        overridden(RunConfig(), models=None, horizons=horizons)
    assert caught.value.key == "horizons"


OTHER_KINDS = [  # settings as somebody writes them, and what our words ask for
    ('[backtest]\nmodels = "har"', 'expected a list, as in ["har"]'),
    ('[backtest]\nmodels = "har, naive"', 'expected a list, as in ["har", "naive"]'),
    ("[backtest]\nhorizons = 1", "expected a list, as in [1]"),
    ('[backtest]\ntest_from = "2026-01-01"', "expected a date, in a file without quotes"),
    ('[data]\nas_of = "2026-01-01"', "expected a date, in a file without quotes"),
    ('[data.since]\nFB = "2012-06-01"', "expected a date, in a file without quotes"),
]


@pytest.mark.parametrize(("text", "said"), OTHER_KINDS, ids=[text for text, _ in OTHER_KINDS])
def test_a_value_of_another_kind_is_answered_with_how_to_write_it(text, said):
    with pytest.raises(ConfigError) as raised:
        parse_config(text, path="run.toml")
    assert said in str(raised.value)


def test_in_python_as_in_a_file():
    values: dict[str, Any] = {"models": "har"}
    with pytest.raises(ConfigError, match=r'expected a list, as in \["har"\]'):
        BacktestConfig(**values)
    values = {"test_from": "2026-01-01"}
    with pytest.raises(ConfigError, match=r"in Python as date\("):
        BacktestConfig(**values)


@pytest.mark.parametrize("key", ["equal_share", "calibration_step"])
def test_a_setting_of_before_says_why_there_is_none_any_more(key):
    with pytest.raises(ConfigError, match=rf"'{key}' is no longer a setting: .* Fix: leave it out"):
        parse_config(f"[hybrid]\n{key} = 0.5\n", path="run.toml")


@pytest.mark.parametrize("key", ["units", "n_seeds", "max_epochs", "device"])
def test_settings_of_the_lstm_of_before_say_that_it_is_taught_beforehand(key):
    said = rf"'{key}' is no longer a setting: lstm was taught beforehand.* Fix: leave it out"
    with pytest.raises(ConfigError, match=said):
        parse_config(f"[lstm]\n{key} = 3\n", path="run.toml")


@pytest.mark.parametrize("number", [2, 99])
def test_settings_of_a_later_format_ask_for_a_later_nextclose(number):
    with pytest.raises(ConfigError) as raised:
        parse_config(f"format = {number}\n[data]\nfrom_the_future = 1\n", path="run.toml")
    assert str(raised.value) == (
        f"run.toml: format = {number}; expected 1. Fix: upgrade nextclose: a later version "
        "wrote this."
    )


@pytest.mark.parametrize("text", ["0", "-1", '"1"', "1.0", "true", "[1]"])
def test_what_is_no_format_of_settings_is_refused(text):
    with pytest.raises(ConfigError, match=r"expected 1. Fix: leave it out\."):
        parse_config(f"format = {text}\n", path="run.toml")


def test_settings_of_todays_format_are_those_without_one():
    assert parse_config("format = 1\n", path="run.toml") == parse_config("", path="run.toml")

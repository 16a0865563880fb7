"""Every model by name: ours, those of installed packages, and objects that are handed over."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextclose.backtesting.study import make_study
from nextclose.backtesting.walk_forward import backtest
from nextclose.config import BacktestConfig, HybridConfig, RunConfig
from nextclose.errors import ConfigError
from nextclose.models import registry
from nextclose.models.baselines import EWMA
from nextclose.models.hybrid.hybrid import Hybrid
from nextclose.models.mixture import restore_forecaster
from nextclose.models.protocol import Traits
from nextclose.models.registry import (
    OURS,
    SERVABLE,
    SIMPLICITY,
    UNSERVABLE,
    check_plugin,
    installed_names,
    is_known,
    members_of,
    model_named,
    model_of_state,
    models_of,
    news_readers,
    outsiders,
    simplest_first,
)
from nextclose.models.state import State, encode_state
from nextclose.serving.states import state_bytes, state_of
from tests.builders import (
    hybrid_bars,
    hybrid_config,
    hybrid_fit,
    own_editions,
    random_edition,
    samples_of,
    study_of_last,
)
from tests.plugins import Wide


def config_of(*models: str, members: tuple[str, ...] | None = None) -> RunConfig:
    hybrid = HybridConfig() if members is None else HybridConfig(members=members)
    return RunConfig(backtest=BacktestConfig(models=models), hybrid=hybrid)


# --- ours ---


def test_every_model_of_ours_has_its_name_and_the_settings_of_its_section():
    editions = own_editions("2000-12-31", "2003-12-31")
    config = RunConfig(backtest=BacktestConfig(models=OURS), lstm=editions)
    models = models_of(config)
    assert [model.name for model in models.values()] == list(models)
    assert set(OURS) <= set(models)
    assert models["lstm"].traits.settings == {
        "editions": {
            until: random_edition(until, seed=seed).fingerprint
            for seed, until in enumerate(("2000-12-31", "2003-12-31"))
        },
        "fine_tune": False,
    }
    assert models["trees"].traits.settings == config.trees.model_dump(mode="json")
    assert models["classic"].traits.settings == config.classic.model_dump(mode="json")
    assert models["ewma"].traits.settings == {}


@pytest.mark.parametrize("name", OURS)
def test_the_traits_of_every_model_of_ours_agree_with_what_is_said_without_them(name):
    traits = models_of(config_of(name))[name].traits
    assert traits.is_servable == (name in SERVABLE) == (name not in UNSERVABLE)
    assert traits.fitted is not None  # so that its fits are kept and resumed
    points = ("naive", "classic", "drift", "hs_250", "hs_expanding", "hybrid")
    assert traits.is_member == (name not in points)
    assert traits.reads_news == (name == "trees")
    assert traits.replays == (name == "garch")


def test_no_model_is_named_twice_and_each_has_its_place_in_the_order():
    assert len(set(OURS)) == len(OURS)
    assert sorted(SIMPLICITY) == sorted(OURS)
    assert sorted((*SERVABLE, *UNSERVABLE)) == sorted(OURS)


@pytest.mark.parametrize(
    ("name", "nearest"), [("lsmt", "lstm"), ("garhc", "garch"), ("hybird", "hybrid")]
)
def test_an_unknown_name_is_refused_with_the_nearest_and_all_there_are(name, nearest):
    with pytest.raises(ConfigError, match=f"the nearest is '{nearest}'") as caught:
        models_of(config_of("naive", name))
    assert (caught.value.section, caught.value.key) == ("backtest", "models")
    assert ", ".join(OURS) in str(caught.value)
    assert not is_known(name)


def test_news_are_read_by_the_members_that_read_them_or_without_a_hybrid_by_all():
    assert news_readers(models_of(config_of("naive", "lstm", "trees"))) == ("trees",)
    beside = config_of("lstm", "hybrid", members=("ewma", "trees"))
    assert news_readers(models_of(beside)) == ("trees",)
    assert news_readers(models_of(config_of("naive", "har"))) == ()


def test_members_stand_behind_the_models_that_were_asked_for():
    models = models_of(config_of("har", "hybrid", "naive", members=("ewma", "har")))
    assert list(models) == ["har", "hybrid", "naive", "ewma"]
    assert list(members_of(models)) == ["ewma", "har"]
    assert members_of(models_of(config_of("har"))) == {}


# --- objects ---


def test_an_object_stands_for_a_name_that_is_not_ours():
    plugin = Wide()
    models = models_of(config_of("naive", "wide"), [plugin])
    assert models["wide"] is plugin
    assert model_named("wide", RunConfig(), [plugin]) is plugin
    assert not is_known("wide")


class Nameless:
    traits = Traits()

    def fit(self, train: Any, valid: Any, seed: int) -> Any: ...


class WithoutTraits:
    name = "mine"

    def fit(self, train: Any, valid: Any, seed: int) -> Any: ...


class WithoutFit:
    name = "mine"
    traits = Traits()


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        (Nameless(), "Nameless is no model: its name is None"),
        (object(), "object is no model"),
        (Wide(name=""), "its name is ''"),
        (Wide(name="two words"), "its name is 'two words'"),
        (Wide(name="a-b"), "its name is 'a-b'"),
        (Wide(name=3), "its name is 3"),  # type: ignore[arg-type]
        *((Wide(name=name), f"{name!r} is a model of nextclose") for name in OURS),
        (WithoutTraits(), "model 'mine' has no traits"),
        *(
            (Wide(more={"colours": colours}), "has the colours")
            for colours in (("#123456",), ("#123456", "red"), ("#12345", "#123456"), "#123456")
        ),
        (WithoutFit(), r"model 'mine' has no method fit\(train, valid, seed\)"),
    ],
)
def test_an_object_that_is_no_model_is_refused_saying_what_is_missing(plugin, says):
    with pytest.raises(ConfigError, match=says) as caught:
        check_plugin(plugin)
    assert "Fix: " in str(caught.value)
    with pytest.raises(ConfigError, match=says):
        models_of(config_of("naive"), [plugin])


def test_two_objects_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="two models have the same name"):
        models_of(config_of("wide"), [Wide(), Wide()])


# --- simplicity ---


def test_the_simplest_come_first_and_what_is_not_ours_behind_as_it_was_listed():
    names = ("yours", "hybrid", "trees", "naive", "mine", "garch", "hs_250")
    assert simplest_first(names) == ("naive", "hs_250", "garch", "trees", "hybrid", "yours", "mine")
    assert outsiders(names) == ("yours", "mine")


# --- the hybrid ---


def test_an_object_may_be_a_member_of_the_hybrid_and_is_combined_and_restored_with_it():
    plugin = Wide()
    config = hybrid_config("ewma", "wide", models=("naive", "hybrid"))
    study = study_of_last(samples_of(hybrid_bars()), config, plugins=(plugin,))
    assert isinstance(study.hybrid, Hybrid)
    assert study.hybrid.models == {"ewma": EWMA, "wide": plugin}
    walked = backtest(study)
    fitted = hybrid_fit(walked, 5)
    assert list(fitted.members) == ["ewma", "wide"]
    assert set(walked.ablation["variant"]) >= {"raw", "ewma alone", "wide alone"}
    state = state_of(state_bytes(encode_state(fitted)))
    rows = study.folds[5].test_rows
    again = restore_forecaster(model_of_state("hybrid", state, [plugin]), state)
    np.testing.assert_array_equal(
        again.quantiles(study.samples, rows), fitted.quantiles(study.samples, rows)
    )
    with pytest.raises(ConfigError, match="'wide' cannot take part"):
        model_of_state("hybrid", state)


@pytest.mark.parametrize(
    ("member", "plugins"),
    [
        ("naive", ()),
        ("hybrid", ()),
        ("nobody", ()),
        ("wide", (Wide(more={"is_member": False}),)),
    ],
)
def test_a_member_that_cannot_take_part_is_refused(member, plugins):
    with pytest.raises(ConfigError, match=f"members: '{member}' cannot take part") as caught:
        models_of(config_of("hybrid", members=("ewma", member)), plugins)
    assert (caught.value.section, caught.value.key) == ("hybrid", "members")


def test_the_model_of_a_state_has_the_members_that_the_state_names():
    hybrid = model_of_state("hybrid", State(facts={"members": [["trees", {}], ["ewma", {}]]}))
    assert isinstance(hybrid, Hybrid)
    assert list(hybrid.models) == ["trees", "ewma"]
    with pytest.raises(ConfigError, match="not a model"):
        model_of_state("grach", State())


# --- installed packages ---


MODULE = """
from nextclose import Traits
from nextclose.models.volatility.har import Ewma, pooled_quantiles
import sys
sys.was_loaded = getattr(sys, "was_loaded", 0) + 1

class Calm:
    name = "calm"
    traits = Traits(fitted=Ewma, version="1")
    def fit(self, train, valid, seed):
        return Ewma(spread=0.5 * pooled_quantiles(train, valid))

def made():
    return Calm()

calm = Calm()
nothing = None
number = 3

def raising():
    raise RuntimeError("no licence\\nsecond line")

class Other(Calm):
    name = "other"

class Ours(Calm):
    name = "lstm"

class Bare:
    name = "bare"
    def fit(self, train, valid, seed): ...
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch) -> Callable[..., None]:
    """Puts a package on the path that offers models under these names."""
    monkeypatch.setattr(sys, "was_loaded", 0, raising=False)

    def installed(**points: str) -> None:
        (tmp_path / "calm_models.py").write_text(MODULE)
        (tmp_path / "broken_models.py").write_text("import no_such_package\n")
        info = tmp_path / "calm_models-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: calm-models\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[nextclose.models]", *lines, ""]))
        monkeypatch.syspath_prepend(str(tmp_path))
        for name in ("calm_models", "broken_models"):
            monkeypatch.delitem(sys.modules, name, raising=False)

    return installed


def n_loaded() -> int:
    return int(getattr(sys, "was_loaded", 0))


@pytest.mark.parametrize("value", ["calm_models:Calm", "calm_models:made", "calm_models:calm"])
def test_an_installed_model_is_found_by_its_name_and_loaded_only_when_asked_for(install, value):
    assert "calm" not in installed_names()
    install(calm=value)
    assert installed_names() == ("calm",)
    assert is_known("calm")
    assert list(models_of(config_of("naive", "ewma"))) == ["naive", "ewma"]
    with pytest.raises(ConfigError, match="not a model") as caught:
        models_of(config_of("lsmt"))
    assert "calm" in str(caught.value)
    assert n_loaded() == 0
    model = models_of(config_of("naive", "calm"))["calm"]
    assert n_loaded() == 1
    assert (type(model).__name__, model.name) == ("Calm", "calm")


def test_an_installed_model_forecasts_and_may_be_a_member(install):
    install(calm="calm_models:Calm")
    config = hybrid_config("ewma", "calm", models=("calm", "hybrid"))
    study = make_study(samples_of(hybrid_bars()), config)
    walked = backtest(study)
    assert set(walked.forecasts["model"]) == {"calm", "hybrid"}
    assert list(hybrid_fit(walked, 5).members) == ["ewma", "calm"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("broken_models:Calm", "cannot be loaded: No module named 'no_such_package'"),
        ("calm_models:Missing", "cannot be loaded: .*Missing"),
        ("no_such_module:Calm", "cannot be loaded: No module named 'no_such_module'"),
        ("calm_models:raising", "cannot be loaded: no licence"),
        ("calm_models:nothing", "cannot be loaded"),
        ("calm_models:number", "cannot be loaded"),
        ("calm_models:Other", "calls itself 'other'"),
        ("calm_models:Ours", "'lstm' is a model of nextclose"),
        ("calm_models:Bare", "model 'bare' has no traits"),
    ],
)
def test_a_broken_installed_model_is_refused_when_it_is_asked_for_and_not_before(
    install, value, says
):
    install(calm=value)
    models_of(config_of("naive"))
    with pytest.raises(ConfigError, match=says) as caught:
        models_of(config_of("calm"))
    assert "Fix: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_installed_model_of_a_name_of_ours_never_takes_its_place(install):
    install(lstm="calm_models:Ours", hybrid="calm_models:Ours", naive="calm_models:Calm")
    models = models_of(config_of("naive", "lstm", "hybrid", members=("ewma", "har")))
    assert {type(model).__module__.partition(".")[0] for model in models.values()} == {"nextclose"}
    assert installed_names() == ()  # and is not offered a second time
    assert n_loaded() == 0


def test_a_name_that_two_packages_offer_is_refused_with_both(install, tmp_path):
    install(calm="calm_models:Calm")
    info = tmp_path / "other_models-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nextclose.models]\ncalm = broken_models:Calm\n")
    message = "2 installed packages offer a model 'calm': .*broken_models:Calm.* Fix: remove"
    with pytest.raises(ConfigError, match=message):
        models_of(config_of("calm"))
    assert installed_names() == ("calm",)
    assert n_loaded() == 0


def test_an_object_goes_before_an_installed_model_of_its_name(install):
    install(wide="calm_models:Calm")
    plugin = Wide()
    assert models_of(config_of("wide"), [plugin])["wide"] is plugin
    assert n_loaded() == 0


def test_the_entry_point_group_is_the_documented_one():
    assert registry.GROUP == "nextclose.models"

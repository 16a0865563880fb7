"""Symbols too young for a bundle's hybrid: its network forecasts them alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import nextclose as nc
from nextclose.config import BacktestConfig, FeaturesConfig, RunConfig
from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.lstm.editions import editions_at
from nextclose.schema import HORIZONS, QUANTILE_COLUMNS, Bars
from nextclose.serving.bundle import Bundle
from nextclose.serving.notices import notices_of
from nextclose.serving.predictor import forecasts_of, reasons_without
from nextclose.serving.zero_shot import zero_shot_forecasts
from tests.builders import hybrid_config, own_editions, walk_frame

WHOLE = 700  # sessions up to the fit
ISSUED = ["symbol", "origin", "horizon_sessions", "model", "resolved", *QUANTILE_COLUMNS]


def config_of(*members: str) -> RunConfig:
    return hybrid_config(*members).model_copy(update={"features": FeaturesConfig(market=False)})


def bars_of(*frames: pl.DataFrame) -> Bars:
    return Bars(frame=pl.concat(frames))


def young(symbol: str, *, n: int, last: int = WHOLE) -> pl.DataFrame:
    """n sessions of a symbol, up to the session number `last` of the others."""
    return walk_frame(symbol, seed=7, n=n, first=last - n)


LONG = bars_of(*(walk_frame(name, seed=k, n=WHOLE) for k, name in enumerate(("AAA", "BBB"))))


def trained(folder: Path, *members: str) -> Bundle:
    nc.train(LONG, folder, config=config_of(*members))
    return nc.load_bundle(folder)


def trained_with_young(folder: Path, new: pl.DataFrame) -> Bundle:
    nc.train(bars_of(LONG.frame, new), folder, config=config_of("loghar", "lstm"))
    return nc.load_bundle(folder)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    return trained(tmp_path_factory.mktemp("bundles") / "mine", "loghar", "lstm")


def test_a_young_symbol_is_forecast_by_the_network_alone_as_without_a_bundle(bundle):
    assert bundle.manifest.min_rows == 257
    new = young("NEW", n=196)
    made = forecasts_of(bundle, bars_of(LONG.frame, new))
    assert made.group_by("symbol", "model").len().sort("symbol").rows() == [
        ("AAA", "hybrid", len(HORIZONS)),
        ("BBB", "hybrid", len(HORIZONS)),
        ("NEW", "lstm", len(HORIZONS)),
    ]
    editions = editions_at(config_of("loghar", "lstm").lstm.editions)
    alone = zero_shot_forecasts(bars_of(new), editions=editions)
    own = made.filter(pl.col("symbol") == "NEW")
    assert_frame_equal(own.select(ISSUED), alone.select(ISSUED), check_exact=True)


def test_young_symbols_alone_are_forecast_and_the_hybrid_is_asked_nothing(bundle, monkeypatch):
    def refuse_none(self, samples, rows):
        raise AssertionError("asked for no rows, which some members cannot bear")

    new = bars_of(young("NEW", n=196))
    expected = forecasts_of(bundle, new)
    monkeypatch.setattr(FittedHybrid, "quantiles", refuse_none)
    assert_frame_equal(forecasts_of(bundle, new), expected, check_exact=True)
    assert expected["model"].unique().to_list() == ["lstm"]


def test_a_forecast_by_the_network_alone_is_marked_and_no_stranger_for_it(tmp_path):
    new = young("NEW", n=196)
    made = trained_with_young(tmp_path / "mine", new)
    bars, now = bars_of(LONG.frame, new), datetime(2003, 1, 1, tzinfo=UTC)
    notices = notices_of(made, bars, forecasts_of(made, bars), now=now)
    assert notices.notes["NEW"].startswith("lstm alone")
    assert "never learnt" not in notices.notes["NEW"]
    assert not notices.notes["AAA"].startswith("lstm alone")


def test_a_young_symbol_changes_no_forecast_of_the_hybrid(bundle):
    made = forecasts_of(bundle, bars_of(LONG.frame, young("NEW", n=196)))
    others = made.filter(pl.col("symbol") != "NEW")
    assert_frame_equal(others, forecasts_of(bundle, LONG), check_exact=True)


@pytest.mark.parametrize(("n", "model"), [(60, "lstm"), (256, "lstm"), (257, "hybrid")])
def test_who_forecasts_depends_on_the_rows(bundle, n, model):
    made = forecasts_of(bundle, bars_of(young("NEW", n=n)))
    assert made["model"].to_list() == [model] * len(HORIZONS)


def test_below_sixty_sessions_nobody_does_and_the_reason_says_so(bundle):
    bars = bars_of(LONG.frame, young("NEW", n=59))
    made = forecasts_of(bundle, bars)
    assert set(made["symbol"]) == {"AAA", "BBB"}
    assert reasons_without(bundle, bars, made) == {"NEW": "59 bars, 60 needed"}
    with pytest.raises(NotEnoughDataError) as caught:
        forecasts_of(bundle, bars_of(young("NEW", n=59)))
    assert (caught.value.needed, caught.value.found) == (60, 59)


def test_only_the_rows_since_the_last_break_count(bundle):
    parts = pl.Series("segment", [0] * (WHOLE - 100) + [1] * 100, dtype=pl.Int32)
    broken = LONG.frame.filter(pl.col("symbol") == "AAA").with_columns(parts)
    made = forecasts_of(bundle, bars_of(broken))
    assert set(made["model"]) == {"lstm"}
    for n in (59, 1):
        parts = pl.Series("segment", [0] * (WHOLE - n) + [1] * n, dtype=pl.Int32)
        with pytest.raises(NotEnoughDataError) as caught:
            forecasts_of(bundle, bars_of(broken.with_columns(parts)))
        assert (caught.value.needed, caught.value.found) == (60, n)


def test_a_young_symbol_that_ends_before_the_fit_is_left_out(bundle):
    bars = bars_of(LONG.frame, young("OLD", n=196, last=WHOLE - 10))
    made = forecasts_of(bundle, bars)
    assert set(made["symbol"]) == {"AAA", "BBB"}
    (reason,) = reasons_without(bundle, bars, made).values()
    assert f"the bundle has learnt up to {bundle.manifest.fitted_at}" in reason
    with pytest.raises(LeakError, match=bundle.manifest.fitted_at):
        forecasts_of(bundle, bars_of(young("OLD", n=196, last=WHOLE - 10)))


def test_without_the_network_among_its_members_a_hybrid_needs_all_its_rows(tmp_path):
    bundle = trained(tmp_path / "mine", "loghar", "ewma")
    bars = bars_of(LONG.frame, young("NEW", n=196))
    made = forecasts_of(bundle, bars)
    assert set(made["symbol"]) == {"AAA", "BBB"}
    assert reasons_without(bundle, bars, made) == {"NEW": "196 bars, 257 needed"}


def test_a_young_symbol_of_the_training_is_forecast_alike(tmp_path):
    bars = bars_of(LONG.frame, young("NEW", n=196))
    nc.train(bars, tmp_path / "mine", config=config_of("loghar", "lstm"))
    bundle = nc.load_bundle(tmp_path / "mine")
    assert bundle.manifest.symbols == ("AAA", "BBB")  # full forecasts at the fit
    made = forecasts_of(bundle, bars)
    assert dict(made.select("symbol", "model").unique().iter_rows())["NEW"] == "lstm"
    # half a year later it is old enough
    grown = bars_of(walk_frame("NEW", seed=7, n=300, first=WHOLE - 196))
    assert set(forecasts_of(bundle, grown)["model"]) == {"hybrid"}


def test_a_symbol_that_does_not_reach_back_takes_no_forecast_from_a_young_one(bundle, tmp_path):
    new_name = bars_of(walk_frame("AAA", seed=0, n=300, first=WHOLE - 100))
    assert set(forecasts_of(bundle, new_name)["model"]) == {"hybrid"}  # no member goes on
    bundle = trained(tmp_path / "mine", "garch", "loghar", "lstm")
    old = walk_frame("AAA", seed=0, n=300, first=WHOLE - 100)  # 100 sessions up to the fit
    with pytest.raises(NotEnoughDataError, match="goes on from"):
        forecasts_of(bundle, bars_of(old))
    bars = bars_of(old, young("NEW", n=100, last=WHOLE + 200))
    made = forecasts_of(bundle, bars)
    assert made.select("symbol", "model").unique().rows() == [("NEW", "lstm")]
    assert "give bars that begin earlier" in reasons_without(bundle, bars, made)["AAA"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"lstm": own_editions("2040-12-31")}, id="fitted before its first edition"),
        pytest.param(
            {"backtest": BacktestConfig(horizons=(64, 70))}, id="longer than it was taught"
        ),
    ],
)
def test_where_the_network_is_silent_a_young_symbol_needs_all_rows(tmp_path, change):
    config = config_of("loghar", "lstm").model_copy(update=change)
    nc.train(LONG, tmp_path / "mine", config=config)
    bundle = nc.load_bundle(tmp_path / "mine")
    bars = bars_of(LONG.frame, young("NEW", n=196))
    made = forecasts_of(bundle, bars)
    assert set(made["symbol"]) == {"AAA", "BBB"}
    assert reasons_without(bundle, bars, made) == {"NEW": "196 bars, 257 needed"}
    with pytest.raises(NotEnoughDataError) as caught:
        forecasts_of(bundle, bars_of(young("NEW", n=196)))
    assert (caught.value.needed, caught.value.found) == (257, 196)

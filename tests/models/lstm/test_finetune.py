"""A last layer of one's own: what it finds, what it must not, and that it stays what it was."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from nextclose.config import NewsConfig, parse_config
from nextclose.errors import ConfigError, LeakError, LibraryError, NotEnoughDataError
from nextclose.features.columns import Feature, SymbolBars
from nextclose.features.news import NEWS_NAMES
from nextclose.features.table import make_table
from nextclose.libraries import pip_install
from nextclose.metrics import grid_crps
from nextclose.models.lstm.editions import Edition
from nextclose.models.lstm.finetune import LastLayer
from nextclose.models.lstm.lstm import FittedLstm, Lstm
from nextclose.models.registry import model_named
from nextclose.models.state import decode_state, encode_state
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import Fold, known_at, walk_forward
from nextclose.schema import Bars, Floats, News
from nextclose.serving.states import state_bytes, state_of
from tests.builders import FAMILIES, bar_frame, random_edition

HORIZONS = (1, 7)
N, FIT_AT = 700, 550  # sessions of each of two symbols, and that after which the fit is made
BUSY, QUIET = 2e6, 1e6  # volumes: where it is the former the own column is 1
ONE_DAY = NewsConfig(window_sessions=1)


def sober() -> Edition:
    """A random last hidden layer under outputs of 0: a normal of the symbol's own volatility."""
    edition = random_edition("2000-12-31")
    network = edition.network
    head, bias = np.zeros_like(network.head), np.zeros_like(network.head_bias)
    return replace(edition, network=replace(network, head=head, head_bias=bias))


def busy(bars: SymbolBars) -> Floats:
    return np.asarray(bars.columns["volume"] == BUSY, dtype=np.float64)


OWN = {"busy": Feature(busy, lookback_sessions=1, needs=("volume",))}
TUNED, PLAIN = Lstm(editions=(sober(),), fine_tune=True), Lstm(editions=(sober(),))


def world(seed: int, *, effect: float, n: int = N) -> Bars:
    """Random walks whose moves are `effect` times as large on the day after a busy one."""
    frames = []
    for k in range(2):
        rng = np.random.default_rng([seed, k])
        is_busy = rng.random(n) < 0.3
        sd = 0.015 * np.where(np.append(False, is_busy[:-1]), effect, 1.0)
        frame = bar_frame(f"S{k}", sd * rng.standard_normal(n), seed=10 * seed + k)
        volume = pl.Series("volume", np.where(is_busy, BUSY, QUIET))
        frames.append(frame.with_columns(volume))
    return Bars(frame=pl.concat(frames))


def with_headlines(bars: Bars) -> Bars:
    """The same days told by headlines instead."""
    items = bars.frame.filter(pl.col("volume") == BUSY).select(
        "symbol", "session", pl.lit(0.5).alias("score")
    )
    news = News(frame=items, scorer="own", cutoff_minutes=ONE_DAY.cutoff_minutes)
    return replace(bars, frame=bars.frame.with_columns(volume=pl.lit(QUIET)), news=news)


def samples_of(bars: Bars, *, horizons: tuple[int, ...] = HORIZONS) -> Samples:
    news = None if bars.news is None else ONE_DAY
    own = OWN if bars.news is None else {}
    table = make_table(bars, families=FAMILIES, own=own, news=news)
    return make_samples(table, horizons=horizons)


def fold_of(samples: Samples) -> Fold:
    days = np.unique(samples.origin)
    (fold,) = walk_forward(samples, test_from=days[FIT_AT], refit_sessions=N)
    return fold


@cache
def case(seed: int, effect: float, *, of_news: bool = False) -> tuple[Samples, Fold, FittedLstm]:
    """A world, its one fold, and the fine-tuned fit there."""
    bars = world(seed, effect=effect)
    samples = samples_of(with_headlines(bars) if of_news else bars)
    fold = fold_of(samples)
    return samples, fold, TUNED.fit(fold.train, fold.valid, seed)


def layer_of(fitted: FittedLstm) -> LastLayer:
    (layer,) = fitted.own
    return layer


def mean_crps(fitted: FittedLstm, samples: Samples, rows: np.ndarray) -> Floats:
    losses = grid_crps(fitted.quantiles(samples, rows), samples.target[rows])
    return np.asarray(np.nanmean(losses, axis=0))


# --- what it finds ---


@pytest.mark.parametrize("of_news", [False, True], ids=["own column", "news"])
def test_a_signal_that_was_planted_is_found_and_pays_on_later_rows(of_news):
    samples, fold, fitted = case(3, 2.0, of_news=of_news)
    layer = layer_of(fitted)
    assert layer.scaler.names == (NEWS_NAMES if of_news else ("busy",))
    assert layer.shares[0] > 0.5
    plain = PLAIN.fit(fold.train, fold.valid, 1)
    later = fold.test_rows[samples.origin[fold.test_rows] > fold.fitted_at]
    ratio = mean_crps(fitted, samples, later) / mean_crps(plain, samples, later)
    assert ratio[0] < 0.99
    # wider on the day before a wide move, not on another
    widths = fitted.quantiles(samples, later)[:, 0, -1] - fitted.quantiles(samples, later)[:, 0, 0]
    name = "has_news" if of_news else "busy"
    is_busy = samples.table.values[later, samples.table.names.index(name)] == 1
    assert widths[is_busy].mean() > 1.3 * widths[~is_busy].mean()


def test_on_random_walks_next_to_nothing_is_believed():
    shares = np.array([layer_of(case(seed, 1.0)[2]).shares for seed in (1, 2, 4, 5)])
    assert (shares > 0).sum() <= 1


def test_where_nothing_is_proven_zeros_are_added():
    samples, fold, fitted = case(3, 2.0)
    assert layer_of(fitted).shares[1] == 0
    plain = PLAIN.fit(fold.train, fold.valid, 1)
    tuned, alone = (each.quantiles(samples, fold.test_rows) for each in (fitted, plain))
    assert tuned[:, 1].tobytes() == alone[:, 1].tobytes()
    assert (tuned[:, 0] != alone[:, 0]).any(axis=1).all()
    assert (np.diff(tuned, axis=2) > 0).all()


# --- what it must not know ---


def test_targets_that_resolve_after_validation_begins_are_refused():
    samples, fold, _ = case(1, 1.0)
    with pytest.raises(LeakError, match="a training target"):
        TUNED.fit(known_at(samples, fold.fitted_at), fold.valid, 1)


def test_what_is_learnt_does_not_depend_on_what_comes_after_the_training():
    _, fold, fitted = case(3, 2.0)
    frame = world(3, effect=2.0).frame
    is_late = pl.col("session") > fold.valid_from.astype(object)
    poison = 1 + 0.2 * np.sin(np.arange(frame.height))
    changed = [
        pl.when(is_late).then(pl.col(name) * poison).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low", "close", "volume")
    ]
    other = fold_of(samples_of(Bars(frame=frame.with_columns(changed))))
    assert other.valid_from == fold.valid_from
    again = TUNED.fit(other.train, other.valid, 3)
    layer, poisoned = layer_of(fitted), layer_of(again)
    assert layer.weights.tobytes() == poisoned.weights.tobytes()
    assert layer.scaler.center.tobytes() == poisoned.scaler.center.tobytes()
    assert layer.scaler.width.tobytes() == poisoned.scaler.width.tobytes()
    assert layer.shares.tobytes() != poisoned.shares.tobytes()  # they are for validation to say
    early = pl.col("session") < fold.valid_from.astype(object)
    spoilt = frame.with_columns(volume=pl.when(early).then(QUIET).otherwise("volume"))
    learnt = fold_of(samples_of(Bars(frame=spoilt)))
    assert (
        layer.weights.tobytes()
        != layer_of(TUNED.fit(learnt.train, learnt.valid, 3)).weights.tobytes()
    )


# --- that it stays what it was ---


def test_equal_seeds_give_equal_fits_and_others_other_markets():
    _, fold, fitted = case(3, 2.0)
    same, other = (TUNED.fit(fold.train, fold.valid, seed) for seed in (3, 4))
    weights = layer_of(fitted).weights
    assert layer_of(same).weights.tobytes() == weights.tobytes()
    assert layer_of(other).weights.tobytes() != weights.tobytes()


def test_a_row_alone_has_the_bits_that_it_has_among_others():
    samples, fold, fitted = case(3, 2.0)
    ready = np.flatnonzero(samples.ready("universal"))
    together = fitted.quantiles(samples, ready)
    for k in (0, 1, 63, 64, len(ready) // 2, len(ready) - 1):
        alone = fitted.quantiles(samples, ready[k : k + 1])
        assert alone.tobytes() == together[k : k + 1].tobytes()
    some = fitted.quantiles(samples, fold.test_rows[::-1])
    assert some[::-1].tobytes() == fitted.quantiles(samples, fold.test_rows).tobytes()


def test_what_a_wide_layer_adds_to_a_row_does_not_depend_on_the_others():
    rng = np.random.default_rng(1)
    layer = replace(layer_of(case(3, 2.0)[2]), weights=rng.standard_normal((3, 4, 70)))
    read = rng.standard_normal((1500, 70))
    together = layer.added(read)
    np.testing.assert_allclose(together, np.einsum("hok,rk->rho", layer.weights, read), atol=1e-12)
    for k in (0, 7, 1023, 1024, 1499):
        assert layer.added(read[k : k + 1]).tobytes() == together[k : k + 1].tobytes()


def test_it_is_written_down_and_read_again_to_the_bit():
    samples, fold, fitted = case(3, 2.0)
    read = decode_state(FittedLstm, state_of(state_bytes(encode_state(fitted))))
    assert read == replace(fitted, networks=read.networks, own=read.own, curves=())
    assert read.own[0].scaler.names == ("busy",)
    quantiles = [each.quantiles(samples, fold.test_rows) for each in (fitted, read)]
    assert quantiles[0].tobytes() == quantiles[1].tobytes()


def test_a_layer_that_does_not_fit_the_network_is_no_state():
    _, _, fitted = case(3, 2.0)
    layer = layer_of(fitted)
    odd = (
        replace(layer, weights=layer.weights[:, :, :1]),
        replace(layer, weights=layer.weights[:1]),
        replace(layer, shares=layer.shares + 1.5),
        replace(layer, shares=layer.shares * np.nan),
        replace(layer, scaler=replace(layer.scaler, names=("busy", "more"))),
    )
    for forged in odd:
        with pytest.raises(ValueError, match=r"weights of shape|a share"):
            replace(fitted, own=(forged,))
    with pytest.raises(ValueError, match="at most one last layer"):
        replace(fitted, own=(layer, layer))
    with pytest.raises(ValueError, match="at most one last layer"):
        FittedLstm(edition="", networks=(), own=(layer,))


# --- what it needs ---


def test_horizons_that_were_not_taught_are_refused_whatever_edition_there_is():
    samples = samples_of(world(1, effect=1.0), horizons=(1, 64))
    fold = fold_of(samples)
    for editions in (TUNED.editions, (random_edition("2030-12-31"),)):
        model = Lstm(editions=editions, fine_tune=True)
        with pytest.raises(ConfigError, match=r"64 sessions ahead.* 63 at most") as caught:
            model.fit(fold.train, fold.valid, 1)
        assert (caught.value.section, caught.value.key) == ("lstm", "fine_tune")
    plain = PLAIN.fit(fold.train, fold.valid, 1).quantiles(samples, fold.test_rows)
    assert np.isfinite(plain[:, 0]).all()
    assert np.isnan(plain[:, 1]).all()


def test_without_an_edition_there_is_nothing_to_tune():
    samples, fold, _ = case(1, 1.0)
    late = Lstm(editions=(random_edition("2030-12-31"),), fine_tune=True)
    fitted = late.fit(fold.train, fold.valid, 1)
    assert fitted == FittedLstm(edition="", networks=())
    assert np.isnan(fitted.quantiles(samples, fold.test_rows)).all()


def test_without_rows_to_learn_from_it_says_so():
    samples, fold, _ = case(1, 1.0)
    early = known_at(samples, np.datetime64(date(2001, 3, 1)))
    with pytest.raises(NotEnoughDataError, match="at least 2"):
        TUNED.fit(early, fold.valid, 1)


def test_without_torch_it_is_named_and_forecasts_without_tuning_need_none(monkeypatch):
    samples, fold, fitted = case(3, 2.0)
    monkeypatch.setitem(sys.modules, "torch", None)
    cure = re.escape(f"tuned needs torch, which is not installed. Fix: {pip_install('train')}")
    with pytest.raises(LibraryError, match=cure):
        TUNED.fit(fold.train, fold.valid, 1)
    for each in (PLAIN.fit(fold.train, fold.valid, 1), fitted):  # nor do those of a fit
        assert np.isfinite(each.quantiles(samples, fold.test_rows)).all()


def test_news_are_read_only_where_the_layer_is_asked_for():
    assert (PLAIN.traits.reads_news, TUNED.traits.reads_news) == (False, True)
    assert PLAIN.traits.settings != TUNED.traits.settings
    for text, expected in (("", False), ("[lstm]\nfine_tune = true\n", True)):
        model = model_named("lstm", parse_config(text, path="run.toml"))
        assert isinstance(model, Lstm)
        assert model.fine_tune is expected

"""The universal network: editions that know no fold they forecast, and forecasts no later bar."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from nextclose.backtesting.study import Study, make_study
from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.config import BacktestConfig, LstmConfig, RunConfig
from nextclose.features.table import make_table
from nextclose.models.editions import newest_edition
from nextclose.models.lstm import finetune, lstm
from nextclose.models.lstm.editions import Edition, edition_bytes
from nextclose.models.lstm.finetune import readings
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.models.threads import one_thread
from nextclose.samples import splits
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import family_columns
from nextclose.schema import Bars
from tests.builders import random_edition
from tests.leakage.worlds import (
    WORLDS,
    day,
    every_world,
    fed_with_tomorrow,
    perturbed,
    price_file,
)

Patch = pytest.MonkeyPatch
N_ROWS = 440
FOLDS = (300, 340, 380, 420)  # rows of the fold borders
# before the first fold, on the day of the second, the day before the third, after all bars
UNTIL = (day(120), day(FOLDS[1]), day(FOLDS[2] - 1), date(2026, 1, 1))
EDITIONS = tuple(random_edition(str(until), seed=k) for k, until in enumerate(UNTIL))
FITTED = FittedLstm(edition=EDITIONS[0].until, networks=(EDITIONS[0].network,))
NO_PRICES = {"zeros"}  # the loader leaves such bars out


def panel() -> pl.DataFrame:
    """A complete symbol, one that begins late, and one that misses every tenth session."""
    return pl.concat(
        [
            price_file("AAA", seed=20, n_rows=N_ROWS),
            price_file("BBB", seed=21, n_rows=N_ROWS).slice(150),
            price_file("CCC", seed=22, n_rows=N_ROWS).filter(
                pl.Series(np.arange(N_ROWS) % 10 != 3)
            ),
        ]
    )


def samples_of(frame: pl.DataFrame) -> Samples:
    bars = frame.rename({"date": "session"}).sort("symbol", "session")
    return make_samples(make_table(Bars(frame=bars), families=("universal", "stationary")))


# --- editions ---


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """Four folds, and files of the editions to choose from."""
    folder = tmp_path_factory.mktemp("editions")
    paths = [folder / f"{edition.until}.safetensors" for edition in EDITIONS]
    for path, edition in zip(paths, EDITIONS, strict=True):
        path.write_bytes(edition_bytes(edition))
    plan = BacktestConfig(
        models=("naive", "lstm"), test_from=day(FOLDS[0]), refit_sessions=FOLDS[1] - FOLDS[0]
    )
    settings = RunConfig(
        backtest=plan, lstm=LstmConfig(editions=tuple(str(path) for path in paths))
    )
    return make_study(samples_of(panel()), settings)


def too_late(walk: Backtest) -> list[str]:
    """Folds that forecast with what was taught with prices of their own day, or later ones.

    By the weights that forecast, whatever the fit says of them.
    """
    until = {edition.network.head.tobytes(): edition.until for edition in EDITIONS}
    found = []
    for fold in walk.study.folds:
        for fitted in walk.fits["lstm", fold.index]:
            assert isinstance(fitted, FittedLstm)
            days = [until[network.head.tobytes()] for network in fitted.networks]
            assert days == [fitted.edition] * len(days)
            if any(np.datetime64(day) >= fold.fitted_at for day in days):
                found.append(f"fold {fold.index}")
    return found


def test_no_fold_forecasts_with_an_edition_that_knows_its_day_or_a_later_one(study):
    walk = backtest(study)
    assert [fold.fitted_at for fold in study.folds] == [np.datetime64(day(row)) for row in FOLDS]
    assert too_late(walk) == []
    used = [walk.fits["lstm", fold.index][0] for fold in study.folds]
    # the second fold begins on the day that the second edition ends on
    chosen = [EDITIONS[k].until for k in (0, 0, 2, 2)]
    assert [fitted.edition for fitted in used if isinstance(fitted, FittedLstm)] == chosen


def ends_on_the_day(patch: Patch) -> None:
    """An edition may be used from its own last day on."""

    def leaky(editions: Sequence[Edition], *, before: np.datetime64) -> Edition | None:
        return newest_edition(editions, before=before + np.timedelta64(1, "D"))

    patch.setattr(lstm, "newest_edition", leaky)


def newest_of_all(patch: Patch) -> None:
    """The past is forecast with what is shipped today."""
    patch.setattr(lstm, "newest_edition", lambda editions, *, before: editions[-1])


def next_edition(patch: Patch) -> None:
    """The first that ends on the day or later, as a search from the wrong side finds it."""

    def leaky(editions: Sequence[Edition], *, before: np.datetime64) -> Edition | None:
        later = [each for each in editions if np.datetime64(each.until) >= before]
        return min(later, key=lambda each: each.until, default=None)

    patch.setattr(lstm, "newest_edition", leaky)


def as_of_the_last_bar(patch: Patch) -> None:
    """The day of a fit is that of the newest bar of the file, not of what the fold knows."""
    patch.setattr(lstm, "sessions_of", lambda samples: np.unique(samples.origin))


@pytest.mark.parametrize(
    ("leak", "found"),
    [
        (ends_on_the_day, ["fold 1"]),
        (newest_of_all, ["fold 0", "fold 1", "fold 2", "fold 3"]),
        (next_edition, ["fold 0", "fold 1", "fold 2", "fold 3"]),
        (as_of_the_last_bar, ["fold 0", "fold 1"]),
    ],
)
def test_an_edition_that_knows_what_it_forecasts_is_found(study, monkeypatch, leak, found):
    leak(monkeypatch)
    assert too_late(backtest(study)) == found


# --- bars ---

Forecasts = dict[tuple[str, date], bytes]


def forecasts(frame: pl.DataFrame) -> Forecasts:
    """All forecasts that can be made of the bars, by symbol and origin."""
    samples = samples_of(frame)
    rows = np.flatnonzero(samples.ready("universal"))
    symbols = np.array(samples.table.symbols)[samples.table.symbol[rows]].tolist()
    keys = zip(symbols, samples.origin[rows].astype(object).tolist(), strict=True)
    grids = FITTED.quantiles(samples, rows)
    return {key: grid.tobytes() for key, grid in zip(keys, grids, strict=True)}


def until(made: Forecasts, cut: date) -> Forecasts:
    return {key: grid for key, grid in made.items() if key[1] <= cut}


def futures(*rows: int) -> Iterator[tuple[date, str, str]]:
    """Each cut with each world whose bars can be read without a loader."""
    for cut, world, scope in every_world([day(row) for row in rows]):
        if world not in NO_PRICES:
            yield cut, world, scope


@pytest.fixture(scope="module")
def made() -> Forecasts:
    return forecasts(panel())


def test_no_later_bar_changes_a_forecast(made):
    changed: set[str] = set()
    for cut, world, scope in futures(100, 215, 230, 344, 438):
        other = forecasts(perturbed(panel(), cut, world, scope))
        assert until(other, cut) == until(made, cut), f"after {cut}: {world}, {scope}"
        assert until(made, cut)
        if any(made[key] != other[key] for key in made.keys() & other.keys()):
            changed.add(world)
    # the control: all that leave bars to forecast from after the cut change what is forecast there
    assert changed == {*WORLDS} - NO_PRICES - {"cut", "NaN"}


def test_a_bar_of_one_symbol_changes_no_forecast_of_another(made):
    for cut, world, _ in futures(230):
        other = forecasts(perturbed(panel(), cut, world, "one symbol"))
        mine = {key: grid for key, grid in made.items() if key[0] != "CCC"}
        assert {key: grid for key, grid in other.items() if key[0] != "CCC"} == mine


def one_row_on(patch: Patch) -> None:
    """The network reads on to the session after the origin."""

    def leaky(network: Any, scaler: Any, samples: Samples, rows: Any) -> Any:
        return readings(network, scaler, samples, np.minimum(rows + 1, len(samples.origin) - 1))

    patch.setattr(lstm, "readings", leaky)


def chains_counted_back(patch: Patch) -> None:
    """Chains begin every 20 rows, counted back from the end of the segment."""

    def leaky(samples: Samples, rows: Any, *, family: str) -> Any:
        segments = samples.table.segments
        first, stop = segments[np.searchsorted(segments[:, 1], rows, side="right")].T
        warmup = samples.table.families[family].warmup_sessions
        return np.maximum(rows - (rows - stop) % 20, first + warmup)

    patch.setattr(finetune, "chain_starts", leaky)


def inputs_of_tomorrow(patch: Patch) -> None:
    """The network reads at each session what is known after the next one."""

    def leaky(samples: Samples, family: str) -> Any:
        return np.nan_to_num(family_columns(fed_with_tomorrow(samples), family))

    patch.setattr(finetune, "family_columns", leaky)


@pytest.mark.parametrize("leak", [one_row_on, chains_counted_back, inputs_of_tomorrow])
def test_a_network_that_reads_on_is_found(leak, monkeypatch):
    leak(monkeypatch)
    base = forecasts(panel())
    differing = [
        world
        for cut, world, scope in futures(230, 344)
        if until(forecasts(perturbed(panel(), cut, world, scope)), cut) != until(base, cut)
    ]
    assert "cut" in differing
    assert len({*differing}) > 1


# --- a last layer of one's own ---


@pytest.fixture
def few_lessons(monkeypatch) -> None:
    """Few markets and steps, so that a layer is learnt in a blink."""
    for name, value in {"MARKETS": 4, "MARKET_SESSIONS": 150, "STEPS": 12}.items():
        monkeypatch.setattr(finetune, name, value)


def tuned(frame: pl.DataFrame) -> tuple[bytes, bytes]:
    """What a layer has learnt by the third fold: its weights, and how far they are believed."""
    samples = samples_of(frame)
    test_from = np.datetime64(day(FOLDS[2]))
    (fold,) = splits.walk_forward(samples, test_from=test_from, refit_sessions=9999)
    model = lstm.Lstm(editions=EDITIONS[:1], fine_tune=True)
    with one_thread():
        (layer,) = model.fit(fold.train, fold.valid, 1).own
    assert layer.shares.any()  # so that a leak into them would show
    return layer.weights.tobytes(), layer.shares.tobytes()


def learnt_otherwise(row: int) -> set[str]:
    """Which part of what is learnt by day(FOLDS[2]) another future after that row changes."""
    base, changed = tuned(panel()), set()
    for world in ("x1e6", "half deleted"):
        other = tuned(perturbed(panel(), day(row), world))
        names = ("weights", "shares")
        changed |= {n for n, a, b in zip(names, base, other, strict=True) if a != b}
    return changed


@pytest.mark.usefixtures("few_lessons")
def test_no_later_bar_changes_what_a_last_layer_has_learnt():
    assert learnt_otherwise(FOLDS[2]) == set()
    assert learnt_otherwise(FOLDS[2] - 100) == {"weights", "shares"}  # the control


def training_on_test(patch: Patch) -> None:
    def leaky(network: Any, train: Samples, valid: Samples, *, seed: int) -> Any:
        return honest(network, whole(train), valid, seed=seed)

    honest = finetune.tuned_layer
    patch.setattr(lstm, "tuned_layer", leaky)


def believed_on_test(patch: Patch) -> None:
    def leaky(network: Any, train: Samples, valid: Samples, *, seed: int) -> Any:
        later = splits.originating_from(whole(valid), splits.first_origin(valid))
        return honest(network, train, later, seed=seed)

    honest = finetune.tuned_layer
    patch.setattr(lstm, "tuned_layer", leaky)


def whole(samples: Samples) -> Samples:
    return make_samples(samples.table, horizons=samples.horizons)


@pytest.mark.usefixtures("few_lessons")
@pytest.mark.parametrize(
    ("leak", "found"), [(training_on_test, "weights"), (believed_on_test, "shares")]
)
def test_a_last_layer_that_learns_what_is_open_is_found(monkeypatch, leak, found):
    leak(monkeypatch)
    assert found in learnt_otherwise(FOLDS[2])

"""Another future must leave all that was known before it as it was, to the bit, loader included."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product

import numpy as np
import polars as pl
import pytest

from nextclose.backtesting.walk_forward import backtest
from nextclose.evaluation.breakdowns.training import editions_used, fits_of
from nextclose.features.market import MARKET_NAMES
from nextclose.models.hybrid.hybrid import FittedHybrid
from nextclose.models.loghar.loghar import LogHar
from nextclose.models.loghar.prior import shipped_priors
from nextclose.models.trees.trees import FittedTrees
from tests.leakage.artefacts import (
    FOLDS,
    INNER,
    STACKED,
    Artefact,
    Pipeline,
    inner_leaks,
    leaks,
    moved,
)
from tests.leakage.thresholds import lower_thresholds
from tests.leakage.worlds import (
    PRICE_WORLDS,
    SCOPES,
    WORLDS,
    clean_panel,
    day,
    every_world,
    lacking_panel,
    perturbed,
    ragged_panel,
)

# Amid the first training block, the day before the first fold, fold borders, the middle of a fold.
CUTS = [day(row) for row in (350, 399, 400, 415, 430)]
SOME = ("x1e6", "wild walk", "saw")  # they keep every session in place
BASES = {"clean": clean_panel, "ragged": ragged_panel, "lacking": lacking_panel}
# Functions of the date alone, a forecast that is 0 by definition, and what no setting asked for.
EXCUSED = {
    "bars filled",
    "bars widened",  # on sound ranges
    *(f"feature {name}" for name in ("weekday_sin", "weekday_cos", "month_sin", "month_cos")),
    *(f"forecast naive {horizon}" for horizon in (1, 7, 30)),
}

# Which symbols and horizons wait: the same in most worlds.
UNMOVED = {f"fit hybrid record.{name}" for name in ("waiting_symbol", "waiting_horizon")}


PANELS = [pytest.param(name, marks=[pytest.mark.slow] * (name == "clean")) for name in BASES]


@pytest.fixture(scope="module", autouse=True)
def lowered() -> Iterator[None]:
    """Thresholds that 490 rows reach: two symbols are a market, rows teach, misses count."""
    with pytest.MonkeyPatch.context() as patch:
        lower_thresholds(patch)
        yield


@pytest.fixture(scope="module", params=PANELS)
def base(request) -> pl.DataFrame:
    return BASES[request.param]()


@pytest.fixture(scope="module")
def made(base) -> dict[str, Artefact]:
    return Pipeline().artefacts(base)


def test_no_future_changes_what_was_known_before_it_and_each_artefact_can_change(base, made):
    changed: set[str] = set()
    for cut, world, scope in every_world(CUTS, step=4):  # the rest: slow, below
        other = Pipeline().artefacts(perturbed(base, cut, world, scope), until=cut)
        assert leaks(made, other, at=cut) == [], f"after {cut}: {world}, {scope}"
        changed |= moved(made, other)
    # which network it is, the date alone decides
    unmoved = {name for name in {*made} - changed if not name.startswith("fit lstm networks.")}
    assert unmoved <= EXCUSED


# --- what stands on other forecasts ---


@pytest.fixture
def stack(base) -> dict[str, Artefact]:
    return Pipeline(models=STACKED).artefacts(base)


def stack_worlds(rows: Sequence[int], *, step: int) -> Iterator[tuple[date, str, str]]:
    """Each cut with some worlds. Before the test, those that keep its sessions in place: rehearsals
    are counted back from its first, so the calendar until then decides their dates.
    """
    for cut, world, scope in every_world([day(row) for row in rows], step=step):
        if cut >= day(FOLDS[0]) or world in PRICE_WORLDS:
            yield cut, world, scope


def test_no_future_changes_what_garch_and_the_hybrid_had_made_before_it(base, stack):
    changed: set[str] = set()
    for cut, world, scope in stack_worlds((380, 399, 400, 415, 430, 445), step=12):
        other = Pipeline(models=STACKED).artefacts(perturbed(base, cut, world, scope), until=cut)
        assert leaks(stack, other, at=cut) == [], f"after {cut}: {world}, {scope}"
        changed |= moved(stack, other)
    standing = {name for name in stack if name.startswith(("fit", "forecast", "ablation"))}
    assert standing - changed <= UNMOVED


@pytest.mark.slow
def test_no_future_of_any_scope_changes_what_garch_and_the_hybrid_had_made(base, stack):
    for cut, world, scope in stack_worlds((350, 380, 399, 400, 415, 430, 445, 460), step=1):
        other = Pipeline(models=STACKED).artefacts(perturbed(base, cut, world, scope), until=cut)
        assert leaks(stack, other, at=cut) == [], f"after {cut}: {world}, {scope}"


def test_with_lowered_thresholds_garch_fits_and_misses_move_ranges():
    made = Pipeline(models=STACKED).artefacts(clean_panel())
    assert {"forecast garch 1", "ablation loghar alone 30"} <= {*made}
    records = made["fit hybrid record.misses"].value
    assert len(set(records)) == len(records) == 4
    walk = backtest(Pipeline(models=STACKED).study(clean_panel()))
    (last,) = fits_of(walk, "hybrid")[-1:]
    assert isinstance(last, FittedHybrid)
    rows = walk.study.folds[-1].test_rows
    assert np.ptp(last.record.factors(walk.study.samples, rows), axis=0).min() > 0.01


def test_one_price_before_a_refit_changes_its_fits_and_one_after_it_does_not():
    base = clean_panel()
    named = {"fit loghar scale.weights", "fit garch filters"}
    for row, is_seen in ((FOLDS[0], True), (FOLDS[0] + 1, False)):
        is_it = (pl.col("symbol") == "BBB") & (pl.col("date") == day(row))
        nudged = base.with_columns(
            pl.when(is_it).then(pl.col("low")).otherwise(pl.col("close")).alias("close")
        )
        one, two = (
            Pipeline(models=STACKED).artefacts(frame, until=day(399)) for frame in (base, nudged)
        )
        fits = {name for name in moved(one, two) if name.startswith("fit")}
        assert named <= fits if is_seen else not fits


# --- log-HAR, trees and networks ---


def test_log_har_of_these_worlds_reads_the_market_and_learns_so_that_its_leaks_would_show():
    walk = backtest(Pipeline(models=("loghar",)).study(clean_panel()))
    for fitted in fits_of(walk, "loghar"):
        assert isinstance(fitted, LogHar)
        assert {*MARKET_NAMES} <= {*fitted.scale.names}
        priors = [table for prior in shipped_priors() for table in prior.weights]
        assert not any(np.array_equal(fitted.scale.weights[0], table[0]) for table in priors)


def test_trees_of_these_worlds_keep_some_so_that_their_leaks_would_show():
    walk = backtest(Pipeline(models=("trees",)).study(clean_panel()))
    for fitted in fits_of(walk, "trees"):
        assert isinstance(fitted, FittedTrees)
        assert fitted.shares.any()


def test_the_network_forecasts_with_another_edition_once_it_has_ended():
    walk = backtest(Pipeline(models=("lstm",)).study(clean_panel()))
    assert editions_used(walk) == {"2000-12-31": 1, str(day(FOLDS[1] - 1)): 2}


@pytest.mark.slow
def test_no_future_of_any_scope_at_any_cut_changes_what_was_known_before_it(base, made):
    for row in (370, 398, 399, 400, 401, 415, 429, 430, 431, 459, 460):
        for world in WORLDS:
            for scope in SCOPES:
                other = Pipeline().artefacts(
                    perturbed(base, day(row), world, scope), until=day(row)
                )
                assert leaks(made, other, at=day(row)) == [], f"after {day(row)}: {world}, {scope}"


def test_prices_in_the_validation_block_change_neither_training_targets_nor_scaler(base):
    made = Pipeline(models=("ridge",)).artefacts(base)
    for cut, world in product(made[INNER + "train targets"].known_at.astype(object), SOME):
        other = Pipeline(models=("ridge",)).artefacts(perturbed(base, cut, world))
        assert inner_leaks(made, other, at=cut) == [], f"after {cut}: {world}"
        assert "forecast ridge 7" in moved(made, other)


def test_the_tutorials_columns_and_network_see_no_future(base):
    pipeline = Pipeline(models=("naive", "classic"), families=("classic", "stationary"))
    made = pipeline.artefacts(base)
    for cut, world in ((day(400), "x1e6"), (day(415), "half deleted"), (day(430), "cut")):
        other = pipeline.artefacts(perturbed(base, cut, world), until=cut)
        assert leaks(made, other, at=cut) == [], f"after {cut}: {world}"


@pytest.mark.parametrize("row", [FOLDS[0] - 29, FOLDS[0]])
def test_one_price_inside_the_last_horizon_before_a_fold_changes_its_fit(row):
    base = clean_panel()
    is_it = (pl.col("symbol") == "BBB") & (pl.col("date") == day(row))
    nudged = base.with_columns(
        pl.when(is_it).then(pl.col("low")).otherwise(pl.col("close")).alias("close")
    )
    one, two = (Pipeline().artefacts(frame, until=day(399)) for frame in (base, nudged))
    changed = moved(one, two)
    assert {
        "valid targets",
        "fit har scale.weights",
        "fit har spread",
        "fit trees scale.weights",
    } <= changed
    assert "train targets" not in changed


def test_a_price_that_resolves_after_the_fold_does_not_change_its_fit():
    base = clean_panel()
    is_it = (pl.col("symbol") == "BBB") & (pl.col("date") == day(FOLDS[0] + 1))
    nudged = base.with_columns(
        pl.when(is_it).then(pl.col("low")).otherwise(pl.col("close")).alias("close")
    )
    one, two = (Pipeline().artefacts(frame, until=day(399)) for frame in (base, nudged))
    assert not {name for name in moved(one, two) if name.startswith(("fit", "train", "valid"))}

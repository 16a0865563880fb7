from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
import polars as pl
import pytest

from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.features.table import make_table
from nextclose.models.lstm.editions import shipped_editions
from nextclose.models.lstm.lstm import REACH_SESSIONS, FittedLstm, Lstm
from nextclose.models.mixture import restore_fit, restore_forecaster
from nextclose.models.state import State, encode_state
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import known_at, walk_forward
from nextclose.schema import HORIZONS, LEVELS, MEDIAN, Bars, Floats
from nextclose.serving.states import state_bytes, state_of
from tests.builders import DAY_ZERO, close_only, random_edition, walk_bars, walk_frame

EDITIONS = tuple(
    random_edition(until, seed=seed)
    for seed, until in enumerate(("2001-06-30", "2002-03-01", "2003-01-01"))
)
MODEL = Lstm(editions=EDITIONS)
FITTED = FittedLstm(edition="2001-06-30", networks=(EDITIONS[0].network,))


def samples_of(bars: Bars, *, horizons: Sequence[int] = HORIZONS) -> Samples:
    return make_samples(make_table(bars, families=("universal",)), horizons=tuple(horizons))


def fit_at(samples: Samples, session: str, *, model: Lstm = MODEL) -> FittedLstm:
    """The fit of a walk-forward that tests from that session on."""
    folds = walk_forward(samples, test_from=np.datetime64(session), refit_sessions=9999)
    return model.fit(folds[0].train, folds[0].valid, 1)


def silent(*, head: float = 0.0) -> FittedLstm:
    """A network whose outputs are all the same."""
    network = random_edition("2000-12-31").network
    bias = np.full_like(network.head_bias, head)
    network = replace(network, head=0 * network.head, head_bias=bias)
    return FittedLstm(edition="2000-12-31", networks=(network,))


def last_grid(fitted: FittedLstm, samples: Samples) -> Floats:
    """Quantiles at the last row. Shape (horizon, level)."""
    grid: Floats = fitted.quantiles(samples, np.array([len(samples.origin) - 1]))[0]
    return grid


@pytest.fixture(scope="module")
def bars() -> Bars:
    return walk_bars((700, 660))


@pytest.fixture(scope="module")
def samples(bars) -> Samples:
    return samples_of(bars)


@pytest.fixture(scope="module")
def ready(samples) -> np.ndarray:
    return np.flatnonzero(samples.ready("universal"))


# --- which edition a fit takes ---


@pytest.mark.parametrize(
    ("session", "until"),
    [
        ("2001-06-29", ""),
        ("2001-07-02", "2001-06-30"),
        ("2002-03-01", "2001-06-30"),  # the edition until that day knows its prices
        ("2002-03-04", "2002-03-01"),
        ("2002-12-31", "2002-03-01"),
        ("2003-01-02", "2003-01-01"),
        ("2003-06-02", "2003-01-01"),
    ],
)
def test_a_fit_takes_the_newest_edition_that_ends_before_its_day(samples, session, until):
    fitted = fit_at(samples, session)
    assert fitted.edition == until
    chosen = [edition.network for edition in EDITIONS if edition.until == until]
    assert list(fitted.networks) == chosen


def test_the_seed_and_the_prices_decide_nothing(samples):
    early = walk_bars((700, 660), seed=50)
    for other in (samples, samples_of(early)):
        (fold,) = walk_forward(other, test_from=np.datetime64("2002-06-03"), refit_sessions=9999)
        for seed in (1, 2):
            assert MODEL.fit(fold.train, fold.valid, seed).networks == (EDITIONS[1].network,)


def test_before_any_edition_there_is_no_forecast(samples, ready):
    fitted = fit_at(samples, "2001-06-29")
    assert (fitted.edition, fitted.networks, fitted.curves) == ("", (), ())
    grid = fitted.quantiles(samples, ready[:5])
    assert grid.shape == (5, 3, len(LEVELS))
    assert np.isnan(grid).all()
    assert fit_at(samples, "2003-06-02", model=Lstm(editions=())).edition == ""


def test_without_editions_of_one_s_own_those_that_are_shipped_are_chosen_from():
    shipped = {edition.until: edition.fingerprint for edition in shipped_editions()}
    assert Lstm().traits.settings == {"editions": shipped, "fine_tune": False}


def test_the_settings_name_each_edition_by_its_day_and_its_weights():
    named = MODEL.traits.settings["editions"]
    assert list(named) == ["2001-06-30", "2002-03-01", "2003-01-01"]
    retaught = Lstm(editions=(*EDITIONS[:2], random_edition("2003-01-01", seed=9)))
    changed = retaught.traits.settings["editions"]
    assert [named[until] == changed[until] for until in named] == [True, True, False]


def test_it_says_what_it_reads():
    traits = MODEL.traits
    assert (traits.fitted, traits.family, traits.context_sessions) == (FittedLstm, "universal", 1)
    assert (traits.n_seeds, traits.relative_cost, traits.is_servable) == (1, 0, True)
    assert traits.reach_sessions == REACH_SESSIONS == 2702


def test_the_curves_are_those_of_the_card(samples):
    stage = {"taught": [0.7, 0.6], "watched": [0.8, 0.7], "kept": 1}
    taught = replace(EDITIONS[0], card={"stages": {"companies": stage}})
    (curve,) = fit_at(samples, "2001-07-02", model=Lstm(editions=(taught,))).curves
    assert (curve.train, curve.valid, curve.kept) == ((0.7, 0.6), (0.8, 0.7), 1)
    assert curve.stage == "Edition until 2001-06-30: companies"


def test_training_targets_that_resolve_after_validation_begins_are_refused(samples):
    past = known_at(samples, np.datetime64("2002-06-03"))
    with pytest.raises(LeakError):
        MODEL.fit(past, past, 1)


def test_a_fit_that_knows_no_session_is_refused(samples):
    nothing = replace(samples, segments=samples.segments[:0])
    nothing = replace(nothing, resolved=np.full_like(samples.resolved, np.datetime64("NaT")))
    with pytest.raises(NotEnoughDataError, match=r"no session is known\. Fix: give more history"):
        MODEL.fit(nothing, nothing, 1)


# --- what a forecast is made of ---


def test_without_outputs_a_forecast_is_a_normal_about_the_drift_of_risk(bars):
    samples = samples_of(bars, horizons=(1, 4, 63))
    grid = last_grid(silent(), samples)
    close = samples.table.close[samples.table.segments[-1, 0] :]
    long_move = np.abs(np.diff(np.log(close))).mean() / samples.scale[-1]
    for k, horizon in enumerate((1, 4, 63)):
        assert grid[k, MEDIAN] == pytest.approx(0.02 * sqrt(horizon) * long_move, rel=1e-6)
        np.testing.assert_allclose(grid[k, -1] - grid[k, MEDIAN], 2.326348, atol=1e-6)


def test_what_the_network_puts_out_is_added(samples):
    shift = last_grid(silent(head=1.0), samples) - last_grid(silent(), samples)
    np.testing.assert_allclose(shift[:, MEDIAN], 0.1, atol=1e-12)  # a tenth of the location
    assert (np.diff(shift, axis=1)[:, MEDIAN:] > 0).all()  # and a scale of e


def test_horizons_beyond_63_sessions_have_no_forecast_and_change_no_other(bars):
    near = samples_of(bars, horizons=(1, 4, 63))
    far = samples_of(bars, horizons=(1, 4, 63, 64, 250))
    grid = last_grid(FITTED, far)
    assert grid[:3].tobytes() == last_grid(FITTED, near).tobytes()
    assert np.isnan(grid[3:]).all()
    assert np.isnan(last_grid(FITTED, samples_of(bars, horizons=(64, 65)))).all()


def test_quantiles_rise(samples, ready):
    grid = FITTED.quantiles(samples, ready)
    assert np.isfinite(grid).all()
    assert (np.diff(grid, axis=2) > 0).all()


# --- one row at a time ---


def test_sixty_sessions_are_enough_and_59_are_not():
    for n, is_there in ((59, False), (60, True), (61, True)):
        samples = samples_of(Bars(frame=walk_frame("AAA", seed=3, n=n)))
        grid = FITTED.quantiles(samples, np.arange(n))
        assert np.isnan(grid[:59]).all()
        assert np.isfinite(grid[59:]).all()
        assert (len(grid[59:]) > 0) == is_there


def test_a_forecast_is_the_same_whatever_its_batch_mates_and_their_order(samples, ready):
    rows = np.random.default_rng(0).permutation(ready)
    together = FITTED.quantiles(samples, rows)
    for place in range(0, len(rows), 97):
        alone = FITTED.quantiles(samples, rows[place : place + 1])
        assert alone[0].tobytes() == together[place].tobytes()
    few = FITTED.quantiles(samples, rows[[3, 3, 40]])
    assert few.tobytes() == together[[3, 3, 40]].tobytes()
    beside = FITTED.quantiles(samples, np.append(rows[:9], 0))  # a row before the warm-up ends
    assert beside[:9].tobytes() == together[:9].tobytes()
    assert np.isnan(beside[9]).all()


def test_a_symbol_is_forecast_as_if_it_were_alone(bars, samples):
    rows = np.arange(samples.table.segments[1, 0], len(samples.origin))
    alone = samples_of(Bars(frame=bars.frame.filter(pl.col("symbol") == "BBB")))
    expected = FITTED.quantiles(alone, np.arange(len(rows)))
    assert FITTED.quantiles(samples, rows).tobytes() == expected.tobytes()


def test_closes_alone_are_enough_and_ranges_are_read(bars, samples, ready):
    bare = FITTED.quantiles(samples_of(close_only(bars)), ready)
    assert np.isfinite(bare).all()
    assert (bare != FITTED.quantiles(samples, ready)).any()


def long_memory() -> FittedLstm:
    """A network that forgets next to nothing, so that the first session of a chain still shows."""
    network = random_edition("2000-12-31").network
    enter, keep = slice(0, network.units), slice(network.units, 2 * network.units)
    bias = network.lstm_bias.copy()
    bias[enter], bias[keep] = -4.0, 20.0
    return FittedLstm(edition="2000-12-31", networks=(replace(network, lstm_bias=bias),))


def test_a_forecast_reads_the_last_2702_sessions_and_all_of_them():
    # a market without weekends; its newest session is the last of a quarter, 181 days after its
    # chain's first, which looks back on 2,520 returns: 181 + 2,521 closes
    frame = walk_frame("AAA", seed=5, n=REACH_SESSIONS + 91)
    n_weeks_off = (DAY_ZERO - np.datetime64("1969-12-29")).astype(int) % 91
    first = DAY_ZERO + (90 - n_weeks_off) - (frame.height - 1) % 91
    frame = frame.with_columns(session=pl.Series(first + np.arange(frame.height)))
    assert (frame["session"].to_numpy()[-1] - np.datetime64("1969-12-22")).astype(int) % 7 == 6
    full, tail, less = (
        last_grid(long_memory(), samples_of(Bars(frame=frame.tail(n))))
        for n in (frame.height, REACH_SESSIONS, REACH_SESSIONS - 1)
    )
    assert full.tobytes() == tail.tobytes()
    assert (full != less).any()


@pytest.mark.parametrize(
    ("session", "n_read_before"),
    [
        ("2002-11-15", 129),  # the Friday that ends a quarter: the chain's first is 2002-05-20
        ("2002-11-18", 65),  # the Monday that begins one: 2002-08-19
        ("2002-11-20", 67),
    ],
)
def test_a_tail_that_holds_the_chain_and_ten_years_before_it_gives_the_bits_of_the_file(
    session, n_read_before
):
    weekdays = np.busday_offset(np.datetime64("1990-01-01"), np.arange(3400))
    frame = walk_frame("AAA", seed=6, n=3400).with_columns(session=pl.Series(weekdays))
    (newest,) = np.flatnonzero(weekdays == np.datetime64(session))
    expected = long_memory().quantiles(samples_of(Bars(frame=frame)), np.array([newest]))[0]
    past = frame[: newest + 1]
    enough = n_read_before + 2521
    for n in (enough, enough + 1, enough + 300):
        tail = samples_of(Bars(frame=past.tail(n)))
        assert last_grid(long_memory(), tail).tobytes() == expected.tobytes()
    less = last_grid(long_memory(), samples_of(Bars(frame=past.tail(enough - 1))))
    assert (less != expected).all()


# --- written down ---


@pytest.mark.parametrize("session", ["2001-06-29", "2002-06-03"])
def test_a_fit_written_down_is_the_same_forecaster_bit_for_bit(samples, ready, session):
    fitted = fit_at(samples, session)
    content = state_bytes(encode_state(fitted))
    for restore in (restore_fit, restore_forecaster):
        restored = restore(MODEL, state_of(content))
        assert isinstance(restored, FittedLstm)
        assert restored.edition == fitted.edition
        grids = [each.quantiles(samples, ready) for each in (fitted, restored)]
        assert grids[0].tobytes() == grids[1].tobytes()
        assert state_bytes(encode_state(restored)) == content


FORGERIES: tuple[dict[str, object], ...] = (
    {"edition": ""},
    {"edition": 3},
    {"networks": []},
    {"networks": [{}, {}]},
    {"networks": {}},
    {"curves": [{}]},
)


@pytest.mark.parametrize("changes", FORGERIES)
def test_a_state_that_is_no_fit_is_refused(changes):
    state = encode_state(FITTED)
    with pytest.raises(ValueError, match=r".+"):
        restore_fit(MODEL, State(arrays=state.arrays, facts={**state.facts, **changes}))


def test_a_state_with_a_weight_of_another_shape_is_refused():
    state = encode_state(FITTED)
    for name, array in state.arrays.items():
        wrong = State(arrays={**state.arrays, name: array[:-1]}, facts=state.facts)
        with pytest.raises(ValueError, match="expected"):
            restore_fit(MODEL, wrong)

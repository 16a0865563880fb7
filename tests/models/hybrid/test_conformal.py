from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest

from nextclose.models.hybrid.adaptive_tails import (
    KNOTS,
    NOMINAL,
    TAIL_LEVELS,
    TAILS,
    Trackers,
    half_width,
    no_trackers,
)
from nextclose.models.hybrid.conformal import (
    MINIMUM_SCORES,
    SCORE_SESSIONS,
    Calibration,
    learnt_calibration,
    stated_tails,
)
from nextclose.models.state import decode_state, encode_state
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import known_at
from nextclose.schema import LEVELS, MEDIAN
from nextclose.serving.states import state_bytes, state_of
from tests.builders import bare_samples, daily_samples, day, ragged_calendars

BODY = np.setdiff1d(np.arange(len(LEVELS)), TAILS)


def normal_quantiles() -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri(LEVELS))


def raw_forecasts(samples: Samples, *, seed: int = 0, width: float = 1.0) -> np.ndarray:
    """Normal quantiles at every row with a median and a width of its own. (row, horizon, level)."""
    noise = np.random.default_rng(seed)
    shape = (len(samples.origin), len(samples.horizons), 1)
    median, size = 0.2 * noise.standard_normal(shape), np.exp(0.2 * noise.standard_normal(shape))
    return np.asarray(median + width * size * normal_quantiles())


def normal_tails(n_horizons: int) -> np.ndarray:
    """Score quantiles of a standard normal outcome over a forecast that is just that."""
    from scipy.special import ndtri

    half = ndtri(0.85)
    return np.tile(np.stack([ndtri(KNOTS), -ndtri(KNOTS)]) / half, (n_horizons, 1, 1))


def learnt(raw, target, *, horizons=(1,), first=0, step=0.01) -> Calibration:
    """Learnt from forecasts of one session each, the oldest on `day(first)`."""
    origin = day(first) + np.arange(len(target))
    return learnt_calibration(
        raw, target, origin, horizons=horizons, trackers=no_trackers(len(horizons)), step=step
    )


def calibration_of(n_horizons: int, *, step: float = 0.05) -> Calibration:
    """One that adapts from the first outcome on, fast enough to be seen."""
    return Calibration(
        step=step,
        tails=normal_tails(n_horizons),
        adapts=np.ones(n_horizons, dtype=np.int64),
        trackers=no_trackers(n_horizons),
    )


# --- by hand ---


def test_a_level_falls_when_too_few_outcomes_lie_beyond_it_and_rises_when_too_many():
    # method reference value 20: level .05, step .01, outcomes beyond it 1, 0, 0, 1
    returns = np.array([0.0, -1.0, 0.0, 0.0, -1.0])
    samples = daily_samples(5, horizons=(1,), returns=[returns], scale=0.02)
    raw = np.tile(normal_quantiles(), (5, 1, 1))
    calibration = calibration_of(1, step=0.01)
    place = TAIL_LEVELS.tolist().index(0.05)
    levels = []
    for n in range(2, 6):
        _, trackers = calibration.issued(samples, np.arange(n), raw[:n])
        levels.append(trackers.levels[0, 0, place])
    np.testing.assert_allclose(levels, [0.0405, 0.0410, 0.0415, 0.0320], atol=1e-15)


def test_both_sides_count_their_own_misses():
    # one outcome far below, then one far above: .05 + .01 (.05 - 1), then + .01 (.05)
    samples = daily_samples(3, horizons=(1,), returns=[np.array([0.0, -1.0, 1.0])])
    raw = np.tile(normal_quantiles(), (3, 1, 1))
    _, trackers = calibration_of(1, step=0.01).issued(samples, np.arange(3), raw)
    lower, upper = (TAIL_LEVELS.tolist().index(level) for level in (0.05, 0.95))
    np.testing.assert_allclose(trackers.levels[0, 0, [lower, upper]], [0.0410, 0.0410])


def test_the_step_is_that_of_one_session_over_the_horizon():
    samples = daily_samples(6, horizons=(5,), returns=[np.array([0.0, -1.0, 0, 0, 0, 0])])
    raw = np.tile(normal_quantiles(), (6, 1, 1))
    _, trackers = calibration_of(1, step=0.01).issued(samples, np.arange(6), raw)
    place = TAIL_LEVELS.tolist().index(0.05)
    assert trackers.levels[0, 0, place] == pytest.approx(0.05 + 0.002 * (0.05 - 1))


def test_a_tail_is_the_median_and_the_half_width_times_the_score_quantile_at_its_level():
    samples = daily_samples(1, horizons=(1,))
    raw = 0.3 + 2.0 * np.tile(normal_quantiles(), (1, 1, 1))
    tails = np.stack([np.interp(KNOTS, [0.001, 0.15], [-9.0, -1.1]),
                      np.interp(KNOTS, [0.001, 0.15], [12.0, 1.2])])  # fmt: skip
    calibration = replace(calibration_of(1), tails=tails[None])
    grid, _ = calibration.issued(samples, np.arange(1), raw)
    half = 2.0 * normal_quantiles()[18]  # level .85
    low = [-9.0 + (level - 0.001) / 0.149 * 7.9 for level in (0.01, 0.025, 0.05)]
    high = [12.0 - (level - 0.001) / 0.149 * 10.8 for level in (0.05, 0.025, 0.01)]
    np.testing.assert_allclose(grid[0, 0, TAILS], 0.3 + half * np.array(low + high))
    np.testing.assert_array_equal(grid[0, 0, BODY], raw[0, 0, BODY])


def test_levels_stay_between_a_tenth_and_three_times_their_nominal_value():
    n = 400
    away = daily_samples(n, horizons=(1,), returns=[np.full(n, -1.0)])  # always far below
    raw = np.tile(normal_quantiles(), (n, 1, 1))
    _, trackers = calibration_of(1).issued(away, np.arange(n), raw)
    is_lower = TAIL_LEVELS < 0.5
    np.testing.assert_allclose(trackers.levels[0, 0, is_lower], 0.1 * NOMINAL[is_lower])
    np.testing.assert_allclose(trackers.levels[0, 0, ~is_lower], 3.0 * NOMINAL[~is_lower])


def test_a_half_width_is_that_of_the_middle_70_per_cent():
    grid = np.zeros((1, len(LEVELS)))
    grid[0, LEVELS.tolist().index(0.15)], grid[0, LEVELS.tolist().index(0.85)] = -3.0, 1.0
    np.testing.assert_array_equal(half_width(grid), [2.0])


# --- score quantiles ---


def test_scores_are_counted_in_half_widths_and_blended_with_what_the_forecasts_state():
    n = 450
    raw = 0.5 + np.arange(1, n + 1)[:, None, None] * np.tile(normal_quantiles(), (n, 1, 1))
    half = np.arange(1, n + 1) * normal_quantiles()[18]
    score = np.linspace(-5, 3, n)
    target = (0.5 + half * score)[:, None]
    found = learnt(raw, target)
    assert found.adapts.tolist() == [1]
    stated = stated_tails(normal_quantiles() / normal_quantiles()[18])
    # 450 scores against 300 for each session of horizon: 450 / 750
    np.testing.assert_allclose(found.tails[0, 0], 0.6 * (-5 + 8 * KNOTS) + 0.4 * stated[0])
    np.testing.assert_allclose(found.tails[0, 1], 0.6 * (3 - 8 * KNOTS) + 0.4 * stated[1])
    longer = learnt(raw, target, horizons=(7,))
    share = 450 / (450 + 2100)
    np.testing.assert_allclose(
        longer.tails[0, 0], share * (-5 + 8 * KNOTS) + (1 - share) * stated[0]
    )


def test_stated_tails_are_linear_between_levels_and_beyond_them():
    quantiles = LEVELS - 0.5  # a uniform outcome: every level is its own quantile
    lower, upper = stated_tails(quantiles)
    np.testing.assert_allclose(lower, KNOTS - 0.5)
    np.testing.assert_allclose(upper, 0.5 - KNOTS)


def test_scores_older_than_two_years_are_forgotten():
    n = 2 * SCORE_SESSIONS
    raw = np.tile(normal_quantiles(), (n, 1, 1))
    target = np.random.default_rng(0).standard_normal((n, 1))
    wild = target.copy()
    wild[:-SCORE_SESSIONS] *= 50
    np.testing.assert_array_equal(learnt(raw, wild).tails, learnt(raw, target).tails)
    wild[-SCORE_SESSIONS] *= 50
    assert (learnt(raw, wild).tails != learnt(raw, target).tails).any()


def test_with_too_few_scores_at_a_horizon_nothing_is_changed_there():
    n = 500
    samples = daily_samples(n, horizons=(1, 7), returns=[np.full(n, -0.1)])
    raw = raw_forecasts(samples)
    target = samples.target.copy()
    target[MINIMUM_SCORES:, 0] = np.nan
    target[MINIMUM_SCORES - 1 :, 1] = np.nan
    calibration = learnt(raw, target, horizons=(1, 7))
    assert calibration.adapts.tolist() == [1, 0]
    grid, trackers = calibration.issued(samples, np.arange(n), raw)
    np.testing.assert_array_equal(grid[:, 1], raw[:, 1])
    assert (grid[:, 0, TAILS] != raw[:, 0, TAILS]).all()
    np.testing.assert_array_equal(trackers.levels[0, 1], NOMINAL)
    # outcomes that were known by the last row wait for nobody
    assert trackers.waiting_origin[trackers.waiting_horizon == 1].tolist() == [
        day(i).astype(int) for i in range(n - 7, n)
    ]


# --- a slow twin, symbol by symbol and origin by origin ---


Waiting: TypeAlias = list[tuple[int, np.ndarray]]  # origin as a day number, thresholds


def twin(
    calibration: Calibration, samples: Samples, rows: np.ndarray, raw: np.ndarray
) -> np.ndarray:
    """The forecasts that `issued` should give, by its definition: one symbol after the other."""
    grid = raw.copy()
    for symbol in samples.table.symbols:
        own = samples.table.symbol == samples.table.symbols.index(symbol)
        for k in range(len(samples.horizons)):
            row_at = {int(samples.origin[i].astype(int)): int(i) for i in np.flatnonzero(own)}
            levels, waiting = handed_on(calibration.trackers, samples, row_at, symbol, k)
            for position, row in enumerate(rows):
                if own[row]:
                    for origin, thresholds in list(waiting):
                        old = row_at[origin]
                        if samples.resolved[old, k] <= samples.origin[row]:  # NaT never is
                            waiting = [each for each in waiting if each[0] != origin]
                            step = calibration.step / samples.horizons[k]
                            levels = moved(levels, samples.target[old, k], thresholds, step)
                    thresholds = tails_at(calibration, raw[position, k], levels, k)
                    grid[position, k, TAILS] = thresholds
                    waiting.append((int(samples.origin[row].astype(int)), thresholds))
    return np.sort(grid, axis=2)


def handed_on(
    before: Trackers, samples: Samples, row_at: dict[int, int], symbol: str, k: int
) -> tuple[np.ndarray, Waiting]:
    """Levels and waiting forecasts, in target units, as an earlier fold left them."""
    if symbol not in before.symbols:
        return NOMINAL.copy(), []
    index, waiting = before.symbols.index(symbol), []
    for i, origin in enumerate(before.waiting_origin.tolist()):
        if (before.waiting_symbol[i], before.waiting_horizon[i]) == (index, k):
            unit = samples.unit(np.array([row_at[origin]]))[0, k]
            waiting.append((origin, before.thresholds[i] / unit))
    return before.levels[index, k].copy(), waiting


def moved(levels: np.ndarray, y: float, thresholds: np.ndarray, step: float) -> np.ndarray:
    """Each level after one outcome: down by the step on a miss, up a little in any case."""
    after = levels.copy()
    for j, level in enumerate(TAIL_LEVELS):
        miss = y <= thresholds[j] if level < 0.5 else y > thresholds[j]
        after[j] = levels[j] + step * (NOMINAL[j] - miss)
        after[j] = min(max(after[j], NOMINAL[j] / 10), NOMINAL[j] * 3)
    return after


def tails_at(calibration: Calibration, raw: np.ndarray, levels: np.ndarray, k: int) -> np.ndarray:
    """The tail quantiles of one forecast."""
    tails = raw[TAILS].copy()
    for j, level in enumerate(TAIL_LEVELS):
        if calibration.adapts[k]:
            side = calibration.tails[k, 0 if level < 0.5 else 1]
            score = np.interp(levels[j], KNOTS, side)
            tails[j] = raw[MEDIAN] + (raw[18] - raw[4]) / 2 * score
    return tails


@pytest.fixture(scope="module")
def ragged() -> Samples:
    """Five symbols that start, stop and pause as they like."""
    calendars = ragged_calendars(seed=11, n_symbols=5, n_days=400, missing=0.2)
    return bare_samples(calendars, horizons=(1, 7, 30))


def rows_between(samples: Samples, first: int, last: int) -> np.ndarray:
    """Rows with an origin from day `first` to day `last`, the latter excluded."""
    return np.flatnonzero((samples.origin >= day(first)) & (samples.origin < day(last)))


def test_forecasts_are_those_of_the_twin_in_fold_after_fold(ragged):
    raw = raw_forecasts(ragged)
    calibration = calibration_of(3)
    calibration = replace(calibration, adapts=np.array([1, 1, 1]))
    n_symbols = []
    for first, last in ((60, 150), (150, 210), (210, 211), (211, 400)):
        rows = rows_between(ragged, first, last)
        then = known_at(ragged, ragged.origin[rows].max())
        grid, trackers = calibration.issued(then, rows, raw[rows])
        expected = twin(calibration, ragged, rows, raw[rows])
        np.testing.assert_allclose(grid, expected, rtol=1e-12, atol=1e-12)
        n_symbols.append(len(np.unique(ragged.table.symbol[rows])))
        calibration = replace(calibration, trackers=trackers)
    assert len(set(n_symbols)) > 1  # symbols appear and vanish between folds
    assert (np.abs(calibration.trackers.levels - NOMINAL) > 1e-3).mean() > 0.5


def test_a_horizon_that_does_not_adapt_hands_on_what_waits_as_the_others_do(ragged):
    raw = raw_forecasts(ragged)
    calibration = replace(calibration_of(3), adapts=np.array([0, 1, 0]))
    first, second = rows_between(ragged, 60, 200), rows_between(ragged, 200, 400)
    grid, trackers = calibration.issued(known_at(ragged, day(199)), first, raw[first])
    np.testing.assert_array_equal(grid[:, [0, 2]], raw[first][:, [0, 2]])
    later = replace(calibration_of(3), trackers=trackers)
    grid, _ = later.issued(ragged, second, raw[second])
    expected = twin(later, ragged, second, raw[second])
    np.testing.assert_allclose(grid, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("border", [61, 200, 399])
def test_one_fold_cut_in_two_issues_the_same_forecasts(ragged, border):
    raw = raw_forecasts(ragged)
    calibration = calibration_of(3)
    rows = rows_between(ragged, 60, 400)
    whole, at_end = calibration.issued(ragged, rows, raw[rows])
    first, second = rows_between(ragged, 60, border), rows_between(ragged, border, 400)
    one, trackers = calibration.issued(known_at(ragged, day(border - 1)), first, raw[first])
    two, last = replace(calibration, trackers=trackers).issued(ragged, second, raw[second])
    joined = np.concatenate([first, second])
    np.testing.assert_array_equal(np.concatenate([one, two])[np.argsort(joined)], whole)
    np.testing.assert_array_equal(last.levels, at_end.levels)
    kept = [(t.symbols[s], k, o) for t in (last, at_end) for s, k, o in
            zip(t.waiting_symbol, t.waiting_horizon, t.waiting_origin, strict=True)]  # fmt: skip
    half = len(kept) // 2
    assert sorted(kept[:half]) == sorted(kept[half:])


def test_a_symbol_is_forecast_as_if_it_were_alone(ragged):
    raw = raw_forecasts(ragged)
    rows = rows_between(ragged, 60, 400)
    whole, _ = calibration_of(3).issued(ragged, rows, raw[rows])
    for symbol in range(5):
        own = ragged.table.symbol[rows] == symbol
        alone, _ = calibration_of(3).issued(ragged, rows[own], raw[rows[own]])
        np.testing.assert_array_equal(alone, whole[own])


# --- what it may know ---


def with_outcome(samples: Samples, row: int, k: int, value: float) -> Samples:
    outcome, target = samples.outcome.copy(), samples.target.copy()
    target[row, k] = value
    outcome[row, k] = value * samples.unit(np.array([row]))[0, k]
    return replace(samples, outcome=outcome, target=target)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_an_outcome_counts_from_the_session_that_resolves_it_on(ragged, k):
    raw = raw_forecasts(ragged)
    rows = rows_between(ragged, 60, 400)
    calibration = calibration_of(3)
    grid, _ = calibration.issued(ragged, rows, raw[rows])
    known = rows[~np.isnat(ragged.resolved[rows, k])]
    for row in known[:: len(known) // 12]:
        own = ragged.table.symbol[rows] == ragged.table.symbol[row]
        is_miss = ragged.target[row, k] <= grid[np.searchsorted(rows, row), k, 2]
        other = with_outcome(ragged, int(row), k, 5.0 if is_miss else -50.0)
        moved, _ = calibration.issued(other, rows, raw[rows])
        changed = rows[(moved[:, k] != grid[:, k]).any(axis=1)]
        later = rows[own & (ragged.origin[rows] >= ragged.resolved[row, k])]
        assert changed.tolist() == later[: len(changed)].tolist()  # clipping may end it
        assert (len(changed) > 0) == (len(later) > 0)
        unmoved = [column for column in range(3) if column != k]
        np.testing.assert_array_equal(moved[:, unmoved], grid[:, unmoved])


def test_what_is_not_yet_known_changes_nothing_that_was_issued(ragged):
    raw = raw_forecasts(ragged)
    rows = rows_between(ragged, 60, 200)
    seen, _ = calibration_of(3).issued(known_at(ragged, day(199)), rows, raw[rows])
    told, _ = calibration_of(3).issued(ragged, rows, raw[rows])
    np.testing.assert_array_equal(seen, told)


# --- what it is for ---


def coverage(grid: np.ndarray, target: np.ndarray) -> float:
    return float(((grid[:, 2] < target) & (target <= grid[:, 20])).mean())


@pytest.mark.parametrize(("width", "raw_coverage"), [(0.7, 0.75), (1.1, 0.930)])
def test_a_band_of_the_wrong_width_comes_to_hold_90_per_cent(width, raw_coverage):
    n, first = 6000, 1000
    returns = 0.02 * np.random.default_rng(2).standard_normal(n)
    samples = daily_samples(n, horizons=(1,), returns=[returns], scale=0.02)
    raw = np.tile(width * normal_quantiles(), (n, 1, 1))
    rows = np.arange(first, n)
    calibration = learnt(raw[:first], samples.target[:first])
    grid, _ = calibration.issued(samples, rows, raw[rows])
    target = samples.target[rows, 0]
    known = np.isfinite(target)
    assert coverage(raw[rows][known, 0], target[known]) == pytest.approx(raw_coverage, abs=0.01)
    assert coverage(grid[known, 0], target[known]) == pytest.approx(0.90, abs=0.004)
    # the body stays, but for tails that come to lie inside it, which are sorted in
    assert (grid[:, 0, BODY] != raw[rows][:, 0, BODY]).any(axis=1).mean() <= (
        0 if width < 1 else 0.2
    )


def test_a_band_that_grows_too_narrow_after_the_scores_were_learnt_is_widened_again():
    n, first = 6000, 1000
    returns = 0.02 * np.random.default_rng(3).standard_normal(n)
    returns[first:] *= 1.15
    samples = daily_samples(n, horizons=(1,), returns=[returns], scale=0.02)
    raw = np.tile(normal_quantiles(), (n, 1, 1))
    rows, target = np.arange(first, n - 1), samples.target[first : n - 1, 0]
    fixed, adaptive = (
        learnt(raw[:first], samples.target[:first], step=step).issued(samples, rows, raw[rows])[0]
        for step in (0.0, 0.01)
    )
    assert coverage(fixed[:, 0], target) < 0.865
    assert coverage(adaptive[:, 0], target) == pytest.approx(0.90, abs=0.005)


# --- what waits ---


def test_what_waits_are_the_forecasts_whose_outcome_was_not_known_at_the_last_row():
    samples = daily_samples(60, horizons=(1, 7))
    raw = raw_forecasts(samples)
    rows = np.arange(20, 50)
    _, trackers = calibration_of(2).issued(samples, rows, raw[rows])
    assert trackers.symbols == ("AAA",)
    waiting = list(
        zip(trackers.waiting_horizon.tolist(), trackers.waiting_origin.tolist(), strict=True)
    )
    origins = [(0, 49), *((1, i) for i in range(43, 50))]
    assert waiting == [(k, day(i).astype(int)) for k, i in origins]


def test_a_calibration_as_bytes_goes_on_as_before(ragged):
    raw = raw_forecasts(ragged)
    first, second = rows_between(ragged, 60, 200), rows_between(ragged, 200, 400)
    _, trackers = calibration_of(3).issued(ragged, first, raw[first])
    one = replace(calibration_of(3), trackers=trackers)
    two = decode_state(Calibration, state_of(state_bytes(encode_state(one))))
    for grids in zip(*(c.issued(ragged, second, raw[second]) for c in (one, two)), strict=True):
        if isinstance(grids[0], Trackers):
            assert grids[0].symbols == grids[1].symbols
        else:
            np.testing.assert_array_equal(*grids)
    assert state_bytes(encode_state(one)) == state_bytes(encode_state(two))


def test_no_forecast_asked_for_leaves_everything_waiting(ragged):
    raw = raw_forecasts(ragged)
    first = rows_between(ragged, 60, 200)
    _, trackers = calibration_of(3).issued(ragged, first, raw[first])
    none = np.empty(0, dtype=np.int64)
    grid, after = replace(calibration_of(3), trackers=trackers).issued(ragged, none, raw[none])
    assert grid.shape == (0, 3, len(LEVELS))
    np.testing.assert_array_equal(after.levels, trackers.levels)
    np.testing.assert_array_equal(after.waiting_origin, trackers.waiting_origin)


def test_a_forecast_that_will_never_resolve_holds_no_later_one_up():
    # one symbol in two stretches: the last forecasts before the break have no outcome
    calendar = np.concatenate([day(0) + np.arange(30), day(400) + np.arange(30)])
    whole = daily_samples(60, horizons=(1, 7)).table
    stretches = replace(whole, session=calendar, segments=np.array([[0, 30], [30, 60]]))
    samples = make_samples(stretches, horizons=(1, 7))
    raw, rows = raw_forecasts(samples), np.arange(10, 60)
    for adapts in ([1, 1], [0, 0]):
        calibration = replace(calibration_of(2), adapts=np.array(adapts))
        grid, trackers = calibration.issued(samples, rows, raw[rows])
        waiting = [trackers.waiting_origin[trackers.waiting_horizon == k] for k in range(2)]
        assert [days.astype("datetime64[D]").tolist() for days in waiting] == [
            [day(429).item()],
            [day(i).item() for i in range(423, 430)],
        ]
        if adapts == [1, 1]:
            np.testing.assert_allclose(grid, twin(calibration, samples, rows, raw[rows]))


def test_a_waiting_forecast_is_judged_where_the_scale_of_its_day_is_not_known(ragged):
    raw = raw_forecasts(ragged)
    first, second = rows_between(ragged, 60, 200), rows_between(ragged, 200, 400)
    _, trackers = calibration_of(3).issued(ragged, first, raw[first])
    later = replace(calibration_of(3), trackers=trackers)
    warm = np.where(ragged.origin < day(200), np.nan, ragged.scale)
    tail = make_samples(replace(ragged.table, scale=warm), horizons=ragged.horizons)
    assert np.isnan(tail.target[first]).all()
    seen, told = (later.issued(samples, second, raw[second])[0] for samples in (tail, ragged))
    np.testing.assert_array_equal(seen, told)


def test_a_row_without_a_forecast_spoils_no_quantile_of_scores():
    n = 400
    raw = np.tile(normal_quantiles(), (n, 1, 1))
    target = np.random.default_rng(1).standard_normal((n, 1))
    gap = raw.copy()
    gap[7] = np.nan
    without = np.delete(np.arange(n), 7)
    origin = day(0) + np.arange(n)
    found, expected = (
        learnt_calibration(
            grid, outcome, when, horizons=(1,), trackers=no_trackers(1), step=0.01
        ).tails
        for grid, outcome, when in (
            (gap, target, origin),
            (raw[without], target[without], origin[without]),
        )
    )
    np.testing.assert_array_equal(found, expected)

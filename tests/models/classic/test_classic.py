import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nextclose.config import ClassicConfig
from nextclose.errors import LeakError, NotEnoughDataError
from nextclose.models.classic.classic import (
    VALID_SESSIONS,
    Classic,
    ClassicFitted,
    network_table,
    prices_to_come,
    scaled_windows,
    training_rows,
)
from nextclose.models.classic.network import (
    LEARNING_RATE,
    N_FEATURES,
    ClassicNetwork,
    PriceWindows,
    n_trained,
    plateau_scheduler,
    train_network,
    with_weights,
)
from nextclose.models.state import encode_state
from nextclose.samples.samples import Samples, make_samples, with_targets
from nextclose.samples.scaling import PRICE_FLOOR, fit_min_max
from nextclose.samples.splits import Fold, holdout, known_at, resplit
from nextclose.samples.windows import window_rows
from nextclose.schema import LEVELS, Family, Table

SCALE = 0.02
WARMUP = 5


def made_table(closes: dict[str, np.ndarray], *, seed: int = 0) -> Table:
    """Random columns but the first two, the close and its last change; every day is a session."""
    rng = np.random.default_rng(seed)
    lengths = [len(close) for close in closes.values()]
    stops = np.cumsum(lengths)
    values = rng.normal(size=(sum(lengths), N_FEATURES)).astype(np.float32)
    values[:, 0] = np.concatenate(list(closes.values()))
    values[:, 1] = np.concatenate([np.diff(c, prepend=c[0]) for c in closes.values()])
    starts = stops - np.array(lengths)
    for start in starts:
        values[start : start + WARMUP] = np.nan
    days = [np.datetime64("2001-01-01") + np.arange(n) for n in lengths]
    return Table(
        values=values,
        names=tuple(f"column_{i}" for i in range(N_FEATURES)),
        families={"classic": Family(start=0, stop=N_FEATURES, warmup_sessions=WARMUP)},
        left_out={},
        symbols=tuple(closes),
        symbol=np.repeat(np.arange(len(lengths)), lengths),
        session=np.concatenate(days),
        close=np.concatenate(list(closes.values())),
        scale=np.full(sum(lengths), SCALE),
        long_run=np.full(sum(lengths), 0.8 * SCALE),
        segments=np.column_stack([starts, stops]),
    )


def wave(n: int) -> np.ndarray:
    """A price that swings 20 % around 100 every 40 sessions."""
    return 100.0 * np.exp(0.2 * np.sin(2 * np.pi * np.arange(n) / 40))


def walk(n: int, *, seed: int) -> np.ndarray:
    return 50.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, SCALE, n)))


def split(samples: Samples) -> Fold:
    return holdout(samples, family="classic", context_sessions=60)


def learnt(fold: Fold) -> Samples:
    """What classic trains on: the fold's knowledge before its own last 150 origins."""
    border = {"valid_sessions": VALID_SESSIONS, "family": "classic", "context_sessions": 60}
    return resplit(fold.train, fold.valid, **border)[0]  # type: ignore[arg-type]


def model(**settings: Any) -> Classic:
    return Classic(settings=ClassicConfig(**settings))


def same_weights(a: ClassicFitted, b: ClassicFitted) -> bool:
    return len(a.networks) == len(b.networks) and all(
        np.array_equal(x.weights[name], y.weights[name])
        for x, y in zip(a.networks, b.networks, strict=True)
        for name in x.weights
    )


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def waves() -> Samples:
    return make_samples(made_table({"WAVE": wave(500)}), horizons=(7, 30))


@pytest.fixture(scope="module")
def waved(waves) -> ClassicFitted:
    fold = split(waves)
    return model(horizons=(7,), max_epochs=12).fit(fold.train, fold.valid, 1)


@pytest.fixture(scope="module")
def walks() -> Samples:
    closes = {"A": walk(190, seed=1), "B/1": walk(190, seed=2), "TOO SHORT": walk(70, seed=3)}
    return make_samples(made_table(closes), horizons=(1, 3))


@pytest.fixture(scope="module")
def walked(walks) -> ClassicFitted:
    fold = split(walks)
    return model(max_epochs=2).fit(fold.train, fold.valid, 1)


def test_table_has_the_tutorials_counts_for_each_layer():
    rows = [line.split() for line in network_table().splitlines()]
    counts = {row[0]: row[-1] for row in rows if len(row) > 2}
    assert counts["lstm_1"] == "87,040"  # 4 * 128 * (41 + 128 + 1)
    assert counts["lstm_2"] == "131,584"  # 4 * 128 * (128 + 128 + 1)
    assert counts["dense_1"] == "8,256"  # 128 * 64 + 64
    assert counts["dense_2"] == "2,080"  # 64 * 32 + 32
    assert counts["output"] == "33"
    assert counts["dropout_1"] == counts["dropout_2"] == "0"
    assert network_table().endswith("Trained parameters: 228,993")
    assert "lstm_1 (LSTM)           (None, 60, 128) " in network_table()
    assert "lstm_2 (LSTM)           (None, 128) " in network_table()


def test_training_moves_228993_numbers_and_never_the_second_bias():
    x = torch.rand(64, 60, N_FEATURES)
    examples = PriceWindows(x=x, price=x[:, -1, 0])
    assert n_trained(ClassicNetwork()) == 228_993
    before = with_weights({})
    trained = train_network(examples, examples, seed=1, max_epochs=1)
    assert sum(values.size for values in trained.weights.values()) == 228_993
    after = with_weights(trained.weights)
    for lstm in (before.lstm_1, after.lstm_1, before.lstm_2, after.lstm_2):
        assert not dict(lstm.named_parameters())["bias_hh_l0"].any()


def test_network_begins_as_keras_does():
    parameters = dict(ClassicNetwork().named_parameters())
    bias = parameters["lstm_1.bias_ih_l0"].detach().numpy()
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 128))  # the forget gate is open
    recurrent = parameters["lstm_1.weight_hh_l0"].detach().numpy()  # (gate unit, unit)
    np.testing.assert_allclose(recurrent.T @ recurrent, np.eye(128), atol=1e-5)
    kernel = parameters["lstm_1.weight_ih_l0"].detach().numpy()
    limit = np.sqrt(6 / (41 + 512))  # glorot: inputs + outputs of all four gates
    assert 0.99 * limit < np.abs(kernel).max() <= limit


def test_network_gives_the_price_of_a_two_layer_lstm_written_out_by_hand():
    network = with_weights({})
    w = {name: p.detach().double().numpy() for name, p in network.named_parameters()}
    x = np.random.default_rng(0).random((3, 60, N_FEATURES), dtype=np.float32)

    def steps(x, layer):
        h, c, out = np.zeros((3, 128)), np.zeros((3, 128)), []
        for t in range(60):
            gates = x[:, t] @ w[f"{layer}.weight_ih_l0"].T + h @ w[f"{layer}.weight_hh_l0"].T
            i, f, g, o = np.split(gates + w[f"{layer}.bias_ih_l0"], 4, axis=1)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            out.append(h)
        return np.stack(out, axis=1)

    last = steps(steps(x, "lstm_1"), "lstm_2")[:, -1]
    for name in ("dense_1", "dense_2"):
        last = np.maximum(last @ w[f"{name}.weight"].T + w[f"{name}.bias"], 0)
    by_hand = (last @ w["output.weight"].T + w["output.bias"])[:, 0]
    with torch.no_grad():
        price = network(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(price, by_hand, atol=1e-5)


def test_five_years_give_the_tutorials_shapes():
    # 1,058 rows after warm-up are 998 windows with a close after them, as the tutorial counts
    samples = make_samples(made_table({"X": walk(1058 + WARMUP, seed=1)}), horizons=(1,))
    rows = training_rows(samples, code=0, horizon=1)
    ranges = fit_min_max(samples.table.values[WARMUP:])
    assert scaled_windows(samples, rows, ranges).shape == (998, 60, 41)
    price = prices_to_come(samples, rows, horizon=1)
    np.testing.assert_allclose(price, samples.table.close[rows + 1], rtol=1e-12)


def test_quiet_wave_is_forecast_better_than_by_its_last_price(waves, waved):
    test = split(waves).test_rows
    known = np.isfinite(waves.target[test, 0])
    point = waved.quantiles(waves, test[known])[:, 0, 0]
    outcome = waves.target[test[known], 0]
    assert np.abs(outcome - point).mean() < 0.5 * np.abs(outcome).mean()


def test_point_is_the_log_of_forecast_price_over_close_in_target_units(waves, waved):
    rows = split(waves).test_rows[:3]
    (net,) = waved.networks
    price = net.prices(waves, rows, device="cpu")
    expected = np.log(price / waves.table.close[rows]) / (SCALE * np.sqrt(7))
    np.testing.assert_allclose(waved.quantiles(waves, rows)[:, 0, 11], expected, rtol=1e-12)


def test_all_levels_are_the_one_point_and_other_horizons_are_nan(waves, waved):
    rows = split(waves).test_rows
    grid = waved.quantiles(waves, rows)
    assert grid.shape == (len(rows), 2, len(LEVELS))
    assert np.isfinite(grid[:, 0]).all()
    assert (grid[:, 0] == grid[:, 0, :1]).all()
    assert np.isnan(grid[:, 1]).all()


def test_rows_without_a_full_window_and_symbols_without_a_network_are_nan(walks, walked):
    first = WARMUP + 59
    short = int(walks.table.segments[2, 1]) - 1
    grid = walked.quantiles(walks, np.array([first - 1, first, short]))
    assert np.isnan(grid[0]).all()
    assert np.isfinite(grid[1]).all()
    assert np.isnan(grid[2]).all()


def test_row_has_the_same_bits_alone_and_among_others(waves, waved):
    rows = split(waves).test_rows
    together = waved.quantiles(waves, rows)
    for position in (0, 5, len(rows) - 1):
        alone = waved.quantiles(waves, rows[position : position + 1])
        np.testing.assert_array_equal(alone[0], together[position])


def test_forecast_of_no_row_is_empty(walks, walked):
    assert walked.quantiles(walks, np.array([], dtype=np.int64)).shape == (0, 2, 23)


def test_forecast_reads_nothing_after_its_origin(waves, waved):
    row = int(split(waves).test_rows[0])
    values = waves.table.values.copy()
    values[row + 1 :] += 1e3
    later = replace(waves, table=replace(waves.table, values=values))
    rows = np.array([row, row + 1])
    before, after = waved.quantiles(waves, rows), waved.quantiles(later, rows)
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[1, 0] != after[1, 0]).all()  # the change is seen where it may be


def test_price_below_zero_is_raised_to_a_thousandth_of_the_close(waves, waved):
    (net,) = waved.networks
    sunk = replace(net, close=replace(net.close, low=np.array([-1e6], dtype=np.float32)))
    grid = replace(waved, networks=(sunk,)).quantiles(waves, split(waves).test_rows)
    unit = SCALE * np.sqrt(7)
    np.testing.assert_allclose(grid[:, 0], np.log(PRICE_FLOOR) / unit, rtol=1e-12)


def test_every_symbol_with_enough_samples_gets_a_network_for_each_horizon(walked):
    trained = [(net.symbol, net.horizon) for net in walked.networks]
    assert trained == [("A", 1), ("A", 3), ("B/1", 1), ("B/1", 3)]


def test_settings_choose_symbols_and_horizons_without_moving_the_rest(walks, walked):
    fold = split(walks)
    torch.manual_seed(99)  # the caller's random state plays no part either
    only = model(symbols=("B/1",), horizons=(3,), max_epochs=2).fit(fold.train, fold.valid, 1)
    assert [(net.symbol, net.horizon) for net in only.networks] == [("B/1", 3)]
    assert same_weights(only, ClassicFitted(networks=walked.networks[3:], device="cpu"))


def test_ranges_are_those_of_the_rows_that_training_windows_read(walks, walked):
    rows = training_rows(learnt(split(walks)), code=0, horizon=1)
    read = window_rows(rows, sessions=60)
    assert read.min() == WARMUP
    values = walks.table.values[WARMUP : rows[-1] + 1]
    net = walked.networks[0]
    np.testing.assert_array_equal(net.features.low, values.min(axis=0))
    np.testing.assert_array_equal(net.features.span, values.max(axis=0) - values.min(axis=0))
    close = walks.table.close[WARMUP : rows[-1] + 1]
    np.testing.assert_allclose(net.close.low, close.min(), rtol=1e-6)
    np.testing.assert_allclose(net.close.span, np.ptp(close), rtol=1e-6)


def test_weights_are_blind_to_later_rows_and_alive_to_the_seed_and_the_past(walks):
    fold = split(walks)
    settings = model(symbols=("A",), horizons=(1,), max_epochs=1)
    base = settings.fit(fold.train, fold.valid, 1)
    last = training_rows(learnt(fold), code=0, horizon=1)[-1]
    stop = walks.table.segments[0, 1]

    def refitted(rows: slice, seed: int = 1) -> ClassicFitted:
        values, close = walks.table.values.copy(), walks.table.close.copy()
        values[rows] *= 3.0
        close[rows] *= 3.0
        table = replace(walks.table, values=values, close=close)
        return settings.fit(
            replace(fold.train, table=table), replace(fold.valid, table=table), seed
        )

    assert same_weights(base, refitted(slice(last + 1, stop)))
    assert not same_weights(base, refitted(slice(last, stop)))  # a training window reads this row
    assert not same_weights(base, refitted(slice(0, 0), seed=2))


def test_target_that_a_fold_does_not_know_yet_is_not_learnt_from(walks):
    fold = split(walks)
    for horizon in (1, 3):
        rows = training_rows(fold.train, code=0, horizon=horizon)
        # calendar days are sessions here: the last target resolves on the day validation begins
        assert walks.origin[rows[-1]] + horizon == fold.valid_from


def test_training_is_capped_at_the_last_origins_before_its_own_validation_block(walks):
    fold = split(walks)
    rows = training_rows(learnt(fold), code=0, horizon=1)
    first = rows[-41] - 59  # 40 origins, the windows of which reach 59 rows further back
    capped = model(symbols=("A",), horizons=(1,), train_origins=40, max_epochs=1)
    values = walks.table.values.copy()
    values[first] = -9e3
    values[first + 1, :2] = -1e3
    table = replace(walks.table, values=values)
    fitted = capped.fit(replace(fold.train, table=table), replace(fold.valid, table=table), 1)
    low = fitted.networks[0].features.low
    np.testing.assert_array_equal(low[:2], [-1e3, -1e3])
    np.testing.assert_array_equal(low[2:], values[first + 1 : rows[-1] + 1, 2:].min(axis=0))


def test_restored_model_gives_the_same_bits_through_plain_arrays_and_json(walks, walked):
    state = encode_state(walked)
    facts = json.loads(json.dumps(state.facts))
    for array in state.arrays.values():
        array.setflags(write=False)  # as arrays read from a file may be
    again = model().restore(replace(state, facts=facts))
    rows = np.arange(len(walks.origin))
    np.testing.assert_array_equal(again.quantiles(walks, rows), walked.quantiles(walks, rows))
    assert again.curves == walked.curves


def test_curves_hold_a_value_per_epoch_for_each_network(walked):
    assert [(c.symbol, c.horizon_sessions, c.measure) for c in walked.curves] == [
        (symbol, horizon, measure)
        for symbol in ("A", "B/1")
        for horizon in (1, 3)
        for measure in ("loss", "mae")
    ]
    for curve in walked.curves:
        losses = np.array([curve.train, curve.valid])
        assert losses.shape == (2, 2)
        assert np.isfinite(losses).all()
        assert (curve.first_epoch, curve.kept in (0, 1)) == (1, True)


def test_training_stops_ten_epochs_after_the_best_and_brings_its_weights_back():
    x = torch.rand(64, 60, N_FEATURES)
    learnt = PriceWindows(x=x, price=torch.full((64,), 3.0))
    contrary = PriceWindows(x=x[:8], price=torch.full((8,), -3.0))  # every step towards 3 is a loss
    trained = train_network(learnt, contrary, seed=1, max_epochs=50)
    loss, mae = trained.curves
    assert [curve.measure for curve in (loss, mae)] == ["loss", "mae"]
    assert len(loss.valid) == len(loss.train) == len(mae.valid) == 1 + 10
    assert loss.kept == mae.kept == 0
    with torch.no_grad():
        error = with_weights(trained.weights)(contrary.x) + 3.0
    assert float(error.square().mean()) == loss.valid[0]


def test_learning_rate_halves_after_five_flat_epochs_down_to_its_floor():
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=LEARNING_RATE)
    plateau, rates = plateau_scheduler(optimizer), []
    for loss in (1.0, 0.9, *[0.89995] * 5, 0.5, *[0.5] * 100):  # a gain of 0.00005 is flat
        plateau.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    # epochs 3 to 7 are flat; then 9 to 13; 1e-3 / 2**9 = 1.95e-6 is the last above the floor
    assert rates[5:8] == [1e-3, 5e-4, 5e-4]
    assert rates[11:13] == [5e-4, 2.5e-4]
    assert rates[-1] == 1e-6


def test_fit_leaves_the_callers_random_numbers_alone(walks):
    fold = split(walks)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    fitted = model(symbols=("A",), horizons=(1,), max_epochs=1).fit(fold.train, fold.valid, 1)
    fitted.quantiles(walks, fold.test_rows)
    assert torch.equal(torch.rand(3), expected)


def test_training_that_resolves_after_validation_begins_is_refused(walks):
    fold = split(walks)
    with pytest.raises(LeakError):
        model().fit(known_at(walks, fold.fitted_at), fold.valid, 1)


def test_too_little_data_is_refused_with_both_counts():
    # 5 + 59 rows before the first full window, then 46 origins with an outcome; the last 15 stop,
    # so that 31 are left: one sample short of a batch
    samples = make_samples(made_table({"X": walk(111, seed=1)}), horizons=(1,))
    with pytest.raises(NotEnoughDataError, match="Fix: give more history") as caught:
        model().fit(samples, with_targets(samples, np.zeros((111, 1), dtype=bool)), 1)
    assert (caught.value.needed, caught.value.found) == (32, 31)


def test_network_forecasts_in_price_units(waves, waved):
    (net,) = waved.networks
    prices = net.prices(waves, split(waves).test_rows, device="cpu")
    assert 70 < prices.min() < prices.max() < 130  # the wave runs from 82 to 122


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_forecast_equals_the_cpus_to_single_precision(walks, walked):
    on_gpu = replace(walked, device="cuda")
    rows = split(walks).test_rows
    np.testing.assert_allclose(
        on_gpu.quantiles(walks, rows), walked.quantiles(walks, rows), atol=1e-3
    )

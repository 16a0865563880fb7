"""Prices that say which row they are: what windows, chains and targets hold can be read back.

The close of row i (0, 1, ...) of symbol k is 1000 k + 1000 + i. Sessions are ragged, so that rows
and dates part.
"""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.features.columns import Column, FamilyDefinition
from nextclose.features.table import make_table
from nextclose.models.classic import classic
from nextclose.models.lstm import finetune
from nextclose.models.lstm.lstm import FittedLstm
from nextclose.models.lstm.network import Network
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import MinMax
from nextclose.samples.splits import Fold, walk_forward
from nextclose.schema import Floats32, Ints
from tests.builders import random_edition
from tests.frames import collect_bars

HORIZONS = (1, 7, 30)
LENGTHS = (600, 560, 520)
OPEN_DAYS = np.busday_offset("2001-01-01", np.arange(700), roll="forward")


def code_frame() -> pl.DataFrame:
    """Three symbols that begin on different days; the second and third miss sessions."""
    noise = np.random.default_rng(3)
    parts = []
    for k, n in enumerate(LENGTHS):
        open_days = np.delete(OPEN_DAYS[20 * k :], noise.choice(500, 15 * k, replace=False))
        codes = 1000.0 * (k + 1) + np.arange(n)
        prices = dict.fromkeys(("open", "high", "low", "close"), codes)
        names = {"symbol": [3 * chr(65 + k)] * n, "date": open_days[:n]}
        parts.append(pl.DataFrame({**names, **prices, "volume": np.ones(n)}))
    return pl.concat(parts)


def coded(family: str, *, lookback: int = 0) -> Samples:
    """Samples whose feature is the close; targets are the code of the close they resolve at."""
    columns = (
        Column("code", lookback, lambda bars: bars.close),
        Column("nothing", lookback, lambda bars: np.zeros(len(bars.close))),
    )
    code = FamilyDefinition(cap=np.inf, columns=columns)
    table = make_table(collect_bars(code_frame()), families=(family,), definitions={family: code})
    samples = make_samples(table, horizons=HORIZONS)
    reached = np.round(samples.table.close[:, None] * np.exp(samples.outcome))
    return replace(samples, target=reached)


def folds_of(samples: Samples) -> tuple[Fold, ...]:
    return walk_forward(samples, test_from=OPEN_DAYS[430], refit_sessions=60)


def check_targets(samples: Samples) -> None:
    """A target is the close that many sessions on, in the same symbol, resolved on its date."""
    assert np.isfinite(samples.outcome).any()
    days = {
        (code, session)
        for code, session in zip(samples.table.close, samples.table.session, strict=True)
    }
    for k, horizon in enumerate(HORIZONS):
        known = np.flatnonzero(np.isfinite(samples.target[:, k]))
        reached = samples.target[known, k]
        np.testing.assert_array_equal(reached, samples.table.close[known] + horizon)
        assert {*zip(reached, samples.resolved[known, k], strict=True)} <= days
        assert (reached // 1000 == samples.table.close[known] // 1000).all()


def test_each_target_is_the_close_exactly_h_sessions_of_its_symbol_on():
    check_targets(coded("stationary"))


def test_a_target_one_session_off_is_caught(monkeypatch):
    samples = coded("stationary")
    shifted = replace(samples, target=np.roll(samples.target, -1, axis=0))
    with pytest.raises(AssertionError):
        check_targets(shifted)


def test_the_last_rows_of_a_symbol_have_no_target():
    samples = coded("stationary")
    for k, horizon in enumerate(HORIZONS):
        for _, stop in samples.segments:
            assert np.isnan(samples.target[stop - horizon : stop, k]).all()
            assert np.isfinite(samples.target[stop - horizon - 1, k])


def test_training_resolves_by_the_validation_block_and_that_by_the_fold_neither_sooner_nor_later():
    for fold in folds_of(coded("stationary")):
        train, valid = fold.train, fold.valid
        for k in range(len(HORIZONS)):
            learnt = train.resolved[~np.isnat(train.resolved[:, k]), k]
            stopped = valid.resolved[~np.isnat(valid.resolved[:, k]), k]
            assert learnt.max() == fold.valid_from  # the first symbol misses no session
            assert stopped.max() == fold.fitted_at
            origins = valid.origin[~np.isnat(valid.resolved[:, k])]
            assert origins.min() == fold.valid_from
        tested = train.origin[fold.test_rows]
        assert tested.min() == fold.fitted_at


def test_each_symbol_origin_and_fold_is_tested_once():
    samples = coded("stationary")
    rows = np.concatenate([fold.test_rows for fold in folds_of(samples)])
    np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(samples.origin >= OPEN_DAYS[430]))


def test_the_network_reads_consecutive_rows_up_to_the_origin_of_its_symbol_alone(monkeypatch):
    samples = coded("universal", lookback=59)
    reads: list[tuple[Floats32, Ints, Ints]] = []

    def recording(network: Network, inputs: Floats32, rows: Ints, *, starts: Ints) -> Floats32:
        reads.append((inputs, rows, starts))
        return np.zeros((len(rows), network.units), dtype=np.float32)

    monkeypatch.setattr(finetune, "hidden_at", recording)
    fitted = FittedLstm(edition="2000-12-31", networks=(random_edition("2000-12-31").network,))
    asked = np.random.default_rng(0).permutation(len(samples.origin))
    known = np.isfinite(fitted.quantiles(samples, asked)).all(axis=(1, 2))
    code = samples.table.close
    np.testing.assert_array_equal(known, code[asked] % 1000 >= 59)
    ((inputs, rows, starts),) = reads
    np.testing.assert_array_equal(rows, asked[known])
    for row, start in zip(rows, starts, strict=True):
        read = inputs[start : row + 1, 0]
        np.testing.assert_array_equal(np.diff(read), 1.0)  # so of one symbol
        assert read[-1] == code[row]
        assert read[0] % 1000 >= 59  # past the warm-up
        assert read[0] % 1000 == 59 or 60 <= len(read) <= 130  # a quarter and what there is of one


def test_the_tutorials_windows_are_59_sessions_and_the_origin_and_its_target_h_on():
    samples = coded("classic")
    fold = folds_of(samples)[2]
    as_it_is = MinMax(low=np.zeros(1, np.float32), span=np.ones(1, np.float32))
    for block, until in ((fold.train, fold.valid_from), (fold.valid, fold.fitted_at)):
        for code, horizon in ((0, 1), (1, 7), (2, 30)):
            rows = classic.training_rows(block, code=code, horizon=horizon)
            window = classic.scaled_windows(block, rows, as_it_is)[:, :, 0]
            last = block.table.close[rows]
            np.testing.assert_array_equal(window, last[:, None] + np.arange(-59, 1))
            price = classic.prices_to_come(block, rows, horizon=horizon)
            np.testing.assert_allclose(price, last + horizon, rtol=1e-12)
            assert block.resolved[rows, HORIZONS.index(horizon)].max() <= until
            assert len(rows) > 10


def test_no_window_crosses_from_one_symbol_into_the_next():
    samples = coded("classic")
    full = np.flatnonzero(samples.ready("classic", context_sessions=60))
    first = samples.table.close[full - 59] // 1000
    np.testing.assert_array_equal(first, samples.table.close[full] // 1000)

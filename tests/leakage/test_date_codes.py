"""Prices that say which row they are: what windows, chunks and targets hold can be read back.

The close of row i (0, 1, ...) of symbol k is 1000 k + 1000 + i. Sessions are ragged, so that rows
and dates part.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

from nextclose.features.columns import Column, FamilyDefinition
from nextclose.features.table import make_table
from nextclose.models.classic import classic
from nextclose.models.lstm import training
from nextclose.models.lstm.correction import served_corrections
from nextclose.models.lstm.network import CORRECTIONS
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.scaling import Scaler
from nextclose.samples.splits import Fold, walk_forward
from nextclose.samples.windows import training_chunks
from tests.frames import collect_bars
from tests.leakage.artefacts import TINY

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
    """Samples whose one feature is the close; targets are the code of the close they resolve at."""
    code = FamilyDefinition(
        cap=np.inf, columns=(Column("code", lookback, lambda bars: bars.close),)
    )
    table = make_table(collect_bars(code_frame()), families=(family,), definitions={family: code})
    samples = make_samples(table, horizons=HORIZONS)
    reached = np.round(samples.table.close[:, None] * np.exp(samples.outcome))
    return replace(samples, target=reached)


def folds_of(samples: Samples) -> tuple[Fold, ...]:
    return walk_forward(samples, test_from=OPEN_DAYS[430], refit_sessions=60)


AS_IT_IS = Scaler(names=("code",), center=np.zeros(1), width=np.ones(1))


@pytest.fixture
def uncapped(monkeypatch) -> Scaler:
    """A scaler that leaves codes as they are."""
    monkeypatch.setattr("nextclose.samples.scaling.CAP", np.inf)
    return AS_IT_IS


class Recorder(nn.Module):
    """A network that corrects nothing and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, len(HORIZONS) * CORRECTIONS, bias=False)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        nothing = 0.0 * self.head.weight.sum()
        return torch.zeros(*x.shape[:2], len(HORIZONS), CORRECTIONS) + nothing


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


@pytest.mark.parametrize("offset", [0, 1, 37, 99])
def test_chunks_hold_consecutive_rows_and_no_target_before_the_burn_in_or_after_the_cut(
    offset, uncapped
):
    samples = coded("stationary", lookback=256)
    for fold in folds_of(samples):
        chunks = training_chunks(
            fold.train,
            family="stationary",
            chunk_sessions=TINY.chunk_sessions,
            burn_in_sessions=TINY.burn_in_sessions,
            offset_sessions=offset,
        )
        batch = training.device_data(fold.train, uncapped, device="cpu").batch(chunks)
        check_batch(batch, fold)


def check_batch(batch: training.Batch, fold: Fold) -> None:
    code = batch.x[:, :, 0].numpy()  # (session, chunk)
    known = batch.known.numpy()  # (session, chunk, horizon)
    target = batch.target.numpy()
    cut = {k: fold.train.table.close[stop - 1] for k, (_, stop) in enumerate(fold.train.segments)}
    seen = set()
    for chunk in range(code.shape[1]):
        for place in np.flatnonzero(known[:, chunk].any(axis=1)):
            symbol = int(code[place, chunk] // 1000) - 1
            before = code[place - TINY.burn_in_sessions : place + 1, chunk]
            assert place >= TINY.burn_in_sessions
            np.testing.assert_array_equal(np.diff(before), 1.0)
            assert before[0] >= 1000 * (symbol + 1) + 256  # past the warm-up, in the same symbol
            for k in np.flatnonzero(known[place, chunk]):
                assert target[place, chunk, k] == code[place, chunk] + HORIZONS[k]
                assert target[place, chunk, k] <= cut[symbol]
                key = (code[place, chunk], k)
                assert key not in seen
                seen.add(key)
    rows, horizon = np.nonzero(np.isfinite(fold.train.target))
    codes = fold.train.table.close[rows]
    learnable = codes % 1000 >= 256 + TINY.burn_in_sessions
    assert seen == {*zip(codes[learnable], horizon[learnable], strict=True)}


def test_the_training_loop_trains_on_nothing_else(monkeypatch, uncapped):
    fold = folds_of(coded("stationary", lookback=256))[0]
    batches: list[Any] = []
    honest = training.horizon_crps

    def recording(corrections: Tensor, spread: Tensor, batch: training.Batch) -> Tensor:
        batches.append(batch)
        return honest(corrections, spread, batch)

    monkeypatch.setattr(training, "horizon_crps", recording)
    spread = np.tile(np.linspace(-1, 1, 23), (len(HORIZONS), 1))
    lesson = training.training_set(
        TINY, spread, train=fold.train, valid=fold.valid, scaler=uncapped
    )
    training.train_network(TINY, Recorder(), lesson)  # type: ignore[arg-type]
    last_train = {c // 1000: c for c in fold.train.table.close[fold.train.segments[:, 1] - 1]}
    last_valid = {c // 1000: c for c in fold.valid.table.close[fold.valid.segments[:, 1] - 1]}
    assert len(batches) >= 4 * (TINY.max_epochs + 2) + TINY.max_epochs  # a step an epoch at least
    n_of_validation = 0
    for batch in batches:
        code, target = batch.x[:, :, :1].expand_as(batch.target).numpy(), batch.target.numpy()
        known = batch.known.numpy()
        of_train = [target[known] <= np.vectorize(last_train.get)(code[known] // 1000)]
        within = np.vectorize(last_valid.get)(code[known] // 1000)
        assert (target[known] <= within).all()
        n_of_validation += not np.all(of_train)
    # only ever scored, four ways: before and after each epoch
    assert n_of_validation == 4 * (TINY.max_epochs + 1)


def test_a_served_window_is_the_last_rows_of_the_context_and_nothing_else(uncapped):
    samples = coded("stationary", lookback=256)
    rows = np.flatnonzero(samples.ready("stationary", context_sessions=TINY.context_sessions))
    rows = np.random.default_rng(0).permutation(rows)[:101]  # the last batch is not full
    network = Recorder()
    served_corrections(TINY, network, uncapped.apply(samples), rows)  # type: ignore[arg-type]
    windows = torch.cat(network.seen, dim=1)[:, : len(rows), 0].T.numpy()  # (row, session)
    expected = samples.table.close[rows, None] + np.arange(1 - TINY.context_sessions, 1)
    np.testing.assert_array_equal(windows, expected)
    assert (windows[:, 0] % 1000 >= 256).all()
    assert (windows // 1000 == windows[:, -1:] // 1000).all()


def test_the_tutorials_windows_are_59_sessions_and_the_origin_and_its_target_h_on():
    samples = coded("classic")
    fold = folds_of(samples)[2]
    as_it_is = classic.MinMax(low=np.zeros(1, np.float32), span=np.ones(1, np.float32))
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

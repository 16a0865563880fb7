"""A forecast is of its row alone: who else is asked for, and in which order, changes no bit of it.

M54: a network left in training mode, or a state that goes on from one row to the next.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nextclose.backtesting.walk_forward import backtest
from nextclose.models.lstm import finetune
from nextclose.models.lstm.network import hidden_at
from nextclose.models.protocol import Fitted
from nextclose.samples.samples import Samples
from tests.leakage.artefacts import Pipeline
from tests.leakage.worlds import clean_panel

MODELS = ("har", "loghar", "trees", "lstm")
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def fits() -> dict[str, tuple[Fitted, Samples, np.ndarray]]:
    """The first fit of each model, with the samples and rows that it is to forecast."""
    walk = backtest(Pipeline(models=MODELS).study(clean_panel()))
    rows = walk.study.folds[0].test_rows
    return {model: (walk.fits[model, 0][0], walk.study.samples, rows) for model in MODELS}


def groups(n_rows: int) -> Iterator[np.ndarray]:
    """Which of the rows are asked for together: all, mixed; a half; three alone."""
    mixed = np.random.default_rng(0).permutation(n_rows)
    yield from (mixed, np.sort(mixed[: n_rows // 2]), *mixed[:3, None])


def is_of_its_row_alone(fitted: Fitted, samples: Samples, rows: np.ndarray) -> bool:
    whole = fitted.quantiles(samples, rows)
    assert np.isfinite(whole).all()
    return all(
        np.ascontiguousarray(fitted.quantiles(samples, rows[own])).tobytes()
        == np.ascontiguousarray(whole[own]).tobytes()
        for own in groups(len(rows))
    )


@pytest.mark.parametrize("model", MODELS)
def test_batch_mates_change_no_bit_of_a_forecast(model, fits):
    assert is_of_its_row_alone(*fits[model])


def normalised_over_the_batch(patch: Patch) -> None:
    """M54: batch normalisation as in training, by the mean of whoever is asked for."""

    def leaky(*read: Any, **starts: Any) -> Any:
        hidden = hidden_at(*read, **starts)
        return hidden - 0.1 * hidden.mean(axis=0)

    patch.setattr(finetune, "hidden_at", leaky)


def state_carried_over(patch: Patch) -> None:
    """M54: a stateful network; each row begins where the one before it in the batch ended."""

    def leaky(*read: Any, **starts: Any) -> Any:
        hidden = hidden_at(*read, **starts)
        carried = np.vstack([np.zeros_like(hidden[:1]), hidden[:-1]])
        return hidden + np.float32(0.1) * carried

    patch.setattr(finetune, "hidden_at", leaky)


@pytest.mark.parametrize("leak", [normalised_over_the_batch, state_carried_over])
def test_a_network_to_which_batch_mates_matter_is_found(leak, fits, monkeypatch):
    leak(monkeypatch)
    assert not is_of_its_row_alone(*fits["lstm"])

"""Between taught horizons: what interpolation costs against a horizon that was taught itself."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nextclose.features.table import make_table
from nextclose.features.universal import FAMILY
from nextclose.metrics import grid_crps
from nextclose.models.lstm import shape
from nextclose.models.lstm.editions import shipped_editions
from nextclose.models.lstm.finetune import readings
from nextclose.models.lstm.shape import TAUGHT_HORIZONS, outputs_between, shape_quantiles
from nextclose.samples.samples import Samples, make_samples
from nextclose.schema import Bars, Floats
from nextclose.simulation.markets import draw_markets
from nextclose.simulation.paths import PRICES, simulate

N_MARKETS, SESSIONS = 24, 700
INNER = TAUGHT_HORIZONS[1:-1]


@pytest.fixture(scope="module")
def samples() -> Samples:
    rng = np.random.default_rng(5)
    paths = simulate(draw_markets(N_MARKETS, rng), SESSIONS, rng)
    before = np.cumsum(paths.close, axis=1) - paths.close
    days = np.datetime64("2018-01-01") + np.arange(SESSIONS)
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"M{k:02d}" for k in range(N_MARKETS)], SESSIONS),
            "session": np.tile(days, N_MARKETS),
            **{name: np.exp(before + getattr(paths, name)).ravel() for name in PRICES},
        }
    )
    return make_samples(make_table(Bars(frame=frame), families=(FAMILY,)), horizons=INNER)


def mean_crps(samples: Samples, outputs: Floats, drift: Floats, rows: np.ndarray) -> Floats:
    losses = grid_crps(shape_quantiles(outputs, drift=drift), samples.target[rows])
    return np.asarray(np.nanmean(losses, axis=0))


@pytest.mark.parametrize("edition", shipped_editions(), ids=lambda edition: edition.until)
def test_a_horizon_between_its_neighbours_costs_next_to_nothing(samples, edition, monkeypatch):
    rows = samples.learnable(FAMILY)
    direct = readings(edition.network, None, samples, rows)
    taught = readings(edition.network, None, replace(samples, horizons=TAUGHT_HORIZONS), rows)
    between = np.empty_like(direct.outputs)
    for place, horizon in enumerate(INNER, start=1):
        others = [k for k in range(len(TAUGHT_HORIZONS)) if k != place]  # as if it were not taught
        monkeypatch.setattr(shape, "TAUGHT_HORIZONS", tuple(TAUGHT_HORIZONS[k] for k in others))
        between[:, place - 1] = outputs_between(taught.outputs[:, others], horizon)
    ratio = mean_crps(samples, between, direct.drift, rows) / mean_crps(
        samples, direct.outputs, direct.drift, rows
    )
    assert np.abs(ratio - 1).max() < 1e-3

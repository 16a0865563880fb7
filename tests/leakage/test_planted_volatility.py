"""What is there to be known of how far prices will move is found by the network, and only that."""

import numpy as np
import polars as pl

from nextclose.config import BacktestConfig, RunConfig
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.run import backtest
from nextclose.schema import Bars

N_SYMBOLS, N_SESSIONS, REGIME = 4, 1500, 60  # sessions that a regime lasts
DAYS = np.datetime64("2012-01-02") + np.arange(N_SESSIONS)


def pooled(*, loud: float) -> dict[int, VerdictRow]:
    """The verdict on lstm of walks whose every other regime is `loud` times as wild; by horizon."""
    rng = np.random.default_rng(4)
    regimes = (np.arange(N_SESSIONS)[None] + rng.integers(0, 2 * REGIME, (N_SYMBOLS, 1))) // REGIME
    scale = np.where(regimes % 2 == 1, loud, 1.0) * 0.01
    moves = scale * rng.standard_normal((N_SYMBOLS, N_SESSIONS))
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"S{k}" for k in range(N_SYMBOLS)], N_SESSIONS),
            "session": np.tile(DAYS, N_SYMBOLS),
            "close": np.exp(np.cumsum(moves, axis=1)).ravel(),
        }
    )
    plan = BacktestConfig(models=("lstm",), horizons=(1, 7), test_sessions=1000, refit_sessions=500)
    run = backtest(Bars(frame=frame), config=RunConfig(backtest=plan))
    return {row.horizon_sessions: row for row in run.verdict if row.symbol == "*"}


def test_regimes_of_volatility_that_were_planted_are_found_and_no_direction():
    """GARCH knows more of such regimes: they are not what the network was taught (docs/log.md)."""
    for row in pooled(loud=3.0).values():
        ranges = row.evidence.ranges  # against the better of two histories
        assert ranges is not None
        assert ranges.skill > 0.01
        assert ranges.p_better is not None
        assert ranges.p_better < 0.01
        assert not row.direction_claim


def test_without_regimes_no_skill_is_claimed():
    for row in pooled(loud=1.0).values():
        assert row.verdict in ("WORSE", "NO EVIDENCE")
        assert not row.direction_claim

"""A researcher: is my column worth anything?   python examples/researcher.py

Needs scikit-learn: pip install scikit-learn.
"""

from datetime import date

import numpy as np
from sklearn.linear_model import Ridge

import nextclose as nc


def overnight_move(bars):
    """The move from the close before to the open: one value a session, of bars up to it alone."""
    return np.concatenate([[np.nan], np.log(bars.open[1:] / bars.close[:-1])])


run = nc.backtest(
    nc.sample_bars(),
    models=["har", "garch", nc.from_sklearn(Ridge(alpha=100.0), name="mine")],
    features={"overnight_move": nc.Feature(overnight_move, lookback_sessions=1, needs=("open",))},
    horizons=1,
    config=nc.RunConfig(backtest=nc.BacktestConfig(test_from=date(2010, 1, 4))),
    workers=2,  # no main guard is needed
)
board = run.scoreboard.filter(symbol="*")
print(board.select("model", "verdict", "relative_mae", "crps_skill_vs_garch", "coverage_90"))
print(board.filter(model="mine")["sentence"].item())

"""What a judgement looks like on a terminal: the leaderboard, the tutorial's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from rich.table import Table

if TYPE_CHECKING:
    from nextclose.judgement import Judgement

COLUMNS = {  # of the leaderboard, and how they are shown
    "horizon_sessions": ("ahead", "{:d}"),
    "model": ("model", "{}"),
    "verdict": ("verdict", "{}"),
    "relative_mae": ("error x", "{:.3f}"),
    "relative_crps": ("CRPS x", "{:.3f}"),
    "coverage_90": ("90 % held", "{:.1%}"),
    "p_value": ("p", "{:.3f}"),
    "deflated_p": ("p deflated", "{:.3f}"),
    "in_confidence_set": ("may be best", "{}"),
}


def leaderboard_table(board: pl.DataFrame) -> Table:
    """All models by horizon, the best first; submissions in bold."""
    table = Table(box=None, pad_edge=False)
    columns = [name for name in COLUMNS if board[name].null_count() < board.height]
    for name in columns:
        is_text = name in ("model", "verdict")
        table.add_column(COLUMNS[name][0], justify="left" if is_text else "right")
    for row in board.iter_rows(named=True):
        flag = row["in_confidence_set"]
        row["in_confidence_set"] = None if flag is None else "yes" if flag else "no"
        cells = ["" if row[n] is None else COLUMNS[n][1].format(row[n]) for n in columns]
        table.add_row(*cells, style="bold" if row["submitted"] else "")
    return table


def tutorial_metrics_table(judged: Judgement) -> Table:
    """RMSE, MAPE, R2 and direction as tutorials count them, beside those of "no change"."""
    table = Table(box=None, pad_edge=False)
    for name in ("model", "symbol", "ahead", "metric", "model's", "no change's"):
        table.add_column(name, justify="right" if name.endswith("'s") else "left")
    for card in judged.tutorial_metrics():
        for metric, ours, theirs in card.rows():
            table.add_row(card.model, card.symbol, str(card.horizon_sessions), metric, ours, theirs)
    return table

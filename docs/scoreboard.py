"""The README's table, from the verdict of `make full`.

python docs/scoreboard.py runs/full/verdict.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HEADER = (
    "| sessions | model | forecasts | error | no change | ratio | ranges against history | "
    "against garch | 90 % range held | verdict |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|---|"
)


def table(document: dict[str, Any]) -> str:
    """Pooled rows as a Markdown table, each error beside that of "no change"."""
    models = document["run"]["config"]["backtest"]["models"]
    rows = [row for row in document["rows"] if row["symbol"] == "*" and row["model"] != "naive"]
    rows.sort(key=lambda row: (row["horizon_sessions"], models.index(row["model"])))
    return "\n".join([HEADER, *map(line, rows)])


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    held, verdict = row["coverage_90"], row["verdict"].lower()
    # a yardstick's skill would be against the other yardstick
    skill = None if verdict == "yardstick" else row["crps_skill_vs_hs"]
    garch = row["crps_skill_vs_garch"]
    cells = (
        str(row["horizon_sessions"]),
        row["model"],
        f"{row['forecasts']:,}",
        f"{row['mape_pct']:.2f} %",
        f"{row['naive_mape_pct']:.2f} %",
        f"{row['relative_mae']:.3f}",
        "" if skill is None else f"{skill:+.1%}",
        "" if garch is None else f"{garch:+.2%}",
        "" if held is None else f"{held:.1%}",
        verdict,
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))

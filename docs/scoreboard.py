"""The tables of results, from the verdict of `make full`: three rows for the README, and all.

python docs/scoreboard.py runs/full/verdict.json            writes both, between their marks
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- scoreboard -->\n", "<!-- scoreboard end -->"
TRAINED = "hybrid"  # what `nextclose train` fits unless told otherwise
TUTORIAL = "classic"
HEADER = (
    "| ahead | model | forecasts | error, % | no change, % | ratio | over history, % | "
    "over garch, % | 90 % range held, % | verdict |\n"
    "|---:|---|---:|---:|---:|---:|---:|---:|---:|---|"
)
SHORT_HEADER = "| sessions ahead | which way | how far | 90 % ranges held |\n|---:|---|---|---:|"


def table(document: dict[str, Any]) -> str:
    """Pooled rows as a Markdown table, each error beside that of "no change"."""
    models = document["run"]["config"]["backtest"]["models"]
    rows = [row for row in pooled(document) if row["model"] != "naive"]
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
        f"{row['mape_pct']:.2f}",
        f"{row['naive_mape_pct']:.2f}",
        f"{row['relative_mae']:.3f}",
        "" if skill is None else f"{100 * skill:+.1f}",
        "" if garch is None else f"{100 * garch:+.2f}",
        "" if held is None else f"{100 * held:.1f}",
        verdict,
    )
    return "| " + " | ".join(cells) + " |"


def short_table(document: dict[str, Any]) -> str:
    """A row for each horizon: who knew which way, how far by the trained model; the tutorial's."""
    rows = pooled(document)
    lines = [SHORT_HEADER]
    for row in rows:
        if row["model"] == TRAINED:
            knew = [
                other["model"]
                for other in rows
                if other["horizon_sessions"] == row["horizon_sessions"] and other["direction_claim"]
            ]
            gain, (low, high) = row["crps_skill_vs_garch"], row["crps_skill_vs_garch_interval"]
            side = "better" if gain > 0 else "worse"
            cells = (
                str(row["horizon_sessions"]),
                ", ".join(knew) or "nobody knew",
                f"{100 * abs(gain):.2f} % {side} than GARCH ({100 * low:.2f} to {100 * high:.2f})",
                f"{100 * row['coverage_90']:.1f} %",
            )
            lines.append("| " + " | ".join(cells) + " |")
    tutorial = next(row for row in rows if row["model"] == TUTORIAL)
    ours, nothing = tutorial["mape_pct"], tutorial["naive_mape_pct"]
    lines += [
        "",
        f"A tutorial's LSTM, trained as the tutorial does, misses the price by **{ours:.0f} %**",
        f"where repeating the last close misses by {nothing:.1f} %.",
    ]
    return "\n".join(lines)


def pooled(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of all symbols together."""
    return [row for row in document["rows"] if row["symbol"] == "*"]


def shown(page: str) -> str:
    """What stands between the marks of a page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def page_with(tables: str, page: str) -> str:
    """The page with these lines between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{tables}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    verdict = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name, tables in (("README.md", short_table(verdict)), ("docs/results.md", table(verdict))):
        path = ROOT / name
        path.write_text(page_with(tables, path.read_text(encoding="utf-8")), encoding="utf-8")

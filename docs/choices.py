"""The tables of the hybrid's choices in docs/method.md, from the result of their benchmark.

python -m docs.choices            writes them between the marks; a test holds them equal
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "ensemble_choices.json"
PAGE = ROOT / "docs" / "method.md"
BEGIN, END = "<!-- choices -->\n", "<!-- choices end -->"
TITLES = {"members": "by member", "location": "by location", "calibration": "by calibration"}


def tables(result: dict[str, Any]) -> str:
    """Three tables, gains over garch and over the first line, and coverage; one of all levels."""
    horizons = sorted({row["horizon"] for row in result["members"]})
    parts = []
    for key, title in TITLES.items():
        lines = [
            f"| {title} | over garch, % | over the first, % | 90 % range held, % | worst year | "
            "companies, sd |",
            "|---|---|---|---|---|---|",
        ]
        for name in dict.fromkeys(row["variant"] for row in result[key]):
            rows = [
                row
                for horizon in horizons
                for row in result[key]
                if (row["variant"], row["horizon"]) == (name, horizon)
            ]
            lines.append(f"| {name} | " + " | ".join(_cells(rows)) + " |")
        parts.append("\n".join(lines))
    parts.append(_coverage_table(result, horizons))
    return "\n\n".join(parts)


def _coverage_table(result: dict[str, Any], horizons: list[int]) -> str:
    """Coverage at all levels by horizon and calibration, 90 % in the worst year beside it."""
    levels = " / ".join(str(level) for level in result["levels_pct"])
    lines = [
        f"| calibration | sessions | {levels} % ranges held, % | 90 % in the worst year, % |",
        "|---|---:|---|---:|",
    ]
    lines += [
        f"| {row['variant']} | {row['horizon']} | "
        f"{' / '.join(f'{held:.1f}' for held in row['coverage'])} | {row['worst_year_90']:.1f} |"
        for horizon in horizons
        for row in result["calibration"]
        if row["horizon"] == horizon
    ]
    return "\n".join(lines)


def _cells(rows: list[dict[str, Any]]) -> list[str]:
    """The cells of one variant, its horizons between slashes."""
    over = [
        f"{row['over_first_pct']:+.2f} ({row['over_first_se']:.2f})"
        if "over_first_pct" in row
        else ""
        for row in rows
    ]
    return [
        " / ".join(f"{row['gain_pct']:+.2f}" for row in rows),
        " / ".join(over) if any(over) else "",
        " / ".join(f"{row['coverage'][2]:.1f}" for row in rows),
        " / ".join(f"{row['worst_year_90']:.1f}" for row in rows),
        " / ".join(f"{row['companies_90_sd']:.1f}" for row in rows),
    ]


def page_with(tables_text: str, page: str) -> str:
    """The page with these tables between the marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables_text}\n\n{END}{after}"


def main() -> None:
    """Write the tables into the page."""
    text = tables(json.loads(RESULT.read_text()))
    PAGE.write_text(page_with(text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

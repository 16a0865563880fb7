"""A verdict to cite: a badge for a page, a table for a paper."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from markupsafe import Markup

from nextclose.errors import ConfigError

COLOURS: Mapping[str, str] = {  # of the right half, with white text at a contrast of 4.5
    **dict.fromkeys(("BETTER", "SIZE ONLY", "POINT ONLY"), "#17744a"),
    **dict.fromkeys(("WORSE", "TOO GOOD", "VOID"), "#b9252c"),
}
UNDECIDED = "#5f6770"
CHARACTER = 6.6  # width of one, in px at 11 px
COLUMNS = {
    "model": "model",
    "horizon_sessions": "sessions",
    "relative_mae": "relative MAE",
    "relative_crps": "relative CRPS",
    "coverage_90": "90 % coverage",
    "verdict": "verdict",
}
LATEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}"})


def badge_svg(verdict: str, *, grave: bool) -> str:
    """A badge of one verdict, as SVG; `grave`: something is odd about the forecasts."""
    left, right = "nextclose", verdict.lower() + (", see findings" if grave else "")
    widths = [round(CHARACTER * len(text)) + 12 for text in (left, right)]
    colour = COLOURS["WORSE"] if grave else COLOURS.get(verdict, UNDECIDED)
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="20" role="img" '
            'aria-label="{left}: {right}"><rect width="{w}" height="20" rx="3" fill="#30363d"/>'
            '<path d="M{a} 0h{b}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{b}z" fill="{colour}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
            'text-anchor="middle"><text x="{x}" y="14">{left}</text>'
            '<text x="{y}" y="14">{right}</text></g></svg>'
        ).format(
            w=sum(widths),
            a=widths[0],
            b=widths[1] - 3,
            x=widths[0] / 2,
            y=widths[0] + widths[1] / 2,
            left=left,
            right=right,
            colour=colour,
        )
    )


def cited_table(board: pl.DataFrame, *, form: str) -> str:
    """A leaderboard as "markdown" or "latex" (booktabs), every model in it.

    Raises: ConfigError for another form.
    """
    rows = [
        (
            row["model"] + ("" if row["submitted"] else " (yardstick)"),
            f"{row['horizon_sessions']}",
            f"{row['relative_mae']:.3f}",
            f"{row['relative_crps']:.3f}",
            "" if row["coverage_90"] is None else f"{100 * row['coverage_90']:.1f}",
            row["verdict"].lower(),
        )
        for row in board.iter_rows(named=True)
    ]
    if form == "markdown":
        lines = [list(COLUMNS.values()), ["---", *["---:"] * 4, "---"]]
        lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
    if form == "latex":
        head = " & ".join(name.translate(LATEX) for name in COLUMNS.values())
        body = "\n".join(" & ".join(c.translate(LATEX) for c in row) + r" \\" for row in rows)
        return (
            "\\begin{tabular}{lrrrrl}\n\\toprule\n"
            f"{head} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"
        )
    raise ConfigError(f"a table as {form!r:.40} is not known. Fix: markdown or latex.")

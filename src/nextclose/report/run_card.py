"""A run in a notebook: what it found in plain words, the scoreboard below, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from nextclose.evaluation.verdict.comparison import skill_of
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.lead import Lead
from nextclose.evaluation.verdict.summary import plain_sentence
from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import number, share
from nextclose.report.notebook import picture_html, table_html
from nextclose.report.wording import VERDICT_WORDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = (
    *("sessions", "model", "error", "no change", "vs history", "vs garch"),
    *("90% held", "verdict"),
)
NOTE = "Error in % of price; vs: how much better the ranges are, by CRPS."


def run_card(
    verdicts: Sequence[VerdictRow],
    *,
    lead: Lead,
    extent: str,
    models: Sequence[str],
    figure: Figure | None,
) -> str:
    """HTML: how much was forecast, a sentence a horizon on the model that leads, all models."""
    pooled = [row for row in verdicts if row.symbol == POOLED and row.model in models]
    pooled.sort(key=lambda row: (row.horizon_sessions, models.index(row.model)))
    told = [plain_sentence(row) for row in pooled if row.model == lead.model]
    sentences = Markup("").join(Markup("<li>{}</li>").format(text) for text in told)
    parts = [
        Markup("<p><b>Run</b> {}</p>").format(extent),
        Markup("<ul>{}</ul>").format(sentences or lead.sentence),
    ]
    if figure is not None:
        picture = Markup(picture_html(figure, description=f"Ranges by {lead.model}"))
        parts.append(Markup("<div>{}</div>").format(picture))
    if pooled:
        rows = [_cells(row) for row in pooled]
        table = table_html(TITLES, rows, caption=NOTE, words=("model", "verdict"))
        title = "Scoreboard of all models, symbols together"
        parts.append(
            Markup("<details><summary>{}</summary>{}</details>").format(title, Markup(table))
        )
    return str(Markup("").join(parts))


def _cells(row: VerdictRow) -> tuple[str, ...]:
    evidence = row.evidence
    # a yardstick's skill would be against the other yardstick
    ranges = None if row.verdict == "YARDSTICK" else skill_of(evidence.ranges)
    return (
        f"{row.horizon_sessions:,}",
        row.model,
        number(evidence.mape_pct, decimals=2, unit="%"),
        number(evidence.naive_mape_pct, decimals=2, unit="%"),
        share(ranges, signed=True),
        share(skill_of(evidence.garch), decimals=2, signed=True),
        share(evidence.coverage.coverage_90),
        VERDICT_WORDS[row.verdict][0],
    )

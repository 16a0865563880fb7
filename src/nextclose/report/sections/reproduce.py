"""What a reader must know to do a run again, and of how its fits came about."""

from __future__ import annotations

from nextclose.formatting import quantity
from nextclose.report.content import ReportContent


def run_notes(content: ReportContent) -> dict[str, str]:
    """Label -> text: the hash of the settings, and which editions forecast."""
    notes = {"Settings hash": content.run.config_hash}
    if content.editions:
        notes["Editions of lstm"] = "; ".join(
            f"taught up to {until}, in {quantity(n, 'refit')}"
            if until
            else f"none that had ended, so no forecast, in {quantity(n, 'refit')}"
            for until, n in content.editions.items()
        )
    return notes

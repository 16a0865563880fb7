"""What a reader must know to do a run again, and of how its fits came about."""

from __future__ import annotations

from nextclose.formatting import quantity
from nextclose.models.loghar.prior import shipped_priors
from nextclose.report.content import ReportContent


def run_notes(content: ReportContent) -> dict[str, str]:
    """Label -> text: the hash of the settings, what the prior has seen, which editions forecast."""
    notes = {"Settings hash": content.run.config_hash}
    n_seen, n_refits = content.prior_refits
    if n_seen:
        notes["Prior of loghar"] = (
            f"it has seen the years up to {shipped_priors()[0].until}, {n_seen} of {n_refits} "
            "refits lie in them, rehearsals included"
        )
    if content.editions:
        notes["Editions of lstm"] = "; ".join(
            f"taught up to {until}, in {quantity(n, 'refit')}"
            if until
            else f"none that had ended, so no forecast, in {quantity(n, 'refit')}"
            for until, n in content.editions.items()
        )
    return notes

"""What a reader must know to do a run again, and of how its fits came about."""

from __future__ import annotations

from nextclose.formatting import share
from nextclose.models.loghar.prior import PRIOR_UNTIL
from nextclose.report.content import ReportContent


def run_notes(content: ReportContent) -> dict[str, str]:
    """Label -> text: the hash of the settings, what the prior has seen, how much was corrected."""
    notes = {"Settings hash": content.run.config_hash}
    n_seen, n_refits = content.prior_refits
    if n_seen:
        notes["Prior of loghar"] = (
            f"it has seen the years up to {PRIOR_UNTIL}, {n_seen} of {n_refits} refits lie in "
            "them, rehearsals included"
        )
    for horizon, (direction, size) in content.correction_shares.items():
        label = f"LSTM corrections used, {horizon} ahead"
        notes[label] = f"direction {share(direction, decimals=0)}, size {share(size, decimals=0)}"
    return notes

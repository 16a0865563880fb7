"""A made-up run of many symbols, for what a page does with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nextclose.report.content import ReportContent
from tests.report.synthetic import make_content
from tests.report.verdict_rows import comparison, verdict_row, with_evidence

MODELS = ("hybrid", "garch", "naive")


def make_large_content(n_symbols: int, *, n_sessions: int = 300, n_origins: int = 60):
    """The headline's figures differ from symbol to symbol; one forecasts, to keep it quick."""
    rng = np.random.default_rng(2)
    names = [f"S{i:04d}" for i in range(n_symbols)]
    content: ReportContent = make_content(
        tuple(names[:1]), n_sessions=n_sessions, n_origins=n_origins, models=MODELS
    )
    rows = []
    for symbol in names[1:]:
        for h in content.horizons:
            row = verdict_row(symbol, h, "hybrid", rng)
            skill, held = rng.normal(0.002, 0.012), 0.9 + rng.normal(0, 0.03)
            row = with_evidence(
                row,
                garch=comparison("garch", skill, (skill - 0.01, skill + 0.01)),
                coverage=replace(row.evidence.coverage, coverage_90=held),
            )
            word = "SIZE ONLY" if skill > 0.01 else "WORSE" if skill < -0.015 else "NO EVIDENCE"
            claims = replace(
                row.claims,
                garch_better=skill > 0.01,
                garch_worse=skill < -0.015,
                miscalibrated=abs(held - 0.9) > 0.05,
            )
            rows.append(replace(row, verdict=word, claims=claims))
    return replace(content, verdicts=(*content.verdicts, *rows))

"""What commands write into the ledger of trials, which lies beside the folders of runs."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextclose.judgement import Judgement
    from nextclose.run import Run


def counted_run(run: Run, folder: Path) -> Run:
    """The run, once it is in the ledger of that folder, with how many were there on its prices."""
    from nextclose.config import config_hash
    from nextclose.ledger import count_trial, with_looks
    from nextclose.studies import public_settings

    config = config_hash(public_settings(run.config))
    return with_looks(run, count_trial(folder, _trial(run, config, command="backtest")))


def counted_judgement(judged: Judgement, folder: Path) -> Judgement:
    """The judgement, in the ledger too; unless it was told its trials, these are its looks."""
    from dataclasses import replace

    import polars as pl

    from nextclose.ledger import count_trial, with_looks

    run = judged.run
    submitted = run.forecasts.filter(pl.col("model").is_in(list(judged.submitted)))
    rows = submitted.drop("fold").sort("model", "symbol", "horizon_sessions", "origin")
    digest = hashlib.sha256(rows.hash_rows(seed=0).to_numpy().tobytes()).hexdigest()
    n = count_trial(folder, _trial(run, digest, command="judge"))
    return replace(judged, run=with_looks(run, n), trials=judged.trials or (n if n > 1 else None))


def _trial(run: Run, config: str, *, command: str) -> dict[str, str]:
    """A line of the ledger."""
    origins = run.forecasts["origin"]
    return {
        "command": command,
        "config": config,
        "data": run.bars.fingerprint,
        "first": str(origins.min()),
        "last": str(origins.max()),
        "date": datetime.now(UTC).date().isoformat(),
    }

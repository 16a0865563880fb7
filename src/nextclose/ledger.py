"""[I/O] The ledger of trials: every configuration ever scored on the same prices."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nextclose.durable import output_errors
from nextclose.formatting import ordinal
from nextclose.judging.trials import deflated_p
from nextclose.results import Run

LEDGER = "trials.jsonl"  # beside the folders of the runs
P = 0.05  # what one test may take for skill by luck


def count_trial(folder: Path, trial: Mapping[str, str]) -> int:
    """Write the trial down and return how many configurations were scored on its prices, with it.

    `trial` has "config", "data" (the fingerprint of the prices), and what else is to be kept. The
    same configuration counts once. Lines that are none of ours are passed over.
    Raises: OutputError.
    """
    path = folder / LEDGER
    with output_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps(dict(trial), sort_keys=True) + "\n"
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with os.fdopen(handle, "r+b") as file:
            os.write(file.fileno(), line.encode())  # at once: other processes write there too
            file.seek(0)
            lines = file.read().decode(errors="replace").splitlines()
    return len({entry["config"] for entry in map(_entry, lines) if entry["data"] == trial["data"]})


def _entry(line: str) -> Mapping[str, str]:
    try:
        entry = json.loads(line)
        return {"config": str(entry["config"]), "data": str(entry["data"])}
    except (ValueError, KeyError, TypeError):
        return {"config": "", "data": ""}


def looks_sentence(n: int) -> str:
    """How often these prices were looked at, and what luck makes of that; "" for the first time."""
    if n < 2:
        return ""
    luck = deflated_p(P, trials=n)
    return (
        f"This is the {ordinal(n)} configuration scored on these prices: without any skill the "
        f"best of so many reaches p = {P:g} with a probability of {luck:.0%}."
    )


def with_looks(run: Run, n: int) -> Run:
    """The run, which says in verdict and report how often its prices were looked at."""
    told = looks_sentence(n)
    if not told:
        return replace(run, looks=n)
    return replace(run, looks=n, lead=replace(run.lead, sentence=f"{run.lead.sentence} {told}"))

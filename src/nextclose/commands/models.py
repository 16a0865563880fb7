"""The command that lists what forecasts can be made with: models."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from nextclose.commands.options import AsJson, out
from nextclose.libraries import pip_install

if TYPE_CHECKING:
    from rich.table import Table

CLASSIC_WINDOW_SESSIONS = 60  # as models/classic/network.py has it


def models(as_json: AsJson = False) -> None:
    """Every model: what it is, which sessions of a symbol it needs, and whether it can be used."""
    rows = model_rows()
    if as_json:
        print(json.dumps({"format": 1, "models": rows}))
        return
    out.print(model_table(rows))


def model_rows() -> list[dict[str, Any]]:
    """One for each model, ours first, as JSON values.

    `sessions`: that one forecast needs of a symbol; None where only the model itself could say.
    """
    from nextclose.config import BacktestConfig
    from nextclose.glossary import MODELS
    from nextclose.libraries import EXTRAS
    from nextclose.models.registry import OURS, installed_names
    from nextclose.studies import NEEDED_LIBRARIES

    defaults = BacktestConfig().models
    rows = []
    for name in (*OURS, *installed_names()):
        libraries = NEEDED_LIBRARIES.get(name, ())
        missing = [library for library in libraries if find_spec(library) is None]
        row = {
            "model": name,
            "what": MODELS[name].short if name in MODELS else "Of an installed package.",
            "sessions": _needed_sessions(name) if name in OURS else None,
            "is_default": name in defaults,
            "extra": EXTRAS[[*missing, *libraries][0]] if libraries else None,
            "is_installed": not missing,
        }
        rows.append(row)
    return rows


def _needed_sessions(name: str) -> int:
    """Sessions of one symbol for a forecast; of classic without torch, which takes seconds."""
    from nextclose.config import RunConfig, with_sections
    from nextclose.features.table import lookback_sessions
    from nextclose.studies import needed_sessions

    if name == "classic":
        return lookback_sessions(name) + CLASSIC_WINDOW_SESSIONS
    plan = RunConfig().backtest.model_dump() | {"models": (name,)}
    return needed_sessions(with_sections(RunConfig(), backtest=plan))


def model_table(rows: list[dict[str, Any]]) -> Table:
    """The models for people, with what to install for those that lack something."""
    from rich.table import Table
    from rich.text import Text

    from nextclose.terminal import LOOK

    table = Table(**LOOK)
    table.add_column("model", no_wrap=True)
    table.add_column("sessions", justify="right", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for row in rows:
        needs = "" if row["is_installed"] else f" Needs {pip_install(row['extra'])}."
        star = "" if row["is_default"] else "*"
        sessions = "" if row["sessions"] is None else str(row["sessions"])
        table.add_row(Text(f"{row['model']}{star}"), sessions, Text(row["what"] + needs))
    table.caption = "\nsessions: that a symbol must have; * by --models or settings only"
    return table

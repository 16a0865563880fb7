"""The command that looks at prices and forecasts nothing: check."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from nextclose.commands.complaints import say_as_json
from nextclose.commands.options import (
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    Prices,
    err,
    out,
    settings_of,
)

if TYPE_CHECKING:
    from nextclose.config import DataConfig
    from nextclose.schema import Bars

REFUSED = 3


def check(
    prices: Prices,
    config: Config = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """What is in PRICES, what is wrong with it, what would be repaired, and what mends the rest."""
    from nextclose.data.bars import short_symbols
    from nextclose.data.sources.loading import collected
    from nextclose.report.exports import json_text
    from nextclose.run import needed_sessions

    read = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, data=read)
    bars = collected(*prices, config=settings.data)
    if bars.symbols:
        short = short_symbols(bars, needed=needed_sessions(settings))
        bars = replace(bars, findings=(*bars.findings, *short))
    refusals = [finding for finding in bars.findings if finding.response == "E"]
    if as_json:
        print(json_text(document(bars, settings.data), what="check"))
    else:
        _show(bars, settings.data)
    if err.quiet:
        say_as_json(finding.facts() for finding in refusals)
    if refusals:
        raise typer.Exit(REFUSED)


def document(bars: Bars, config: DataConfig) -> dict[str, Any]:
    """What `check --json` prints. `suggestion` is TOML that would mend refusals, or empty."""
    from nextclose.data.cures import mending_settings
    from nextclose.data.inventory import holdings
    from nextclose.data.tally import finding_counts, policies_in_force

    counts = finding_counts(bars.findings)
    return {
        "format": 1,
        "ok": not any(code.startswith("E") for code in counts),
        "basis": bars.basis,
        "symbols": [
            asdict(one) | {"first": str(one.first), "last": str(one.last)} for one in holdings(bars)
        ],
        "counts": counts,
        "findings": [finding.facts() for finding in bars.findings],
        "policies": policies_in_force(config),
        "suggestion": mending_settings(bars.findings),
    }


def _show(bars: Bars, config: DataConfig) -> None:
    from nextclose.commands.diagnosis import conclusion, findings_by_code, reading, symbol_table
    from nextclose.data.cures import mending_settings
    from nextclose.data.inventory import holdings

    held = holdings(bars)
    if held:
        out.print(symbol_table(held, bars.findings))
        out.print()
    out.print(reading(bars, held, config))
    if bars.findings:
        out.print()
        out.print(findings_by_code(bars.findings))
    out.print(conclusion(bars.findings))
    settings = mending_settings(bars.findings)
    if settings:
        out.print("\nA run would go on with these settings, given with --config FILE:\n")
        out.print(settings, markup=False, highlight=False, soft_wrap=True)

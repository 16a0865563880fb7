"""The command that looks at prices and forecasts nothing: check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import typer

from nextclose.commands.messages import STYLES, say, say_as_json
from nextclose.commands.options import (
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    Prices,
    err,
    out,
    print_lines,
    settings_of,
)
from nextclose.errors import LibraryError, printable

if TYPE_CHECKING:
    from nextclose.config import DataConfig, RunConfig
    from nextclose.schema import Bars

REFUSED = 3
N_NAMED = 5  # of bad symbols


def check(
    prices: Prices,
    config: Config = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """What is in PRICES, what is wrong with it, what would be repaired, and what mends the rest."""
    from nextclose.report.exports import json_text

    data_options = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
    settings = settings_of(config, data=data_options)
    bars = _bars_with_findings(prices, settings)
    refusals = [finding for finding in bars.findings if finding.response == "E"]
    if as_json:
        print(json_text(check_document(bars, settings.data), what="check"))
    else:
        _print_tables(bars, settings.data)
    suggestion = _suggestion(bars, settings.data)
    del bars  # room to read them again
    if suggestion and not as_json:
        _print_suggestion(suggestion, prices, settings)
    if err.quiet:
        say_as_json(finding.facts() for finding in refusals)
    if refusals:
        raise typer.Exit(REFUSED)


def check_document(bars: Bars, config: DataConfig) -> dict[str, Any]:
    """What `check --json` prints. `suggestion` is TOML that would mend refusals, or empty."""
    from nextclose.data.finding_counts import finding_counts, policies_in_force
    from nextclose.data.inventory import symbol_summaries

    counts = finding_counts(bars.findings)
    return {
        "format": 1,
        "ok": not any(code.startswith("E") for code in counts),
        "basis": bars.basis,
        "symbols": [
            asdict(holding) | {"first": str(holding.first), "last": str(holding.last)}
            for holding in symbol_summaries(bars)
        ],
        "counts": counts,
        "findings": [finding.facts() for finding in bars.findings],
        "policies": policies_in_force(config),
        "suggestion": _suggestion(bars, config),
    }


def _suggestion(bars: Bars, config: DataConfig) -> str:
    """The settings that would mend; last, as a comment, the one that goes on without bad symbols.

    It is there where some symbols are sound: to leave others out is a choice made with hindsight.
    """
    from nextclose.data.left_out import NO_FILE_OF_PRICES
    from nextclose.data.suggestions import suggestion_toml
    from nextclose.formatting import quantity

    text = suggestion_toml(bars.findings, config=config)
    bad = {
        printable(f.symbol or f.path.rpartition("/")[2])
        for f in bars.findings
        if f.response == "E" and (f.symbol or (f.path and f.number not in NO_FILE_OF_PRICES))
    }
    if not bad or not set(bars.symbols) - bad or config.bad_symbols is not None:
        return text
    names = ", ".join(sorted(bad)[:N_NAMED])
    more = f" and {quantity(len(bad) - N_NAMED, 'symbol')} more" if len(bad) > N_NAMED else ""
    line = f'# bad_symbols = "leave out"  # goes on without these: {names}{more}'
    return f"{text or '[data]'}\n{line}"


def _print_tables(bars: Bars, config: DataConfig) -> None:
    from nextclose.commands.check_tables import (
        conclusion,
        findings_by_code,
        input_facts,
        symbol_table,
    )
    from nextclose.data.inventory import symbol_summaries

    symbols = symbol_summaries(bars)
    if symbols:
        out.print(symbol_table(symbols, bars.findings))
        out.print()
    out.print(input_facts(bars, symbols, config))
    if bars.findings:
        out.print()
        out.print(findings_by_code(bars.findings))
    out.print(conclusion(bars.findings))


def _print_suggestion(suggestion: str, prices: Sequence[str], settings: RunConfig) -> None:
    """Read the prices again as suggested: a mended file may be refused for another reason."""
    from nextclose.commands.check_tables import suggestion_heading
    from nextclose.data.suggestions import with_suggestion

    data = with_suggestion(settings.data, suggestion)
    findings = None
    if data != settings.data:
        findings = _bars_with_findings(prices, settings.model_copy(update={"data": data})).findings
    out.print(f"\n{suggestion_heading(findings)}\n", highlight=False)
    print_lines(suggestion)


def _bars_with_findings(prices: Sequence[str], settings: RunConfig) -> Bars:
    """The bars with all that is found in them, too short a history included."""
    from nextclose.data.segments import short_symbols
    from nextclose.data.sources.loading import load_usable_bars
    from nextclose.studies import needed_sessions

    bars = load_usable_bars(*prices, config=settings.data)
    if not bars.symbols:
        return bars
    try:
        short = short_symbols(bars, needed=needed_sessions(settings))
    except LibraryError as error:  # prices can be looked at without
        say(f"{error} Whether the history is long enough was not asked.", style=STYLES["W"])
        return bars
    return replace(bars, findings=(*bars.findings, *short))

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
    out,
    print_lines,
    settings_of,
)
from nextclose.commands.switches import SWITCHES
from nextclose.errors import LibraryError, printable

if TYPE_CHECKING:
    import polars as pl

    from nextclose.config import DataConfig, RunConfig
    from nextclose.schema import Bars, Finding

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
    document = check_document(bars, settings.data)
    for_people = not (as_json or SWITCHES.is_json)
    if for_people:
        _print_tables(bars, settings.data)
    closes, findings = _sound_closes(bars), bars.findings
    del bars  # room to read them again
    suggestion, left = _tried_suggestion(
        document["suggestion"], closes, prices, settings, refusals=refusals
    )
    if as_json:
        print(json_text(document | {"suggestion": suggestion}, what="check"))
    elif suggestion and for_people:
        _print_suggestion(suggestion, left)
    if SWITCHES.is_json:  # beside a document that has all findings, what refuses
        say_as_json(finding.facts() for finding in (refusals if as_json else findings))
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


def _tried_suggestion(
    suggestion: str,
    closes: pl.DataFrame,
    prices: Sequence[str],
    settings: RunConfig,
    *,
    refusals: Sequence[Finding],
) -> tuple[str, tuple[Finding, ...] | None]:
    """The suggestion after the prices were read again as it says, and what was found then.

    A mended file may be refused for another reason. Settings of how text is read become comments
    where they change `closes`, those of sound symbols: they are right for another file alone. None:
    nothing was to be tried.
    """
    import polars as pl

    from nextclose.data.suggestions import with_reading_as_comments, with_suggestion

    data = with_suggestion(settings.data, suggestion)
    if data == settings.data:
        return suggestion, None
    bars = _bars_with_findings(prices, settings.model_copy(update={"data": data}))
    is_sound = pl.col("symbol").is_in(closes["symbol"].unique().to_list())
    if bars.frame.select(closes.columns).filter(is_sound).equals(closes):
        return suggestion, bars.findings
    lines = with_reading_as_comments(suggestion, refusals)
    if lines == suggestion:  # of the rows, as a repair of all symbols
        return suggestion, bars.findings
    return _tried_suggestion(lines, closes, prices, settings, refusals=refusals)


def _sound_closes(bars: Bars) -> pl.DataFrame:
    """Symbol, session and close of the symbols of which nothing is refused."""
    import polars as pl

    bad = {finding.symbol for finding in bars.findings if finding.response == "E"}
    is_bad = pl.col("symbol").is_in(list(bad))
    return bars.frame.select("symbol", "session", "close").filter(~is_bad)


def _print_suggestion(suggestion: str, left: Sequence[Finding] | None) -> None:
    from nextclose.commands.check_tables import suggestion_heading

    out.print(f"\n{suggestion_heading(left)}\n", highlight=False)
    print_lines(suggestion)


def _bars_with_findings(prices: Sequence[str], settings: RunConfig) -> Bars:
    """The bars with all that is found in them, too short a history included."""
    from nextclose.data.segments import short_symbols
    from nextclose.data.sources.loading import load_usable_bars
    from nextclose.studies import least_sessions, needed_sessions

    bars = load_usable_bars(*prices, config=settings.data)
    if not bars.symbols:
        return bars
    try:
        short = short_symbols(
            bars, needed=needed_sessions(settings), least=least_sessions(settings)
        )
    except LibraryError as error:  # prices can be looked at without
        say(f"{error} Whether the history is long enough was not asked.", style=STYLES["W"])
        return bars
    return replace(bars, findings=(*bars.findings, *short))

"""The command that downloads prices into a local store: fetch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextclose.commands.messages import say_each
from nextclose.commands.options import AsJson, Calendar, Config, err, print_lines, settings_of

if TYPE_CHECKING:
    from nextclose.data.store.update import Outcome


def fetch(
    symbols: Annotated[list[str], typer.Argument(help="Symbols as the provider spells them.")],
    store: Annotated[Path, typer.Option(help="Folder of the price store; made if need be.")],
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="First day of the history; else as stored, or 2000-01-01."
        ),
    ] = None,
    provider: Annotated[
        str, typer.Option(help="Where from: yahoo, or one that a package adds.")
    ] = "yahoo",
    config: Config = None,
    calendar: Calendar = None,
    as_json: AsJson = False,
) -> None:
    """Download what is new of SYMBOLS into a store, which every command takes as PRICES."""
    from nextclose.data.store.fetch import check_outcomes, download
    from nextclose.data.store.plugins import load_provider
    from nextclose.terminal import progress_on

    settings = settings_of(config, data={"calendar": calendar}).data
    downloads = download(
        symbols,
        store,
        provider=load_provider(provider),
        since=since.date() if since else None,
        config=settings,
    )
    outcomes: list[Outcome] = []
    with progress_on(err) as progress:
        for outcome in downloads:
            outcomes.append(outcome)
            progress("fetch", len(outcomes), len(symbols))
    _show(outcomes, store, as_json=as_json)
    notes = [note for outcome in outcomes for note in outcome.findings if note.response != "E"]
    say_each(notes)
    findings = check_outcomes(outcomes, allow_missing=settings.allow_missing)
    say_each([finding for finding in findings if finding not in notes])


def _show(outcomes: Sequence[Outcome], store: Path, *, as_json: bool) -> None:
    """Print what became of each symbol."""
    if as_json:
        ok = all(outcome.state != "failed" for outcome in outcomes)
        rows = [_document(outcome) for outcome in outcomes]
        print(json.dumps({"format": 1, "ok": ok, "store": str(store), "symbols": rows}))
        return
    for outcome in outcomes:
        print_lines(f"{outcome.symbol:<10} {_words(outcome)}")


def _document(outcome: Outcome) -> dict[str, Any]:
    days = {
        name: str(day) if (day := getattr(outcome, name)) else None for name in ("first", "last")
    }
    findings = [finding.facts() for finding in outcome.findings]
    return asdict(outcome) | days | {"findings": findings}


def _words(outcome: Outcome) -> str:
    if outcome.state == "failed":
        from nextclose.data.finding_counts import about

        why = (f"{finding.code} {about(finding.number)}" for finding in outcome.findings[:3])
        return f"{outcome.state:<10} {', '.join(why)}"
    span = f"{outcome.sessions:,} sessions, {outcome.first} to {outcome.last}"
    new = f", {outcome.added:,} new" if outcome.state in ("grown", "revised") else ""
    other = f", {outcome.revised:,} revised" if outcome.revised else ""
    return f"{outcome.state:<10} {span}{new}{other}"

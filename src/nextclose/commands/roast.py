"""The student's command: what a tutorial's forecast is worth, on one card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nextclose.commands.judge import Name, Symbol, Values, scale_named
from nextclose.commands.messages import say_findings
from nextclose.commands.options import AsJson, Calendar, bars_of, print_lines, settings_of
from nextclose.commands.summary import print_wrapped
from nextclose.errors import printable


def roast(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Date, actual and predicted, or any forecasts.")
    ],
    prices: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PRICES]", help="Prices; without them FILE's actual column."),
    ] = None,
    model: Name = None,
    symbol: Symbol = None,
    values: Values = "auto",
    horizon: Annotated[int | None, typer.Option(min=1, help="Sessions ahead.")] = None,
    calendar: Calendar = None,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the cards are written.")] = Path(
        "runs/roast"
    ),
    as_json: AsJson = False,
) -> None:
    """One card: a forecast beside yesterday's close, and what a tutorial's metrics hide."""
    from nextclose.durable import save
    from nextclose.report.exports import json_text
    from nextclose.report.roast_card import card_html, card_png
    from nextclose.roasting import roast as cards_of_file

    bars = None
    if prices:
        settings = settings_of(None, data={"calendar": calendar})
        bars = bars_of(prices, None, data=settings.data, config=settings.news)
        say_findings(bars)
    cards = cards_of_file(
        file, bars, model=model, symbol=symbol, values=scale_named(values), horizon=horizon
    )
    card, *more = cards
    save(out_folder / "card.png", card_png(card))
    save(out_folder / "card-dark.png", card_png(card, dark=True))
    save(out_folder / "card.html", card_html(card).encode())
    if as_json:
        print(json_text([card.facts() for card in cards], what="cards"))
        return
    print_wrapped(f"{card.model}, {card.symbol}: {card.headline}.")
    for finding in card.findings:
        print_wrapped(finding.sentence)
    for name, ours, theirs in card.rows():
        print_lines(f"  {name:22} {ours:>14}   doing nothing {theirs}")
    if more:
        print_wrapped(f"{len(more)} more cards are not drawn: --json has the figures of all.")
    print_lines(f"card     {printable(str(out_folder / 'card.html'))}, card.png, card-dark.png")

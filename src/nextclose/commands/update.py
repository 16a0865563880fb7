"""The command that moves a bundle's record of past forecasts on to newer prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nextclose.commands.messages import say, say_findings
from nextclose.commands.options import (
    AsJson,
    AsOf,
    Calendar,
    Config,
    Encoding,
    News,
    Prices,
    print_lines,
    served_bars,
    settings_of,
)
from nextclose.errors import printable


def update(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="A folder that `nextclose train` wrote.")
    ],
    prices: Prices,
    config: Config = None,
    calendar: Calendar = None,
    encoding: Encoding = None,
    as_of: AsOf = None,
    news: News = None,
    as_json: AsJson = False,
) -> None:
    """Let the ranges of BUNDLE follow what became of past forecasts, up to the end of PRICES.

    Nothing is learnt anew, and it takes seconds: daily, say, before `nextclose predict`. Prices are
    read as for that. The bundle is replaced as a whole; the same prices twice change nothing.
    """
    from nextclose.formatting import quantity
    from nextclose.serving.bundle import fill_bundle
    from nextclose.serving.updating import open_bundle, reasons_unmoved, updated

    asked = settings_of(config)
    with open_bundle(bundle) as (place, old):
        data = {"calendar": calendar, "encoding": encoding, "as_of": as_of}
        bars = served_bars(old, prices, news, asked=asked, data=data)
        say_findings(bars)
        new = updated(old, bars)
        for symbol, reason in reasons_unmoved(old, bars).items():
            say(f"{symbol}: not moved on; {reason}")
        fill_bundle(place, new)
    if as_json:
        days = {name: str(day) for name, day in new.recorded.items()}
        print(json.dumps({"bundle": str(bundle), "recorded": days}))
        return
    n_moved = sum(old.recorded.get(name) != day for name, day in new.recorded.items())
    print_lines(
        f"bundle   {printable(str(bundle))}\n"
        f"past forecasts up to {max(new.recorded.values())}; "
        f"{quantity(n_moved, 'symbol')} of {len(new.recorded)} moved on"
    )

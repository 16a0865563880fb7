"""[shell] The command line: which commands there are, and how an error ends one."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable

import typer

from nextclose.commands import forecasting
from nextclose.commands.options import err
from nextclose.errors import NextcloseError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Forecasts of the next close, built only from what was knowable, and told honestly.",
)
STOPPED = 130
EXAMPLES: dict[Callable[..., None], str] = {
    forecasting.demo: "nextclose demo",
    forecasting.backtest: "nextclose backtest prices/ --horizons 1,7,30 --out runs/mine",
    forecasting.train: "nextclose train prices/ --out bundles/mine",
    forecasting.predict: "nextclose predict bundles/mine prices/ --format csv",
}
for command, example in EXAMPLES.items():
    app.command(epilog=f"Example: [b]{example}[/b]")(command)


def main() -> None:
    """Run the command line; an error on purpose is one line and its own exit code."""
    try:
        ended = app(standalone_mode=False)  # typer gives the code of an Exit back, 130 for Ctrl-C
        if ended == STOPPED:
            err.print("stopped; run the same command again to go on where it was")
        sys.exit(ended if isinstance(ended, int) else 0)
    except typer.Abort:
        sys.exit(STOPPED)
    except NextcloseError as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except typer._click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 -- the outermost handler: a bug becomes a log file, not a dump
        sys.exit(_reported_bug())


def _reported_bug() -> int:
    """Write the traceback to a file and say where; returns the exit code of a bug."""
    handle, path = tempfile.mkstemp(prefix="nextclose-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    err.print(f"This is a bug in nextclose. The details are in {path}", markup=False)
    return 1

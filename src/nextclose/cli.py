"""[shell] The command line: which commands there are, and how an error ends one."""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import typer

from nextclose.commands import check, fetch, forecast
from nextclose.commands.messages import JSON_ERRORS, say_ending, say_error
from nextclose.commands.options import err
from nextclose.errors import NextcloseError, without_secrets

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
INTERRUPTED, OUT_OF_MEMORY = 130, 6
STOPPED = "stopped; run the same command again to go on where it was"
EXAMPLES: dict[Callable[..., None], str] = {
    forecast.demo: "nextclose demo",
    fetch.fetch: "nextclose fetch AAPL MSFT --since 2000-01-01 --store prices/",
    check.check: "nextclose check prices/",
    forecast.backtest: "nextclose backtest prices/ --horizons 1,7,30 --out runs/mine",
    forecast.train: "nextclose train prices/ --out bundles/mine",
    forecast.predict: "nextclose predict bundles/mine prices/ --format csv",
}
for command, example in EXAMPLES.items():
    app.command(epilog=f"Example: [b]{example}[/b]")(command)


@app.callback()
def every_command(
    json_errors: Annotated[
        bool,
        typer.Option(JSON_ERRORS, help="Findings and errors as JSON, one object a line."),
    ] = False,
) -> None:
    """Forecasts of the next close, built only from what was knowable, and told honestly."""
    # `main` has read the option by then: a wrong call is told in the same way


def main() -> None:
    """Run the command line; an error on purpose is one line and its own exit code."""
    arguments = sys.argv[1:]
    err.quiet = JSON_ERRORS in arguments
    if err.quiet:  # wherever it was given: it belongs to no command
        arguments = [JSON_ERRORS, *(text for text in arguments if text != JSON_ERRORS)]
    sys.stdout, sys.stderr = without_broken_pipes(sys.stdout), without_broken_pipes(sys.stderr)
    with signals_as_exceptions(signal.SIGTERM, signal.SIGHUP):
        sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str]) -> int:
    try:
        # typer gives the code of an Exit back, 130 for Ctrl-C
        code = app(args=arguments, standalone_mode=False)
        if code == INTERRUPTED:
            say_ending(STOPPED, kind="stopped", exit_code=code)
        return code if isinstance(code, int) else 0
    except TerminationSignal as signalled:
        say_ending(STOPPED, kind="stopped", exit_code=signalled.exit_code)
        return signalled.exit_code
    except typer.Abort:
        return INTERRUPTED
    except NextcloseError as error:
        say_error(error)
        return error.exit_code
    except typer._click.ClickException as error:
        _show_wrong_call(error)
        return error.exit_code
    except MemoryError:
        say_ending(
            "Out of memory. Fix: give fewer symbols or a shorter history, or run fewer workers.",
            kind="memory",
            exit_code=OUT_OF_MEMORY,
        )
        return OUT_OF_MEMORY
    except Exception:  # noqa: BLE001 -- the outermost handler: a bug becomes a log file, not a dump
        return _write_bug_report()


def _show_wrong_call(error: typer._click.ClickException) -> None:
    for name, value in vars(error).items():  # before the box around it breaks lines
        if isinstance(value, str):
            setattr(error, name, without_secrets(value))
    if err.quiet:
        say_ending(error.format_message(), kind="usage", exit_code=error.exit_code)
    else:
        error.show()


class TolerantFileIO(io.FileIO):
    """A stream to write to whose reader may leave, as `head` does: what nobody reads is let go."""

    def write(self, data: Any, /) -> int:
        """All of it is taken once there is no reader."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


def without_broken_pipes(stream: TextIO) -> TextIO:
    """The stream, going on without its reader if it is the process's own."""
    if stream is None or stream not in (sys.__stdout__, sys.__stderr__):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(TolerantFileIO(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream is sys.__stderr__ or stream.isatty(),
    )


class TerminationSignal(BaseException):
    """The process was told to end; it unwinds like Ctrl-C, so that children are stopped."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number


@contextmanager
def signals_as_exceptions(*signals: signal.Signals) -> Iterator[None]:
    """Within, each of these raises `TerminationSignal` in the main thread, unless it is ignored."""

    def stop(number: int, _frame: object) -> None:
        raise TerminationSignal(number)

    handlers = {number: signal.getsignal(number) for number in signals}
    try:
        for number, handler in handlers.items():
            if handler != signal.SIG_IGN:  # as nohup has it
                signal.signal(number, stop)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _write_bug_report() -> int:
    """Write the traceback to a file and say where; returns the exit code of a bug."""
    handle, path = tempfile.mkstemp(prefix="nextclose-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(without_secrets(traceback.format_exc()))
    message = f"This is a bug in nextclose. The details are in {path}"
    say_ending(message, kind="bug", exit_code=1)
    return 1

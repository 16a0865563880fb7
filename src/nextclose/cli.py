"""[shell] The command line: which commands there are, and how an error ends one."""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, TextIO

import typer

from nextclose.commands import (
    check,
    explain,
    fetch,
    forecast,
    init,
    judge,
    models,
    predict,
    pretrain,
    roast,
    samples,
    update,
)
from nextclose.commands.messages import say_ending, say_error
from nextclose.commands.options import err, out, print_lines
from nextclose.commands.switches import (
    JSON_ERRORS,
    QUIET,
    SWITCHES,
    VERBOSE,
    VERSION,
    common_first,
)
from nextclose.errors import NextcloseError, without_secrets

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
BUG, NO_RESOURCE, INTERRUPTED = 1, 6, 130
SHORTAGES = {  # what a system refuses whoever asks: no bug, and not to be mended in a program
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN),
}
STOPPED = "stopped; run the same command again to go on where it was"
EXAMPLES: dict[Callable[..., None], str] = {
    forecast.demo: "nextclose demo",
    fetch.fetch: "nextclose fetch AAPL MSFT --since 2000-01-01 --store prices/",
    check.check: "nextclose check prices/",
    forecast.backtest: "nextclose backtest prices/ --horizons 1,7,30 --out runs/mine",
    judge.judge: "nextclose judge forecasts.csv prices/ --out runs/judged",
    roast.roast: "nextclose roast predictions.csv",
    forecast.train: "nextclose train prices/ --out bundles/mine",
    predict.predict: "nextclose predict prices/",
    update.update: "nextclose update bundles/mine prices/",
    samples.samples: "nextclose samples prices/ --out windows",
    pretrain.pretrain: "nextclose pretrain prices/ --until 2017-12-31 --out mine.safetensors",
    models.models: "nextclose models",
    init.init: "nextclose init run.toml",
    explain.explain: "nextclose explain W66",
}
RESULTS = (
    "predict",
    "judge",
    "roast",
    "check",
    "models",
    "explain",
)  # commands that only say something
for command, example in EXAMPLES.items():
    app.command(epilog=f"Example: [b]{example}[/b]")(command)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        print_lines(f"nextclose {version('nextclose')}")
        raise typer.Exit


@app.callback()
def every_command(
    context: typer.Context,
    verbose: Annotated[
        bool,
        typer.Option(*VERBOSE, help="Everything in full: findings, tables, where a bug is."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option(*QUIET, help="Only errors, and results that were asked for.")
    ] = False,
    json_errors: Annotated[
        bool,
        typer.Option(*JSON_ERRORS, help="Findings and errors as JSON, one object a line."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(*VERSION, callback=_print_version, is_eager=True, help="Which release."),
    ] = False,
) -> None:
    """Forecasts of the next close, built only from what was knowable, and told honestly.

    What stands here works before a command and after it.
    """
    # `main` has read the options by then: a wrong call is told in the same way
    if verbose and quiet:
        raise typer.BadParameter("--quiet and --verbose: choose one of them.")
    out.quiet = quiet and context.invoked_subcommand not in RESULTS


def main() -> None:
    """Run the command line; an error on purpose is one line and its own exit code."""
    arguments = common_first(sys.argv[1:])
    SWITCHES.set_by(arguments)
    out.quiet, err.quiet = False, SWITCHES.is_json or SWITCHES.is_quiet
    sys.stdout, sys.stderr = tolerant_stream(sys.stdout), tolerant_stream(sys.stderr)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its fonts is its own
    with signals_as_exceptions(signal.SIGTERM, signal.SIGHUP):
        code = _exit_code(arguments)
        sys.exit(code or _code_of_output(sys.stdout))


def _exit_code(arguments: Sequence[str]) -> int:
    try:
        # typer gives the code of an Exit back, 130 for Ctrl-C
        code = app(args=arguments, prog_name="nextclose", standalone_mode=False)
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
            exit_code=NO_RESOURCE,
        )
        return NO_RESOURCE
    except Exception as error:  # noqa: BLE001 -- the outermost handler: no dump, whatever it is
        if shortage := _shortage(error):
            say_ending(shortage, kind="resource", exit_code=NO_RESOURCE)
            return NO_RESOURCE
        return _report_bug(is_verbose=SWITCHES.is_verbose)


def _show_wrong_call(error: typer._click.ClickException) -> None:
    for name, value in vars(error).items():  # before the box around it breaks lines
        if isinstance(value, str):
            setattr(error, name, without_secrets(value))
    if SWITCHES.is_json:
        say_ending(error.format_message(), kind="usage", exit_code=error.exit_code)
    else:
        error.show()


class TolerantFileIO(io.FileIO):
    """A stream to write to whose reader may leave, as `head` does: what nobody reads is let go.

    So is what cannot be written; `failure` says why.
    """

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """All of it is taken once there is no reader, or no room."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)
        except OSError as error:
            self.failure = error
            return len(data)


def _shortage(error: Exception) -> str:
    """What the system lacks, if that is what an error is about, and what to do."""
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        where = f" ({error.filename})" if error.filename else ""
        return f"The system refuses: {error.strerror}{where}. Fix: free what it lacks."
    # the words of tempfile and of matplotlib, which keeps its list of fonts in a file
    if isinstance(error, OSError) and "temporary directory" in str(error):
        return (
            "There is no folder for temporary files that can be written. Fix: name one in TMPDIR "
            "(and MPLCONFIGDIR, where the home folder cannot be written either)."
        )
    return ""


def _code_of_output(stream: TextIO) -> int:
    """0 if all that was printed could be written; else it is said why not."""
    if stream is not None:
        stream.flush()
    failure = getattr(getattr(getattr(stream, "buffer", None), "raw", None), "failure", None)
    if failure is None:
        return 0
    message = (
        f"cannot write to standard output: {failure.strerror}. Fix: send it to another place; "
        "what goes into files was written."
    )
    say_ending(message, kind="output", exit_code=NO_RESOURCE)
    return NO_RESOURCE


def tolerant_stream(stream: TextIO) -> TextIO:
    """The stream, if it is the process's own, going on without its reader and with any text."""
    if stream is None or stream not in (sys.__stdout__, sys.__stderr__):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(TolerantFileIO(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",  # names of files need not be text
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


def _report_bug(*, is_verbose: bool) -> int:
    """Write the traceback to a file and say where; returns the exit code of a bug.

    It is shown as well if that is asked for, or if there is no place for the file.
    """
    details = without_secrets(traceback.format_exc())
    try:
        handle, path = tempfile.mkstemp(prefix="nextclose-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(details)
        where = f"The details are in {path}"
    except OSError as error:
        where, is_verbose = f"No file could be written ({error.strerror}); see above.", True
    shown = details if is_verbose else ""
    say_ending(f"This is a bug in nextclose. {where}", kind="bug", exit_code=BUG, details=shown)
    return BUG

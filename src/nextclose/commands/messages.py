"""What goes wrong, on standard error: lines for people, or JSON objects for machines.

Machines are spoken to while `err` is quiet: then these objects are all that standard error holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nextclose.commands.options import err
from nextclose.errors import DataError, Finding, NextcloseError, printable, without_secrets

if TYPE_CHECKING:
    from nextclose.schema import Bars

JSON_ERRORS = "--json-errors"
VERBOSE = ("--verbose", "-v")
STYLES = {"E": "red", "P": "yellow", "W": "yellow", "R": "dim"}


def say_findings(bars: Bars, *, besides: Bars | None = None) -> None:
    """Print what was found in the input, one line a code, less what was said before."""
    before = besides.findings if besides else ()
    say_each([finding for finding in bars.findings if finding not in before])


def say_each(findings: Sequence[Finding]) -> None:
    """Print findings, one line a code."""
    from nextclose.data.finding_counts import first_of_each_code

    if err.quiet:
        say_as_json(finding.facts() for finding in findings)
        return
    for finding in first_of_each_code(findings):
        say(finding.line(), style=STYLES[finding.response])


def say_error(error: NextcloseError) -> None:
    """Print an error made on purpose."""
    if err.quiet:
        say_as_json(_facts(error))
    else:
        say(str(error), style="red")


def say_ending(message: str, *, kind: str, exit_code: int, details: str = "") -> None:
    """Print why the program ends for another reason: a signal, a wrong call, our own bug."""
    message = without_secrets(message)
    if err.quiet:
        more = {"details": details} if details else {}
        say_as_json([{"error": kind, "exit_code": exit_code, "message": message} | more])
    else:
        say(f"{details}{message}")


def say(text: str, *, style: str = "") -> None:
    """Print text as it is, but for control characters."""
    lines = "\n".join(printable(line) for line in text.splitlines())
    err.print(lines, style=style, markup=False, highlight=False, soft_wrap=True)


def say_as_json(objects: Iterable[Mapping[str, Any]]) -> None:
    """Print one object a line."""
    for facts in objects:
        print(json.dumps(facts, default=str), file=sys.stderr)


def _facts(error: NextcloseError) -> Iterator[Mapping[str, Any]]:
    if isinstance(error, DataError):
        yield from (finding.facts() for finding in error.findings)
        return
    kind = type(error).__name__
    yield {"error": kind, "exit_code": error.exit_code, "message": str(error)} | vars(error)

"""What goes wrong, on standard error: lines for people, or JSON objects for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from nextclose.commands.options import err
from nextclose.commands.switches import SWITCHES
from nextclose.errors import DataError, Finding, NextcloseError, printable, without_secrets

if TYPE_CHECKING:
    from nextclose.schema import Bars

STYLES = {"E": "red", "P": "yellow", "W": "yellow", "R": "dim"}
N_PLACES = 3  # of a refusal that are shown
complaints = Console(stderr=True)  # errors are told to whoever wants quiet, too


def say_findings(bars: Bars, *, besides: Bars | None = None) -> None:
    """Print what was found in the input, less what was said before."""
    before = besides.findings if besides else ()
    say_each([finding for finding in bars.findings if finding not in before])


def say_each(findings: Sequence[Finding]) -> None:
    """Print findings: warnings by code, notes as their codes in one line; all in full if asked."""
    from nextclose.data.finding_counts import first_of_each_code, is_note, warning_lines

    if SWITCHES.is_json:
        say_as_json(finding.facts() for finding in findings)
        return
    groups = first_of_each_code(findings)
    if SWITCHES.is_verbose:
        for finding in groups:
            say(finding.line(), style=STYLES[finding.response])
        return
    for finding in groups:
        if not is_note(finding):
            say("\n".join(warning_lines(finding)), style=STYLES[finding.response])
    say_notes([finding for finding in groups if is_note(finding)])


def say_notes(notes: Iterable[Finding]) -> None:
    """Print the codes of findings that ask for no decision, in one line; none if there are none."""
    from nextclose.formatting import quantity

    codes = sorted({finding.code for finding in notes}, key=lambda code: (code[0], int(code[1:])))
    if codes:
        said = f"{quantity(len(codes), 'note')} on the data ({', '.join(codes)}): -v shows"
        say(f"{said} {'it' if len(codes) == 1 else 'them'}", style=STYLES["R"])


def say_error(error: NextcloseError) -> None:
    """Print an error made on purpose."""
    if SWITCHES.is_json:
        say_as_json(_facts(error))
    elif isinstance(error, DataError):
        _print(complaints, "\n".join(refusal_lines(error.findings)), style=STYLES["E"])
    else:
        _print(complaints, str(error), style=STYLES["E"])


def refusal_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Refusals by code: the first with rule and cure, some more places, and how many there are.

    A place with a rule or cure of its own has that beside it.
    """
    from nextclose.data.finding_counts import group_by_code
    from nextclose.formatting import quantity

    n_most = DataError.n_shown if SWITCHES.is_verbose else N_PLACES
    for code, group in group_by_code(findings).items():
        shown, first = group[:n_most], group[0]
        n = sum(finding.count for finding in group)
        for finding in shown:
            is_same = finding is not first and (finding.rule, finding.fix) == (
                first.rule,
                first.fix,
            )
            head = f"{code} {finding.place}".rstrip()
            yield f"{head}: found {finding.found}" if is_same else finding.line()
        if len(group) > 1 and n > len(shown):
            yield f"{code}: {quantity(n, 'place')}, the first {len(shown)} shown"


def say_ending(message: str, *, kind: str, exit_code: int, details: str = "") -> None:
    """Print why the program ends for another reason: a signal, a wrong call, our own bug."""
    message = without_secrets(message)
    if SWITCHES.is_json:
        more = {"details": details} if details else {}
        say_as_json([{"error": kind, "exit_code": exit_code, "message": message} | more])
    else:
        _print(complaints, f"{details}{message}")


def say(text: str, *, style: str = "") -> None:
    """Print a remark as it is, but for control characters; nothing where quiet is wanted."""
    _print(err, text, style=style)


def say_as_json(objects: Iterable[Mapping[str, Any]]) -> None:
    """Print one object a line."""
    for facts in objects:
        print(json.dumps(facts, default=str), file=sys.stderr)


def _print(console: Console, text: str, *, style: str = "") -> None:
    lines = "\n".join(printable(line) for line in text.splitlines())
    console.print(lines, style=style, markup=False, highlight=False, soft_wrap=True)


def _facts(error: NextcloseError) -> Iterator[Mapping[str, Any]]:
    if isinstance(error, DataError):
        yield from (finding.facts() for finding in error.findings)
        return
    head = {"error": type(error).__name__, "exit_code": error.exit_code, "message": str(error)}
    yield head | {name: value for name, value in vars(error).items() if name[0] != "_"}

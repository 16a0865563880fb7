"""Symbols that are left out because something of them is refused, where the settings say so.

The whole history of a symbol decides: who leaves symbols out chooses with hindsight. That is why
each is named, and why it does not happen by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from nextclose.data.catalogue import Issue
from nextclose.formatting import quantity
from nextclose.schema import Finding

NO_FILE_OF_PRICES = {Issue.NO_FILE, Issue.SPLIT}  # a path that is not there, a table of splits
NO_NAME = "rows without a symbol"


def left_out_symbols(findings: Iterable[Finding]) -> dict[str, str]:
    """Each symbol, or name of a file, that was left out, and why; in the order of the findings."""
    return {
        finding.symbol or finding.path.rpartition("/")[2]: finding.found
        for finding in findings
        if finding.number == Issue.LEFT_OUT
    }


def with_bad_symbols_left_out(
    findings: Sequence[Finding], *, symbols: Mapping[str, str], files: Collection[str]
) -> list[Finding]:
    """The findings with one (P80) for each bad symbol and file in place of its refusals.

    `symbols`: bad symbol -> the code of its first refusal; `files` are those of which nothing was
    read. A refusal that is of neither stays one.
    """
    reasons: dict[tuple[str, str], list[Finding]] = {}
    rest: list[Finding] = []
    for finding in findings:
        is_of_file = finding.path in files and finding.number not in NO_FILE_OF_PRICES
        if finding.response != "E" or not (finding.symbol in symbols or is_of_file):
            rest.append(finding)
        elif finding.symbol in symbols:
            reasons.setdefault((finding.symbol, ""), []).append(finding)
        else:
            reasons.setdefault(("", finding.path), []).append(finding)
    unnamed = [name for name in symbols if (name, "") not in reasons]
    return [
        *(_left_out(symbol, path, refusals) for (symbol, path), refusals in reasons.items()),
        *(Issue.LEFT_OUT.finding(symbols[name], symbol=name or NO_NAME) for name in unnamed),
        *rest,
    ]


def _left_out(symbol: str, path: str, refusals: Sequence[Finding]) -> Finding:
    first = refusals[0]
    n_more = sum(finding.count for finding in refusals) - 1
    more = f", and {quantity(n_more, 'place')} more" if n_more else ""
    place = f" in row {first.row}" if first.row is not None else ""
    return Issue.LEFT_OUT.finding(
        f"{first.code}{place}: {first.found}{more}",
        path=path or first.path,
        symbol=(symbol or NO_NAME) if not path else "",
    )

"""What `check` prints for people: what was read, every kind of finding, and what would mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from nextclose.commands.messages import STYLES
from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.finding_counts import RESPONSES, group_by_code, policies_in_force
from nextclose.data.inventory import BASES, SymbolSummary, calendars_text, extent_text
from nextclose.data.suggestions import assignments
from nextclose.formatting import count, quantity
from nextclose.schema import Bars, Finding
from nextclose.terminal import LOOK

MAX_SYMBOLS = 20
MAX_PLACES = 3  # of a refusal; of all else the first
PREDICT_REFUSES = "complete that bar or end the file before it: predict refuses it."
GAP: dict[str, Any] = {"padding": (0, 2, 0, 0), "pad_edge": False}


def symbol_table(summaries: Sequence[SymbolSummary], findings: Sequence[Finding]) -> Table:
    """What was read of each symbol; those with refusals, then with most segments, come first."""
    refused = _refusal_counts(findings)
    ordered = sorted(summaries, key=lambda h: (-refused[h.symbol], -h.segments, h.symbol))
    table = Table(**LOOK)
    for name in ("symbol", "calendar", "first", "last"):
        table.add_column(name)
    for name in ("bars", "segments", *(["refused"] if refused else [])):
        table.add_column(name, justify="right")
    for holding in ordered[:MAX_SYMBOLS]:
        n_refused = refused[holding.symbol]
        cells = (holding.exchange or "weekdays", str(holding.first), str(holding.last))
        counts = (count(holding.bars), count(holding.segments), count(n_refused).lstrip("0"))
        table.add_row(
            Text(holding.symbol),
            *cells,
            *counts[: 3 if refused else 2],
            style=STYLES["E"] if n_refused else "",
        )
    rest = ordered[MAX_SYMBOLS:]
    if rest:
        n_bad = sum(refused[holding.symbol] > 0 for holding in rest)
        table.caption = (
            f"\nand {quantity(len(rest), 'symbol')} more, {n_bad or 'none'} with refusals"
        )
    return table


def input_facts(bars: Bars, summaries: Sequence[SymbolSummary], config: DataConfig) -> Table:
    """How much was read, and by which rules."""
    facts = Table.grid(**GAP)
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("read", extent_text(summaries))
    facts.add_row("prices", BASES[bars.basis], style=STYLES["W"] if bars.basis == "unknown" else "")
    facts.add_row("calendar", calendars_text(summaries) or "none")
    facts.add_row("policies", Text(assignments(policies_in_force(config)) or "none"))
    if bars.settled:
        facts.add_row("settled", Text(assignments(bars.settled)))
    return facts


def findings_by_code(findings: Sequence[Finding]) -> Table:
    """Every code once, refusals first: how often, the rule, the first places, and the cure."""
    grid = Table.grid(**GAP)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for code, group in group_by_code(findings).items():
        style = STYLES[group[0].response]
        n = sum(finding.count for finding in group)
        head = f"{RESPONSES[group[0].response]}, {quantity(n, 'place')}: {group[0].rule}"
        grid.add_row(Text(code, style), Text(head, style))
        for line in _finding_lines(group, n_places=n):
            grid.add_row("", Text(line))
        grid.add_row("", "")
    return grid


def conclusion(findings: Sequence[Finding]) -> Text:
    """What all of it comes to, in one sentence."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.response] += finding.count
    repairs = quantity(counts["R"] + counts["P"], "repair")
    rest = f"{repairs}, {quantity(counts['W'], 'warning')}"
    if counts["E"]:
        n = quantity(counts["E"], "place")
        return Text(f"Refused: {n} that must be mended first; besides, {rest}.", STYLES["E"])
    return Text(f"Nothing is refused; {rest}.", "green")


def suggestion_heading(left: Sequence[Finding] | None) -> str:
    """What the suggested settings are good for; `left` is what they leave refused.

    None: they were not tried, for each needs the user's choice.
    """
    if left is None:
        return "Choose one of these settings or fill it in, and give it with --config FILE:"
    codes = list(group_by_code(finding for finding in left if finding.response == "E"))
    if not codes:
        return "A run would go on with these settings, given with --config FILE:"
    names = " and ".join(filter(None, (", ".join(codes[:-1]), codes[-1])))
    return f"With these settings, given with --config FILE, {names} would be left:"


def _finding_lines(group: Sequence[Finding], *, n_places: int) -> Iterator[str]:
    first = group[0]
    named = group[: MAX_PLACES if first.response == "E" else 1]
    for finding in named:
        other = "" if finding.rule == first.rule else f"; rule: {finding.rule}"
        place = finding.place
        yield f"{place}: {finding.found}{other}" if place else f"{finding.found}{other}"
    if n_places > len(named):
        yield f"and {count(n_places - len(named))} more"
    if first.fix:
        yield f"Fix: {first.fix}"
    if first.response == "W" and first.number == Issue.INCOMPLETE_NEWEST_BAR:
        yield f"Fix: {PREDICT_REFUSES}"


def _refusal_counts(findings: Sequence[Finding]) -> Counter[str]:
    """Places refused, by symbol."""
    counts: Counter[str] = Counter()
    for finding in findings:
        if finding.response == "E":
            counts[finding.symbol] += finding.count
    return counts

"""Where a test is not clean: a model was taught beforehand by years that it is tested in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nextclose.evaluation.verdict.verdict import VerdictRow
from nextclose.formatting import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """`refits` of a model's `of` tested refits are not later than `taught_until`, YYYY-MM-DD.

    Up to that day what the model was taught beforehand has read prices, of whatever symbols.
    """

    model: str
    taught_until: str
    refits: int
    of: int

    @property
    def clause(self) -> str:
        """What a verdict on the model says of it."""
        if self.refits < self.of:
            subject = f"{self.refits} of its {self.of} refits {_lie(self.refits)}"
        else:
            subject = "Its only refit lies" if self.of == 1 else "All its refits lie"
        return f"{subject} in years that taught it beforehand, up to {self.taught_until}."


def with_overlaps(
    rows: Iterable[VerdictRow], overlaps: Iterable[Overlap]
) -> tuple[VerdictRow, ...]:
    """The rows, marked where their model overlaps; sentences say so too, but for VOID ones."""
    by_model = {overlap.model: overlap for overlap in overlaps}
    return tuple(
        _marked(row, by_model[row.model]) if row.model in by_model else row for row in rows
    )


def _marked(row: VerdictRow, overlap: Overlap) -> VerdictRow:
    clause = "" if row.verdict == "VOID" else f" {overlap.clause}"
    return replace(row, taught_until=overlap.taught_until, sentence=row.sentence + clause)


def overlap_notice(overlaps: Sequence[Overlap]) -> str:
    """One sentence about all of them; empty without any."""
    if not overlaps:
        return ""
    *others, last = (
        f"{each.model} (up to {each.taught_until}, {each.refits} of {quantity(each.of, 'refit')})"
        for each in overlaps
    )
    who = f"{', '.join(others)} and {last} were" if others else f"{last} was"
    they = "they are" if others else "it is"
    return f"Not a clean test: {who} taught beforehand by years that {they} tested in."


def silence_notice(editions: Mapping[str, int]) -> str:
    """One sentence where lstm made no forecast; `editions` as `editions_used` counts refits."""
    if not (n_silent := editions.get("", 0)):
        return ""
    n_refits = quantity(sum(editions.values()), "refit")
    return f"lstm made no forecast in {n_silent} of {n_refits}: none of its editions had ended."


def _lie(n: int) -> str:
    return "lies" if n == 1 else "lie"

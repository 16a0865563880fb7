"""What a set of windows says of itself: form, columns, split, and how many windows are where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from nextclose.samples.parts import PARTS, PURGED, TEST, TRAIN, VALID, Parts
from nextclose.samples.splits import Fold
from nextclose.schema import Bools

Form = Literal["stationary", "classic"]
Split = Literal["holdout", "walk-forward"]
Counts = tuple[tuple[int, ...], ...]  # (fold, horizon)
BYTES_PER_CELL = 4  # float32


def _session(text: str) -> str:
    """The same text if it is a date as we write it."""
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("not a date as 2012-10-31")
    return text


Session = Annotated[str, AfterValidator(_session)]


class Facts(BaseModel):
    """Frozen, strict, and without keys that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FoldFacts(Facts):
    """The borders of a fold, each a session that all symbols share.

    No training target resolves after `valid_from`, the first origin of the validation part; none of
    that part after `fitted_at`, the first of the test. `tested_until` is its last.
    """

    valid_from: Session
    fitted_at: Session
    tested_until: Session


class SymbolCounts(Facts):
    """Windows of one symbol: how many are kept, in which part, and what is left out."""

    windows: int = Field(ge=1)
    train: Counts
    valid: Counts
    test: Counts
    purged: Counts  # before the test, but resolved too late for the part they lie in
    unresolved: tuple[int, ...]  # (horizon,) full windows whose outcome the bars do not hold


class WindowFacts(Facts):
    """What a set of windows says of itself; a folder of them says so too, in `windows.json`."""

    form: Form
    split: Split
    window_sessions: int = Field(ge=1)
    horizons: tuple[int, ...] = Field(min_length=1)
    columns: tuple[str, ...] = Field(min_length=1)
    left_out: dict[str, str]  # column that could not be built -> why
    parts: tuple[str, ...] = PARTS  # what the numbers of `part` mean
    folds: tuple[FoldFacts, ...] = Field(min_length=1)
    symbols: dict[str, SymbolCounts] = Field(min_length=1)
    basis: str  # of the prices
    data_fingerprint: str
    findings: dict[str, int]  # code -> count
    policies: dict[str, str]  # lossy repairs that the settings allowed
    settings: dict[str, Any]  # the plan of the folds
    versions: dict[str, str]

    @property
    def n_windows(self) -> int:
        """Windows of all symbols; each serves every horizon and fold."""
        return sum(counts.windows for counts in self.symbols.values())

    @property
    def n_bytes(self) -> int:
        """Bytes of all windows in memory, one symbol after the other."""
        return self.n_windows * self.window_sessions * len(self.columns) * BYTES_PER_CELL

    def total(self, part: str) -> npt.NDArray[np.int64]:
        """Windows of all symbols in a part. Shape (fold, horizon)."""
        each = [getattr(counts, part) for counts in self.symbols.values()]
        return np.asarray(np.sum(each, axis=0, dtype=np.int64))


def fold_facts(fold: Fold, *, tested_until: np.datetime64) -> FoldFacts:
    """The borders of a fold as text."""
    return FoldFacts(
        valid_from=str(fold.valid_from),
        fitted_at=str(fold.fitted_at),
        tested_until=str(tested_until),
    )


def symbol_counts(parts: Sequence[Parts], is_unresolved: Bools) -> SymbolCounts:
    """The counts of one symbol. Shapes: parts (fold)(row, horizon), the other (row, horizon)."""
    each = np.stack(parts)  # (fold, row, horizon)

    def counts(part: int) -> Counts:
        return tuple(map(tuple, (each == part).sum(axis=1).tolist()))

    return SymbolCounts(
        windows=int((each > 0).any(axis=(0, 2)).sum()),
        train=counts(TRAIN),
        valid=counts(VALID),
        test=counts(TEST),
        purged=counts(PURGED),
        unresolved=tuple(is_unresolved.sum(axis=0).tolist()),
    )

"""What was taught beforehand, and from when on it may be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np


class Taught(Protocol):
    """Something that has seen prices up to a day."""

    @property
    def until(self) -> str:
        """That day, as YYYY-MM-DD."""
        ...


Edition = TypeVar("Edition", bound=Taught)


def newest_edition(editions: Sequence[Edition], *, before: np.datetime64) -> Edition | None:
    """The newest edition of which nothing is later than the session before `before`; or None.

    What resolved on the day of a fit is known then; an edition of that very day is not taken: who
    taught it knew when it ended.
    """
    ended = [each for each in editions if np.datetime64(each.until, "D") < before]
    return max(ended, key=lambda each: each.until, default=None)

from dataclasses import dataclass

import numpy as np
import pytest

from nextclose.models.editions import newest_edition


@dataclass(frozen=True)
class Taught:
    until: str


OLD, MIDDLE, NEW = (Taught(f"{year}-12-31") for year in (2004, 2009, 2014))


@pytest.mark.parametrize(
    ("before", "edition"),
    [
        ("1999-01-01", None),
        ("2004-12-31", None),  # the day it ends: not yet
        ("2005-01-01", OLD),
        ("2009-12-31", OLD),
        ("2010-01-01", MIDDLE),
        ("2014-12-31", MIDDLE),
        ("2026-11-30", NEW),
    ],
)
def test_the_newest_that_ended_before_a_day_is_taken_whatever_their_order(before, edition):
    for order in ([OLD, MIDDLE, NEW], [NEW, MIDDLE, OLD], [MIDDLE, OLD, NEW]):
        assert newest_edition(order, before=np.datetime64(before)) is edition


def test_of_none_none_is_taken():
    assert newest_edition([], before=np.datetime64("2026-11-30")) is None

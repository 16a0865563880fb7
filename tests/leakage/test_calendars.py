"""A calendar that the first 250 bars of a symbol prove: nobody's past changes by it."""

import numpy as np
import polars as pl

from nextclose.data.calendars.sessions import session_table
from nextclose.data.rules.calendar_choice import EARLY_BARS
from nextclose.features.columns import YEAR
from tests.frames import collect_bars
from tests.leakage.artefacts import Pipeline, leaks, moved
from tests.leakage.worlds import SESSIONS, clean_panel, day, price_file

_, IS_SESSION = session_table("XNYS").at(SESSIONS)
HOLIDAYS = SESSIONS[~IS_SESSION].tolist()
LISTED, CUT = 235, 274  # rows: the second lies two holidays after the first, six before 250 bars


def panel(*, n_closed_days: int) -> pl.DataFrame:
    """Four symbols of New York, and one listed after 235 rows that trades on its last holidays."""
    young = price_file("YOUNG", seed=9).slice(LISTED)
    shut = [each for each in HOLIDAYS if each >= day(LISTED)]
    young = young.filter(~pl.col("date").is_in(shut[: len(shut) - n_closed_days]))
    return pl.concat([clean_panel().filter(~pl.col("date").is_in(HOLIDAYS)), young])


def test_a_calendar_proven_later_changes_nothing_before():
    pipeline = Pipeline(models=())
    stays, turns = panel(n_closed_days=0), panel(n_closed_days=6)
    assert collect_bars(stays).exchanges["YOUNG"] == "XNYS"
    assert collect_bars(turns).exchanges["YOUNG"] == "CMES"
    made, other = pipeline.artefacts(stays), pipeline.artefacts(turns)
    assert leaks(made, other, at=day(CUT)) == []
    assert "feature market_return_5" in moved(made, other)


def test_from_the_bar_that_proves_it_on_a_symbol_is_of_its_own_market():
    pipeline = Pipeline(models=())
    with_it = pipeline.artefacts(panel(n_closed_days=6))["feature market_return_5"]
    alone = pipeline.artefacts(panel(n_closed_days=6).filter(pl.col("symbol") != "YOUNG"))
    own = alone["feature market_return_5"]
    proven = day(LISTED + EARLY_BARS - 1 + 2)  # two holidays had no bar
    is_after = own.known_at >= np.datetime64(proven)
    of_old = np.isin(with_it.label, own.label)
    same = np.equal(with_it.value[of_old], own.value)
    assert same[is_after].all()
    assert not same[~is_after & ~np.isnan(own.value)].all()


def test_a_calendar_is_proven_before_a_market_is_read():
    assert EARLY_BARS <= YEAR

"""How much data it takes before something is learnt: less, for worlds of 490 rows."""

import pytest

from nextclose.backtesting import study as studies
from nextclose.models.hybrid import record
from nextclose.models.loghar import loghar
from nextclose.models.volatility import garch, har


def lower_thresholds(patch: pytest.MonkeyPatch) -> None:
    """Garch fits, two symbols are a market, rows teach log-HAR, a rehearsal fits, misses count."""
    patch.setattr(garch, "MINIMUM_SESSIONS", 300)
    patch.setattr(loghar, "MARKET_SYMBOLS", 2)
    patch.setattr(loghar, "LEVEL_SESSIONS", 260)
    patch.setattr(har, "POOL_MINIMUM", 30)
    patch.setattr(studies, "FIRST_ORIGINS", 100)
    patch.setattr(record, "PRIOR_FORECASTS", 2)

"""An analyst: where a watch list may close, evening by evening.   python examples/analyst.py"""

from pathlib import Path

import nextclose as nc

BUNDLE = Path("bundles/watchlist")
bars = nc.sample_bars()  # yours: nc.load_bars("prices/")

if not BUNDLE.exists():  # once, and again each year
    nc.train(bars, BUNDLE)
nc.update(BUNDLE, bars)  # each evening: the ranges follow what became of past forecasts

forecasts = nc.predict(nc.load_bundle(BUNDLE), bars)
tomorrow = forecasts.prices.filter(horizon_sessions=1)
print(tomorrow.select("symbol", "date", "close", "low_90", "median", "high_90"))

forecasts.prices.write_csv("ranges.csv")
forecasts.plot("AAPL").savefig("AAPL.png")
print("ranges for 1, 7 and 30 sessions: ranges.csv; a picture: AAPL.png")

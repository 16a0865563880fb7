"""A student: can my prices be forecast, and how well?   python examples/student.py [AAPL.csv]"""

import sys

import nextclose as nc

if len(sys.argv) > 1:
    bars = nc.load_bars(sys.argv[1])
else:  # none of your own yet: some years of IBM, a date and a close in each row
    some = nc.sample_bars().frame.filter(symbol="IBM").select("symbol", "session", "close")
    bars = nc.frame_bars(some)
print(bars)

# every session of the last five years, forecast with nothing but what was known that evening
run = nc.backtest(bars, models=["naive", "har", "garch", "loghar", "lstm"])

print("\nThe verdict:")
print(run.summary)
print("\nThe whole of it:", run.report().save("report.html"))

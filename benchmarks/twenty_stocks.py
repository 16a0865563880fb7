"""The published settings on 20 US stocks, 2005 to 2022: prices on which nothing was chosen.

Closes alone, of the data set of the package `skfolio` (survivors: drift is flattered), every model
by default and trees. What was taught beforehand ends in 2004 throughout: the LSTM's edition, the
prior of log-HAR. Not a speed claim; some minutes on one core. `make choices` installs the data.

    python benchmarks/twenty_stocks.py [--write]
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import sys
from dataclasses import asdict
from datetime import date
from importlib import resources
from pathlib import Path
from unittest.mock import patch

import polars as pl

from nextclose.config import BacktestConfig, LstmConfig, RunConfig
from nextclose.data.sources.frames import frame_bars
from nextclose.evaluation.verdict.document import flat_row, plain
from nextclose.models import lstm as editions
from nextclose.models.loghar import prior
from nextclose.run import backtest
from nextclose.schema import Bars

RESULT = Path(__file__).parent / "results" / "twenty_stocks.json"
TAUGHT = "2004-12-31"
FIRST, TEST_FROM, LAST = date(1995, 1, 1), date(2005, 1, 3), date(2022, 12, 31)
MODELS = (*BacktestConfig().models[:-2], "trees", "lstm", "hybrid")
FIGURES = (
    *("relative_mae", "crps_skill_vs_hs", "crps_skill_vs_garch", "crps_skill_vs_garch_interval"),
    *("coverage_50", "coverage_80", "coverage_90", "coverage_95", "width_90_pct"),
    "verdict",
)
STANDING = (
    *("symbols_better_than_garch", "symbols_worse_than_garch", "symbols_worse_than_hs"),
    *("symbols_worse_than_naive", "in_confidence_set", "worst_year", "worst_year_skill"),
)


def stocks(*, first: date, last: date) -> Bars:
    """Closes of 20 US stocks, of a data file of an installed package, which is not imported."""
    found = importlib.util.find_spec("skfolio")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the package skfolio is not installed. Fix: make choices")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    text = gzip.decompress((folder / "sp500_dataset.csv.gz").read_bytes())
    wide = pl.read_csv(text, try_parse_dates=True).rename({"Date": "session"})
    long = wide.unpivot(index="session", variable_name="symbol", value_name="close")
    return frame_bars(long.filter(pl.col("session").is_between(first, last)))


def main() -> None:
    """Run once, print a card and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    given = parser.parse_args()
    bars = stocks(first=FIRST, last=LAST)
    edition = resources.files(editions).joinpath("weights", f"until-{TAUGHT}.safetensors")
    priors = [each for each in prior.shipped_priors() if each.until <= TAUGHT]
    with resources.as_file(edition) as file, patch.object(prior, "shipped_priors", lambda: priors):
        plan = BacktestConfig(test_from=TEST_FROM, models=MODELS)
        config = RunConfig(backtest=plan, lstm=LstmConfig(editions=(str(file),)))
        run = backtest(bars, config=config)
    rows = []
    for row in run.verdict:
        if row.symbol == "*":
            flat = flat_row(row)
            figures = {name: flat[name] for name in (*FIGURES, *STANDING)}
            rows.append({"horizon": row.horizon_sessions, "model": row.model, **figures})
    result = plain(
        {
            "bench": "twenty_stocks",
            "test": [str(TEST_FROM), str(LAST)],
            "rows": rows,
            "ablation": [asdict(part) for part in run.ablation],
        }
    )
    if given.write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for row in result["rows"]:
        print({name: round(x, 5) if isinstance(x, float) else x for name, x in row.items()})
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())

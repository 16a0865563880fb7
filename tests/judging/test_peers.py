"""Real exports of peers are judged as the same numbers in the plain form are."""

from pathlib import Path

import polars as pl
import pytest

from nextclose import sample_bars
from nextclose.errors import ForecastsError
from nextclose.referee import judge
from nextclose.schema import QUANTILE_COLUMNS

PEERS = Path(__file__).parent / "peers"
SYMBOLS = ("AAPL", "IBM")
KEYS = ["symbol", "origin", "horizon_sessions"]
# another choice of levels than the plain twin has; in-sample fits that it leaves out; rows counted
# from 0; two rows of heads, and closes of paths that look like prices
OTHERWISE = (
    *("darts_samples_h1", "prophet_predict", "mlforecast_integer_index"),
    *("sktime_quantiles_h1", "from_documentation_kronos_predict"),
)
HAND_MADE = "from_documentation"  # exports made from a peer's documentation
TWINS = [p.stem for p in sorted(PEERS.glob("plain/*.parquet")) if p.stem not in OTHERWISE]


def submitted(source, **options):
    judged = judge(source, sample_bars(), yardsticks=(), **options)
    rows = judged.forecasts.filter(pl.col("model").is_in(list(judged.submitted)))
    return judged, rows.sort("model", *KEYS)


@pytest.mark.parametrize("stem", TWINS)
def test_an_export_is_judged_as_its_plain_twin(stem):
    _, plain = submitted(PEERS / "plain" / f"{stem}.parquet")
    folder = PEERS / HAND_MADE if stem.startswith(HAND_MADE) else PEERS
    name = stem.removeprefix(f"{HAND_MADE}_")
    exports = [path for path in sorted(folder.glob(f"{name}*.*")) if _is_of(path, name)]
    assert exports
    for path in exports:
        symbol = next((name for name in SYMBOLS if path.name.split(".")[0].endswith(name)), None)
        horizon = 7 if "darts" in stem and "h7" in stem else None  # it writes no origin
        _, rows = submitted(path, symbol=symbol, horizon=horizon)
        twin = plain.filter(pl.col("symbol").is_in(rows["symbol"].unique().implode()))
        if rows["model"].n_unique() == 1:
            rows, twin = rows.drop("model"), twin.drop("model")
        assert rows.height
        assert rows.select(*KEYS, *QUANTILE_COLUMNS).equals(twin.select(*KEYS, *QUANTILE_COLUMNS))


def _is_of(path, stem):
    rest = path.name.split(".")[0].removeprefix(stem)
    return rest in ("", *(f"_{name}" for name in SYMBOLS))


@pytest.mark.skipif(not TWINS, reason="no exports here")
def test_what_a_peer_wrote_without_dates_or_in_another_scale_is_refused():
    for name, said in (
        ("mlforecast_integer_index.csv", "expected a date"),
        ("keras_tutorial_scaled_undated_AAPL.csv", "expected a column of dates"),
        ("sktime_quantiles_h1_AAPL.csv", "found an empty cell"),
        (f"{HAND_MADE}/kronos_predict_AAPL.csv", "expected a column of dates"),
    ):
        with pytest.raises(ForecastsError, match=said):
            submitted(PEERS / name, symbol="AAPL")


@pytest.mark.skipif(not TWINS, reason="no exports here")
def test_predictions_of_its_own_past_are_found_in_what_prophet_gives():
    judged, _ = submitted(PEERS / "prophet_predict_AAPL.csv.gz", symbol="AAPL")
    assert "shifted_ahead" in {finding.name for finding in judged.grave}

"""Forecasts that cannot be judged: one clear line each, and exit code 3."""

import sys
from datetime import date, timedelta

import polars as pl
import pytest

from nextclose import cli
from nextclose.errors import ForecastsError
from nextclose.referee import judge
from tests.judging.builders import bars, closes, ranged

POINT = closes().select("symbol", "origin", pl.col("close").alias("prediction"))
TARGETS = closes().select("symbol", "target_date", pl.col("close").alias("prediction"))


def with_cell(frame, column, value, *, row=4):
    """The frame with one cell of a column changed; the column becomes text if it must."""
    cells = frame[column].to_list()
    cells[row] = value
    if isinstance(value, str):
        cells = [None if cell is None else str(cell) for cell in cells]
    return frame.with_columns(pl.Series(column, cells, strict=False))


def as_text(frame, form):
    return frame.with_columns(pl.col("origin").dt.strftime(form))


CASES = {
    "no columns": (pl.DataFrame(), "no columns"),
    "no rows": (POINT.clear(), "no rows"),
    "no dates": (POINT.drop("origin"), "a column of dates"),
    "no forecasts": (POINT.drop("prediction"), "expected a column of forecasts"),
    "no number at all": (POINT.with_columns(prediction=pl.lit(None)), "found no number"),
    "unknown symbol": (with_cell(POINT, "symbol", "ZZZ"), "symbols without prices: ZZZ"),
    "all symbols unknown": (POINT.with_columns(symbol=pl.lit("ZZZ")), "symbols as S00"),
    "empty symbol": (with_cell(POINT, "symbol", None), "row 6, column symbol: found an empty cell"),
    "empty origin": (with_cell(POINT, "origin", None), "row 6, column origin: found an empty cell"),
    "empty target": (with_cell(TARGETS, "target_date", None), "the target of each forecast"),
    "text for a number": (with_cell(POINT, "prediction", "up"), "row 6, column prediction: found 'up'"),
    "thousands": (with_cell(POINT, "prediction", "1,234.5"), "without marks for thousands"),
    "currency": (with_cell(POINT, "prediction", "$50"), "found '$50'"),
    "infinite": (with_cell(POINT, "prediction", float("inf")), "an infinite number"),
    "one NaN among quantiles": (with_cell(ranged(), "0.05", float("nan")), "column 0.05: found an empty"),
    "level above one": (ranged().rename({"0.99": "1.5"}), "found level 1.5"),
    "level zero": (ranged().rename({"0.01": "0.0"}), "found level 0"),
    "percent above 100": (POINT.rename({"prediction": "q105"}), "levels between 0 and 1"),
    "interval of 100 %": (POINT.rename({"prediction": "m-lo-100"}), "levels between 0 and 1"),
    "a level twice": (ranged().with_columns(pl.col("0.05").alias("q0.05")), "each level once"),
    "sd alone": (POINT.rename({"prediction": "sd"}), "expected a mean beside it"),
    "negative sd": (POINT.with_columns(sd=pl.lit(-1.0)), "expected sd >= 0"),
    "price of zero": (with_cell(POINT, "prediction", 0.0), "expected a price above 0"),
    "negative price": (with_cell(POINT, "prediction", -5.0), "expected a price above 0"),
    "a word for a date": (with_cell(POINT, "origin", "yesterday"), "row 6, column origin: found 'yesterday'"),
    "day or month": (
        POINT.with_columns(origin=pl.lit("03/04/2002")), "no row that settles which is the month",
    ),
    "a counter for a date": (POINT.with_columns(origin=pl.lit(7)), "column origin: found 7"),
    "a number for a date": (POINT.with_columns(origin=pl.lit(1.5)), "expected a date"),
    "several zones": (
        with_cell(as_text(POINT, "%Y-%m-%dT00:00:00+00:00"), "origin", "2002-03-04T00:00:00+09:00"),
        "stamps of several zones",
    ),
    "a date of 1800": (with_cell(POINT, "origin", date(1800, 1, 1)), "dates from 1900 on"),
    "future origin": (with_cell(POINT, "origin", date(2100, 1, 4)), "after the last price of S00"),
    "all targets to come": (
        TARGETS.with_columns(target_date=pl.lit(date(2100, 1, 4))), "give newer prices",
    ),
    "no sessions": (
        TARGETS.with_columns(
            target_date=pl.Series([date(2002, 1, 5) + timedelta(days=7 * k) for k in range(300)])
        ).head(40),
        "on which there is no bar",
    ),
    "before all prices": (POINT.with_columns(origin=pl.lit(date(1990, 1, 2))), "there is no bar"),
    "two values of one forecast": (
        pl.concat([POINT, POINT.with_columns(pl.col("prediction") * 1.01)]), "a second forecast of S00",
    ),
    "target before origin": (
        closes().select("symbol", pl.col("target_date").alias("origin"),
                        pl.col("origin").alias("target_date"), pl.col("close").alias("prediction")),
        "expected origin < target",
    ),
    "horizon of zero": (POINT.with_columns(horizon=pl.lit(0)), "whole sessions ahead"),
    "half a session": (POINT.with_columns(horizon=pl.lit(1.5)), "whole sessions ahead"),
    "scaled to 0..1": (
        POINT.with_columns(
            prediction=(pl.col("prediction") - pl.col("prediction").min())
            / (pl.col("prediction").max() - pl.col("prediction").min())
        ),
        "not scaled prices",
    ),
    "z-scores": (
        POINT.with_columns(
            prediction=(pl.col("prediction") - pl.col("prediction").mean())
            / pl.col("prediction").std()
        ),
        "not scaled prices",
    ),
    "before a split": (POINT.with_columns(pl.col("prediction") * 7), "forecasts of 7 times the close"),
    "log or simple": (
        POINT.with_columns(prediction=pl.lit(0.001) * pl.int_range(pl.len()).mod(7)), "say values=",
    ),
    "another security": (
        closes().select("symbol", "target_date", pl.col("close").alias("prediction"),
                        (pl.col("later") * 1.1).alias("actual")),
        "actual prices 10.0 % from the closes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_judged_is_refused_in_one_line(name):
    frame, said = CASES[name]
    with pytest.raises(ForecastsError) as caught:
        judge(frame, bars(), yardsticks=())
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ". Fix: " in str(caught.value)
    assert caught.value.exit_code == 3


FILES = {
    "empty.csv": (b"", "0 bytes"),
    "binary.csv": (b"\xff\xfe\x00\x01", "can be read"),
    "page.csv": (b"<html><body>404</body></html>", "no rows"),
    "damaged.parquet": (b"PAR1 not really", "can be read"),
    "uneven.csv": (b"date,actual,predicted\n2002-01-02,1,2,3,4\n", "can be read"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_table_ends_with_exit_code_3(tmp_path, name, monkeypatch, capsys):
    content, said = FILES[name]
    (tmp_path / name).write_bytes(content)
    prices = tmp_path / "S00.csv"
    bars().frame.select(pl.col("session").alias("date"), "close").write_csv(prices)
    line = ["nextclose", "judge", str(tmp_path / name), str(prices), "--out", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert "Traceback" not in told


def test_a_path_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ForecastsError, match=r"nowhere\.csv: found"):
        judge(tmp_path / "nowhere.csv", bars())

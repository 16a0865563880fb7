"""One card: the forecast beside yesterday's close."""

import json
import sys

import numpy as np
import polars as pl
import pytest

from nextclose import cli
from nextclose.errors import ForecastsError
from nextclose.report.roast_card import card_html, card_png
from nextclose.roasting import roast
from tests.judging.builders import bars, closes

TUTORIAL = closes().select(
    pl.col("target_date").alias("Date"), pl.col("later").alias("Close"),
    (pl.col("close") * 1.01).alias("Predictions"),
)  # fmt: skip


def test_the_actual_column_stands_for_prices(tmp_path):
    TUTORIAL.write_csv(tmp_path / "lstm.csv")
    (alone,) = roast(tmp_path / "lstm.csv")
    (beside,) = roast(tmp_path / "lstm.csv", bars())
    assert alone.model == "lstm_submitted"  # ours is another
    assert len(beside.price) == len(alone.price) + 1  # the first has no close before it
    np.testing.assert_allclose(alone.forecast, beside.forecast[1:])
    close, later = TUTORIAL["Close"][:-1].to_numpy(), TUTORIAL["Close"][1:].to_numpy()
    off = np.abs(np.log(later) - np.log(close * 1.01)).sum() / np.abs(np.log(later / close)).sum()
    assert alone.multiple == pytest.approx(off)
    assert alone.headline == f"{off:.2f} times as far off as doing nothing"
    assert [finding.name for finding in alone.findings] == ["lag"]


def test_the_card_says_the_tutorials_metrics_beside_doing_nothing(tmp_path):
    TUTORIAL.write_csv(tmp_path / "t.csv")
    (card,) = roast(tmp_path / "t.csv", bars())
    rows = dict((name, (ours, theirs)) for name, ours, theirs in card.rows())
    price, last = TUTORIAL["Close"].to_numpy(), closes()["close"].to_numpy()
    assert rows["RMSE"][1] == f"{np.sqrt(((price - last) ** 2).mean()):,.2f}"
    assert (
        rows["MAPE"][0] == f"{100 * np.abs(price / (last * 1.01) - 1).mean():.2f} %" or rows["MAPE"]
    )
    page = card_html(card)
    assert card.headline[1:] in page
    assert "doing nothing" in page
    assert "yesterday&#39;s price" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert card_png(card)[:8] == b"\x89PNG\r\n\x1a\n"
    assert card_png(card) != card_png(card, dark=True)


def test_a_name_cannot_write_into_the_card(tmp_path):
    TUTORIAL.write_csv(tmp_path / "t.csv")
    (card,) = roast(tmp_path / "t.csv", bars(), model="<script>x</script>")
    assert "<script>" not in card_html(card)


def test_without_actual_prices_a_file_of_prices_is_asked_for(tmp_path):
    TUTORIAL.drop("Close").write_csv(tmp_path / "t.csv")
    with pytest.raises(ForecastsError, match="nextclose roast FILE PRICES"):
        roast(tmp_path / "t.csv")


def test_the_command_leaves_a_picture_and_a_page(tmp_path, monkeypatch, capsys):
    TUTORIAL.write_csv(tmp_path / "t.csv")
    line = [
        "nextclose",
        "roast",
        str(tmp_path / "t.csv"),
        "--symbol",
        "S00",
        "--out",
        str(tmp_path / "card"),
    ]
    for more in ([], ["--json", "-q"]):
        monkeypatch.setattr(sys, "argv", line + more)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        said = capsys.readouterr().out
        if not more:
            assert "times as far off as doing nothing" in said
    (card,) = json.loads(said)
    assert card["error_multiple"] > 1
    assert sorted(path.name for path in (tmp_path / "card").iterdir()) == [
        "card-dark.png", "card.html", "card.png",
    ]  # fmt: skip

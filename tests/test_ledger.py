"""Every configuration scored on the same prices is counted, once."""

import json
import sys

import polars as pl
import pytest

from nextclose import cli
from nextclose.formatting import ordinal
from nextclose.ledger import LEDGER, count_trial, looks_sentence
from tests.judging.builders import bars, ranged


def trial(config, data="prices"):
    return {"config": config, "data": data}


def test_a_configuration_counts_once_and_on_its_own_prices(tmp_path):
    counts = [
        count_trial(tmp_path, each)
        for each in (trial("a"), trial("b"), trial("a"), trial("c", "others"), trial("c"))
    ]
    assert counts == [1, 2, 2, 1, 3]
    assert len((tmp_path / LEDGER).read_text().splitlines()) == 5


def test_lines_of_others_are_passed_over(tmp_path):
    (tmp_path / LEDGER).write_bytes(b'not json\n[]\n{"config": "x"}\n\xff\n')
    assert count_trial(tmp_path, trial("a")) == 1


def test_what_luck_makes_of_fourteen_looks():
    assert looks_sentence(1) == ""
    assert "the 14th configuration" in looks_sentence(14)
    assert "probability of 51%" in looks_sentence(14)  # 1 - 0.95**14 = 0.512
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112, 1021)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "1,021st",
    ]  # fmt: skip


def test_backtest_and_judge_write_into_one_ledger_and_say_it(tmp_path, monkeypatch, capsys):
    prices, runs = tmp_path / "S00.csv", tmp_path / "runs"
    bars().frame.select(pl.col("session").alias("date"), "close").write_csv(prices)
    ranged().write_csv(tmp_path / "mine.csv")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["nextclose", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        return " ".join(capsys.readouterr().out.split())

    common = ("backtest", prices, "--horizons", "1", "--workers", "1")
    first = call(*common, "--models", "ewma", "--out", runs / "one")
    assert "configuration scored" not in first
    second = call(*common, "--models", "ewma,naive", "--out", runs / "two")
    assert "This is the 2nd configuration scored on these prices" in second
    again = call(*common, "--models", "ewma", "--out", runs / "one")
    assert "This is the 2nd" in again
    third = call("judge", tmp_path / "mine.csv", prices, "--yardsticks", "naive,hs_250",
                 "--workers", "1", "--out", runs / "judged", "--json", "-q")  # fmt: skip
    document = json.loads(third)
    assert document["run"]["looks"] == 3
    assert document["judged"]["trials"] == 3
    assert "3rd configuration" in (runs / "judged/report.html").read_text()
    assert len((runs / LEDGER).read_text().splitlines()) == 4

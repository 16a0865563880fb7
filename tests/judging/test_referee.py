"""The verdict on forecasts of anybody is that of a backtest."""

import json
import sys

import numpy as np
import polars as pl
import pytest

from nextclose import backtest, cli, sample_bars
from nextclose.errors import ConfigError
from nextclose.judging.trials import deflated_p
from nextclose.referee import judge
from nextclose.schema import LEVELS, QUANTILE_COLUMNS
from nextclose.yardsticks import YARDSTICKS
from tests.judging.builders import FAST, bars, closes, ranged

ROW = ("symbol", "horizon_sessions", "model")


def rows_of(document, models):
    rows = [row for row in document["rows"] if row["model"] in models]
    return {tuple(row[name] for name in ROW): row for row in rows}


def test_our_own_forecasts_get_our_own_verdict_exactly():
    models = ("naive", "ewma", "har", "loghar", "lstm")
    run = backtest(sample_bars(), models=models, horizons=(1, 7))
    judged = judge(run.forecasts, sample_bars())
    ours = rows_of(run.document, models)
    assert len(ours) == 2 * (4 * 5 + 6)  # FB is too young for all but lstm
    assert rows_of(judged.document, models) == ours
    assert judged.run.lead == run.lead
    assert judged.findings == ()
    assert judged.forecasts.drop("fold").sort(*ROW, "origin").equals(
        run.forecasts.drop("fold").sort(*ROW, "origin")
    )  # fmt: skip


def test_yardsticks_are_those_of_a_backtest_that_begins_on_that_day():
    submitted = ranged(2)
    judged = judge(submitted, bars(2), yardsticks=YARDSTICKS)
    assert {*judged.forecasts["model"]} == {*YARDSTICKS, "submission"}
    first = submitted["origin"].min()
    from tests.builders import tiny_config

    config = tiny_config(models=("ewma",), horizons=(1,), test_from=first, refit_sessions=252)
    run = backtest(bars(2), config=config)
    keys = ["symbol", "origin", "horizon_sessions"]
    for name in ("ewma", "hs_250", "drift", "garch"):
        theirs, ours = (
            frame.filter(model=name).join(submitted.select("symbol", "origin"), on=keys[:2], how="semi")
            .sort(keys).select(*keys, *QUANTILE_COLUMNS)
            for frame in (judged.forecasts, run.forecasts)
        )  # fmt: skip
        assert theirs.equals(ours), name
        assert theirs.height == (96 if name == "garch" else submitted.height)  # from its 2nd refit


def test_a_bar_after_the_last_target_changes_no_yardstick():
    frame = bars(2).frame
    cut = ranged(2).filter(pl.col("origin") < frame["session"].unique().sort()[-100])
    wild = frame.with_columns(
        pl.when(pl.col("session") > cut["origin"].max() + pl.duration(days=10))
        .then(pl.col("close") * 3).otherwise("close").alias("close")
    )  # fmt: skip
    from dataclasses import replace

    one, other = (
        judge(cut, each, yardsticks=("ewma", "hs_250", "garch", "lstm"))
        for each in (bars(2), replace(bars(2), frame=wild))
    )
    assert one.forecasts.equals(other.forecasts)


def test_yardsticks_stand_on_the_keys_of_the_submission_alone():
    weekly = ranged(2)[::5]
    judged = judge(weekly, bars(2), yardsticks=FAST)
    keys = judged.forecasts.group_by("model").len()
    assert {*keys["len"]} == {weekly.height}
    assert judged.run.verdict[0].evidence.filled == 0


def test_a_short_history_leaves_no_change_and_says_so():
    young = bars(1, 300)
    frame = young.frame.tail(150).select("symbol", pl.col("session").alias("origin"),
                                         pl.col("close").alias("prediction"))  # fmt: skip
    early = young.frame.head(150).select("symbol", pl.col("session").alias("origin"),
                                         pl.col("close").alias("prediction"))  # fmt: skip
    for part in (frame, early):
        judged = judge(part, young)
        assert "naive" in {*judged.forecasts["model"]}
        assert any(finding.name.startswith("no_yardstick") for finding in judged.findings)
        assert judged.leaderboard.height >= 2


def test_a_leaky_model_gets_the_alarm_and_no_praise():
    leaky = closes().select(
        "symbol", "origin", (0.5 * pl.col("close") + 0.5 * pl.col("later")).alias("prediction")
    )
    judged = judge(leaky, bars(), yardsticks=FAST)
    (row,) = [row for row in judged.verdict if row.model == "submission" and row.symbol == "*"]
    assert row.verdict == "TOO GOOD"
    assert "too_good" in {finding.name for finding in judged.grave}
    assert judged.summary.startswith("submission is too good to be true")
    assert judged.report().html.count("too good to be true") >= 1


def test_a_leaderboard_of_several_with_their_tries():
    submissions = {f"m{k}": ranged(2, width=0.010 + 0.002 * k) for k in range(4)}
    judged = judge(submissions, bars(2), yardsticks=("naive", "hs_250", "garch"), trials=40)
    board = judged.leaderboard
    assert board.filter("submitted")["model"].to_list()[0] in ("m2", "m3")  # the true width
    assert board["relative_crps"].is_sorted()
    assert board.filter(model="naive")["relative_crps"].item() == 1.0
    assert board.filter("submitted")["in_confidence_set"].null_count() == 0
    gained = board.filter(pl.col("deflated_p").is_not_null())
    assert gained.height
    for p, deflated in gained.select("p_value", "deflated_p").iter_rows():
        assert deflated == pytest.approx(1 - (1 - p) ** 40)
    assert "of 40 tries" in judged.summary


def test_submissions_of_other_days_are_ranked_beside_no_change_on_their_own():
    wide = ranged(2)
    calm = wide.group_by("symbol", maintain_order=True).head(100)
    judged = judge({"all": wide, "some": calm}, bars(2), yardsticks=FAST)
    frame = judged.run.scores.frame.filter(model="some")
    board = judged.leaderboard.filter(model="some")
    expected = frame["crps"].to_numpy().sum() / np.abs(frame["target"].to_numpy()).sum()
    assert board["relative_crps"].item() == pytest.approx(expected)
    assert board["forecasts"].item() == 200
    assert any(line.startswith("some: Too little data") for line in judged.verdict_sentences)


def test_the_best_of_ten_at_five_percent_by_hand():
    assert deflated_p(0.05, trials=10) == pytest.approx(0.401263)  # 1 - 0.95**10
    assert deflated_p(None, trials=10) is None


def test_arguments_are_refused_with_their_cure():
    for options, said in (
        ({"values": "dollars"}, "one of auto"),
        ({"horizon": 0}, "from 1 on"),
        ({"yardsticks": "garch"}, "as a list"),
        ({"yardsticks": ["hybrid"]}, "some of naive"),
        ({"width": 80.0}, "between 0 and 1"),
        ({"trials": -1}, "from 1 on"),
        ({"models": ("x",)}, "give model="),
    ):
        with pytest.raises(ConfigError, match=said):
            judge(ranged(), bars(), **options)
    with pytest.raises(ConfigError, match="a data frame, or the path"):
        judge(7, bars())


def test_a_judgement_is_saved_as_a_run(tmp_path):
    judged = judge(ranged(2), bars(2), yardsticks=FAST)
    folder = judged.save(tmp_path / "judged", figures=False)
    document = json.loads((folder / "verdict.json").read_text())
    assert document["judged"]["submitted"] == ["submission"]
    assert document["judged"]["formats"] == {"submission": "plain"}
    assert document["rows"] == judged.document["rows"]
    assert pl.read_parquet(folder / "forecasts.parquet").equals(judged.forecasts)
    assert "submission" in (folder / "report.html").read_text()
    page = (folder / "report.html").read_text()
    assert "nobody here saw how they were made" in page  # what we cannot vouch for
    assert "nothing but what was known at its close" not in page
    assert "Judgement of submission" in repr(judged)
    assert "<p>" in judged._repr_html_()


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["nextclose", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_command_judges_two_files_and_prints_the_tutorials_numbers(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "prices").mkdir()
    frame = bars().frame
    frame.select(pl.col("session").alias("date"), "close").write_csv(tmp_path / "prices/S00.csv")
    ranged().write_csv(tmp_path / "mine.csv")
    copied = closes().select("symbol", "origin", pl.col("close").alias("prediction"))
    copied.write_parquet(tmp_path / "copy.parquet")
    line = ("judge", tmp_path / "mine.csv", tmp_path / "copy.parquet", tmp_path / "prices/S00.csv",
            "--out", tmp_path / "run", "--yardsticks", "naive,hs_250", "--workers", "1")  # fmt: skip
    assert call(monkeypatch, *line, "--tutorial-metrics") == 0
    said = capsys.readouterr().out
    assert "! copy is yesterday's price" in said.replace("\n", " ")
    assert "RMSE" in said
    assert (tmp_path / "run/report.html").exists()
    assert call(monkeypatch, *line, "--json", "-q") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["judged"]["submitted"] == ["mine", "copy"]
    assert call(monkeypatch, "judge", tmp_path / "mine.csv") == 2
    assert np.isclose(LEVELS.sum(), 11.5)


def test_a_verdict_to_cite_is_a_badge_and_a_table():
    judged = judge({"a_b": ranged(2)}, bars(2), yardsticks=FAST)
    assert judged.badge().startswith("<svg ")
    assert "see findings" not in judged.badge()
    row = judged.leaderboard.filter(model="a_b").row(0, named=True)
    figures = (
        f"{row['relative_mae']:.3f} & {row['relative_crps']:.3f} & {100 * row['coverage_90']:.1f}"
    )
    assert rf"a\_b & 1 & {figures} & {row['verdict'].lower()} \\" in judged.table("latex")
    assert "| hs_250 (yardstick) | 1 |" in judged.table()
    with pytest.raises(ConfigError, match="markdown or latex"):
        judged.table("word")
    with pytest.raises(ConfigError, match="was not judged"):
        judged.badge("nobody")
    copied = closes().select("symbol", "origin", pl.col("close").alias("prediction"))
    assert "see findings" in judge(copied, bars(), yardsticks=FAST).badge()


def test_each_horizon_is_measured_on_the_origins_that_it_was_forecast_from():
    near, far = ranged(2).head(100), ranged(2).tail(100).with_columns(horizon=pl.lit(5))
    judged = judge(pl.concat([near, far]), bars(2), yardsticks=("ewma", "hs_250"))
    keys = ["symbol", "origin", "horizon_sessions"]
    submitted, ewma = (
        judged.forecasts.filter(model=name).select(keys).sort(keys)
        for name in ("submission", "ewma")
    )
    assert ewma.equals(submitted)


def test_what_a_model_of_ours_left_out_for_lack_of_history_is_not_charged():
    whole = judge(ranged(2), bars(2), yardsticks=("ewma", "hs_250")).forecasts
    day = whole["origin"].unique().sort()[100]
    young = whole.filter(~((pl.col("model") == "ewma") & (pl.col("origin") == day)))
    judged = judge(young, bars(2), yardsticks=())
    rows = {row.model: row for row in judged.verdict if row.symbol == "*"}
    assert rows["ewma"].evidence.filled == 0
    theirs = young.with_columns(pl.col("model").replace("ewma", "theirs"))
    rows = {row.model: row for row in judge(theirs, bars(2), yardsticks=()).verdict}
    assert rows["theirs"].evidence.filled > 0

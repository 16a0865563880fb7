"""What is new about the bars is told: in words, beside the forecasts, and never by a traceback."""

import csv
import io
import json
import warnings
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nextclose import cli
from nextclose.config import DataConfig, FeaturesConfig, RunConfig
from nextclose.data.calendars.sessions import session_table
from nextclose.data.catalogue import Issue
from nextclose.data.rules.alignment import last_finished_session
from nextclose.errors import NotEnoughDataError, ServingWarning
from nextclose.schema import Bars
from nextclose.serving.bundle import Bundle
from nextclose.serving.notices import Notices, notices_of
from nextclose.serving.predictor import forecasts_of, load_bundle, predict
from nextclose.serving.updating import updated
from nextclose.training import train
from tests.builders import hybrid_config, until, walk_frame
from tests.serving.bundles import rewritten

BARS = Bars(frame=pl.concat([walk_frame(name, seed=k, n=600) for k, name in enumerate("ABCDE")]))
SESSIONS = BARS.frame["session"].unique().sort()
FITTED_AT, LAST = SESSIONS[-40], SESSIONS[-1]
NOW = datetime(LAST.year, LAST.month, LAST.day, 23, 30, tzinfo=UTC)
OWN = pl.col("symbol")
NAMES = (*"ABCDE", "Z", "META")


def trained(folder: Path, *, market: bool) -> Path:
    config = RunConfig(data=DataConfig(calendar="weekdays"), features=FeaturesConfig(market=market))
    train(until(BARS, FITTED_AT), folder, model="loghar", config=config)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return trained(tmp_path_factory.mktemp("alone"), market=False)


@pytest.fixture(scope="module")
def bundle(folder) -> Bundle:
    return load_bundle(folder)


def notices(bundle: Bundle, frame: pl.DataFrame, *, now: datetime = NOW) -> Notices:
    bars = Bars(frame=frame.sort("symbol", "session"), exchanges=dict.fromkeys(NAMES, "XNYS"))
    return notices_of(bundle, bars, forecasts_of(bundle, bars), now=now)


def codes(told: Notices) -> dict[str, str]:
    return {finding.code: finding.found for finding in told.findings}


def test_bars_of_training_up_to_the_last_session_give_no_notice(bundle):
    told = notices(bundle, BARS.frame)
    assert told.findings == ()
    assert set(told.notes.values()) == {""}


WHEN = [  # exchange, now in UTC, its last session that is over
    ("XNYS", "2012-10-26 20:29", "2012-10-25"),  # half an hour after the close a bar is final
    ("XNYS", "2012-10-26 20:30", "2012-10-26"),
    ("XNYS", "2012-10-30 22:00", "2012-10-26"),  # storm
    ("XNYS", "2024-07-03 17:31", "2024-07-03"),  # a half day
    ("XTKS", "2024-01-03 12:00", "2023-12-29"),
    ("", "2024-01-01 12:00", "2023-12-29"),  # Monday is not over
    ("24/7", "2024-01-06 23:00", "2024-01-05"),
]


@pytest.mark.parametrize(("exchange", "now", "expected"), WHEN)
def test_the_last_session_that_is_over(exchange, now, expected):
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_finished_session(exchange, instant) == date.fromisoformat(expected)


def test_old_bars_are_told_with_the_day_they_should_reach(bundle):
    later = notices(bundle, BARS.frame, now=datetime(2010, 1, 5, 3, tzinfo=UTC))
    (finding,) = later.findings
    assert finding.code == "W81"
    assert f"5 symbols: A {LAST}" in finding.found
    assert "2010-01-04" in finding.rule
    assert set(later.notes.values()) == {"stale"}


def test_a_symbol_that_ends_before_the_others_is_told(bundle):
    ended = BARS.frame.filter((OWN != "C") | (pl.col("session") <= SESSIONS[-6]))
    told = notices(bundle, ended)
    assert codes(told) == {code: f"1 symbol: C {SESSIONS[-6]}" for code in ("W81", "W82")}
    assert told.notes == {"A": "", "B": "", "C": "stale; ends early", "D": "", "E": ""}


def test_dates_beyond_the_years_of_a_calendar_are_told(bundle):
    bars = Bars(frame=BARS.frame, exchanges=dict.fromkeys(NAMES, "XNYS"))
    known_until = session_table("XNYS").last.astype(date)
    is_late = pl.when(OWN == "B").then(known_until + timedelta(days=1)).otherwise(known_until)
    forecasts = forecasts_of(bundle, bars).with_columns(is_late.alias("resolved"))
    told = notices_of(bundle, bars, forecasts, now=NOW)
    assert codes(told) == {"W86": f"1 symbol: B {LAST}"}
    assert told.notes["B"] == "date by weekdays"


def test_bars_much_newer_than_the_record_of_past_forecasts_are_told(tmp_path):
    config = hybrid_config("loghar", "ewma", models=("hybrid",))
    config = config.model_copy(update={"features": FeaturesConfig(market=False)})
    train(until(BARS, FITTED_AT), tmp_path / "mine", config=config)
    hybrid = load_bundle(tmp_path / "mine")
    place = pl.int_range(pl.len()).over("symbol") - 560  # 0: the fit
    for n, is_told in ((0, False), (21, False), (22, True)):
        frame = BARS.frame.filter(place <= pl.when(OWN.is_in(["A", "B"])).then(n).otherwise(0))
        told = notices(hybrid, frame)
        assert ("W89" in codes(told)) == is_told
        assert ("old record" in told.notes["A"]) == is_told
        assert "old record" not in told.notes["C"]
    assert codes(told)["W89"] == f"2 symbols: A {FITTED_AT}, B {FITTED_AT}"
    (finding,) = (finding for finding in told.findings if finding.code == "W89")
    assert "`nextclose update BUNDLE PRICES`" in finding.line()
    bars = Bars(frame=frame.sort("symbol", "session"))
    assert "W89" not in codes(notices(updated(hybrid, bars), frame))


def test_a_fit_before_what_it_was_taught_beforehand_ends_is_told(tmp_path):
    earlier = pl.col("session") - pl.duration(weeks=52 * 10)
    frame = BARS.frame.with_columns(earlier.cast(pl.Date))
    config = hybrid_config("loghar", "lstm", models=("hybrid",))
    settings = {"features": FeaturesConfig(market=False), "data": DataConfig(calendar="weekdays")}
    config = config.model_copy(update=settings)
    train(Bars(frame=frame), tmp_path / "early", config=config)
    last = frame["session"].max()
    bars = Bars(frame=frame, exchanges=dict.fromkeys(NAMES, ""))
    early = load_bundle(tmp_path / "early")
    found = codes(notices_of(early, bars, forecasts_of(early, bars), now=NOW))
    assert found["W90"] == f"fitted on {last!s}, taught up to 1994-12-31"
    assert found["W91"] == f"lstm, fitted on {last!s}"  # the test's own edition ends in 2000
    train(BARS, tmp_path / "late", config=config)
    late = load_bundle(tmp_path / "late")
    told = codes(notices_of(late, BARS, forecasts_of(late, BARS), now=NOW))
    assert not {"W90", "W91"} & {*told}


def test_symbols_never_learnt_and_missing_are_told(bundle):
    extra = walk_frame("Z", seed=9, n=600)
    told = notices(bundle, pl.concat([BARS.frame.filter(OWN != "B"), extra]))
    assert codes(told) == {"W83": f"1 symbol: Z {LAST}", "W84": "1 symbol: B"}
    assert told.notes["Z"] == "never learnt"


@pytest.mark.parametrize("scale", [1.0, 0.37])  # adjusted anew for dividends since
def test_a_symbol_under_another_name_is_recognised_by_its_moves(bundle, scale):
    prices = ("open", "high", "low", "close")
    renamed = BARS.frame.with_columns(pl.col(name) * scale for name in prices).with_columns(
        OWN.replace("B", "META")
    )
    assert codes(notices(bundle, renamed))["W84"] == "1 symbol: B (META has its moves)"


def test_another_companys_history_under_a_name_of_training_is_told(bundle):
    other = walk_frame("A", seed=77, n=600)
    told = notices(bundle, pl.concat([other, BARS.frame.filter(OWN != "A")]))
    assert codes(told) == {"W87": f"1 symbol: A {LAST}"}
    assert told.notes["A"] == "other moves"
    swapped = BARS.frame.with_columns(OWN.replace({"B": "C", "C": "B"}))
    found = f"2 symbols: B {LAST} (moves of C), C {LAST} (moves of B)"
    assert codes(notices(bundle, swapped)) == {"W87": found}
    taken = BARS.frame.filter(OWN != "C").with_columns(OWN.replace("D", "C"))
    assert codes(notices(bundle, taken))["W87"] == f"1 symbol: C {LAST} (moves of D)"


PRICES = pl.col("open", "high", "low", "close")
DIVIDEND = pl.when(pl.col("session") < SESSIONS[-100]).then(0.97).otherwise(1.0)
SAME_COMPANY = {
    "adjusted anew": PRICES * 0.37,
    "a dividend that was left out": PRICES * DIVIDEND,
    "rounded to the cent": PRICES.round(2),
    "a close in ten revised by 1 %": PRICES
    * pl.when(pl.int_range(pl.len()).over("symbol") % 10 == 0).then(1.01).otherwise(1.0),
}


@pytest.mark.parametrize("name", SAME_COMPANY)
def test_a_history_told_a_little_otherwise_is_the_same_companys(bundle, name):
    assert notices(bundle, BARS.frame.with_columns(SAME_COMPANY[name])).findings == ()


@pytest.mark.parametrize("row", [-60, -44, -40])
def test_a_session_that_came_or_went_changes_no_company(bundle, row):
    assert notices(bundle, BARS.frame.filter(pl.col("session") != SESSIONS[row])).findings == ()


@pytest.mark.parametrize("n_behind", [1, 3, 5, 120])
def test_a_symbol_that_was_behind_at_the_fit_is_the_same_company(tmp_path, n_behind):
    late = BARS.frame.filter((OWN != "B") | (pl.col("session") <= SESSIONS[-40 - n_behind]))
    config = RunConfig(data=DataConfig(calendar="weekdays"), features=FeaturesConfig(market=False))
    known = late.filter(pl.col("session") <= FITTED_AT)
    train(Bars(frame=known), tmp_path / "mine", model="loghar", config=config)
    behind = load_bundle(tmp_path / "mine")
    assert "W87" not in codes(notices(behind, known))
    assert "W87" not in codes(notices(behind, BARS.frame))
    other = pl.concat([walk_frame("B", seed=77, n=600), BARS.frame.filter(OWN != "B")])
    assert codes(notices(behind, other)) == {"W87": f"1 symbol: B {LAST}"}


@pytest.mark.parametrize("basis", ["raw", "adjusted"])
def test_another_basis_than_at_training_is_told(bundle, basis):
    exchanges = dict.fromkeys(NAMES, "XNYS")
    bars = Bars(frame=BARS.frame, exchanges=exchanges, basis=basis)
    told = notices_of(bundle, bars, forecasts_of(bundle, bars), now=NOW)
    assert codes(told) == {"W88": f"{basis} prices, and unknown ones at training"}


def test_a_missing_symbol_of_a_market_is_refused_with_the_name_it_has_now(tmp_path):
    bundle = load_bundle(trained(tmp_path, market=True))
    renamed = Bars(frame=BARS.frame.with_columns(OWN.replace("B", "META")).sort("symbol"))
    with pytest.raises(NotEnoughDataError, match=r"B \(META has its moves\)\. Fix"):
        predict(bundle, renamed)


def test_a_bundle_names_what_was_left_out_of_its_training(tmp_path):
    note = Issue.LEFT_OUT.finding("E54 in row 9: -5.0", symbol="BAD")
    bars = replace(until(BARS, FITTED_AT), findings=(note,))
    config = RunConfig(data=DataConfig(calendar="weekdays"), features=FeaturesConfig(market=False))
    train(bars, tmp_path, model="loghar", config=config)
    assert load_bundle(tmp_path).manifest.left_out == {"BAD": "E54 in row 9: -5.0"}


def test_the_library_warns_and_says_nothing_where_nothing_is_new(bundle):
    bars = Bars(frame=BARS.frame, exchanges=dict.fromkeys(NAMES, "XNYS"))
    with pytest.warns(
        ServingWarning, match=r"W81: found 5 symbols: A .* Fix: give newer bars"
    ) as told:
        made = predict(bundle, bars).frame
    assert told[0].filename == __file__  # of the caller
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert predict(bundle, bars, now=NOW).frame.equals(made)


def test_other_versions_are_told_as_long_as_the_forecasts_agree(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    versions = load_bundle(folder).manifest.versions
    rewritten(tmp_path, versions=versions | {"numpy": "1.0", "evil\u202e": "9"})
    told = notices(load_bundle(tmp_path), BARS.frame)
    assert "numpy 1.0, here " in codes(told)["W85"]
    assert "\u202e" not in codes(told)["W85"]


# --- the command ---


@pytest.fixture(scope="module")
def prices(tmp_path_factory) -> Path:
    extra = walk_frame("ZZZ", seed=9, n=600)
    frame = pl.concat([BARS.frame.filter(OWN != "B"), extra])
    path = Path(tmp_path_factory.mktemp("prices")) / "prices.csv"
    frame.rename({"session": "date"}).write_csv(path)
    return path


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_the_command_tells_it_in_every_form(folder, prices, form, capfd, monkeypatch):
    arguments = ["predict", str(folder), str(prices), "--format", form]
    monkeypatch.setattr("sys.argv", ["nextclose", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capfd.readouterr()
    assert ended.value.code == 0, err
    assert all(code in err for code in ("W81", "W83", "W84"))
    assert "ZZZ" in err
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
    elif form == "json":
        rows = json.loads(out)
    else:
        assert all(word in out for word in ("notes", "stale", "never", "learnt"))  # in lines
        return
    notes = {row["symbol"]: row["notes"] for row in rows}
    assert notes == dict.fromkeys("ACDE", "stale") | {"ZZZ": "stale; never learnt"}

"""`nextclose fetch` as a user types it, against a server on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from nextclose.data.store import plugins
from nextclose.data.store.writer import open_store
from nextclose.data.store.yahoo import YahooProvider
from tests.data.store.fake_histories import DAYS
from tests.data.store.test_plugins import install
from tests.data.store.yahoo_server import FakeYahoo, Listing, fake_yahoo


def listing(n: int, *, factor: float = 1.0) -> Listing:
    closes = [20 + (-1) ** k * 0.01 * k for k in range(n)]
    rows = [[c, c * 1.01, c * 0.99, c, 1000 + k, factor * c / 2] for k, c in enumerate(closes)]
    return Listing(DAYS[:n], rows)


@pytest.fixture
def yahoo(monkeypatch) -> Iterator[FakeYahoo]:
    with fake_yahoo(AAPL=listing(30), MSFT=listing(25)) as server:
        monkeypatch.setitem(
            plugins.PROVIDERS, "yahoo", lambda: YahooProvider(base=server.url, seconds=10)
        )
        yield server


def test_fetch_says_what_became_of_each_symbol_and_the_store_is_read_as_prices(
    command, yahoo, tmp_path
):
    store = tmp_path / "prices"
    code, printed, _ = command("fetch", "AAPL", "MSFT", "--since", "2024-01-01", "--store", store)
    assert code == 0
    assert printed.splitlines() == [
        "AAPL       new        30 sessions, 2024-01-02 to 2024-02-13",
        "MSFT       new        25 sessions, 2024-01-02 to 2024-02-06",
    ]
    yahoo.listings |= {"AAPL": listing(31), "MSFT": listing(26, factor=0.9)}
    code, printed, complaint = command("fetch", "AAPL", "MSFT", "--store", store)
    assert code == 0
    assert printed.splitlines() == [
        "AAPL       grown      31 sessions, 2024-01-02 to 2024-02-14, 1 new",
        "MSFT       revised    26 sessions, 2024-01-02 to 2024-02-07, 1 new, 25 revised",
    ]
    assert "W75 a history that its provider tells otherwise than before: " in complaint
    assert "yahoo, MSFT 2024-01-02: other values than were stored (25 places" in complaint
    code, printed, _ = command("check", store, "--json")
    document = json.loads(printed)
    assert [(one["symbol"], one["last"]) for one in document["symbols"]] == [
        ("AAPL", "2024-02-14"),
        ("MSFT", "2024-02-07"),
    ]
    assert document["counts"]["P75"] == 1


def test_json_is_the_only_thing_on_standard_output(command, yahoo, tmp_path):
    code, printed, _ = command("fetch", "AAPL", "NOPE", "--store", tmp_path / "s", "--json")
    assert code == 9
    document = json.loads(printed)
    assert (document["format"], document["ok"]) == (1, False)
    apple, nope = document["symbols"]
    assert (apple["state"], apple["added"], apple["last"]) == ("new", 30, "2024-02-13")
    assert (nope["state"], nope["last"]) == ("failed", None)
    assert nope["findings"][0]["code"] == "E72"


def test_what_fails_is_listed_and_what_succeeded_stays(command, yahoo, tmp_path):
    code, _, complaint = command("fetch", "NOPE", "AAPL", "--store", tmp_path / "s")
    assert code == 9
    assert "E72 yahoo, NOPE: found 0 rows: No data found" in complaint
    assert "E74: found 1 of 2 symbols failed: NOPE (E72)" in complaint
    assert "Traceback" not in complaint
    code, printed, _ = command("fetch", "AAPL", "--store", tmp_path / "s")
    assert code == 0
    assert "unchanged" in printed


def test_a_revision_is_told_though_another_symbol_fails(command, yahoo, tmp_path):
    command("fetch", "AAPL", "--since", "2024-01-01", "--store", tmp_path)
    yahoo.listings["AAPL"] = listing(30, factor=0.9)
    code, _, complaint = command("fetch", "AAPL", "NOPE", "--store", tmp_path)
    assert code == 9
    assert "W75 a history that" in complaint
    assert ": yahoo, AAPL 2024-01-02: other values" in complaint
    assert "E72 yahoo, NOPE" in complaint


def test_as_many_as_the_settings_allow_may_fail(command, yahoo, tmp_path):
    settings = tmp_path / "run.toml"
    settings.write_text("[data]\nallow_missing = 1\n")
    options = ("--store", tmp_path / "s", "--config", settings)
    code, _, complaint = command("fetch", "NOPE", "AAPL", *options)
    assert code == 0
    assert complaint.count("W72 ") == complaint.count("W74 ") == 1


def test_machines_get_each_refusal_as_an_object(command, yahoo, tmp_path):
    code, _, complaint = command("--json-errors", "fetch", "NOPE", "AAPL", "--store", tmp_path)
    assert code == 9
    codes = [json.loads(line)["code"] for line in complaint.splitlines()]
    assert codes == ["E72", "E74"]


def test_a_store_that_another_process_writes_is_refused_naming_it(command, yahoo, tmp_path):
    with open_store(tmp_path):
        code, _, complaint = command("fetch", "AAPL", "--store", tmp_path)
    assert code == 4
    assert "is being written by process" in complaint
    assert yahoo.asked == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--provider", "yaho"), "Fix: choose of yahoo"),
        (("--since", "yesterday"), "Invalid value for '--since'"),
        (("--config", "nowhere.toml"), "cannot read nowhere.toml"),
        (("../x",), "is no symbol"),
    ],
)
def test_a_wrong_call_ends_before_anything_is_asked_or_written(
    command, yahoo, tmp_path, options, said
):
    code, _, complaint = command("fetch", "AAPL", "--store", tmp_path / "s", *options)
    assert code == 2
    assert said in complaint
    assert yahoo.asked == []
    assert not (tmp_path / "s").exists()


def test_a_provider_of_an_installed_package_is_fetched_from_by_its_name(
    command, tmp_path, monkeypatch
):
    code = """
import polars as pl
import nextclose as nc

class Acme:
    name = "acme"

    def history(self, symbol, *, since):
        if symbol == "ODD":
            raise ZeroDivisionError("a slip")
        closes = {name: [10.0, 10.5] for name in ("open", "high", "low", "close", "adj_close")}
        days = pl.Series(["2024-01-02", "2024-01-03"]).str.to_date()
        return nc.History(frame=pl.DataFrame({"session": days, **closes, "volume": [100, 200]}))
"""
    install(tmp_path / "site", "acme_prices", code, acme="acme_prices:Acme")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "acme_prices", raising=False)
    options = ("--provider", "acme", "--store", tmp_path / "s")
    code, printed, _ = command("fetch", "X", *options)
    assert (code, printed) == (0, "X          new        2 sessions, 2024-01-02 to 2024-01-03\n")
    code, _, complaint = command("fetch", "ODD", *options)
    assert code == 9
    assert "E73 acme, ODD: found ZeroDivisionError: a slip" in complaint
    monkeypatch.delitem(sys.modules, "acme_prices")
    (tmp_path / "site" / "acme_prices.py").write_text("raise ImportError('no acme')")
    code, _, complaint = command("fetch", "X", *options)
    assert code == 2
    assert "gives no provider: ImportError: no acme. Fix: update that package" in complaint
    assert "Traceback" not in complaint


def test_help_has_an_example(command):
    code, printed, _ = command("fetch", "--help")
    assert code == 0
    assert "Example: nextclose fetch AAPL MSFT --since 2000-01-01" in " ".join(printed.split())

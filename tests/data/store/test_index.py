"""The price store: what is kept is read, as it stood on any day; damage and crowds are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.store.index import VintageFacts, is_store, store_prices
from nextclose.data.store.vintages import with_fetch_time, with_new_sessions
from nextclose.data.store.writer import open_store
from nextclose.errors import LockedError, OutputError
from nextclose.schema import Bars
from tests.data.store.fake_histories import bars

MONDAY = datetime(2024, 1, 29, 22, tzinfo=UTC)


def facts(at: datetime = MONDAY, *, is_adjusted: bool = False) -> VintageFacts:
    return VintageFacts(
        fetched_at=at,
        since=date(2024, 1, 1),
        provider="made",
        client="made 1",
        currency="USD",
        zone="America/New_York",
        is_adjusted=is_adjusted,
    )


def keep(path: Path, symbol: str, frame: pl.DataFrame, at: datetime = MONDAY, **kind: bool) -> None:
    is_revision = kind.pop("is_revision", False)
    with open_store(path) as store:
        rows = with_fetch_time(frame, fetched_at=at)
        store.keep(symbol, rows, facts(at, **kind), is_revision=is_revision)


def read(path: Path, **settings: object) -> Bars:
    config = DataConfig(**settings)  # type: ignore[arg-type]
    return assemble_bars(store_prices(path, config=config), config=config)


def closes(path: Path, symbol: str = "AAPL", **settings: object) -> list[float]:
    frame = read(path, **settings).frame
    return frame.filter(pl.col("symbol") == symbol)["close"].to_list()


def files(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())


def test_what_is_kept_is_read_by_symbol_and_session(tmp_path):
    keep(tmp_path, "MSFT", bars(19))
    keep(tmp_path, "AAPL", bars(20))
    assert is_store(tmp_path)
    found = read(tmp_path)
    assert found.symbols == ("AAPL", "MSFT")
    assert found.basis == "adjusted"
    assert closes(tmp_path) == bars(20)["adj_close"].to_list()
    assert closes(tmp_path, "MSFT") == bars(19)["adj_close"].to_list()


def test_a_folder_without_an_index_is_no_store(tmp_path):
    assert not is_store(tmp_path)
    assert not is_store(tmp_path / "nowhere")
    (tmp_path / "store.json").mkdir()
    assert not is_store(tmp_path)


@pytest.mark.parametrize("symbol", ["^GSPC", "BRK-B", "M&M.NS", "CON", "NUL.L", "../../x"])
def test_no_file_is_named_by_a_symbol(tmp_path, symbol):
    keep(tmp_path / "store", symbol, bars())
    (rows,) = (tmp_path / "store" / "vintages").iterdir()
    assert len(rows.stem) == 64
    assert set(rows.stem) <= set("0123456789abcdef")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_an_adjusted_close_alone_is_repair_25_and_not_an_unknown_basis(tmp_path):
    keep(tmp_path, "AAPL", bars().drop("adj_close"), is_adjusted=True)
    found = read(tmp_path)
    assert found.basis == "adjusted"
    assert [f.code for f in found.findings if f.number == 25] == ["R25"]


def test_a_revision_keeps_the_history_before_it_and_the_newest_is_read(tmp_path):
    keep(tmp_path, "AAPL", bars(20))
    keep(tmp_path, "AAPL", bars(20, factor=0.9), MONDAY + timedelta(days=1), is_revision=True)
    assert len(list((tmp_path / "vintages").iterdir())) == 2
    assert closes(tmp_path) == bars(20, factor=0.9)["adj_close"].to_list()
    (note,) = [f for f in read(tmp_path).findings if f.number == 75]
    assert note.code == "P75"
    assert (note.symbol, note.found) == ("AAPL", "2 vintages, the newest of 2024-01-30")


@pytest.mark.parametrize(
    ("second_at", "as_of", "is_old"),
    [
        (datetime(2024, 1, 30, 23, 59, 59, tzinfo=UTC), date(2024, 1, 29), True),
        (datetime(2024, 1, 30, 23, 59, 59, tzinfo=UTC), date(2024, 1, 30), False),
        (datetime(2024, 1, 31, 0, 0, 0, tzinfo=UTC), date(2024, 1, 30), True),
        (datetime(2024, 1, 31, 0, 0, 0, tzinfo=UTC), date(2024, 1, 31), False),
    ],
)
def test_as_of_reads_the_newest_vintage_fetched_by_the_end_of_that_day_in_utc(
    tmp_path, second_at, as_of, is_old
):
    keep(tmp_path, "AAPL", bars(20))
    keep(tmp_path, "AAPL", bars(20, factor=0.9), second_at, is_revision=True)
    expected = bars(20, factor=1.0 if is_old else 0.9)["adj_close"].to_list()
    assert closes(tmp_path, as_of=as_of) == expected


def test_sessions_added_later_are_not_there_before_and_make_no_vintage(tmp_path):
    keep(tmp_path, "AAPL", bars(19))
    later = MONDAY + timedelta(days=3)
    with open_store(tmp_path) as store:
        held = store.newest("AAPL")
        assert held is not None
        rows = with_new_sessions(held[1], bars(22), fetched_at=later)
        store.keep("AAPL", rows, held[0], is_revision=False)
    assert closes(tmp_path, as_of=date(2024, 1, 31)) == bars(19)["adj_close"].to_list()
    assert closes(tmp_path, as_of=date(2024, 2, 1)) == bars(22)["adj_close"].to_list()
    assert not [f for f in read(tmp_path).findings if f.number == 75]
    with open_store(tmp_path):
        pass  # the replaced file is swept
    assert len(list((tmp_path / "vintages").iterdir())) == 1


def test_symbols_fetched_later_are_left_out_before_and_named(tmp_path):
    keep(tmp_path, "AAPL", bars(20))
    keep(tmp_path, "MSFT", bars(20), MONDAY + timedelta(days=1))
    found = read(tmp_path, as_of=date(2024, 1, 29))
    assert found.symbols == ("AAPL",)
    (note,) = [f for f in found.findings if f.number == 75]
    assert (note.code, note.found) == ("W75", "nothing yet of MSFT")
    assert note.rule == 'the store as it stood; data.as_of = "2024-01-29"'


def test_a_store_with_nothing_by_that_day_says_so(tmp_path):
    keep(tmp_path, "AAPL", bars(20))
    (part,) = store_prices(tmp_path, config=DataConfig(as_of=date(2024, 1, 28)))
    (finding,) = part.findings
    assert finding.code == "E3"
    assert finding.found == "nothing was stored by 2024-01-28"
    with open_store(tmp_path / "empty"):
        pass
    (part,) = store_prices(tmp_path / "empty", config=DataConfig())
    assert part.findings[0].fix == "fill it with nextclose fetch."


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def newer(path: Path) -> None:
    path.write_text(json.dumps({"format": 2, "symbols": {}}))


def climbing(path: Path) -> None:
    index = json.loads(path.read_text())
    index["symbols"]["AAPL"][0]["file"] = "../../../etc/passwd"
    path.write_text(json.dumps(index))


def without_time(path: Path) -> None:
    index = json.loads(path.read_text())
    del index["symbols"]["AAPL"][0]["facts"]["fetched_at"]
    path.write_text(json.dumps(index))


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


DAMAGE = [
    ("store.json", cut, "no JSON", "copy the store anew"),
    ("store.json", lambda path: path.write_bytes(b"\xff\xfe"), "no JSON", "copy the store anew"),
    ("store.json", deep, "no JSON", "copy the store anew"),
    ("store.json", lambda path: path.write_text("[1]"), "", "copy the store anew"),
    ("store.json", lambda path: path.write_text('{"format": 1}[]'), "no JSON", "copy"),
    ("store.json", newer, "format 2", "update nextclose"),
    ("store.json", climbing, "symbols.AAPL.0.file: String should match pattern", "copy"),
    ("store.json", without_time, "symbols.AAPL.0.facts.fetched_at: Field required", "copy"),
    ("vintages", cut, "other bytes than were stored", "copy the store anew"),
    ("vintages", flip, "other bytes than were stored", "copy the store anew"),
    ("vintages", Path.unlink, "No such file", "copy the store anew"),
]


@pytest.mark.parametrize(("name", "damage", "found", "cure"), DAMAGE)
def test_a_damaged_store_is_one_refusal_that_names_file_and_cure(
    tmp_path, name, damage, found, cure
):
    keep(tmp_path, "AAPL", bars())
    keep(tmp_path, "MSFT", bars())
    index = json.loads((tmp_path / "store.json").read_text())
    rows = tmp_path / "vintages" / f"{index['symbols']['AAPL'][0]['file']}.parquet"
    broken = rows if name == "vintages" else tmp_path / name
    damage(broken)
    (part,) = store_prices(tmp_path, config=DataConfig())
    (finding,) = part.findings
    assert finding.code == "E19"
    assert finding.path == str(broken)
    assert found in finding.found
    assert finding.fix.startswith(cure)


def test_bytes_that_hash_right_but_are_no_parquet_of_ours_are_refused(tmp_path):
    import hashlib

    keep(tmp_path, "AAPL", bars())
    text = (tmp_path / "store.json").read_text()
    old = json.loads(text)["symbols"]["AAPL"][0]["file"]
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    for content, found in (
        (b"no parquet", "no Parquet"),
        ((tmp_path / "other.parquet").read_bytes(), "columns a"),
    ):
        new = hashlib.sha256(content).hexdigest()
        (tmp_path / "vintages" / f"{new}.parquet").write_bytes(content)
        (tmp_path / "store.json").write_text(text.replace(old, new))
        (part,) = store_prices(tmp_path, config=DataConfig())
        assert (part.findings[0].code, part.findings[0].found) == ("E19", found)


def test_a_second_writer_is_refused_naming_the_first(tmp_path):
    with open_store(tmp_path):
        with pytest.raises(LockedError, match=f"written by process {os.getpid()}") as raised:
            open_store(tmp_path).__enter__()
        assert raised.value.exit_code == 4
    with open_store(tmp_path):
        pass  # free again


def test_a_killed_writer_frees_the_lock(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from nextclose.data.store.writer import open_store\n"
        "with open_store(Path(sys.argv[1])):\n"
        "    print('open', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(LockedError) as raised:
            open_store(tmp_path).__enter__()
        assert raised.value.holder == child.pid
        child.kill()
    with open_store(tmp_path):
        pass


class KilledError(BaseException):
    """Stands for a kill -9 in the middle of a call."""


def test_a_writer_killed_at_any_call_leaves_the_old_history_or_the_new_and_no_litter(
    tmp_path, monkeypatch
):
    n_calls, outcomes = 0, set()
    old, new = bars(20)["adj_close"].to_list(), bars(20, factor=0.9)["adj_close"].to_list()
    while True:
        n_calls += 1
        path = tmp_path / str(n_calls)
        keep(path, "AAPL", bars(20))
        left = [n_calls]

        def dying(call, left=left):
            def run(*arguments: object, **settings: object) -> object:
                left[0] -= 1
                if left[0] <= 0:
                    raise KilledError  # and after it nothing is done any more: no tidying up
                return call(*arguments, **settings)

            return run

        with monkeypatch.context() as patched:
            for owner, name in ((os, "replace"), (os, "fsync"), (Path, "unlink")):
                patched.setattr(owner, name, dying(getattr(owner, name)))
            try:
                keep(path, "AAPL", bars(20, factor=0.9), is_revision=True)
            except KilledError:
                pass
            else:
                break
        found = closes(path)
        assert found in (old, new)
        outcomes.add("new" if found == new else "old")
        keep(path, "MSFT", bars(20))  # the next writer goes on, and sweeps
        index = json.loads((path / "store.json").read_text())
        named = {one["file"] for kept in index["symbols"].values() for one in kept}
        expected = ["store.json", *(f"vintages/{name}.parquet" for name in named)]
        assert files(path) == sorted(expected)
    assert outcomes == {"old", "new"}
    assert n_calls > 6  # two files: written, renamed and their folder synced, each


def test_a_folder_that_holds_other_things_is_not_made_a_store(tmp_path):
    (tmp_path / "AAPL.csv").write_text("date,close\n2024-01-02,1\n")
    with pytest.raises(OutputError, match=r"holds AAPL\.csv\. Fix: choose an empty folder"):
        open_store(tmp_path).__enter__()
    assert not is_store(tmp_path)


def test_a_place_that_cannot_be_written_is_refused():
    with pytest.raises(OutputError, match="/proc/nowhere"):
        open_store(Path("/proc/nowhere")).__enter__()


def test_sweeping_leaves_files_of_others_alone(tmp_path):
    keep(tmp_path, "AAPL", bars())
    others = [tmp_path / "notes.txt", tmp_path / "vintages" / "mine.parquet"]
    litter = [
        tmp_path / ".store.json.abc123",
        tmp_path / "vintages" / f".{'0' * 64}.parquet.xyz",
        tmp_path / "vintages" / f"{'0' * 64}.parquet",
    ]
    for file in (*others, *litter):
        file.write_text("x")
    with open_store(tmp_path):
        pass
    assert all(file.exists() for file in others)
    assert not any(file.exists() for file in litter)

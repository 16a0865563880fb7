import html
import os
import signal
import time
import traceback
from datetime import UTC, date, datetime

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.bars import assemble_bars
from nextclose.data.sources.loading import sample_bars
from nextclose.data.sources.postgres import ReadLimits, postgres_prices
from nextclose.errors import SourceError
from tests.data.sources.database import PASSWORD, QUOTED, cut, line_to, running_server

NOW = datetime(2024, 6, 1, tzinfo=UTC)
N_MANY = 200_000  # rows of some 12 MB, more than the buffers of a line hold
MID_READ = 1_000_000  # bytes of them

TABLES = """
create table prices (symbol text, date date, open numeric(12, 4), high numeric(12, 4),
                     low numeric(12, 4), close numeric(12, 4), volume numeric, note jsonb);
insert into prices values ('MSFT', '2024-01-03', 11, 13, 10, 12.1, 9007199254740993, '{}'),
                          ('AAPL', '2024-01-03', 1, 3, 1, 2.0125, 100, '{}'),
                          ('AAPL', '2024-01-02', 1, 2, 1, 1.5, 100, '{}');
create schema other;
create table other.prices (symbol text, date date, close float8);
insert into other.prices values ('IBM', '2024-01-02', 7);
create table secret (symbol text, date date, close float8);
create user reader password 'reader';
create table slow (symbol text, date date, close float8);
insert into slow values ('AAPL', '2024-01-02', 1);
create view sleepy as select symbol, date, close + length(pg_sleep(30)::text) as close from slow;
create function peek() returns float8 language sql as 'select close from secret';
create view peeking as select symbol, date, peek() as close from slow;
grant select on peeking to reader;
create sequence writes;
create view writing as select symbol, date, close + nextval('writes') as close from slow;
create function failing() returns float8 language plpgsql as
    'begin raise exception using message = $$the code is pa:ss/w?or#d@1%$$; end';
create view broken as select symbol, date, failing() as close from slow;
"""
# What an owner may prefer, and no reading may depend on.
PREFERENCES = """
alter database postgres set timezone = 'Asia/Tokyo';
alter database postgres set datestyle = 'German';
alter database postgres set extra_float_digits = 0;
"""


@pytest.fixture(scope="module")
def server():
    with running_server() as server:
        server.run(TABLES)
        server.run(PREFERENCES)
        server.run("create database lonely")
        yield server


def part_at(url, *, limits=None, **settings):
    config = DataConfig(**settings)
    return postgres_prices(url, config=config, limits=limits or ReadLimits())


def bars_at(url, **settings):
    return assemble_bars([part_at(url, **settings)], config=DataConfig(**settings), now=NOW)


def refusal_of(url, **settings):
    """The one line of a refusal, which holds no password, nor does its traceback."""
    with pytest.raises(SourceError) as caught:
        part_at(url, **settings)
    (finding,) = caught.value.findings
    assert (finding.code, caught.value.exit_code) == ("E76", 9)
    assert "\n" not in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown
    assert QUOTED not in shown
    return str(caught.value)


def test_a_table_becomes_bars(server):
    bars = bars_at(server.url("postgres?table=public.prices"))
    assert bars.frame.select("symbol", "session", "close").rows() == [
        ("AAPL", date(2024, 1, 2), 1.5),
        ("AAPL", date(2024, 1, 3), 2.0125),
        ("MSFT", date(2024, 1, 3), 12.1),
    ]
    assert [f.path for f in bars.findings if f.code == "W25"] == [
        "postgresql:///postgres?table=public.prices"
    ]


def test_a_schema_tells_tables_of_one_name_apart(server):
    public, other = (part_at(server.url(f"postgres?table={t}")) for t in ("prices", "other.prices"))
    assert public.frame["symbol"].unique().sort().to_list() == ["AAPL", "MSFT"]
    assert other.frame["symbol"].to_list() == ["IBM"]


def test_a_numeric_volume_is_read_exactly(server):
    part = part_at(server.url("postgres?table=prices"))
    assert part.frame["volume"].to_list() == [100, 100, 2**53 + 1]


def test_the_schema_may_be_left_out_and_names_need_no_quotes(server):
    server.run('create table "My ""Pri%ces; drop" ("Ti cker" text, " DATE " date, "Clo%se" real)')
    server.run("insert into \"My \"\"Pri%ces; drop\" values ('AAPL', '2024-01-02', 12.34)")
    url = server.url("postgres?table=My%20%22Pri%25ces%3B%20drop")
    part = part_at(url, columns={"Ti cker": "symbol", "Clo%se": "close"})
    assert part.frame.select("symbol", "session", "close").rows() == [
        ("AAPL", date(2024, 1, 2), 12.34)
    ]


def test_a_table_without_symbols_holds_the_one_it_is_named_by(server):
    server.run("create table ibm (date date, close float8)")
    server.run("insert into ibm values ('2024-01-02', 5)")
    assert part_at(server.url("postgres?table=ibm")).frame["symbol"].to_list() == ["IBM"]


def test_partitions_are_read_through_their_parent_which_is_found_alone(server):
    server.run("create database lone_parent")
    server.run(
        "create table prices (symbol text, date date, close float8) partition by list (symbol);"
        "create table a partition of prices for values in ('AAPL');"
        "create table b partition of prices for values in ('MSFT');"
        "create table notes (symbol text, note text);"
        "insert into prices values ('MSFT', '2024-01-02', 2), ('AAPL', '2024-01-02', 1)",
        database="lone_parent",
    )
    part = part_at(server.url("lone_parent"))
    assert part.path == "postgresql:///lone_parent?table=public.prices"
    assert part.frame["symbol"].to_list() == ["AAPL", "MSFT"]


def test_equal_tables_read_equal_whatever_order_they_are_stored_in(server):
    server.run(
        "create table rising as select * from prices order by symbol, date;"
        "create table falling as select * from prices order by symbol desc, date desc"
    )
    rising, falling = (part_at(server.url(f"postgres?table={t}")) for t in ("rising", "falling"))
    assert rising.frame.equals(falling.frame)


# What a table holds beside one good row: the finding, and the closes that are kept.
CELLS = {
    "NULL in an old bar": ("('A', '2024-01-01', null)", {}, "W58", [1.0]),
    "NULL in the newest": ("('A', '2024-01-03', null)", {}, "57", [1.0]),
    "NUMERIC NaN": ("('A', '2024-01-01', 'NaN')", {}, "W58", [1.0]),
    "Infinity": ("('A', '2024-01-03', 'Infinity')", {}, "E32", [1.0]),
    "a number beyond float8": ("('A', '2024-01-03', 1e400)", {}, "E32", [1.0]),
    "no price": ("('A', '2024-01-03', -2)", {}, "E54", [1.0]),
    "the same row again": ("('A', '2024-01-02', 1)", {}, "R42", [1.0]),
    "another price that day": ("('A', '2024-01-02', 2)", {}, "E43", [1.0]),
    "the last by policy": ("('A', '2024-01-02', 2)", {"duplicates": "last"}, "P43", [2.0]),
    "a date without end": ("('A', 'infinity', 2)", {}, "E35", [1.0]),
    "a date before Christ": ("('A', '0044-03-15 BC', 2)", {}, "E35", [1.0]),
    "no symbol": ("(null, '2024-01-03', 2)", {}, "E30", [1.0]),
}


@pytest.mark.parametrize("case", CELLS)
def test_cells_obey_the_catalogue(server, case):
    row, settings, code, closes = CELLS[case]
    server.run(
        "drop table if exists cells; create table cells (symbol text, date date, close numeric);"
        f"insert into cells values ('A', '2024-01-02', 1), {row}"
    )
    bars = bars_at(server.url("postgres?table=cells"), **settings)
    found = [finding for finding in bars.findings if finding.code.endswith(code)]
    assert len(found) == 1, bars.findings
    assert found[0].row is None
    assert ("close 2.0 against 1.0" in found[0].found) == (found[0].number == 43)
    assert bars.frame["close"].to_list() == closes


STAMPS = {
    # a daily bar stamped midnight in New York, as a session of that zone writes it
    "midnight there": ("2024-01-02 00:00-05", "AAPL", date(2024, 1, 2)),
    "summer time": ("2024-07-02 00:00-04", "AAPL", date(2024, 7, 2)),
    "midnight in Tokyo": ("2024-01-05 00:00+09", "7203.T", date(2024, 1, 5)),
    "midnight in UTC": ("2024-01-02 00:00+00", "AAPL", date(2024, 1, 2)),
}


@pytest.mark.parametrize("case", STAMPS)
def test_stamps_with_a_zone_are_dated_by_the_exchange(server, case):
    stamp, symbol, session = STAMPS[case]
    server.run(
        "drop table if exists stamps;"
        "create table stamps (symbol text, time timestamptz, close int);"
        f"insert into stamps values ('{symbol}', '{stamp}', 1)"
    )
    part = part_at(server.url("postgres?table=stamps"), numeric_symbols=True)
    assert part.frame["session"].to_list() == [session]


def test_a_stamp_without_end_is_named_and_the_others_are_read(server):
    server.run(
        "create table endless (symbol text, time timestamptz, day timestamp, close int);"
        "insert into endless values ('A', '2024-01-02 00:00+00', '2024-01-02', 1),"
        "                           ('A', 'infinity', 'infinity', 2)"
    )
    for column in ("time", "day"):
        bars = bars_at(server.url("postgres?table=endless"), columns={column: "date"})
        assert [(f.code, f.found) for f in bars.findings if f.response == "E"] == [
            ("E35", "infinity")
        ]
        assert bars.frame["session"].to_list() == [date(2024, 1, 2)]


def test_a_type_of_no_use_is_named_and_nothing_is_read(server):
    server.run("create table odd (symbol text, date date, close money, open boolean)")
    part = part_at(server.url("postgres?table=odd"))
    assert part.frame is None
    assert {(f.code, f.column, f.found) for f in part.findings} == {
        ("E34", "close", "type money"),
        ("E34", "open", "type bool"),
    }


def test_a_column_that_is_missing_is_named_with_the_nearest_there_is(server):
    server.run("create table astray (symbol text, date date, closing_x float8)")
    part = part_at(server.url("postgres?table=astray"))
    (finding,) = part.findings
    assert finding.code == "E21"
    assert "'closing_x'" in finding.fix


def test_an_empty_table_has_no_bars(server):
    server.run("create table hollow (symbol text, date date, close float8)")
    bars = bars_at(server.url("postgres?table=hollow"))
    assert [finding.code for finding in bars.findings if finding.response == "E"] == ["E3"]


FAULTS = {
    "wrong password": (lambda s: s.url("postgres", password="no"), "password authentication"),
    "no such user": (lambda s: s.url("postgres", user="nemo"), "password authentication"),
    "no such database": (lambda s: s.url("nowhere"), 'database "nowhere" does not exist'),
    "no server": (lambda s: s.url("postgres", port=1), "Connection refused (127.0.0.1 port 1)"),
    "no such host": (lambda s: "postgresql://nohost.invalid/d?sslmode=disable", "resolve host"),
    "no such table": (lambda s: s.url("lonely?table=nope"), "found no table nope"),
    "no table at all": (lambda s: s.url("lonely"), "may read no table"),
    "many tables, none named": (lambda s: s.url("postgres"), "tables with a date and a close"),
    "no right to read": (
        lambda s: s.url("postgres?table=secret", user="reader", password="reader"),
        "secret, which this user may not read",
    ),
    "no right to what a view reads": (
        lambda s: s.url("postgres?table=peeking", user="reader", password="reader"),
        "permission denied",
    ),
    "a view that writes": (
        lambda s: s.url("postgres?table=writing"),
        "cannot execute nextval() in a read-only transaction",
    ),
    "a view that fails, saying a secret": (lambda s: s.url("postgres?table=broken"), "code is ***"),
    "no TLS off-host": (lambda s: s.url("postgres").replace("127.0.0.1", "0.0.0.0"), "sslrootcert"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_one_line_and_exit_code_9(server, case):
    url, text = FAULTS[case]
    assert text in refusal_of(url(server))


def test_nothing_was_written_by_a_view_that_tries(server):
    assert server.run("select is_called from writes") == [(False,)]


def test_a_password_of_the_shell_is_used_and_not_shown(server, monkeypatch):
    url = f"postgresql://owner@127.0.0.1:{server.port}/postgres?table="
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert part_at(f"{url}prices").frame.height == 3
    assert "code is ***" in refusal_of(f"{url}broken")


def test_a_line_that_is_not_verified_is_warned_of(server):
    url = server.url("postgres?table=prices&sslmode=disable").replace("127.0.0.1", "0.0.0.0")
    part = part_at(url)
    assert part.frame.height == 3
    assert part.findings[0].code == "W76"


def test_every_digit_of_a_float_is_read(server):
    server.run(
        "create table floats as select 'A' as symbol, date '2024-01-02' as date, 0.1::float8"
    )
    server.run("alter table floats rename float8 to close")
    server.run("update floats set close = close + 0.2::float8")
    assert part_at(server.url("postgres?table=floats")).frame["close"].to_list() == [0.1 + 0.2]


def test_a_statement_that_takes_too_long_is_refused(server):
    url = server.url("postgres?table=sleepy")
    line = refusal_of(url, limits=ReadLimits(statement_seconds=0.3))
    assert "canceling statement due to statement timeout" in line


def test_more_rows_than_the_cap_are_refused_and_as_many_are_read(server):
    url = server.url("postgres?table=prices")
    assert part_at(url, limits=ReadLimits(rows=3)).frame.height == 3
    assert "more than 2 rows" in refusal_of(url, limits=ReadLimits(rows=2))


def test_no_file_of_a_run_holds_the_password_or_the_host(server, command, tmp_path):
    rows = sample_bars().frame.filter(pl.col("symbol") == "IBM").tail(700)
    (tmp_path / "real.csv").write_text(rows.select("symbol", "session", "close").write_csv())
    server.run("create table real (symbol text, session date, close float8)")
    server.fill("real", (tmp_path / "real.csv").read_bytes())
    url, out = server.url(f"postgres?table=real&sslpassword={QUOTED}"), tmp_path / "run"
    quick = ("--models", "naive,hs_250", "--horizons", "1", "--workers", "1")
    code, printed, complaints = command("backtest", url, *quick, "--out", out)
    assert code == 0, complaints
    files = [path for path in out.rglob("*") if path.is_file()]
    texts = [printed, complaints, *(file.read_bytes().decode("latin-1") for file in files)]
    for secret in (PASSWORD, QUOTED, "127.0.0.1"):
        assert not [text for text in texts if secret in text]
    command_line = "nextclose backtest 'postgresql:///postgres?table=real' --config run/config.toml"
    assert command_line in html.unescape((out / "report.html").read_text())


def test_a_fault_ends_a_command_in_one_line(server, command, tmp_path):
    url = server.url("postgres?table=prices", password="no%20word")
    code, printed, complaints = command("backtest", url, "--out", tmp_path / "run")
    assert (code, printed) == (9, "")
    assert "no%20word" not in complaints
    assert "no word" not in complaints
    assert complaints.startswith("E76 postgresql:///postgres?table=prices: found password auth")
    assert complaints.count("\n") == 1


@pytest.fixture(scope="module")
def many(server):
    """What a table too long for the buffers of a line holds, read over a line that is whole."""
    server.run(
        "create table many as select 'S' || s as symbol, date '2000-01-01' + d as date,"
        " 1 + random() as open, 1 + random() as close, s * d as volume"
        f" from generate_series(1, 40) s, generate_series(1, {N_MANY // 40}) d"
    )
    frame = part_at(server.url("postgres?table=many")).frame
    assert (frame.height, frame["volume"].sum()) == (N_MANY, 820 * 5000 * 5001 // 2)
    return frame


def killed(server):
    """Ends the reader's backend as the system does when memory runs out; all others restart."""
    for pid in server.readers():
        os.kill(pid, signal.SIGKILL)


def terminated(server):
    """Ends the reader's backend as an administrator does."""
    for pid in server.readers():
        server.run(f"select pg_terminate_backend({pid})")


@pytest.mark.parametrize("end", [terminated, killed])
def test_a_table_is_whole_though_its_backend_died_in_mid_read(server, many, end):
    ended = []

    def once():
        assert server.readers()
        end(server)
        ended.append(1)

    with line_to(server, (MID_READ, once)) as port:
        part = part_at(server.url("postgres?table=many", port=port))
    assert ended == [1]
    assert part.frame.equals(many)


def test_a_line_that_breaks_each_time_gives_nothing(server, many):
    with line_to(server, (MID_READ, cut), (MID_READ, cut)) as port:
        limits = ReadLimits(waits_seconds=(0.0,))
        line = refusal_of(server.url("postgres?table=many", port=port), limits=limits)
    assert "the connection lost twice in mid-read" in line


def test_a_server_that_takes_its_time_to_come_back_is_waited_for(server, many):
    with line_to(server, (MID_READ, cut), (0, cut), (0, cut)) as port:
        limits = ReadLimits(waits_seconds=(0.0, 0.0, 0.0))
        part = part_at(server.url("postgres?table=many", port=port), limits=limits)
    assert part.frame.equals(many)


def test_a_server_that_does_not_come_back_gives_nothing(server, many):
    with line_to(server, (MID_READ, cut), (0, cut), (0, cut)) as port:
        limits = ReadLimits(waits_seconds=(0.0, 0.0))
        line = refusal_of(server.url("postgres?table=many", port=port), limits=limits)
    assert "the connection lost in mid-read, then: server closed the connection" in line


def test_a_line_that_stalls_ends_in_time(server, many):
    started = time.monotonic()
    with line_to(server, (MID_READ, lambda: time.sleep(1.5))) as port:
        limits = ReadLimits(reading_seconds=0.5)
        line = refusal_of(server.url("postgres?table=many", port=port), limits=limits)
        seconds = time.monotonic() - started
    assert "no whole answer within 0.5 seconds" in line
    assert seconds < 1.4

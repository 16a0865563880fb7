"""[I/O] Prices of a PostgreSQL table or view: all of its rows as they stood at one moment, or none.

One read-only transaction looks the table up in the database's own catalogue and reads those of its
columns that mean something here. Its time and its number of rows are limited.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map
from nextclose.data.reading.prices import UncheckedPrices, unchecked_prices
from nextclose.data.sources.postgres_rows import FORMATS, table_rows
from nextclose.data.sources.postgres_tables import PostgresTable, choose_table
from nextclose.data.sources.postgres_url import Address, address_of, public_location, public_url
from nextclose.errors import SourceError
from nextclose.libraries import library_errors

if TYPE_CHECKING:
    from psycopg import Connection, Error

CONNECT_FIX = "check host, port, database and user, and the password in PGPASSWORD or ~/.pgpass."
TLS_FIX = "add sslrootcert=system or =FILE of its authority, or sslmode=require to trust the line."
TOO_LONG_FIX = "read a view with fewer rows, or index the table by symbol and date."
FIXES = {  # SQLSTATE -> cure
    "42501": "grant select on what the view reads.",
    "57014": TOO_LONG_FIX,
    "22021": "store the text as UTF-8; the encoding of the database says nothing.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What one reading may cost; what costs more is refused, never cut short."""

    statement_seconds: float = 300.0  # of each statement, kept by the server
    reading_seconds: float = 330.0  # of all of it, kept here, for a line that stalls
    rows: int = 20_000_000
    waits_seconds: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)  # for a server that was lost


READ_LIMITS = ReadLimits()


def postgres_prices(
    url: str, *, config: DataConfig, limits: ReadLimits = READ_LIMITS
) -> UncheckedPrices:
    """The prices of the table that a `postgresql://` URL names.

    A table without a symbol column holds one symbol, named by the table. Rows have no number: the
    symbol and the session name them. If the connection is lost, the whole table is read anew, once.
    Raises: ConfigError for a URL that cannot be used; LibraryError without the extra `postgres`;
        SourceError when server, database or table give no prices, or not all of them.
    """
    with library_errors("psycopg", needed_by=public_url(url), instead="export it to a file"):
        import psycopg  # noqa: F401
    address = address_of(url)
    prices = _read_whole(_connect(address), address, config, limits)
    if prices is None:
        prices = _read_whole(_reconnect(address, limits), address, config, limits)
    if prices is None:
        fix = "try again when server and network are up."
        raise _refusal(address, "the connection lost twice in mid-read", fix)
    return prices


def _connect(address: Address, *, before: str = "") -> Connection[Any]:
    """A new connection. Raises: SourceError, its text beginning with what was `before`."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    try:
        conninfo = make_conninfo("", **address.settings)
        return psycopg.connect(conninfo, prepare_threshold=None)  # poolers know no prepared ones
    except psycopg.Error as error:
        reason = _reason_of(error)
        fix = TLS_FIX if "SSL" in reason or "certificate" in reason else CONNECT_FIX
        found = before + safe_text(address.without_secrets(reason)) + _host_of(error)
        raise _refusal(address, found, fix) from None  # libpq's own words may hold a password


def _reconnect(address: Address, limits: ReadLimits) -> Connection[Any]:
    """A connection to a server that was lost, and may need some seconds to come back."""
    for seconds in limits.waits_seconds[:-1]:
        time.sleep(seconds)
        with suppress(SourceError):
            return _connect(address)
    time.sleep(limits.waits_seconds[-1])
    return _connect(address, before="the connection lost in mid-read, then: ")


def _reason_of(error: Error) -> str:
    """What failed, without where: the first line of libpq's text, from its last `failed:` on."""
    if error.diag.message_primary:
        return error.diag.message_primary
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"^(.*(failed|is bad): +)?((FATAL|ERROR): +)?", "", first)


def _host_of(error: Error) -> str:
    host, port = (error.pgconn.host, error.pgconn.port) if error.pgconn else (b"", b"")
    return f" ({safe_text(host.decode())} port {port.decode()})" if host else ""


def _read_whole(
    connection: Connection[Any], address: Address, config: DataConfig, limits: ReadLimits
) -> UncheckedPrices | None:
    """All rows, or None when the connection was lost. Raises: SourceError for any other fault."""
    import psycopg

    with closing(connection), _deadline(connection, limits.reading_seconds) as is_late:
        try:
            return _read_snapshot(connection, address, config, limits)
        except psycopg.Error as error:
            if is_late.is_set():
                found = f"no whole answer within {limits.reading_seconds:g} seconds"
                raise _refusal(address, found, TOO_LONG_FIX) from None
            if connection.broken:
                return None
            found = safe_text(address.without_secrets(_reason_of(error)))
            fix = FIXES.get(error.sqlstate or "", "see the server's log, or name another table.")
            raise _refusal(address, found, fix) from None


@contextmanager
def _deadline(connection: Connection[Any], seconds: float) -> Iterator[threading.Event]:
    """Cuts the connection when the time is over, and tells so: a stalled line ends by no other."""
    is_late = threading.Event()

    def cut() -> None:
        is_late.set()
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_late
    finally:
        timer.cancel()
        timer.join()  # never cuts what is opened under the same number next


def _read_snapshot(
    connection: Connection[Any], address: Address, config: DataConfig, limits: ReadLimits
) -> UncheckedPrices:
    """The prices of the table, of one snapshot. Raises: SourceError, psycopg.Error."""
    from psycopg import IsolationLevel

    connection.read_only = True
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.cursor() as cursor:
        timeout = {"statement_timeout": f"{1000 * limits.statement_seconds:.0f}"}
        for setting in (FORMATS | timeout).items():
            cursor.execute("select set_config(%s, %s, true)", setting)
        table = choose_table(cursor, address.table, path=address.shown, config=config)
        path = public_location(connection.info.dbname, table.full_name)
        prices = _table_prices(pl.DataFrame(schema=table.dtypes), table, path, config)
        if prices.frame is not None:  # its columns will do
            names = column_map(tuple(table.dtypes), config.columns)
            rows = table_rows(cursor, table, names, n_most=limits.rows + 1)
            if rows.height > limits.rows:
                found = f"more than {limits.rows:,} rows"
                raise _refusal(address, found, "name a view of those you need.")
            prices = _table_prices(rows, table, path, config)
    return replace(prices, findings=(*address.findings, *prices.findings))


def _table_prices(
    frame: pl.DataFrame, table: PostgresTable, path: str, config: DataConfig
) -> UncheckedPrices:
    """The prices of the frame; a type of no use (rule 34) is named as PostgreSQL does."""
    symbol = table.name.upper() if table.name.islower() else table.name
    keys = pl.Series("row", [None] * frame.height, dtype=pl.Int64)
    prices = unchecked_prices(frame, path=path, rows=keys, symbol=symbol, config=config)
    findings = tuple(
        replace(finding, found=f"type {safe_text(table.types.get(finding.column, '?'))}")
        if finding.number == Issue.COLUMN_TYPE
        else finding
        for finding in prices.findings
    )
    return replace(prices, findings=findings)


def _refusal(address: Address, found: str, fix: str) -> SourceError:
    rule = "a PostgreSQL server that gives the whole table"
    finding = Issue.DATABASE.finding(found, rule=rule, fix=fix, path=address.shown)
    return SourceError((finding,))

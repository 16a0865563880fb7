"""[I/O] The rows of a PostgreSQL table as a frame, through COPY as text: nothing rounds twice.

2 million rows of 7 columns took 2.1 s as NUMERIC, which most prices are, and 2.0 s as float8; a
reader by Arrow (ADBC) 2.9 s and 1.1 s. With COPY, one connection does it all: one snapshot, one
deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from nextclose.data.sources.postgres_tables import PostgresTable

if TYPE_CHECKING:
    from psycopg import Cursor

CHUNK_BYTES = 1 << 22  # of rows as text, before they are read as numbers
FORMATS = {  # of what is read here, whatever role and database prefer
    "DateStyle": "ISO",
    "TimeZone": "UTC",
    "extra_float_digits": "1",  # every digit of a float
}
STAMP_FORM = "%Y-%m-%d %H:%M:%S%.f"


def table_rows(
    cursor: Cursor[Any], table: PostgresTable, names: Mapping[str, str], *, n_most: int
) -> pl.DataFrame:
    """The columns in `names`, sorted by all of them in turn, so that equal tables read equal.

    A float4 is read from its shortest digits; a NUMERIC volume stays text, which is exact. Dates
    and stamps stay text where one of them has no place in a calendar of ours, as `infinity`.
    Raises: psycopg.Error, also for text that is no UTF-8.
    """
    from psycopg.sql import SQL, Identifier, Literal

    query = SQL(
        "copy (select {columns} from {table} order by {order} limit {most}) to stdout (format csv)"
    ).format(
        columns=SQL(", ").join(map(Identifier, names)),
        table=Identifier(table.schema, table.name),
        order=SQL(", ").join(Literal(k) for k in range(1, len(names) + 1)),
        most=Literal(n_most),
    )
    dtypes = {name: table.dtypes[name] for name in names}
    wire = {
        name: pl.String() if _is_read_later(table, name, names[name]) else dtype
        for name, dtype in dtypes.items()
    }
    frames, text = [pl.DataFrame(schema=wire)], bytearray()
    with cursor.copy(query) as rows:
        for row in rows:
            text += row
            if len(text) >= CHUNK_BYTES:
                frames.append(_parse_rows(bytes(text), wire))
                text.clear()
    if text:
        frames.append(_parse_rows(bytes(text), wire))
    frame = pl.concat(frames)
    return frame.with_columns(
        _as_dates(frame[name], dtype) for name, dtype in dtypes.items() if dtype.is_temporal()
    )


def _is_read_later(table: PostgresTable, name: str, ours: str) -> bool:
    is_exact = ours == "volume" and table.types[name] == "numeric"
    return is_exact or not table.dtypes[name].is_numeric()


def _parse_rows(text: bytes, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.read_csv(text, has_header=False, schema=schema)


def _as_dates(text: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Dates or stamps read from ISO text, in UTC where they have a zone; else the text."""
    if dtype == pl.Date:
        read = text.str.to_date("%Y-%m-%d", strict=False)
    elif dtype == pl.Datetime("us"):
        read = text.str.to_datetime(STAMP_FORM, time_unit="us", strict=False)
    else:
        text = text.str.replace(r"\+00$", "+00:00")
        form = f"{STAMP_FORM}%:z"
        read = text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
    return read if read.null_count() == text.null_count() else text

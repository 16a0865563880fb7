"""[I/O] The tables of a PostgreSQL database: which may be read, and which one holds the prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from nextclose.config import DataConfig
from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.data.reading.column_names import column_map
from nextclose.errors import SourceError

if TYPE_CHECKING:
    from psycopg import Cursor

N_LISTED = 6  # tables named in a refusal

# What each type of PostgreSQL becomes; what is of no use for prices becomes Binary, and is refused.
TYPES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("int2", "int4", "int8"), pl.Int64()),
    **dict.fromkeys(("float4", "float8", "numeric"), pl.Float64()),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
}
TEXT_CATEGORIES = ("S", "E")  # of pg_type.typcategory: strings and enumerations

# Tables with the columns that this user may read; a child is a partition or a chunk of another.
_CATALOGUE = """
select n.nspname, c.relname, pg_table_is_visible(c.oid),
       exists (select from pg_inherits i where i.inhrelid = c.oid),
       array_agg(a.attname::text order by a.attnum) filter (where r.may_read),
       array_agg(b.typname::text order by a.attnum) filter (where r.may_read),
       array_agg(b.typcategory::text order by a.attnum) filter (where r.may_read)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
join pg_type b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
cross join lateral (
    select has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select')
) as r(may_read)
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (%(table)s = '' or c.relname = %(table)s or n.nspname || '.' || c.relname = %(table)s)
group by n.nspname, c.relname, c.oid
order by n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresTable:
    """A table or view: `types` and `dtypes` map each readable column to its type there and here."""

    schema: str
    name: str
    is_visible: bool  # found without its schema
    is_child: bool
    types: Mapping[str, str]
    dtypes: Mapping[str, pl.DataType]

    @property
    def full_name(self) -> str:
        """SCHEMA.NAME, as `table=` takes it."""
        return f"{self.schema}.{self.name}"


def tables(cursor: Cursor[Any], table: str = "") -> list[PostgresTable]:
    """Tables and views of the database in order of their names: those called `table`, or all."""
    cursor.execute(_CATALOGUE, {"table": table})
    return [
        PostgresTable(
            schema=schema,
            name=name,
            is_visible=is_visible,
            is_child=is_child,
            types=dict(zip(names or (), types or (), strict=True)),
            dtypes={
                column: _dtype(kind, category)
                for column, kind, category in zip(
                    names or (), types or (), categories or (), strict=True
                )
            },
        )
        for schema, name, is_visible, is_child, names, types, categories in cursor
    ]


def _dtype(kind: str, category: str) -> pl.DataType:
    return TYPES.get(kind, pl.String() if category in TEXT_CATEGORIES else pl.Binary())


def choose_table(cursor: Cursor[Any], name: str, *, path: str, config: DataConfig) -> PostgresTable:
    """The table of that name, or for "" the only one with a date and a close.

    Raises: SourceError naming the tables that there are.
    """
    if name:
        namesakes = tables(cursor, name)
        exact = [table for table in namesakes if table.full_name == name]
        fitting = exact or [table for table in namesakes if table.is_visible]
        if fitting and not fitting[0].types:
            found = f"{safe_text(name)}, which this user may not read"
            raise _table_error(path, found, f"grant select on {safe_text(name)} to the user.")
        found = f"no table {safe_text(name)}"
    else:
        fitting = [t for t in tables(cursor) if not t.is_child and _has_prices(t, config)]
        found = f"{len(fitting) or 'no'} tables with a date and a close, and none named"
    if len(fitting) == 1:
        return fitting[0]
    choice = fitting or [t for t in tables(cursor) if t.types and not t.is_child]
    raise _table_error(path, found, _choice(choice))


def _has_prices(table: PostgresTable, config: DataConfig) -> bool:
    have = set(column_map(tuple(table.types), config.columns).values())
    return "session" in have and bool(have & {"close", "adj_close"})


def _choice(candidates: Sequence[PostgresTable]) -> str:
    if not candidates:
        return "this user may read no table of this database: name another, or grant select."
    names = [safe_text(table.full_name) for table in candidates]
    more = f", ... ({len(names)} in all)" if len(names) > N_LISTED else ""
    return f"add ?table= with one of {', '.join(names[:N_LISTED])}{more}."


def _table_error(path: str, found: str, fix: str) -> SourceError:
    rule = "one table or view of prices"
    finding = Issue.DATABASE.finding(found, rule=rule, fix=fix, path=path)
    return SourceError((finding,))

"""[I/O] The URL of a PostgreSQL server: where to, which table, over what line, and no word of it.

    postgresql://USER@HOST:PORT/DATABASE?table=SCHEMA.NAME

It is libpq's, with one key of ours: `table`. A password may stand in it, but better in PGPASSWORD
or ~/.pgpass: a command line is seen by every user of a computer.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from nextclose.data.catalogue import Issue
from nextclose.data.findings import safe_text
from nextclose.errors import HIDDEN, ConfigError, Finding

FAMILIES = ("postgresql", "postgres")  # before the + of a driver
OTHER_FIX = (
    "export or download the prices as CSV or Parquet and name that file, or read them into a frame "
    "and use frame_bars(frame); of databases, postgresql:// is read."
)
# A scheme has two letters or more, for C:/ is a drive; a Path has made one slash of two.
_ADDRESS = re.compile(r"(?i)(?:jdbc:)?(?P<scheme>[a-z][a-z0-9+.\-]+):(?P<slashes>/+)")
SECRETS = ("password", "sslpassword")
CONNECT_SECONDS = "10"  # to each host, unless the URL says otherwise

# One @ at most, after user and password, and digits after a colon: else a password with one of
# : / ? # @ in it would be taken for a port, a database or a key, and libpq would print it.
_HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:,/?#@]*)(?::\d*)?"
_URL = re.compile(
    rf"postgres(?:ql)?://(?:[^/?#@]*@)?{_HOST}(?:,{_HOST})*"
    r"(?:/(?P<database>[^/?#@]*))?"
    r"(?:\?(?P<query>[A-Za-z_]+=[^=&?#@]*(?:&[A-Za-z_]+=[^=&?#@]*)*)?)?"
)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where prices are: `table` is "" where the database is to tell, `settings` are libpq's."""

    table: str
    shown: str
    findings: tuple[Finding, ...]
    settings: Mapping[str, str] = field(repr=False)

    def without_secrets(self, text: str) -> str:
        """Foreign text, as of libpq, less the passwords that this address or the shell gives."""
        secrets = [self.settings.get(name, "") for name in SECRETS]
        for secret in filter(None, (*secrets, os.environ.get("PGPASSWORD", ""))):
            text = text.replace(secret, HIDDEN).replace(quote(secret, safe=""), HIDDEN)
        return text


def database_url(prices: str | os.PathLike[str]) -> str | None:
    """The `postgresql://` URL that an argument is in any spelling of it; None for a file.

    As SQLAlchemy, JDBC and others write it: with a driver, in capitals, amid blanks.
    Raises: ConfigError for any other address, which is not repeated.
    """
    text = os.fspath(prices).strip()
    match = _ADDRESS.match(text)
    if match is None:
        return None
    scheme, is_path = match["scheme"].lower(), len(match["slashes"]) == 1
    if scheme.partition("+")[0] not in FAMILIES:
        kind = "an address of this kind" if is_path else f"{scheme}://"
        raise ConfigError(f"{scheme}: prices are not read from {kind}. Fix: {OTHER_FIX}")
    if is_path:
        raise ConfigError(
            f"{scheme}: the URL of a database, shortened by Path. Fix: give it as text, not as a "
            "Path."
        )
    return f"postgresql://{text[match.end() :]}"


def public_url(url: str) -> str:
    """Database and table of a URL, fit for reports: no user, password, host or other key."""
    match = _match(url)
    if match is None:
        return "postgresql:///"
    keys = _keys(match)
    return public_location(
        keys.get("dbname") or unquote(match["database"] or ""), keys.get("table", "")
    )


def public_location(database: str, table: str) -> str:
    """A database and a table in it as a URL of nothing else."""
    return safe_text(f"postgresql:///{database}" + (f"?table={table}" if table else ""))


def address_of(url: str) -> Address:
    """The URL taken apart; a line that leaves this computer is verified unless the URL says not to.

    Raises: ConfigError for a URL that libpq would refuse or misread, which is not repeated.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    match = _match(url)
    if match is None:
        raise ConfigError(
            "the URL of the database cannot be read; expected "
            "postgresql://USER@HOST:PORT/DATABASE?table=SCHEMA.NAME. Fix: write the characters "
            ": / ? # @ % of a name or password as %3A %2F %3F %23 %40 %25."
        )
    keys = _keys(match)
    without_query = url[: match.start("query")] if match["query"] else url
    foreign = "&".join(pair for pair in (match["query"] or "").split("&") if not _is_table(pair))
    try:
        keywords = conninfo_to_dict(without_query + foreign)
    except ProgrammingError as error:
        raise ConfigError(
            f"the URL of the database: {safe_text(str(error).strip())}. Fix: give keys that libpq "
            "knows, and ours: table."
        ) from None
    settings = {name: str(value) for name, value in keywords.items()}
    place = public_url(url)
    mode = settings.get("sslmode")
    findings: tuple[Finding, ...] = ()
    if _leaves_this_computer(settings) and mode != "verify-full":
        findings = (_tls_warning(mode, place),) if mode else ()
        settings["sslmode"] = mode or "verify-full"
    fixed = {"client_encoding": "UTF8", "fallback_application_name": "nextclose"}
    settings = {"connect_timeout": CONNECT_SECONDS} | settings | fixed
    return Address(table=keys.get("table", ""), shown=place, findings=findings, settings=settings)


def _match(url: str) -> re.Match[str] | None:
    is_sound = url.isprintable() and not _BAD_ESCAPE.search(url)
    return _URL.fullmatch(url) if is_sound else None


def _keys(match: re.Match[str]) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in (match["query"] or "").split("&"))
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _is_table(pair: str) -> bool:
    return pair.startswith("table=")


def _leaves_this_computer(settings: Mapping[str, str]) -> bool:
    """Whether some host is neither a socket nor a loopback address; a service file may name any."""
    of_shell = os.environ.get
    hosts = (
        settings.get("hostaddr")
        or of_shell("PGHOSTADDR")
        or settings.get("host")
        or of_shell("PGHOST")
    )
    if not hosts:
        return bool(settings.get("service") or of_shell("PGSERVICE"))
    return not all(_is_local(host) for host in hosts.split(","))


def _is_local(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tls_warning(mode: str, place: str) -> Finding:
    """Rule 76: a line over which another could answer in the server's place."""
    return Issue.DATABASE.finding(
        f"sslmode={safe_text(mode)}",
        response="W",
        rule="the server's name and certificate are checked",
        fix="say sslmode=verify-full&sslrootcert=FILE in the URL.",
        path=place,
    )

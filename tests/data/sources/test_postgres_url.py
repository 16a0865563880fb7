import re
import sys

import pytest

from nextclose.config import DataConfig
from nextclose.data.sources.postgres import postgres_prices
from nextclose.data.sources.postgres_url import address_of, database_url, public_url
from nextclose.errors import ConfigError
from nextclose.libraries import pip_install

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _bare_shell(monkeypatch):
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSSLMODE", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgres://h/d", "postgresql://h/d"),
        ("postgresql.csv", None),
        ("d", None),
    ],
)
def test_an_argument_is_a_url_by_its_scheme(given, expected):
    assert database_url(given) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"postgresql://ann:{SECRET}@db.example:5432/market", "postgresql:///market"),
        (
            f"postgres://ann@db.example/market?table=public.prices&password={SECRET}",
            "postgresql:///market?table=public.prices",
        ),
        ("postgresql:///market?host=/run/pg&user=ann", "postgresql:///market"),
        ("postgresql://db.example?dbname=market&user=ann", "postgresql:///market"),
        ("postgresql://[::1]:5432,b.example/market", "postgresql:///market"),
        ("postgresql://db.example/a%1B%5B31m", r"postgresql:///a\x1b[31m"),
    ],
)
def test_a_url_is_shown_as_database_and_table_alone(url, expected):
    assert public_url(url) == expected


# The marks that end a password early: what is left of it looks like a port, a database or a key.
MISREAD = [
    f"postgresql://ann:{SECRET}",
    f"postgresql://ann:{SECRET}/x@db.example/market?table=t",
    f"postgresql://ann:1/{SECRET}@db.example/market",
    f"postgresql://ann:1?{SECRET}@db.example/market",
    f"postgresql://ann:1?{SECRET}=1@db.example/market",
    f"postgresql://ann:1#{SECRET}@db.example/market",
    f"postgresql://ann:x@{SECRET}@db.example/market",
    f"postgresql://ann:%zz{SECRET}@db.example/market",
    f"postgresql://ann:%00{SECRET}@db.example/market",
    f"postgresql://ann:\n{SECRET}@db.example/market",
]


@pytest.mark.parametrize("url", MISREAD)
def test_a_url_that_would_be_misread_is_refused_and_not_repeated(url):
    assert public_url(url) == "postgresql:///"
    with pytest.raises(ConfigError, match=r"cannot be read.*%40") as caught:
        address_of(url)
    assert SECRET not in str(caught.value)


def test_a_key_that_nobody_knows_is_named():
    with pytest.raises(ConfigError, match=r'"tabel".*ours: table') as caught:
        address_of(f"postgresql://ann:{SECRET}@db.example/market?tabel=prices")
    assert SECRET not in str(caught.value)


def test_our_own_key_is_taken_off_and_the_rest_is_of_libpq():
    address = address_of(
        "postgresql://ann:a%40b@db.example:5433/market?sslmode=verify-full&table=public.%C3%A4&connect_timeout=3"
    )
    assert address.table == "public.ä"
    assert address.settings == {
        "user": "ann",
        "password": "a@b",
        "host": "db.example",
        "port": "5433",
        "dbname": "market",
        "sslmode": "verify-full",
        "connect_timeout": "3",
        "client_encoding": "UTF8",
        "fallback_application_name": "nextclose",
    }
    assert "a@b" not in repr(address)


@pytest.mark.parametrize(
    ("url", "mode", "is_warned"),
    [
        ("postgresql:///d", None, False),
        ("postgresql://localhost/d", None, False),
        ("postgresql://127.0.0.1/d", None, False),
        ("postgresql://[::1]/d", None, False),
        ("postgresql:///d?host=/run/postgresql", None, False),
        ("postgresql://db.example/d?hostaddr=127.0.0.1", None, False),
        ("postgresql://localhost/d?sslmode=disable", "disable", False),
        ("postgresql://db.example/d", "verify-full", False),
        ("postgresql://10.0.0.7/d", "verify-full", False),
        ("postgresql://localhost,db.example/d", "verify-full", False),
        ("postgresql://localhost/d?hostaddr=10.0.0.7", "verify-full", False),
        ("postgresql:///d?service=far", "verify-full", False),
        ("postgresql://db.example/d?sslmode=verify-full", "verify-full", False),
        ("postgresql://db.example/d?sslmode=verify-ca", "verify-ca", True),
        ("postgresql://db.example/d?sslmode=require", "require", True),
        ("postgresql://db.example/d?ssl=true", "require", True),
        ("postgresql://db.example/d?sslmode=disable", "disable", True),
    ],
)
def test_a_line_that_leaves_this_computer_is_verified_unless_the_url_says_not_to(
    url, mode, is_warned
):
    address = address_of(url)
    assert address.settings.get("sslmode") == mode
    assert [finding.code for finding in address.findings] == ["W76"] * is_warned
    assert all(f"sslmode={mode}" in finding.found for finding in address.findings)


@pytest.mark.parametrize(
    ("name", "value"), [("PGHOST", "db.example"), ("PGHOSTADDR", "10.0.0.7"), ("PGSERVICE", "far")]
)
def test_a_host_of_the_shell_is_verified_too(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("PGSSLMODE", "disable")  # no word of the URL
    assert address_of("postgresql:///d").settings["sslmode"] == "verify-full"


def test_passwords_are_taken_out_of_foreign_text_in_both_spellings(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "of the shell")
    address = address_of("postgresql://ann:a%2Fb@localhost/d?sslpassword=key")
    text = "a/b, a%2Fb, key, of the shell, of%20the%20shell"
    assert address.without_secrets(text) == "***, ***, ***, ***, ***"


def test_without_the_extra_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=re.escape(pip_install("postgres"))) as caught:
        postgres_prices(f"postgresql://ann:{SECRET}@localhost/d?table=t", config=DataConfig())
    assert SECRET not in str(caught.value)

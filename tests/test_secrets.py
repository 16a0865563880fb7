"""Addresses with a password, in every form that tools write: nowhere repeated, whoever asks."""

import inspect
import json
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from nextclose import cli
from nextclose.config import DataConfig, RunConfig, parse_config
from nextclose.data.sources.loading import load_bars, load_usable_bars
from nextclose.data.sources.postgres_url import database_url
from nextclose.errors import ConfigError, Finding, NextcloseError, without_secrets

SECRET = "hunter2"
# Forms of SQLAlchemy, JDBC, libpq, Django, s3fs, curl and pip; what follows them is the server.
READ = {
    "sqlalchemy": f"postgresql+psycopg2://ann:{SECRET}@127.0.0.1:1/market",
    "sqlalchemy, psycopg 3": f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/market",
    "asyncpg": f"postgresql+asyncpg://ann:{SECRET}@127.0.0.1:1/market",
    "short": f"postgres://ann:{SECRET}@127.0.0.1:1/market",
    "upper case": f"POSTGRESQL://ann:{SECRET}@127.0.0.1:1/market",
    "a space before": f" postgresql://ann:{SECRET}@127.0.0.1:1/market",
    "a line end behind": f"postgresql://ann:{SECRET}@127.0.0.1:1/market\n",
    "jdbc": f"jdbc:postgresql://127.0.0.1:1/market?user=ann&password={SECRET}",
}
REFUSED = {
    "mysql": f"mysql://ann:{SECRET}@db/market",
    "mysql, driver": f"mysql+pymysql://ann:{SECRET}@db/market",
    "slash in the password": f"mysql://ann:x/{SECRET}@db/market",
    "at in the password": f"mysql://ann:x@{SECRET}@db/market",
    "space in the password": f"mysql://ann:x {SECRET}@db/market",
    "jdbc sql server": f"jdbc:sqlserver://db;databaseName=m;user=ann;password={SECRET}",
    "odbc": f"mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dann%3BPWD%3D{SECRET}",
    "snowflake": f"snowflake://ann:{SECRET}@account/db/schema",
    "s3": f"s3://AKIA:{SECRET}@bucket/prices.csv",
    "http": f"http://ann:{SECRET}@example.com/prices.csv",
    "query": f"https://example.com/prices.csv?apikey={SECRET}",
    "signed": f"https://bucket.example/p.parquet?X-Amz-Signature={SECRET}&x=1",
    "clickhouse": f"clickhouse+native://ann:{SECRET}@db/market",
    "no host": f"mysql://ann:{SECRET}",
    "capitals": f"MYSQL://ann:{SECRET}@db/market",
}
FORMS = READ | REFUSED


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_text_with_an_address_is_shown_without_its_secret(form):
    for text in (form, f"cannot read {form}: No such file", f"'{form}' is unknown", repr(form)):
        shown = without_secrets(text)
        assert SECRET not in shown
        assert without_secrets(shown) == shown
    finding = Finding(number=1, response="E", found=form, rule=form, path=form, fix=form)
    assert SECRET not in finding.line() + json.dumps(finding.facts())
    assert SECRET not in str(ConfigError(f"{form} is unknown"))


PLAIN = (
    "prices/AAPL.csv row 3: found 1.5",
    "C:/Users/ann/prices.csv: no such file",
    "expected postgresql://USER@HOST:PORT/DATABASE?table=SCHEMA.NAME. Fix: write",
    "postgresql:///market?table=public.prices",
    "http://127.0.0.1:8000/report is up",
    "see https://example.com/page#part for more",
    "give the password in PGPASSWORD or ~/.pgpass.",
)


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize("form", READ.values(), ids=READ.keys())
def test_forms_of_a_postgresql_url_are_one_server(form):
    url = database_url(form)
    assert url is not None
    assert re.fullmatch(r"postgresql://(ann:hunter2@)?127\.0\.0\.1:1/market(\?user=.*)?", url)


@pytest.mark.parametrize("form", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("load", [load_bars, load_usable_bars])
def test_another_address_is_refused_with_what_to_do(form, load):
    for given in (form, Path(form), f"  {form}"):
        with pytest.raises(ConfigError, match=r"prices are not read from .* Fix: ") as caught:
            load(given)
        assert SECRET not in "".join(traceback.format_exception(caught.value)[-1:])
        assert caught.value.exit_code == 2


def test_a_url_that_a_path_has_shortened_asks_for_text():
    with pytest.raises(ConfigError, match="Fix: give it as text"):
        load_bars(Path(f"postgresql://ann:{SECRET}@db/market"))


ODD_FILES = ("AAPL.csv", "a:b.csv", "C:/x.csv", "x//y.csv", "prices://", "1://x", "~/x.csv")


@pytest.mark.parametrize("name", [name for name in ODD_FILES if name not in ("prices://",)])
def test_a_file_is_no_address(name):
    assert database_url(name) is None
    assert database_url(Path(name)) is None


# --- the command line ---

CALLS = {
    "prices": ["check", "{form}"],
    "prices, json": ["--json-errors", "check", "{form}"],
    "backtest": ["backtest", "{form}", "--models", "har", "--out", "{out}"],
    "train": ["train", "{form}", "--out", "{out}"],
    "bundle": ["predict", "{form}", "sample"],
    "config": ["check", "sample", "--config", "{form}"],
    "config, json": ["--json-errors", "check", "sample", "--config", "{form}"],
    "calendar": ["check", "sample", "--calendar", "{form}"],
    "horizons": ["backtest", "sample", "--horizons", "{form}"],
    "models": ["backtest", "sample", "--models", "{form}"],
    "workers": ["backtest", "sample", "--workers", "{form}"],
    "an option that is none": ["check", "sample", "--{form}"],
    "a command that is none": ["{form}"],
    "symbol": ["fetch", "{form}", "--store", "{out}"],
    "news": ["backtest", "sample", "--news", "{form}", "--models", "har", "--out", "{out}"],
}


def call(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["nextclose", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("arguments", CALLS.values(), ids=CALLS.keys())
def test_no_command_repeats_it(arguments, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for form in FORMS.values():
        out = str(tmp_path / "out")
        code = call([part.format(form=form, out=out) for part in arguments], monkeypatch)
        said = "".join(capfd.readouterr())
        assert code not in (0, 1), form
        assert said
        assert SECRET not in said.replace("\n", "").replace(" ", ""), form
    assert all(SECRET not in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


SETTINGS = (
    'splits = "{form}"',
    'missing = ["", "{form}"]',
    'columns = {{ "{form}" = "close" }}',
    'not_a_split = ["{form}"]',
    'encoding = "{form}"',
    '"{form}" = 1',
    'gaps = "{form}"',
    "fill = {form}",
)


@pytest.mark.parametrize("line", SETTINGS)
def test_no_setting_holds_it(line):
    for form in FORMS.values():
        text = f"[data]\n{line.format(form=form.strip())}\n"
        with pytest.raises(ConfigError) as caught:
            parse_config(text, path="run.toml")
        assert SECRET not in str(caught.value)
        assert SECRET not in str(vars(caught.value))


def test_no_settings_made_in_python_hold_it():
    for form in FORMS.values():
        for values in ({"splits": form}, {"missing": (form,)}, {"columns": {form: "close"}}):
            with pytest.raises(ValueError, match="a password or key") as caught:
                DataConfig.model_validate(values)
            assert SECRET not in str(caught.value)
    assert RunConfig().data.splits is None


def test_the_log_of_a_bug_holds_none(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot reach {REFUSED['mysql']}") from ValueError(READ["jdbc"])

    monkeypatch.setattr("nextclose.data.sources.loading.load_usable_bars", fail)
    assert call(["check", "sample"], monkeypatch) == 1
    (log,) = tmp_path.glob("*.log")
    assert "RuntimeError" in log.read_text()
    assert SECRET not in log.read_text() + "".join(capfd.readouterr())


def test_every_error_of_ours_is_without_it():
    def kinds(kind: type[NextcloseError]) -> set[type[NextcloseError]]:
        return {kind}.union(*(kinds(each) for each in kind.__subclasses__()))

    text = f"mysql://ann:{SECRET}@db/market"
    names = ("message", "path", "expected", "found", "fix", "what", "known_at", "used_at")
    for kind in kinds(NextcloseError):
        parameters = inspect.signature(kind).parameters
        values: dict[str, Any] = {name: text for name in parameters if name in names}
        values |= {"section": text, "key": text} if "section" in parameters else {}
        if "findings" in parameters:
            values = {"findings": (Finding(number=1, response="E", found=text, rule="r"),)}
        if "needed" in parameters:
            values |= {"needed": 1, "found": 1}
        if "holder" in parameters:
            values |= {"holder": 1}
        if "library" in parameters:
            values = dict.fromkeys(("library", "needed_by", "reason", "cure", "instead"), text)
        message = [values.pop("message")] if "message" in values else []
        error = kind(*message, **values)
        assert SECRET not in str(error), kind
        assert SECRET not in str(vars(error)), kind

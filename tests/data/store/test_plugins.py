"""Providers of installed packages, each a folder with the metadata that an installer writes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nextclose.data.store.plugins import PROVIDERS, load_provider, provider_names
from nextclose.data.store.yahoo import YahooProvider
from nextclose.errors import ConfigError

CODE = """
from nextclose import NoHistoryError

class Acme:
    name = "acme"
    def history(self, symbol, *, since):
        raise NoHistoryError("0 rows", number=72)
"""


def install(folder: Path, module: str, code: str, **providers: str) -> None:
    """A package as it stands in site-packages: its code, and what it says it offers."""
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{module}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in providers.items()]
    (info / "entry_points.txt").write_text("\n".join(["[nextclose.providers]", *lines, ""]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("acme_prices", "other_prices"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def refusal(name: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_provider(name)
    return str(raised.value)


def test_our_own_provider_is_there_without_any_package():
    assert isinstance(load_provider("yahoo"), YahooProvider)
    assert "yahoo" in provider_names()


def test_a_class_or_a_function_of_an_installed_package_is_a_provider_by_its_name(site):
    install(site, "acme_prices", CODE, acme="acme_prices:Acme")
    code = CODE.replace('"acme"', '"other"') + "\ndef make():\n    return Acme()\n"
    install(site, "other_prices", code, other="other_prices:make")
    assert load_provider("acme").name == "acme"
    assert load_provider("other").name == "other"
    assert {"acme", "other", "yahoo"} <= set(provider_names())


def test_no_package_is_imported_before_its_name_is_asked_for(site):
    install(site, "acme_prices", CODE, acme="acme_prices:Acme")
    install(site, "other_prices", "raise SystemExit('imported')", other="other_prices:Other")
    assert {"acme", "other"} <= set(provider_names())
    load_provider("yahoo")
    assert "is not known" in refusal("acne")
    assert "acme_prices" not in sys.modules
    load_provider("acme")
    assert "acme_prices" in sys.modules
    assert "other_prices" not in sys.modules


def test_an_unknown_name_lists_what_there_is(site):
    install(site, "acme_prices", CODE, acme="acme_prices:Acme")
    assert refusal("acne") == "--provider 'acne' is not known. Fix: choose of acme, yahoo."


def test_a_package_does_not_take_the_place_of_our_own(site):
    install(site, "acme_prices", CODE, yahoo="acme_prices:Acme")
    assert isinstance(load_provider("yahoo"), YahooProvider)
    assert set(PROVIDERS) == {"yahoo"}


def test_a_name_of_two_packages_is_refused_naming_both(site):
    install(site, "acme_prices", CODE, acme="acme_prices:Acme")
    install(site, "other_prices", CODE, acme="other_prices:Acme")
    assert refusal("acme") == (
        "--provider 'acme' is of several packages: acme_prices and other_prices. "
        "Fix: uninstall all but one."
    )


BROKEN = [
    ("", "acme_prices:Acme", "AttributeError: module 'acme_prices' has no attribute 'Acme'"),
    ("", "acme_price:Acme", "ModuleNotFoundError: No module named 'acme_price'"),
    ("1 / 0", "acme_prices:Acme", "ZeroDivisionError: division by zero"),
    ("raise SystemExit(3)", "acme_prices:Acme", "SystemExit: 3"),
    ("Acme = 5", "acme_prices:Acme", "TypeError: 'int' object is not callable"),
    ("def Acme(key): ...", "acme_prices:Acme", "TypeError: Acme() missing 1 required positional"),
    ("def Acme(): ...", "acme_prices:Acme", "a NoneType without a text `name`"),
    ("class Acme:\n    name = 5", "acme_prices:Acme", "a Acme without a text `name`"),
    ("class Acme:\n    name = 'acme'", "acme_prices:Acme", "a Acme without a method `history`"),
    ("class Acme:\n    name = 'yahoo'", "acme_prices:Acme", "it calls itself 'yahoo'"),
    ("raise ValueError('a\\nb')", "acme_prices:Acme", "ValueError: a\\nb"),
    ("", "not an object", "not an object of acme_prices"),
]


@pytest.mark.parametrize(("code", "value", "reason"), BROKEN)
def test_a_broken_package_is_one_line_with_its_name_and_a_cure(site, code, value, reason):
    install(site, "acme_prices", code, acme=value)
    message = refusal("acme")
    assert message.startswith(f"--provider 'acme', {value} of acme_prices, gives no provider: ")
    assert reason in message
    assert message.endswith("Fix: update that package, or uninstall it.")
    assert "\n" not in message


def test_a_provider_that_lacks_its_client_says_what_to_install(site):
    code = (
        "import nextclose\ndef Acme():\n    raise nextclose.ConfigError('Fix: pip install acme.')"
    )
    install(site, "acme_prices", code, acme="acme_prices:Acme")
    assert refusal("acme") == "Fix: pip install acme."

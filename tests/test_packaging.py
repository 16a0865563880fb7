"""What is installed: lock files that fit pyproject.toml, and pages that show what was measured."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = {  # file -> the extras that it is for
    "requirements.lock": (),
    "requirements-all.lock": ("indicators", "trees", "postgres", "yahoo", "news"),
}
PIN = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>.*?))? \\$", re.MULTILINE
)
MEASURED = json.loads(
    (ROOT / "benchmarks" / "results" / "installation.json").read_text(encoding="utf-8")
)


def pins(name: str) -> dict[str, tuple[str, str]]:
    """The packages of a lock: version and marker by name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {
        canonicalize_name(match["name"]): (match["version"], match["marker"] or "")
        for match in PIN.finditer(text)
    }


def wanted_by(extras: tuple[str, ...]) -> Iterator[Requirement]:
    """What pyproject.toml asks for, with these extras."""
    yield from map(Requirement, PROJECT["dependencies"])
    for extra in extras:
        yield from map(Requirement, PROJECT["optional-dependencies"][extra])


@pytest.mark.parametrize(("name", "extras"), LOCKS.items())
def test_the_lock_has_all_that_is_asked_for_within_its_range(name, extras):
    """Else: make lock."""
    locked = pins(name)
    for wanted in wanted_by(extras):
        version, _ = locked[canonicalize_name(wanted.name)]
        assert Version(version) in wanted.specifier, wanted


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_packages_of_the_lock_need_here_is_in_it_too(name):
    locked = pins(name)
    here = [
        package
        for package, (_, marker) in locked.items()
        if not marker or Marker(marker).evaluate()
    ]
    n_looked_at = 0
    for package in here:
        try:
            needs = map(Requirement, requires(package) or ())
        except PackageNotFoundError:
            continue
        n_looked_at += 1
        for needed in needs:
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                version, _ = locked[canonicalize_name(needed.name)]
                assert Version(version) in needed.specifier, f"{package} needs {needed}"
    assert n_looked_at > 0.9 * len(here)  # the tests run with every extra


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_pins_what_constraints_txt_pins(name):
    constraints = {
        canonicalize_name(line.split("==")[0]): line.split("==")[1]
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert {name: version for name, (version, _) in pins(name).items()}.items() <= (
        constraints.items()
    )


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_the_lock_has_hashes_and_none_has_an_address(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    parts = re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]
    assert len(parts) == len(pins(name))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", part) for part in parts)
    assert "://" not in text
    assert "--index" not in text


def test_of_every_direct_dependency_the_architecture_page_says_why_and_its_measured_size():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.-]+)` \| +([\d.]+) \|", page, re.MULTILINE))
    direct = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert direct <= {canonicalize_name(name) for name in rows}
    for name, size in rows.items():
        assert float(size) == MEASURED["packages_mb"][canonicalize_name(name)], name


def test_the_installation_page_shows_what_was_measured_and_what_was_run():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \|.*\| +(\d+) \|$", page, re.MULTILINE))
    for extra, size in MEASURED["extras_mb"].items():
        assert int(shown[extra]) == max(1, round(size)), extra
    core = MEASURED["runs"]["3.11"]
    assert f"| {core['mb']:.0f} |" in page
    assert core["mb"] <= MEASURED["goals"]["mb"]
    seconds = {name: core[name]["processor"] for name in ("help_seconds", "forecast_seconds")}
    assert all(taken <= MEASURED["goals"][name] for name, taken in seconds.items())
    assert f"`--help` takes {seconds['help_seconds']:.2f} s" in page
    assert f"from a file {seconds['forecast_seconds']:.1f} s" in page
    headings, _, *table = re.findall(r"^\|.*3\.11.*\|\n(?:\|.*\n)+", page, re.MULTILINE)[0].split(
        "\n"
    )
    numbers = [cell.strip() for cell in headings.strip("|").split("|")][1:]
    for line in filter(None, table):
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        was_run = {number for number, cell in zip(numbers, cells, strict=True) if "run" in cell}
        assert was_run == ({*MEASURED["runs"]} if name == "Linux x86_64" else set()), name
    assert set(MEASURED["elsewhere"].values()) == {"resolves, not run"}


def test_the_package_says_who_made_it_and_under_which_licences():
    assert PROJECT["authors"] == [{"name": "the nextclose developers"}]
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    oldest = PROJECT["requires-python"].removeprefix(">=")
    classifiers = [text for text in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", text)]
    assert classifiers[0].endswith(oldest)
    assert {text.rpartition(" ")[2] for text in classifiers} == {*MEASURED["runs"]}

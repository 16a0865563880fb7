"""What the package and its pages promise is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nextclose

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there():
    for name in nextclose.__all__:
        assert getattr(nextclose, name) is not None


def test_no_public_name_is_hidden_by_a_module_of_that_name():
    """Importing a submodule sets it as an attribute of the package, before `__getattr__`."""
    source = ROOT / "src" / "nextclose"
    modules = {path.stem for path in source.glob("*.py")} | {p.name for p in source.iterdir()}
    assert not modules & set(nextclose.__all__)


def test_public_names_are_listed_once_and_sorted_for_people():
    assert len(set(nextclose.__all__)) == len(nextclose.__all__)
    assert set(nextclose.__all__) == set(nextclose._HOME)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(nextclose, "pickle")


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, nextclose, nextclose.cli; print(sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for heavy in ("torch", "polars", "numpy", "matplotlib", "pandas"):
        assert f"'{heavy}'" not in loaded.stdout


def test_the_tree_of_the_architecture_page_is_the_real_tree():
    source = ROOT / "src" / "nextclose"
    packages = {path.parent for path in source.rglob("__init__.py")} - {source}
    assert listed_folders() == {str(folder.relative_to(source)) for folder in packages}


def listed_folders() -> set[str]:
    """Folders below src/nextclose/ that the page's tree names, one a line."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.split("```text\nsrc/nextclose/\n")[1].split("```")[0]
    folders: set[str] = set()
    path: list[str] = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        path[depth:] = [line.split()[0].removesuffix("/")]
        folders.add("/".join(path))
    return folders

"""Values flow right, imports point left."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "nextclose"
LAYERS = (
    *(
        "errors",
        "libraries",
        "forks",
        "arguments",
        "schema",
        "settings",
        "config",
        "metrics",
        "formatting",
        "glossary",
    ),
    *("durable", "folders"),
    *(
        "data",
        "features",
        "samples",
        "simulation",
        "models",
        "backtesting",
        "evaluation",
        "judging",
        "report",
        "serving",
    ),
    *(
        "execution",
        "pretraining",
        "studies",
        "runfolder",
        "results",
        "ledger",
        "run",
        "submitting",
        "yardsticks",
        "judgement",
        "referee",
        "roasting",
    ),
    *("training", "windowfiles", "windowsets", "windowing", "terminal", "commands", "cli"),
)
CORE = tuple(
    name for name in LAYERS[: LAYERS.index("report")] if name not in ("forks", "durable", "folders")
)
IO_FOLDERS = ("sources", "store")  # of data: all that reads files, databases, the network
OUTSIDE = {
    "os",
    "pathlib",
    "time",
    "socket",
    "subprocess",
    "urllib",
    "requests",
    "tempfile",
    "shutil",
}
MODULES = sorted(ROOT.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_has_a_layer():
    assert {layer(path) for path in MODULES} <= {*LAYERS, "__init__", "__main__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_left(path):
    if layer(path) in ("__init__", "__main__"):
        return  # they offer everything; nothing imports them
    own = LAYERS.index(layer(path))
    for name in imported(path):
        if name.startswith("nextclose."):
            assert LAYERS.index(name.split(".")[1]) <= own, f"{path} imports {name}"
        assert name != "nextclose", f"{path} imports the public names"


def test_no_import_cycle():
    name_of = {
        path: "nextclose." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
    }
    names = set(name_of.values())
    edges = {name_of[path]: imported(path) & names - {name_of[path]} for path in MODULES}
    edges.pop("nextclose.__init__")
    done: set[str] = set()
    while left := {name: needs - done for name, needs in edges.items() if name not in done}:
        ready = {name for name, needs in left.items() if not needs}
        assert ready, f"a cycle among {sorted(left)}"
        done |= ready


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if layer(path) in CORE and path.parent.name not in IO_FOLDERS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_core_touches_nothing_outside(path):
    assert not {name.split(".")[0] for name in imported(path)} & OUTSIDE
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_reader_finishes_the_file(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 330

"""Results of an earlier run or bundle, replaced: all or nothing, wherever the writer is killed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nextclose import folders, results, runfolder
from nextclose.durable import LOCK, save
from nextclose.errors import OutputError
from nextclose.results import fill_run
from nextclose.runfolder import run_folder
from nextclose.serving import bundle as bundle_module
from nextclose.serving import files as files_module
from nextclose.serving.bundle import Bundle, read_bundle, write_bundle
from tests.builders import walk_bars
from tests.serving.bundles import bundle_of

CALLS = ("replace", "rename", "unlink", "rmdir", "mkdir", "link", "fsync", "ftruncate")


class KilledError(BaseException):
    """Stands for a kill -9: after it nothing is done any more, no tidying up either."""


@contextmanager
def killed_at(
    monkeypatch: pytest.MonkeyPatch, n: int, *more: tuple[Any, str]
) -> Iterator[list[int]]:
    """Within, the n-th of the calls that change a folder and all later ones are not done."""
    left = [n]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **settings: Any) -> Any:
            left[0] -= 1
            if left[0] <= 0:
                raise KilledError
            return call(*arguments, **settings)

        return run

    with monkeypatch.context() as patched:
        for owner, name in (*((os, name) for name in CALLS), *more):
            patched.setattr(owner, name, dying(getattr(owner, name)))
        yield left


@pytest.fixture(scope="module")
def bundles(walked) -> tuple[Bundle, Bundle]:
    """An older and a newer one."""
    old, new = (bundle_of(walked, walk_bars(), model="har", fold=fold) for fold in (0, 2))
    return old, new


def test_a_bundle_replaced_by_one_that_is_killed_at_any_call_is_the_old_or_the_new(
    bundles, tmp_path, monkeypatch
):
    old, new = bundles
    seen, n = set(), 0
    while True:
        n += 1
        folder = tmp_path / str(n)
        write_bundle(folder, old)
        try:
            with killed_at(monkeypatch, n):
                write_bundle(folder, new)
        except KilledError:
            seen.add(read_bundle(folder).manifest.fitted_at)
        else:
            break
    assert seen == {bundle.manifest.fitted_at for bundle in bundles}


def refuse_exchange(one: Path, other: Path) -> None:
    """As a file system does that cannot."""
    raise OSError(errno.EINVAL, "Invalid argument")


def test_a_bundle_is_whole_for_its_readers_where_folders_cannot_be_exchanged(
    bundles, tmp_path, monkeypatch
):
    monkeypatch.setattr(folders, "exchange", refuse_exchange)
    test_a_bundle_replaced_by_one_that_is_killed_at_any_call_is_the_old_or_the_new(
        bundles, tmp_path, monkeypatch
    )


@pytest.mark.parametrize("file", ["manifest.json", "model.safetensors", "golden.safetensors"])
def test_a_bundle_that_is_replaced_while_it_is_read_is_read_again(
    bundles, tmp_path, monkeypatch, file
):
    old, new = bundles
    write_bundle(tmp_path / "b", old)
    read, left = files_module.file_content, [1]

    def replaced_before(folder: Path, name: str, **settings: Any) -> bytes:
        if name == file and left:
            left.clear()
            write_bundle(tmp_path / "b", new)
        return read(folder, name, **settings)

    for module in (bundle_module, files_module):
        monkeypatch.setattr(module, "file_content", replaced_before)
    assert read_bundle(tmp_path / "b").manifest.fitted_at == new.manifest.fitted_at


def contents(folder: Path) -> dict[str, bytes]:
    """Results of a run by path, without what stands beside them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.relative_to(folder).parts[0] in (*runfolder.PARTS, runfolder.TASKS)
    }


@pytest.fixture
def write(monkeypatch) -> Callable[[str, Path, int], None]:
    """Writes a run whose every file says its name; it draws so many figures."""
    figures = [0]
    monkeypatch.setattr(runfolder, "_parquet", lambda told: told.encode())
    told_in = '{{"format": 1, "run": "{}", "rows": []}}'
    monkeypatch.setattr(runfolder, "json_text", lambda told, **_: told_in.format(told))
    monkeypatch.setattr(runfolder, "render_page", lambda content: content.run.config)
    monkeypatch.setattr(
        runfolder,
        "figure_files",
        lambda content: {f"{k}.svg": content.run.config.encode() for k in range(*figures)},
    )

    def write_it(name: str, folder: Path, n_figures: int) -> None:
        figures[:] = [n_figures]
        run: Any = SimpleNamespace(forecasts=name, document=name)
        content = SimpleNamespace(run=SimpleNamespace(config=name))
        monkeypatch.setattr(results, "report_content", lambda *_, **__: content)
        with run_folder(folder) as place:
            fill_run(place, run, command="for the test")

    return write_it


def test_a_run_replaced_by_one_that_is_killed_at_any_call_is_the_old_or_the_new(
    write, tmp_path, monkeypatch
):
    wanted = wanted_results(write, tmp_path)
    seen = set()
    for folder in killed_runs(write, tmp_path / "runs", monkeypatch):
        found = contents(folder)
        assert found.pop("tasks/a.safetensors") == b"a fit"
        assert found in wanted.values(), folder
        seen |= {name for name in wanted if wanted[name] == found}
        with run_folder(folder):  # whoever comes next
            pass
        assert found == {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "tasks" not in path.parts
        }
    assert seen == {"old", "new"}
    assert {path.name.isdigit() for path in (tmp_path / "runs").iterdir()} == {True}  # no litter


def wanted_results(write: Callable[[str, Path, int], None], folder: Path) -> dict[str, Any]:
    """What the old and the new run leave, undisturbed."""
    wanted = {}
    for name, n_figures in (("old", 3), ("new", 2)):
        write(name, folder / name, n_figures)
        wanted[name] = contents(folder / name)
        assert len(wanted[name]) == 4 + n_figures
    return wanted


def killed_runs(
    write: Callable[[str, Path, int], None], path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Folders of a run whose replacement was killed at one call after the other."""
    for n in range(1, 1000):
        folder = path / str(n)
        write("old", folder, 3)
        save(folder / "tasks" / "a.safetensors", b"a fit")
        try:
            with killed_at(monkeypatch, n):
                write("new", folder, 2)
        except KilledError:
            yield folder
        else:
            return


@pytest.mark.parametrize("cause", ["exchange", "mount", "foreign", "here"])
def test_where_folders_cannot_be_exchanged_the_next_start_makes_a_killed_run_whole(
    write, tmp_path, monkeypatch, cause
):
    wanted = wanted_results(write, tmp_path)
    seen = set()
    if cause == "exchange":
        monkeypatch.setattr(folders, "exchange", refuse_exchange)
    if cause == "mount":
        monkeypatch.setattr(Path, "is_mount", lambda _: True)
    for folder in killed_runs(
        lambda *told: write_beside(write, *told, cause=cause), tmp_path / "runs", monkeypatch
    ):
        with run_folder(folder):
            pass
        found = contents(folder)
        assert found.pop("tasks/a.safetensors") == b"a fit"
        assert found in wanted.values(), folder
        seen |= {name for name in wanted if wanted[name] == found}
        beside = {path.name for path in folder.iterdir()} - {*runfolder.PARTS}
        assert beside == {"tasks"} | ({"notes.txt"} if cause == "foreign" else set())
        monkeypatch.chdir(tmp_path)
    assert seen == {"old", "new"}


def write_beside(
    write: Callable[[str, Path, int], None], name: str, folder: Path, n: int, *, cause: str
) -> None:
    """Write a run into a folder that holds another thing, or that we stand in."""
    folder.mkdir(parents=True, exist_ok=True)
    if cause == "foreign":
        (folder / "notes.txt").write_text("mine")
    here = Path.cwd()
    if cause == "here":
        os.chdir(folder)
    write(name, folder, n)
    os.chdir(here)


def test_an_interrupt_while_results_are_moved_leaves_the_new_ones(write, tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "exchange", refuse_exchange)
    wanted = wanted_results(write, tmp_path)
    move, left = os.replace, [2]

    def interrupted(source: Path, target: Path) -> None:
        if Path(source).parent.name == folders.READY:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
        move(source, target)

    write("old", tmp_path / "run", 3)
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write("new", tmp_path / "run", 2)
    assert contents(tmp_path / "run") == wanted["new"]


def test_a_disk_that_is_full_at_any_call_leaves_the_old_or_the_new(write, tmp_path, monkeypatch):
    wanted = wanted_results(write, tmp_path)
    for n in range(1, 1000):
        folder = tmp_path / str(n)
        write("old", folder, 3)
        left = [n]

        def refusing(call: Callable[..., Any], left: list[int] = left) -> Callable[..., Any]:
            def run(*arguments: Any, **settings: Any) -> Any:
                left[0] -= 1
                if not left[0]:  # this one alone
                    raise OSError(errno.ENOSPC, "No space left on device")
                return call(*arguments, **settings)

            return run

        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(os, name, refusing(getattr(os, name)))
            with suppress(OutputError):
                write("new", folder, 2)
        assert contents(folder) in wanted.values(), n
        if left[0] > 0:
            break
    assert contents(folder) == wanted["new"]


def test_what_else_a_folder_holds_stays_and_so_do_its_rights(write, tmp_path):
    folder = tmp_path / "run"
    write("old", folder, 1)
    save(folder / "bundle" / "manifest.json", b"a bundle")
    (folder / "notes").symlink_to("nowhere")
    folder.chmod(0o750)
    write("new", folder, 1)
    assert (folder / "bundle" / "manifest.json").read_bytes() == b"a bundle"
    assert os.readlink(folder / "notes") == "nowhere"
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_folder_behind_a_link_is_replaced_and_the_link_stays(write, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "run").symlink_to("far")
    for name in ("old", "new"):
        write(name, tmp_path / "run", 1)
    assert (tmp_path / "run").is_symlink()
    assert (tmp_path / "far" / "report.html").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"far", "run"}


def test_folders_are_exchanged_here_in_one_step(tmp_path):
    for name in ("one", "other"):
        save(tmp_path / name / "told", name.encode())
    folders.exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one" / "told").read_text() == "other"
    assert (tmp_path / "other" / "told").read_text() == "one"


# --- what is somebody else's ---


@pytest.mark.parametrize("name", ["config.toml", "report.html", "verdict.json", "figures/mine.png"])
def test_a_file_of_somebody_else_is_not_replaced_by_a_run(write, tmp_path, name):
    place = tmp_path / "theirs" / name
    place.parent.mkdir(parents=True)
    place.write_text('{"mine": 1}')
    with pytest.raises(OutputError, match=r"it is not replaced.*Fix: choose another"):
        write("new", tmp_path / "theirs", 1)
    assert place.read_text() == '{"mine": 1}'
    kept = [path for path in (tmp_path / "theirs").rglob("*") if path.is_file()]
    assert [path for path in kept if path.name != LOCK] == [place]


@pytest.mark.parametrize("name", ["manifest.json", "model.safetensors"])
def test_a_file_of_somebody_else_is_not_replaced_by_a_bundle(bundles, tmp_path, name):
    (tmp_path / name).write_text("[1]")
    with pytest.raises(OutputError, match="it is not replaced"):
        write_bundle(tmp_path, bundles[0])
    assert (tmp_path / name).read_text() == "[1]"


def test_a_run_of_ours_is_replaced_beside_files_that_are_not_results(write, tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    for name in ("old", "new"):
        write(name, tmp_path, 1)
        assert (tmp_path / "report.html").read_text() == name
    assert (tmp_path / "notes.md").read_text() == "mine"

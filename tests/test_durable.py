import fcntl
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from nextclose.durable import LOCK, folder_lock, save, sweep
from nextclose.errors import LockedError, OutputError


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_saved_can_be_read_and_nothing_else_is_left(tmp_path):
    save(tmp_path / "a.bin", b"one")
    assert (tmp_path / "a.bin").read_bytes() == b"one"
    save(tmp_path / "a.bin", b"two")
    assert (tmp_path / "a.bin").read_bytes() == b"two"
    assert everything_in(tmp_path) == ["a.bin"]


def test_folders_are_made(tmp_path):
    save(tmp_path / "x" / "y" / "a.bin", b"")
    assert (tmp_path / "x" / "y" / "a.bin").read_bytes() == b""


def test_a_reader_of_the_old_file_keeps_the_old_bytes(tmp_path):
    save(tmp_path / "a.bin", b"old")
    with open(tmp_path / "a.bin", "rb") as file:
        save(tmp_path / "a.bin", b"new")
        assert file.read() == b"old"


def test_a_write_that_fails_half_way_leaves_the_old_file_and_no_other(tmp_path):
    save(tmp_path / "a.bin", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError) as caught:
            save(tmp_path / "a.bin", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.path == str(tmp_path / "a.bin")
    assert "File too large" in str(caught.value)
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert everything_in(tmp_path) == ["a.bin"]


def test_a_place_that_is_a_folder_is_refused_and_nothing_is_left(tmp_path):
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*a\.bin: .* Fix: choose another"):
        save(tmp_path / "a.bin", b"x")
    assert everything_in(tmp_path) == ["a.bin"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"a file")
    with pytest.raises(OutputError):
        save(tmp_path / "x" / "a.bin", b"y")
    assert (tmp_path / "x").read_bytes() == b"a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_must_not_be_written_is_refused(tmp_path):
    (tmp_path / "x").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        save(tmp_path / "x" / "a.bin", b"y")
    assert everything_in(tmp_path / "x") == []


def test_a_kernel_that_accepts_no_file_is_named_as_the_reason():
    with pytest.raises(OutputError, match="/proc/nextclose"):
        save(Path("/proc/nextclose/a.bin"), b"y")


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_who_may_read_a_file_is_the_umasks_to_say(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        save(tmp_path / "a.bin", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == mode


def test_what_a_killed_save_left_is_swept_and_one_that_is_under_way_stays(tmp_path):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "replace", killed)
        patched.setattr(os, "unlink", killed)
        with pytest.raises(KilledError):
            save(tmp_path / "dead.bin", b"x")
    (dead,) = tmp_path.iterdir()
    for name in ("mine.part", ".dead.bin.backup", ".note.12345678.parts"):
        (tmp_path / name).write_bytes(b"of others")
    stop = os.replace

    def look_before(source: Path, target: Path) -> None:
        sweep(tmp_path)
        stop(source, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "replace", look_before)
        save(tmp_path / "alive.bin", b"y")
    assert not dead.exists()
    kept = [".dead.bin.backup", ".note.12345678.parts", "alive.bin", "mine.part"]
    assert everything_in(tmp_path) == kept


class KilledError(BaseException):
    """Stands for a kill -9."""


def killed(*_: object, **__: object) -> None:
    raise KilledError


def test_a_link_in_the_place_of_a_leftover_is_not_followed_or_removed(tmp_path):
    (tmp_path / "precious").write_bytes(b"x")
    (tmp_path / ".a.12345678.part").symlink_to("precious")
    os.mkfifo(tmp_path / ".b.12345678.part")
    sweep(tmp_path)
    assert (tmp_path / "precious").read_bytes() == b"x"


def test_a_second_writer_is_refused_naming_the_first_and_nothing_stays_behind(tmp_path):
    with folder_lock(tmp_path):
        with pytest.raises(LockedError, match=f"by process {os.getpid()}") as caught:
            folder_lock(tmp_path).__enter__()
        assert caught.value.exit_code == 4
    assert everything_in(tmp_path) == []


def test_what_another_process_is_writing_is_refused(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from nextclose.durable import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, text=True, stdin=pipe, stdout=pipe) as first:
        assert first.stdout
        assert first.stdout.readline() == "open\n"
        with pytest.raises(LockedError) as caught:
            folder_lock(tmp_path).__enter__()
        assert caught.value.holder == first.pid
        first.communicate("")
    with folder_lock(tmp_path):
        pass


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from nextclose.durable import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])): os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    assert everything_in(tmp_path) == [LOCK]
    with folder_lock(tmp_path):
        assert (tmp_path / LOCK).read_text() == str(os.getpid())


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "text", "long"])
def test_a_lock_file_that_is_none_is_refused_and_left_as_it_is(tmp_path, kind):
    lock, precious = tmp_path / "x" / LOCK, tmp_path / "precious"
    lock.parent.mkdir()
    precious.write_text("1")
    make = {
        "link": lambda: lock.symlink_to(precious),
        "dangling": lambda: lock.symlink_to(tmp_path / "new"),
        "folder": lock.mkdir,
        "pipe": lambda: os.mkfifo(lock),
        "text": lambda: lock.write_text("dear diary"),
        "long": lambda: lock.write_text("1" * 1000),
    }
    make[kind]()
    with pytest.raises(OutputError, match=r"Fix: "):
        folder_lock(tmp_path / "x").__enter__()
    assert precious.read_text() == "1"
    assert everything_in(tmp_path) == ["precious", "x"]
    assert kind not in ("text", "long") or len(lock.read_text()) in (10, 1000)


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path):
    with pytest.raises(KeyError), folder_lock(tmp_path / "a" / "b"):
        raise KeyError
    assert everything_in(tmp_path) == []
    with folder_lock(tmp_path / "a" / "b"):
        save(tmp_path / "a" / "b" / "x", b"")
    assert everything_in(tmp_path / "a" / "b") == ["x"]


def test_whoever_waits_at_a_lock_that_is_removed_does_not_hold_the_old_one(tmp_path, monkeypatch):
    take = fcntl.flock

    def removed_before(handle: int, how: int) -> None:
        monkeypatch.undo()
        (tmp_path / LOCK).unlink()  # as its last holder does
        take(handle, how)

    monkeypatch.setattr(fcntl, "flock", removed_before)
    with folder_lock(tmp_path), pytest.raises(LockedError):
        folder_lock(tmp_path).__enter__()

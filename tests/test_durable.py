import os
import resource
from pathlib import Path

import pytest

from nextclose.durable import save
from nextclose.errors import OutputError


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

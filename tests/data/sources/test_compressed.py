import gzip
import io
import stat
import zipfile
from pathlib import Path

import pytest

from nextclose.data.reading.file_errors import UnusableFileError
from nextclose.data.sources import compressed
from nextclose.data.sources.compressed import decompress
from tests.packed import zstd

TEXT = b"date,close\n" + b"".join(b"2019-03-%02d,%d\n" % (k % 28 + 1, k) for k in range(5000))
ZEROS = bytes(40 << 20)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = 8) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content, method)
    return buffer.getvalue()


def member(name: str, *, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def encrypted(data: bytes) -> bytes:
    """The same ZIP, whose headers say that its member is encrypted."""
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark) + place
        data = data[:at] + b"\x01" + data[at + 1 :]
    return data


def content_of(folder: Path, data: bytes, suffix: str) -> bytes:
    path = folder / f"A{suffix}"
    path.write_bytes(data)
    with path.open("rb", buffering=0) as file:
        return b"".join(decompress(file, suffix=suffix))


WHOLE = [
    ("gzip", ".gz", gzip.compress(TEXT)),
    ("gzip of two members", ".gz", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])),
    ("zstd", ".zst", zstd.compress(TEXT)),
    ("zstd of two frames", ".zst", zstd.compress(TEXT[:99]) + zstd.compress(TEXT[99:])),
    ("zip", ".zip", zipped(("A.csv", TEXT))),
    ("zip, stored", ".zip", zipped(("A.csv", TEXT), method=0)),
    ("zip of a name that leads out", ".zip", zipped(("../../etc/A.csv", TEXT))),
]


@pytest.mark.parametrize(
    ("suffix", "data"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE]
)
def test_a_compressed_file_gives_what_was_packed(tmp_path, suffix, data):
    assert content_of(tmp_path, data, suffix) == TEXT


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".zip"])
def test_an_empty_file_holds_nothing(tmp_path, suffix):
    assert content_of(tmp_path, b"", suffix) == b""


PACKED = gzip.compress(TEXT)
FROZEN = zstd.compress(TEXT, options={int(zstd.CompressionParameter.checksum_flag): 1})
ZIPPED = zipped(("A.csv", TEXT))
ODD = [
    ("gzip cut short", ".gz", PACKED[:-9], "this does not unpack: "),
    ("gzip with a wrong sum", ".gz", PACKED[:-8] + bytes(8), "this does not unpack: CRC"),
    ("gzip with more behind", ".gz", PACKED + b"more", "this does not unpack: Not a gzipped file"),
    ("text named gz", ".gz", TEXT, "this does not unpack: Not a gzipped file"),
    ("zstd cut short", ".zst", FROZEN[:-9], "this does not unpack: Compressed file ended"),
    ("zstd without its sum", ".zst", FROZEN[:-4], "this does not unpack: Compressed file ended"),
    ("text named zst", ".zst", TEXT, "this does not unpack: Unable to decompress Zstandard"),
    ("text named zip", ".zip", TEXT, "this does not unpack: File is not a zip file"),
    ("zip cut short", ".zip", ZIPPED[:-30], "this does not unpack: "),
    ("zip with a flipped bit", ".zip", ZIPPED.replace(ZIPPED[50:52], b"\0\0"), "this does not "),
    ("zip of none", ".zip", zipped(), "0 members"),
    ("zip of two", ".zip", zipped(("A.csv", TEXT), ("B.csv", TEXT)), "2 members"),
    ("zip of a folder", ".zip", zipped(("lake/", b"")), "a member that is no regular file"),
    (
        "zip of a link",
        ".zip",
        zipped((member("A.csv", mode=stat.S_IFLNK | 0o777), b"/etc/passwd")),
        "a member that is no regular file",
    ),
    ("encrypted zip", ".zip", encrypted(ZIPPED), "an encrypted member"),
    ("zip by bzip2", ".zip", zipped(("A.csv", TEXT), method=12), "compression method 12"),
]


@pytest.mark.parametrize(
    ("suffix", "data", "found"), [case[1:] for case in ODD], ids=[case[0] for case in ODD]
)
def test_an_odd_archive_is_refused(tmp_path, suffix, data, found):
    with pytest.raises(UnusableFileError) as raised:
        content_of(tmp_path, data, suffix)
    assert raised.value.number == 15
    assert raised.value.found.startswith(found)
    assert raised.value.fix


BOMBS = [
    ("gzip", ".gz", gzip.compress(ZEROS)),
    ("zstd", ".zst", zstd.compress(ZEROS)),
    ("zip", ".zip", zipped(("A.csv", ZEROS))),
]


@pytest.mark.parametrize(("suffix", "data"), [b[1:] for b in BOMBS], ids=[b[0] for b in BOMBS])
def test_a_bomb_is_given_up_soon_after_16_mebibytes(tmp_path, suffix, data):
    path = tmp_path / f"A{suffix}"
    path.write_bytes(data)
    pieces: list[bytes] = []
    with path.open("rb", buffering=0) as file, pytest.raises(UnusableFileError) as raised:
        pieces.extend(decompress(file, suffix=suffix))
    assert raised.value.number == 15
    assert raised.value.found == f"more than 200 times the file's {len(data)} bytes"
    assert sum(map(len, pieces)) <= 16 << 20


def test_below_16_mebibytes_any_ratio_is_fine(tmp_path):
    assert content_of(tmp_path, gzip.compress(ZEROS[: 16 << 20]), ".gz") == ZEROS[: 16 << 20]


def test_no_more_than_2_gibibytes_are_unpacked_whatever_the_ratio(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed, "MAX_BYTES", 10_000)  # 2 GiB take a minute
    with pytest.raises(UnusableFileError, match="more than 2 GiB in a file of"):
        content_of(tmp_path, zipped(("A.csv", TEXT), method=0), ".zip")


def test_no_piece_of_zstd_is_larger_than_a_mebibyte(tmp_path):
    path = tmp_path / "A.zst"
    path.write_bytes(zstd.compress(bytes(100 << 20), 19))
    with path.open("rb", buffering=0) as file:
        sizes = [len(piece) for piece in compressed._zstd(file)]
    assert sum(sizes) == 100 << 20  # of a file of some 3 KB
    assert max(sizes) <= 1 << 20


def test_zstd_that_asks_for_more_than_128_mebibytes_of_memory_is_refused(tmp_path):
    options = {int(zstd.CompressionParameter.window_log): 28}
    packer = zstd.ZstdCompressor(options=options)  # of an unknown size: the window stays as it is
    data = packer.compress(bytes(300 << 20)) + packer.flush()
    with pytest.raises(UnusableFileError) as raised:
        content_of(tmp_path, data, ".zst")
    assert "requires too much memory" in raised.value.found

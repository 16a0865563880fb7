"""Coverage-guided fuzzing of the loader: `make fuzz`, or with libFuzzer's options

    python -m tests.fuzz.prices CORPUS -runs=500000 -timeout=5

It starts from the catalogue's own files. A crash, a hang of five seconds, or an input that takes
more than half a gibibyte ends it and leaves the input behind; give that file as the only argument
to see it again. (libFuzzer's own limit counts what the fuzzer itself piles up, so it is off.)
"""

import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nextclose.data"]):
    from tests.fuzz.harness import LONGEST, answer, reading_answer, seeds

MEBIBYTES = 512  # that an input may take


def resident_mebibytes() -> int:
    """Memory of this process now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) >> 10


def answer_within_memory(data: bytes, folder: Path) -> None:
    """`reading_answer` within the memory an input may take. Raises: MemoryError beyond it."""
    before = resident_mebibytes()
    reading_answer(data, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    if peak > before + MEBIBYTES:
        raise MemoryError(f"{peak - before} MiB for {len(data)} bytes")


def main() -> None:
    """Fuzz until the runs are done or something breaks."""
    shared = Path("/dev/shm")  # memory instead of a disk, where there is one
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        folder = Path(name)
        corpus = [Path(given) for given in sys.argv[1:] if not given.startswith("-")]
        cases = seeds(folder / "cases")
        if corpus and corpus[0].is_dir():
            for number, seed in enumerate(cases):
                (corpus[0] / f"case-{number:03d}").write_bytes(seed)
        answer(cases[0], folder)  # what every load needs is loaded: calendars, tables
        options = ("-rss_limit_mb=0", f"-max_len={LONGEST}")
        atheris.Setup([*sys.argv, *options], lambda data: answer_within_memory(data, folder))
        atheris.Fuzz()


if __name__ == "__main__":
    main()

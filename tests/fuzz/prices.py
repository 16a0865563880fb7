"""Coverage-guided fuzzing of the loader: `make fuzz`, or with libFuzzer's options

    python -m tests.fuzz.prices CORPUS -runs=500000 -timeout=5 -rss_limit_mb=512

It starts from the catalogue's own files. A crash, a hang or too much memory ends it and leaves the
input behind; give that file as the only argument to see it again.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nextclose.data"]):
    from tests.fuzz.harness import answer, seeds


def main() -> None:
    """Fuzz until the runs are done or something breaks."""
    shared = Path("/dev/shm")
    home = shared if shared.is_dir() else None
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        arguments = [given for given in sys.argv[1:] if not given.startswith("-")]
        if arguments and Path(arguments[0]).is_dir():
            for number, seed in enumerate(seeds(folder / "cases")):
                (Path(arguments[0]) / f"case-{number:03d}").write_bytes(seed)
        atheris.Setup(sys.argv, lambda data: answer(data, folder))
        atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Installation: the wheel in new environments outside the checkout, what they weigh and how fast.

Limit: the disk, and the import of what is installed.
Peer: none; the goals are 750 MB, `--help` in 0.2 s and a first forecast in 2 s. Each Python that
is found here installs the wheel with the hashes of requirements.lock, wheels alone, and runs it
from an empty folder; so do the lowest and the newest versions that pyproject.toml allows. Of other
systems and Pythons it is only asked whether there is a wheel of everything. Seconds are of the
clock and of the processor; the latter say more on a busy machine.

    python benchmarks/installation.py [--write]     # to be kept, with what each extra weighs
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "installation.json"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
DEMO = "3.11"  # whose environment runs the whole demo too
SYSTEMS = {  # as uv names them
    "Linux x86_64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86_64": "x86_64-apple-darwin",
}
MACOS = "14.0"  # the oldest that is asked about
ENDS = {"lowest-direct": "lowest", "highest": "newest"}  # uv's words, and ours
EXTRAS = (  # torch comes last
    "indicators",
    "trees",
    "postgres",
    "yahoo",
    "news",
    "train",
)
GOALS = {"mb": 750, "help_seconds": 0.2, "forecast_seconds": 2.0}
SIZES = """
import json
from importlib.metadata import distributions
from pathlib import Path
from packaging.requirements import Requirement  # brought by matplotlib
def key(name):
    return name.lower().replace("_", "-").replace(".", "-")
sizes, needs = {}, {}
for dist in distributions():
    files = [Path(dist.locate_file(file)) for file in dist.files or ()]
    sizes[key(dist.name)] = sum(file.stat().st_size for file in files if file.is_file())
    wanted = map(Requirement, dist.requires or ())
    needs[key(dist.name)] = sorted(
        {key(w.name) for w in wanted if w.marker is None or w.marker.evaluate({"extra": ""})}
    )
print(json.dumps({"sizes": sizes, "needs": needs}))
"""
NAMES = """
import nextclose, pandas
assert nextclose.__all__ and all(getattr(nextclose, name) is not None for name in nextclose.__all__)
frame = nextclose.load_bars("prices.csv").frame.to_dict(as_series=False)
assert nextclose.frame_bars(pandas.DataFrame(frame), symbol="AAPL").symbols == ("AAPL",)
"""
PRICES = """
import gzip
from importlib.resources import files
lines = gzip.decompress(files("nextclose.data.sources").joinpath("sample.csv.gz").read_bytes())
lines = lines.decode().splitlines()
apple = [line for line in lines if line.startswith("AAPL")]
open("prices.csv", "w").write("\\n".join([lines[0], *apple]) + "\\n")
"""
SMALL = ("--models", "naive,drift,hs_250", "--horizons", "1", "--workers", "1")


def main() -> None:
    """Build, install, run; print a card and one JSON line. Exit 1 if anything goes wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="keep the result")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory(prefix="nextclose-wheel-") as name:
        folder = Path(name)
        wheel = built_wheel(folder / "dist")
        found = {number: interpreter(number) for number in PYTHONS}
        runs = {
            number: installed(python, number, wheel, folder / number)
            for number, python in found.items()
            if python
        }
        ends = {end: range_end(found[DEMO], end, wheel, folder / end) for end in ENDS}
        extras = extra_sizes(runs[DEMO], wheel, folder / DEMO) if write else {}
    elsewhere = dict(resolutions())
    print_card(wheel.name, found, runs, elsewhere, extras)
    print(*(f"{versions}: run" for versions in ends.values()), sep="\n")
    result = document(runs, elsewhere, extras) | {"ranges": list(ends.values())}
    if write:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    if not runs:
        sys.exit("no Python was found to run the wheel with")
    over = [number for number, run in runs.items() if run["mb"] > GOALS["mb"]]
    missing = [name for name, answer in elsewhere.items() if answer != "resolves, not run"]
    if over or missing:
        sys.exit(f"too large: {over}; no wheels: {missing}")


def built_wheel(folder: Path) -> Path:
    """The wheel, built from the source distribution; it holds every file of the package."""
    run(sys.executable, "-m", "build", "-q", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    tracked = run("git", "-C", ROOT, "ls-files", "src/nextclose").split()
    expected = {name.removeprefix("src/") for name in tracked}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("nextclose/")}
    if names != expected:
        sys.exit(f"the wheel and the repository differ in {sorted(names ^ expected)}")
    return wheel


def interpreter(number: str) -> str:
    """A Python of that number: this one, one on the path, or one of pyenv; "" if none is here."""
    candidates = [sys.executable, shutil.which(f"python{number}") or ""]
    if pyenv := shutil.which("pyenv"):
        versions = Path(run(pyenv, "root").strip()) / "versions"
        candidates += [str(path) for path in sorted(versions.glob(f"{number}.*/bin/python"))]
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in filter(None, candidates):
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
        if done.stdout.strip() == number:
            return python
    return ""


def installed(python: str, number: str, wheel: Path, folder: Path) -> dict[str, Any]:
    """A new environment with the wheel, what it weighs, and what came of its commands."""
    run(python, "-m", "venv", folder / "venv")
    own = folder / "venv" / "bin" / "python"
    locked = ("--require-hashes", "--only-binary=:all:", "-r", ROOT / "requirements.lock")
    run(own, "-m", "pip", "install", "-q", *locked)
    run(own, "-m", "pip", "install", "-q", "--no-deps", wheel)
    run(own, "-m", "pip", "check")
    parts = json.loads(run(own, "-c", SIZES))
    parts["sizes"] = {k: n for k, n in parts["sizes"].items() if k not in ("pip", "setuptools")}
    empty = folder / "empty"
    empty.mkdir()
    command = Bench(own.parent / "nextclose", empty)
    command.script(own, PRICES)
    helped = command.seconds("--help", rounds=5)
    forecast = command.seconds("predict", "prices.csv", rounds=5)
    demo = command.seconds("demo") if number == DEMO else None
    command.script(own, NAMES)
    command.said("predict", "sample")
    command.said("backtest", "sample", *SMALL, "--out", "run")
    if "--version" in command.said("--help"):
        command.said("--version")
    return {
        "python": run(own, "-c", "import platform; print(platform.python_version())").strip(),
        "mb": round(sum(parts["sizes"].values()) / 1e6, 1),
        "packages": len(parts["sizes"]),
        "help_seconds": helped,
        "forecast_seconds": forecast,
        "demo_seconds": demo,
        **parts,
    }


def range_end(python: str, end: str, wheel: Path, folder: Path) -> str:
    """Run the wheel with one end of the ranges that it allows; which versions these are."""
    run(python, "-m", "venv", folder / "venv")
    own = folder / "venv" / "bin" / "python"
    install = (uv(), "pip", "install", "-q", "--python", own, "--only-binary", ":all:")
    run(*install, "--resolution", end, "-r", ROOT / "pyproject.toml")
    run(*install, "--no-deps", wheel)
    command = Bench(own.parent / "nextclose", folder)
    command.said("predict", "sample")
    command.said("backtest", "sample", *SMALL, "--out", "run")
    ask = "from importlib.metadata import version; print(*map(version, ('polars', 'numpy')))"
    polars, numpy = run(own, "-c", ask).split()
    return f"{ENDS[end]} versions (polars {polars}, numpy {numpy})"


class Bench:
    """The installed command, run from an empty folder with a home and settings of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        foreign = ("PYTHON", "OMP_", "POLARS_", "VIRTUAL_ENV")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        self.environment = kept | {"HOME": str(folder)}

    def said(self, *arguments: str) -> str:
        """What it prints."""
        return run(self.program, *arguments, cwd=self.folder, env=self.environment)

    def seconds(self, *arguments: str, rounds: int = 1) -> dict[str, float]:
        """The fewest seconds of the clock and of the processor in so many runs."""
        clock, processor = [], []
        for _ in range(rounds):
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            self.said(*arguments)
            clock.append(time.perf_counter() - begun)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            processor.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        return {"clock": round(min(clock), 2), "processor": round(min(processor), 2)}

    def script(self, python: Path, text: str) -> None:
        """Run a script in the same surroundings."""
        run(python, "-c", text, cwd=self.folder, env=self.environment)


def extra_sizes(core: Mapping[str, Any], wheel: Path, folder: Path) -> dict[str, float]:
    """Megabytes that each extra adds, one after the other in the environment of the demo's Python.

    What two bring counts for the first; torch is the build that pip finds here.
    """
    own = folder / "venv" / "bin" / "python"
    sizes, before = {}, sum(core["sizes"].values())
    for extra in EXTRAS:
        pins = ("-c", ROOT / "constraints.txt")
        run(own, "-m", "pip", "install", "-q", *pins, f"{wheel}[{extra}]")
        after = json.loads(run(own, "-c", SIZES))["sizes"]
        total = sum(n for name, n in after.items() if name not in ("pip", "setuptools"))
        sizes[extra], before = round((total - before) / 1e6, 1), total
    return sizes


def resolutions() -> Iterator[tuple[str, str]]:
    """For each system and Python whether there is a wheel of all that the lock names for it."""
    for system, triple in SYSTEMS.items():
        for number in PYTHONS:
            command = [uv(), "pip", "install", "--dry-run", "--only-binary", ":all:"]
            command += ["--require-hashes", "-r", str(ROOT / "requirements.lock")]
            command += ["--python-platform", triple, "--python-version", number]
            with tempfile.TemporaryDirectory() as target:
                done = subprocess.run(
                    [*command, "--target", target],
                    capture_output=True,
                    text=True,
                    check=False,
                    env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": MACOS},
                )
            first = (done.stderr.strip().splitlines() or [""])[-1]
            yield (
                f"{system}, Python {number}",
                "resolves, not run" if not done.returncode else first,
            )


def uv() -> str:
    """The program uv, beside this Python or on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = shutil.which("uv", path=path)
    if found is None:
        sys.exit("uv is missing. Fix: pip install uv.")
    return found


def print_card(
    wheel: str,
    found: Mapping[str, str],
    runs: Mapping[str, Mapping[str, Any]],
    elsewhere: Mapping[str, str],
    extras: Mapping[str, float],
) -> None:
    """What was run, what only resolves, and what weighs most."""
    print(f"{wheel}: megabytes without pip; seconds of the clock / of the processor")
    print("python     MB  packages       --help  predict FILE          demo")
    for number in found:
        if number not in runs:
            print(f"{number:<8} unrun: no Python {number} on this machine")
            continue
        one = runs[number]
        names = ("help_seconds", "forecast_seconds", "demo_seconds")
        seconds = (
            f"{one[key]['clock']:.2f} / {one[key]['processor']:.2f}" if one[key] else ""
            for key in names
        )
        cells = "".join(f"{text:>14}" for text in seconds)
        print(f"{one['python']:<8} {one['mb']:>5.0f} {one['packages']:>9}{cells}")
    for name, answer in elsewhere.items():
        print(f"{name:<26} {answer}")
    if runs:
        sizes = runs[max(runs)]["sizes"]
        heaviest = sorted(sizes, key=lambda name: -sizes[name])[:10]
        print("MB:", ", ".join(f"{name} {sizes[name] / 1e6:.0f}" for name in heaviest))
    if extras:
        print("extras, MB:", ", ".join(f"{name} {mb:g}" for name, mb in extras.items()))


def document(
    runs: Mapping[str, Mapping[str, Any]],
    elsewhere: Mapping[str, str],
    extras: Mapping[str, float],
) -> dict[str, Any]:
    """The result as it is kept."""
    short = {
        number: {key: value for key, value in one.items() if key not in ("sizes", "needs")}
        for number, one in runs.items()
    }
    core = runs.get(DEMO, {})
    return {
        "bench": "installation",
        "commit": run("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip(),
        "device": f"{os.cpu_count()} cores, {platform.machine()}",
        "goals": GOALS,
        "runs": short,
        "unrun": [number for number in PYTHONS if number not in runs],
        "elsewhere": dict(elsewhere),
        "packages_mb": rounded(core.get("sizes", {})),
        "with_dependencies_mb": rounded(with_dependencies(core)) if core else {},
        "extras_mb": dict(extras),
    }


def with_dependencies(core: Mapping[str, Any]) -> dict[str, int]:
    """Bytes of each package that the project names, with everything that it brings."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    known = core["sizes"]
    direct = [name for name in core["needs"]["nextclose"] if name in known]
    if len(direct) > len(wanted["project"]["dependencies"]):
        sys.exit("the wheel needs more than pyproject.toml says")
    totals = {}
    for name in direct:
        reached, waiting = set(), [name]
        while waiting:
            here = waiting.pop()
            if here in known and here not in reached:
                reached.add(here)
                waiting += core["needs"][here]
        totals[name] = sum(known[part] for part in reached)
    return totals


def rounded(sizes: Mapping[str, int]) -> dict[str, float]:
    """Megabytes, heaviest first."""
    return {k: round(n / 1e6, 1) for k, n in sorted(sizes.items(), key=lambda pair: -pair[1])}


def run(*command: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; whatever goes wrong with it ends all."""
    words: Sequence[str] = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, env=env, check=False)
    if done.returncode:
        lines = f"{done.stdout}\n{done.stderr}".strip().splitlines()[-20:]
        sys.exit("\n".join([f"{' '.join(words)[:300]} ended with {done.returncode}:", *lines]))
    return done.stdout


if __name__ == "__main__":
    main()

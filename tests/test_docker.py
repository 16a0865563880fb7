"""The Dockerfile, as far as can be told without Docker: its own lines are run, in other folders."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USER = "10001"


def instructions() -> list[tuple[str, str]]:
    """Every instruction and its argument, lines that go on joined."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = filter(None, text.replace("\\\n", " ").splitlines())
    return [(name, " ".join(rest.split())) for name, _, rest in (s.partition(" ") for s in lines)]


def stages() -> Iterator[list[tuple[str, str]]]:
    """The instructions of each stage."""
    starts = [k for k, (name, _) in enumerate(instructions()) if name == "FROM"]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        yield instructions()[start:end]


BUILD, FINAL = stages()


def sources() -> list[str]:
    return [name for kind, argument in BUILD if kind == "COPY" for name in argument.split()[:-1]]


def environment(folder: Path) -> dict[str, str]:
    """The variables of the image, its folders moved below `folder`."""
    (settings,) = [argument for kind, argument in FINAL if kind == "ENV"]
    pairs = dict(pair.split("=", 1) for pair in settings.split())
    pairs["PATH"] = pairs["PATH"].replace("$PATH", "/usr/bin:/bin")
    return {name: moved(value, folder) for name, value in pairs.items()}


def moved(line: str, folder: Path) -> str:
    return re.sub(r"(?<![\w.])/(opt/nextclose|dist|src|work|tmp)\b", rf"{folder}/\1", line)


def test_the_image_runs_as_nobody_in_particular_and_keeps_no_tools():
    told = dict(FINAL)
    assert told["USER"] == f"{USER}:{USER}"  # a number: Kubernetes can tell that it is not root
    assert told["VOLUME"] == "/work/runs"
    assert json.loads(told["ENTRYPOINT"]) == ["nextclose"]
    assert ("RUN", "pip uninstall --yes pip") in FINAL
    assert ("RUN", "python -m venv --without-pip /opt/nextclose") in BUILD
    written = [value for name, value in environment(Path("/")).items() if name != "PATH"]
    assert all(value == "1" or value.startswith("//tmp") for value in written)


def test_all_that_is_installed_has_a_hash():
    installs = [line for kind, line in BUILD if kind == "RUN" and " install " in line]
    assert all("--require-hashes" in line or "--no-index --no-deps" in line for line in installs)
    assert sum("--require-hashes" in line for line in installs) == 1


def test_what_is_copied_is_in_the_repository_and_nothing_else_is_sent():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert {name.removeprefix("./") for name in sources()} == let_in
    assert all((ROOT / name).exists() for name in let_in)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for the image: what the lines of the build stage leave there."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "src").mkdir()
    for name in sources():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "src" / name)
    (folder / "opt").mkdir()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for kind, line in BUILD:
        if kind == "RUN":
            done = subprocess.run(
                ["sh", "-ec", moved(line, folder)],
                cwd=folder / "src",
                env=os.environ | {"PATH": path, "PYTHONPATH": ""},
                capture_output=True,
                text=True,
            )
            assert not done.returncode, f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    (folder / "work" / "runs").mkdir(parents=True)
    (folder / "tmp").mkdir()
    for each in (folder / "work", folder / "work" / "runs"):
        os.chown(each, int(USER), int(USER))
    return folder


CONTAINER = """
mount --make-rprivate /
mount -t tmpfs -o mode=1777 tmpfs {folder}/tmp
mount --bind {folder}/work/runs {folder}/work/runs
mount -o remount,ro,bind /
cd {folder}/work
exec setpriv --reuid {user} --regid {user} --clear-groups --no-new-privs \
  --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "$@"
"""  # the last: a Python in the home folder of root can be read, where an image has its own


def in_container(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command as in a container that is started with --read-only --tmpfs /tmp, and no network."""
    script = CONTAINER.format(folder=folder, user=USER)
    return subprocess.run(
        ["unshare", "--mount", "--net", "sh", "-ec", script, "sh", *command],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root may mount and become another",
)
def test_what_the_dockerfile_builds_runs_read_only_as_another_user(image):
    probe = "id -u; touch ../x 2>/dev/null || echo refused; touch runs/x && echo kept"
    probed = in_container(image, "sh", "-c", probe)
    if "Operation not permitted" in probed.stderr:
        pytest.skip("no mounts are allowed here")
    assert probed.stdout.split() == [USER, "refused", "kept"], probed.stderr
    assert not list((image / "opt" / "nextclose").rglob("site-packages/pip"))
    forecast = in_container(image, "nextclose", "predict", "sample", "--format", "csv")
    assert (forecast.returncode, forecast.stdout.count("\n")) == (0, 16), forecast.stderr
    models = ("--models", "naive,hs_250,drift,trees", "--horizons", "1")
    out = ("--workers", "2", "--out", "runs/small")
    walked = in_container(image, "nextclose", "backtest", "sample", *models, *out)
    assert walked.returncode == 0, walked.stderr
    report = image / "work" / "runs" / "small" / "report.html"
    assert report.stat().st_uid == int(USER)

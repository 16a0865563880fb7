"""One thread and no chance: what every test of this folder runs under."""

import os
from typing import TYPE_CHECKING

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ[name] = "1"  # before numpy, polars and torch are imported: they read it once

import pytest  # noqa: E402  after the variables are set
from hypothesis import HealthCheck, settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextclose.backtesting.walk_forward import Backtest

settings.register_profile(
    "steady",
    deadline=None,  # the machine may be busy
    derandomize=True,  # the same examples in every run
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Callable[..., tuple[int, str, str]]":
    """The command line in this process: arguments in; exit code, output and complaints out."""
    from nextclose import cli

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nextclose", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture(scope="session")
def walked() -> "Backtest":
    """One small walk-forward of every model but classic, three folds, for several files."""
    from nextclose.backtesting.walk_forward import backtest
    from tests.builders import samples_of, study_of_last, tiny_config, walk_bars

    return backtest(study_of_last(samples_of(walk_bars()), tiny_config()))

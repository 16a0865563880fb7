"""nextclose: forecasts of the next close, built only from what was knowable, and told honestly.

    import nextclose as nc

    bars = nc.load_bars("prices/")          # or nc.sample_bars(), nc.frame_bars(frame)
    run = nc.backtest(bars)                  # walk-forward; run.verdict, run.forecasts
    nc.train(bars, "bundles/mine")
    nc.price_table(nc.predict(nc.load_bundle("bundles/mine"), bars))

Names are imported when first used, so that `nextclose --help` does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextclose.config import BacktestConfig as BacktestConfig
    from nextclose.config import ClassicConfig as ClassicConfig
    from nextclose.config import DataConfig as DataConfig
    from nextclose.config import FeaturesConfig as FeaturesConfig
    from nextclose.config import HybridConfig as HybridConfig
    from nextclose.config import LstmConfig as LstmConfig
    from nextclose.config import NewsConfig as NewsConfig
    from nextclose.config import RunConfig as RunConfig
    from nextclose.config import TreesConfig as TreesConfig
    from nextclose.config import parse_config as parse_config
    from nextclose.data.sources.frames import frame_bars as frame_bars
    from nextclose.data.sources.loading import load_bars as load_bars
    from nextclose.data.sources.loading import sample_bars as sample_bars
    from nextclose.data.sources.news_file import with_news as with_news
    from nextclose.data.sources.source import Source as Source
    from nextclose.data.store.providers import History as History
    from nextclose.data.store.providers import NoHistoryError as NoHistoryError
    from nextclose.data.store.providers import Provider as Provider
    from nextclose.errors import BundleError as BundleError
    from nextclose.errors import ConfigError as ConfigError
    from nextclose.errors import DataError as DataError
    from nextclose.errors import LeakError as LeakError
    from nextclose.errors import LockedError as LockedError
    from nextclose.errors import NextcloseError as NextcloseError
    from nextclose.errors import NotEnoughDataError as NotEnoughDataError
    from nextclose.errors import OutputError as OutputError
    from nextclose.errors import SourceError as SourceError
    from nextclose.evaluation.verdict.verdict import verdicts as verdicts
    from nextclose.run import backtest as backtest
    from nextclose.run import train as train
    from nextclose.runfolder import write_run as write_run
    from nextclose.schema import Bars as Bars
    from nextclose.serving.predictor import load_bundle as load_bundle
    from nextclose.serving.predictor import predict as predict
    from nextclose.serving.predictor import price_table as price_table

_HOMES = {
    "nextclose.config": (
        "BacktestConfig",
        "ClassicConfig",
        "DataConfig",
        "FeaturesConfig",
        "HybridConfig",
        "LstmConfig",
        "NewsConfig",
        "RunConfig",
        "TreesConfig",
        "parse_config",
    ),
    "nextclose.data.sources.frames": ("frame_bars",),
    "nextclose.data.sources.loading": ("load_bars", "sample_bars"),
    "nextclose.data.sources.news_file": ("with_news",),
    "nextclose.data.sources.source": ("Source",),
    "nextclose.data.store.providers": ("History", "NoHistoryError", "Provider"),
    "nextclose.errors": (
        "BundleError",
        "ConfigError",
        "DataError",
        "LeakError",
        "LockedError",
        "NextcloseError",
        "NotEnoughDataError",
        "OutputError",
        "SourceError",
    ),
    "nextclose.evaluation.verdict.verdict": ("verdicts",),
    "nextclose.run": ("backtest", "train"),
    "nextclose.runfolder": ("write_run",),
    "nextclose.schema": ("Bars",),
    "nextclose.serving.predictor": ("load_bundle", "predict", "price_table"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF100 -- names that __getattr__ provides
    "BacktestConfig",
    "Bars",
    "BundleError",
    "ClassicConfig",
    "ConfigError",
    "DataConfig",
    "DataError",
    "FeaturesConfig",
    "History",
    "HybridConfig",
    "LeakError",
    "LockedError",
    "LstmConfig",
    "NewsConfig",
    "NextcloseError",
    "NoHistoryError",
    "NotEnoughDataError",
    "OutputError",
    "Provider",
    "RunConfig",
    "Source",
    "SourceError",
    "TreesConfig",
    "backtest",
    "frame_bars",
    "load_bars",
    "load_bundle",
    "parse_config",
    "predict",
    "price_table",
    "sample_bars",
    "train",
    "verdicts",
    "with_news",
    "write_run",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'nextclose' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

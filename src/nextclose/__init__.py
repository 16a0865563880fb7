"""nextclose: forecasts of the next close, built only from what was knowable, and told honestly.

    import nextclose as nc

    bars = nc.sample_bars()                  # or nc.load_bars("prices/"), nc.frame_bars(frame)
    nc.predict(bars)                         # the next closes, at once; .prices, .plot("AAPL")
    run = nc.backtest(bars)                  # is it any good? run.verdict, run.report()
    nc.train(bars, "bundles/mine")           # a model of your own prices, to keep
    nc.predict(nc.load_bundle("bundles/mine"), bars)

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
    from nextclose.errors import ForecastsError as ForecastsError
    from nextclose.errors import LeakError as LeakError
    from nextclose.errors import LockedError as LockedError
    from nextclose.errors import NextcloseError as NextcloseError
    from nextclose.errors import NotEnoughDataError as NotEnoughDataError
    from nextclose.errors import OutputError as OutputError
    from nextclose.errors import ResourceError as ResourceError
    from nextclose.errors import ServingWarning as ServingWarning
    from nextclose.errors import SourceError as SourceError
    from nextclose.errors import WindowsError as WindowsError
    from nextclose.evaluation.verdict.verdict import verdicts as verdicts
    from nextclose.features.columns import Feature as Feature
    from nextclose.features.columns import SymbolBars as SymbolBars
    from nextclose.judgement import Judgement as Judgement
    from nextclose.metrics import Metric as Metric
    from nextclose.models.protocol import Fitted as Fitted
    from nextclose.models.protocol import LearningCurve as LearningCurve
    from nextclose.models.protocol import Model as Model
    from nextclose.models.protocol import Traits as Traits
    from nextclose.models.regressors import from_sklearn as from_sklearn
    from nextclose.referee import judge as judge
    from nextclose.run import Run as Run
    from nextclose.run import backtest as backtest
    from nextclose.samples.samples import Samples as Samples
    from nextclose.schema import LEVELS as LEVELS
    from nextclose.schema import Bars as Bars
    from nextclose.serving.forecasts import Forecasts as Forecasts
    from nextclose.serving.predictor import load_bundle as load_bundle
    from nextclose.serving.predictor import predict as predict
    from nextclose.serving.updating import update as update
    from nextclose.training import train as train
    from nextclose.windowing import make_windows as make_windows
    from nextclose.windowsets import Windows as Windows
    from nextclose.windowsets import load_windows as load_windows

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
        "ForecastsError",
        "LeakError",
        "LockedError",
        "NextcloseError",
        "NotEnoughDataError",
        "OutputError",
        "ResourceError",
        "ServingWarning",
        "SourceError",
        "WindowsError",
    ),
    "nextclose.evaluation.verdict.verdict": ("verdicts",),
    "nextclose.features.columns": ("Feature", "SymbolBars"),
    "nextclose.judgement": ("Judgement",),
    "nextclose.referee": ("judge",),
    "nextclose.metrics": ("Metric",),
    "nextclose.models.protocol": ("Fitted", "LearningCurve", "Model", "Traits"),
    "nextclose.models.regressors": ("from_sklearn",),
    "nextclose.samples.samples": ("Samples",),
    "nextclose.run": ("Run", "backtest"),
    "nextclose.schema": ("LEVELS", "Bars"),
    "nextclose.training": ("train",),
    "nextclose.serving.forecasts": ("Forecasts",),
    "nextclose.serving.predictor": ("load_bundle", "predict"),
    "nextclose.serving.updating": ("update",),
    "nextclose.windowing": ("make_windows",),
    "nextclose.windowsets": ("Windows", "load_windows"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF100 -- names that __getattr__ provides
    "LEVELS",
    "BacktestConfig",
    "Bars",
    "BundleError",
    "ClassicConfig",
    "ConfigError",
    "DataConfig",
    "DataError",
    "Feature",
    "FeaturesConfig",
    "Fitted",
    "Forecasts",
    "ForecastsError",
    "History",
    "HybridConfig",
    "Judgement",
    "LeakError",
    "LearningCurve",
    "LockedError",
    "LstmConfig",
    "Metric",
    "Model",
    "NewsConfig",
    "NextcloseError",
    "NoHistoryError",
    "NotEnoughDataError",
    "OutputError",
    "Provider",
    "ResourceError",
    "Run",
    "RunConfig",
    "Samples",
    "ServingWarning",
    "Source",
    "SourceError",
    "SymbolBars",
    "Traits",
    "TreesConfig",
    "Windows",
    "WindowsError",
    "backtest",
    "frame_bars",
    "from_sklearn",
    "judge",
    "load_bars",
    "load_bundle",
    "load_windows",
    "make_windows",
    "parse_config",
    "predict",
    "sample_bars",
    "train",
    "update",
    "verdicts",
    "with_news",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'nextclose' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

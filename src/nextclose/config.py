"""Settings: one frozen model per stage, read from TOML, unknown keys refused by name.

The published run is the defaults from 2005 on (`examples/full.toml`). A stage receives its own
part, never the whole.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from nextclose.errors import ConfigError
from nextclose.schema import HORIZONS
from nextclose.settings import Settings, first_problem, with_tuples

Device = Literal["cpu", "cuda"]
MAX_HORIZON_SESSIONS = 10_000  # forty years: more than any file has outcomes for


class BacktestConfig(Settings):
    """The walk-forward: what is forecast, over which sessions, how often refitted."""

    section: ClassVar[str] = "backtest"

    models: tuple[str, ...] = (
        *("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "garch"),
        *("loghar", "lstm", "hybrid"),
    )
    horizons: tuple[int, ...] = HORIZONS
    # the last five years at least, or half of less, from a refit on that the calendar fixes ...
    test_sessions: int = Field(default=1260, ge=1)
    test_from: date | None = None  # ... or from this session on
    refit_sessions: int = Field(default=252, ge=1)
    rehearsal_sessions: int = Field(default=756, ge=0)  # before the test, for the hybrid's record
    # slow model -> only its latest folds
    last_folds: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)

    @field_validator("models")
    @classmethod
    def _distinct(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if not models or len(set(models)) < len(models):
            raise ValueError("models are distinct names, at least one")
        return models

    @field_validator("horizons")
    @classmethod
    def _rising(cls, horizons: tuple[int, ...]) -> tuple[int, ...]:
        if horizons and max(horizons) > MAX_HORIZON_SESSIONS:
            raise ValueError(f"horizons are at most {MAX_HORIZON_SESSIONS:,} sessions")
        if not horizons or min(horizons) < 1 or list(horizons) != sorted(set(horizons)):
            raise ValueError("horizons are distinct whole sessions >= 1, in rising order")
        return horizons


class DataConfig(Settings):
    """How prices are read, and which lossy repairs are allowed; what is not said here is refused.

    A setting that names a repair turns the refusal of that rule into it, counted and printed.
    """

    section: ClassVar[str] = "data"

    # the file
    encoding: str = "utf-8"
    separator: Literal[",", ";", "\t", "|"] | None = None  # None: told by the file
    decimal: Literal[".", ","] | None = None  # None: told by the file, as is the next
    thousands: Literal[",", ".", "'", " "] | None = None
    follow_symlinks: bool = False
    columns: dict[str, str] = Field(default_factory=dict)  # foreign name -> ours
    header: tuple[str, ...] = ()  # names of the columns of files without a header row, in order
    symbols: dict[str, str] = Field(default_factory=dict)  # file of one symbol -> that symbol
    only: dict[str, str] = Field(default_factory=dict)  # column -> text of the rows to be read
    missing: tuple[str, ...] = ("", "nan", "NaN", "null")  # texts of a number that is not there
    date_format: str | None = None  # as in "%d/%m/%Y"; "excel", "excel-1904", "epoch-d", ...
    numeric_symbols: bool = False  # symbols of digits only, as in Tokyo or Hong Kong
    # the exchange, of all or by symbol: None takes what each name tells; "weekdays" every weekday
    calendar: str | dict[str, str] | None = None
    day_shift: Literal[-1, 1] | None = None  # days that dates without a time are moved by
    # what the prices are
    price_basis: Literal["adjusted", "raw"] = "adjusted"  # where a file has both
    splits: str | None = None  # CSV of symbol, date, ratio: new shares for an old one
    not_a_split: tuple[str, ...] = ()  # "AAPL 2000-09-29": a real move
    since: dict[str, date] = Field(default_factory=dict)  # symbol -> first session to use
    # lossy repairs, by policy
    unfinished: Literal["drop", "keep"] = "drop"  # a newest bar whose session is not over
    non_session: Literal["drop", "keep"] = "drop"  # a flat bar without trade on a closed day
    duplicates: Literal["last"] | None = None  # two rows of one session
    nonpositive: Literal["drop"] | None = None  # closes of 0 or less
    ranges: Literal["widen", "refuse"] = "widen"  # a high below open or close, a low above
    gaps: Literal["split"] | None = None  # six sessions missing or more
    fill: Literal["ffill:1", "ffill:2", "ffill:3"] | None = None  # incomplete bars
    spikes: Literal["clip"] | None = None
    bad_symbols: Literal["leave out"] | None = None  # with anything that is refused
    as_of: date | None = None  # a store as it stood at the end of that day
    allow_missing: int = Field(default=0, ge=0)  # symbols that a download or a query may lack


class FeaturesConfig(Settings):
    """What is knowable at a close."""

    section: ClassVar[str] = "features"

    market: bool = True  # moves of all symbols of an exchange together
    masks: bool = False  # halted, spiked, filled and widened rows as inputs


class NewsConfig(Settings):
    """How headlines become columns, where a run is given any."""

    section: ClassVar[str] = "news"

    cutoff_minutes: int = Field(default=30, ge=0, le=1440)  # seen so long before a close, or later
    half_life_sessions: float = Field(default=2.0, gt=0)  # until an item counts half
    window_sessions: int = Field(default=10, ge=1, le=250)  # until it is forgotten


class LstmConfig(Settings):
    """The universal network, which was taught beforehand."""

    section: ClassVar[str] = "lstm"

    # files that `nextclose pretrain` wrote, to choose from by date; none: those that are shipped
    editions: tuple[str, ...] = ()
    fine_tune: bool = False  # a last layer of the user's own, with news and own columns


class HybridConfig(Settings):
    """The combination: who takes part. Every member counts alike."""

    section: ClassVar[str] = "hybrid"
    gone: ClassVar[Mapping[str, str]] = {
        "equal_share": "members count alike",
        "calibration_step": "ranges follow each symbol's record of past forecasts",
    }

    members: tuple[str, ...] = ("loghar", "lstm")

    @field_validator("members")
    @classmethod
    def _distinct(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        if len(members) < 2 or len(set(members)) < len(members):
            raise ValueError("members are distinct models, at least two")
        return members


class ClassicConfig(Settings):
    """The tutorial's network and recipe; only its scope can be set."""

    section: ClassVar[str] = "classic"

    symbols: tuple[str, ...] | None = None  # None: every symbol
    horizons: tuple[int, ...] | None = None  # None: every horizon
    train_origins: int | None = Field(default=698, ge=32)  # the tutorial's; None: all history
    max_epochs: int = Field(default=50, ge=1)
    device: Device = "cpu"


class TreesConfig(Settings):
    """XGBoost: one booster per horizon, pooled over symbols, a correction to log-HAR."""

    section: ClassVar[str] = "trees"

    rounds: int = Field(default=150, ge=1)
    patience_rounds: int = Field(default=50, ge=1)  # asked after every 25 rounds
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    max_leaves: int = Field(default=16, ge=2, le=32)
    min_child_weight: float = Field(default=300.0, ge=0)


class RunConfig(Settings):
    """Everything one run depends on, beside the bars."""

    data: DataConfig = DataConfig()
    backtest: BacktestConfig = BacktestConfig()
    features: FeaturesConfig = FeaturesConfig()
    news: NewsConfig = NewsConfig()
    lstm: LstmConfig = LstmConfig()
    hybrid: HybridConfig = HybridConfig()
    classic: ClassicConfig = ClassicConfig()
    trees: TreesConfig = TreesConfig()


def parse_config(text: str, *, path: str) -> RunConfig:
    """The settings written in TOML `text`; `path` is only named in messages.

    Raises: ConfigError for broken TOML, an unknown key (with the nearest name) or a bad value.
    """
    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))  # as editors of Windows begin a file
    except (ValueError, RecursionError) as error:  # numbers too long and lists too deep as well
        raise ConfigError(f"{path}: not TOML: {error}. Fix: correct that line.") from error
    try:
        return RunConfig.model_validate(with_tuples(values))
    except ValidationError as error:
        raise first_problem(error, path=path) from error


def overridden(
    config: RunConfig,
    *,
    models: str | None,
    horizons: str | None,
    data: Mapping[str, object] | None = None,
) -> RunConfig:
    """The settings with models and horizons replaced by comma-separated text, where given.

    `data` replaces settings of that section.

    Raises: ConfigError naming the text that is no list of that kind.
    """
    values = config.model_dump(exclude_unset=True)
    for section in ("data", "backtest"):
        values.setdefault(section, {})
    values["data"] |= data or {}
    if models is not None:
        values["backtest"]["models"] = tuple(filter(None, models.split(",")))
    if horizons is not None:
        try:
            values["backtest"]["horizons"] = tuple(int(part) for part in horizons.split(","))
        except ValueError as error:
            raise ConfigError(
                f"--horizons {horizons!r:.60}: expected whole sessions, as in 1,7,30.",
                section="backtest",
                key="horizons",
            ) from error
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise first_problem(error, path="options") from error


def with_sections(config: RunConfig, **sections: Mapping[str, object]) -> RunConfig:
    """The settings with whole sections replaced, checked like those of a file.

    Raises: ConfigError for a bad value.
    """
    try:
        return RunConfig.model_validate(config.model_dump() | sections)
    except ValidationError as error:
        raise first_problem(error, path="arguments") from error


def config_hash(config: BaseModel) -> str:
    """SHA-256 of the settings as canonical JSON: equal settings, equal hash."""
    return hashlib.sha256(canonical_json(config.model_dump(mode="json")).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces; NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)

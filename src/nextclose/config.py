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

FORMAT = 1  # of a file of settings; a setting that goes within it says why (`gone`)
Device = Literal["cpu", "cuda"]
MAX_HORIZON_SESSIONS = 10_000  # forty years: more than any file has outcomes for


class BacktestConfig(Settings):
    """The walk-forward: what is forecast, over which sessions, how often refitted."""

    section: ClassVar[str] = "backtest"

    models: tuple[str, ...] = (
        *("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "garch"),
        *("loghar", "lstm", "hybrid"),
    )
    """What is forecast by and judged; `nextclose models` lists all."""
    horizons: tuple[int, ...] = HORIZONS
    """Trading sessions ahead."""
    test_sessions: int = Field(default=1260, ge=1)
    """Length of the test at least, or half of less, from a refit on that the calendar fixes."""
    test_from: date | None = Field(default=None, examples=[date(2020, 1, 2)])
    """First session of the test, in place of test_sessions."""
    refit_sessions: int = Field(default=252, ge=1)
    """Sessions from one refit to the next: 252 are a year."""
    rehearsal_sessions: int = Field(default=756, ge=0)
    """Sessions before the test that are forecast too, for the hybrid's record."""
    last_folds: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, examples=[{"classic": 1}]
    )
    """Slow model -> how many of the latest refits it takes part in."""

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
    """Encoding of text files."""
    separator: Literal[",", ";", "\t", "|"] | None = None
    """What separates cells; else told by the file."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark; else told by the file."""
    thousands: Literal[",", ".", "'", " "] | None = None
    """The mark between thousands; else told by the file."""
    follow_symlinks: bool = False
    """Whether symbolic links are read."""
    columns: dict[str, str] = Field(default_factory=dict, examples=[{"px": "close"}])
    """Foreign name of a column -> ours."""
    header: tuple[str, ...] = Field(default=(), examples=[("date", "close")])
    """Names of the columns, in order, of files without a header row."""
    symbols: dict[str, str] = Field(default_factory=dict, examples=[{"prices.csv": "AAPL"}])
    """File of one symbol -> that symbol."""
    only: dict[str, str] = Field(default_factory=dict, examples=[{"exchange": "NYSE"}])
    """Column -> text of the rows to be read; the others are passed over."""
    missing: tuple[str, ...] = ("", "nan", "NaN", "null")
    """Texts of a number that is not there."""
    date_format: str | None = Field(default=None, examples=["%d/%m/%Y"])
    """How dates are written: as here, or excel, excel-1904, epoch-d and the like."""
    numeric_symbols: bool = False
    """Whether symbols may be digits only, as in Tokyo or Hong Kong."""
    calendar: str | dict[str, str] | None = Field(default=None, examples=["XNYS"])
    """The exchange, of all or by symbol, or weekdays; else taken from what each name tells."""
    day_shift: Literal[-1, 1] | None = None
    """Days that dates without a time are moved by."""
    # what the prices are
    price_basis: Literal["adjusted", "raw"] = "adjusted"
    """Which close is taken where a file has both."""
    splits: str | None = Field(default=None, examples=["splits.csv"])
    """CSV of symbol, date, ratio: new shares for an old one."""
    not_a_split: tuple[str, ...] = Field(default=(), examples=[("AAPL 2000-09-29",)])
    """Moves that look like a split and were real."""
    since: dict[str, date] = Field(default_factory=dict, examples=[{"FB": date(2012, 5, 18)}])
    """Symbol -> first session to use: another company had the name before."""
    # lossy repairs, by policy
    unfinished: Literal["drop", "keep"] = "drop"
    """A newest bar whose session is not over."""
    non_session: Literal["drop", "keep"] = "drop"
    """A flat bar without trade on a closed day."""
    duplicates: Literal["last"] | None = None
    """Two rows of one session with other values: the last one counts."""
    nonpositive: Literal["drop"] | None = None
    """Closes of 0 or less: such rows are left out."""
    ranges: Literal["widen", "refuse"] = "widen"
    """A high below open or close, or a low above."""
    gaps: Literal["split"] | None = None
    """Six sessions missing or more: a new piece of history begins."""
    fill: Literal["ffill:1", "ffill:2", "ffill:3"] | None = None
    """Incomplete bars: up to so many in a row are taken from the bar before."""
    spikes: Literal["clip"] | None = None
    """Moves of over 20 robust standard deviations: cut to that."""
    bad_symbols: Literal["leave out"] | None = None
    """Symbols with anything that is refused: left out, with hindsight."""
    as_of: date | None = Field(default=None, examples=[date(2026, 1, 31)])
    """A store as it stood at the end of that day, UTC."""
    allow_missing: int = Field(default=0, ge=0)
    """Symbols that a download or a query may lack."""


class FeaturesConfig(Settings):
    """What is knowable at a close."""

    section: ClassVar[str] = "features"

    market: bool = True
    """Moves of all symbols of an exchange together, as inputs."""
    masks: bool = False
    """Halted, spiked, filled and widened rows, as inputs."""


class NewsConfig(Settings):
    """How headlines become columns, where a run is given any."""

    section: ClassVar[str] = "news"

    cutoff_minutes: int = Field(default=30, ge=0, le=1440)
    """A headline must be seen so long before a close; else the next session has it."""
    half_life_sessions: float = Field(default=2.0, gt=0)
    """Sessions until an item counts half."""
    window_sessions: int = Field(default=10, ge=1, le=250)
    """Sessions until an item is forgotten."""


class LstmConfig(Settings):
    """The universal network, which was taught beforehand."""

    section: ClassVar[str] = "lstm"
    gone: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (
            *("units", "n_seeds", "dropout", "learning_rate", "weight_decay", "horizon_power"),
            *("max_epochs", "patience_epochs", "fine_tune_epochs", "batch_chunks", "device"),
            *("burn_in_sessions", "chunk_sessions", "context_sessions", "serving_batch"),
        ),
        "lstm was taught beforehand, by other prices",
    )

    editions: tuple[str, ...] = Field(default=(), examples=[("mine.safetensors",)])
    """Files that `nextclose pretrain` wrote, chosen from by date; none: those that are shipped."""
    fine_tune: bool = False
    """A last layer learnt from your prices, with news and columns of your own."""


class HybridConfig(Settings):
    """The combination: who takes part. Every member counts alike."""

    section: ClassVar[str] = "hybrid"
    gone: ClassVar[Mapping[str, str]] = {
        "equal_share": "members count alike",
        "calibration_step": "ranges follow each symbol's record of past forecasts",
    }

    members: tuple[str, ...] = ("loghar", "lstm")
    """Models whose mean it is, at least two."""

    @field_validator("members")
    @classmethod
    def _distinct(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        if len(members) < 2 or len(set(members)) < len(members):
            raise ValueError("members are distinct models, at least two")
        return members


class ClassicConfig(Settings):
    """The tutorial's network and recipe; only its scope can be set."""

    section: ClassVar[str] = "classic"

    symbols: tuple[str, ...] | None = Field(default=None, examples=[("AAPL",)])
    """Symbols that it forecasts; else every one."""
    horizons: tuple[int, ...] | None = Field(default=None, examples=[(1,)])
    """Sessions ahead that it forecasts; else as in [backtest]."""
    train_origins: int | None = Field(default=698, ge=32)
    """Sessions that it learns from, the tutorial's 698; None, in Python: all history."""
    max_epochs: int = Field(default=50, ge=1)
    """Epochs at the most; it stops early where validation says so."""
    device: Device = "cpu"
    """Where it is trained; a GPU is taken where there is one."""


class TreesConfig(Settings):
    """XGBoost: one booster per horizon, pooled over symbols, a correction to log-HAR."""

    section: ClassVar[str] = "trees"

    rounds: int = Field(default=150, ge=1)
    """Trees of a booster at the most."""
    patience_rounds: int = Field(default=50, ge=1)
    """Rounds without gain in validation until it stops; asked after every 25."""
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    """Share of each tree's correction that is taken."""
    max_leaves: int = Field(default=16, ge=2, le=32)
    """Leaves of a tree at the most."""
    min_child_weight: float = Field(default=300.0, ge=0)
    """Samples behind a leaf at least, by their weight."""


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

    `format` may stand before all sections; a file without it is of the format of today.
    Raises: ConfigError for broken TOML, a later format, an unknown key (with the nearest name) or a
        bad value.
    """
    try:
        values = tomllib.loads(text.removeprefix("\ufeff"))  # as editors of Windows begin a file
    except (ValueError, RecursionError) as error:  # numbers too long and lists too deep as well
        raise ConfigError(f"{path}: not TOML: {error}. Fix: correct that line.") from error
    number = values.pop("format", FORMAT)
    if type(number) is not int or number != FORMAT:
        is_later = type(number) is int and number > FORMAT
        cure = "upgrade nextclose: a later version wrote this" if is_later else "leave it out"
        raise ConfigError(
            f"{path}: format = {number!r:.60}; expected {FORMAT}. Fix: {cure}.", key="format"
        )
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

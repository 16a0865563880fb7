"""Everything a run makes of a price file, each part with the date from which it was knowable."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from sklearn.linear_model import Ridge

from nextclose.backtesting.study import Study, make_study
from nextclose.backtesting.walk_forward import Backtest, backtest
from nextclose.config import (
    BacktestConfig,
    ClassicConfig,
    HybridConfig,
    NewsConfig,
    RunConfig,
    TreesConfig,
    canonical_json,
)
from nextclose.features.columns import FamilyDefinition, Feature
from nextclose.features.table import FAMILIES as DEFINITIONS
from nextclose.features.table import make_table
from nextclose.models.protocol import Fitted, Trained
from nextclose.models.regressors import FittedRegressor, from_sklearn
from nextclose.models.state import encode_state
from nextclose.samples.samples import Samples, make_samples
from nextclose.samples.splits import Fold
from nextclose.schema import BAR_COLUMNS, MASK_COLUMNS, QUANTILE_COLUMNS, Bars, Table
from tests.builders import FAMILIES, own_editions
from tests.frames import collect_bars
from tests.leakage.worlds import day

FOLDS = (400, 430, 460)  # rows of the fold borders
EDITIONS = own_editions("2000-12-31", str(day(FOLDS[1] - 1)))  # the later from the second fold on
EAGER = TreesConfig(rounds=10, min_child_weight=5.0)
RIDGE = from_sklearn(Ridge(), name="ridge")  # a plug-in that reads every column, scaled
MODELS = ("naive", "drift", "hs_250", "hs_expanding", "ewma", "har", "loghar", "trees", "lstm")
STACKED = ("garch", "loghar", "hybrid")
INNER = "inner: "  # known from valid_from on, once that date is given


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """Rows of one kind: since when each was known, what it is called, and its value."""

    known_at: np.ndarray  # (row,) datetime64[D]
    label: np.ndarray  # (row,) text, unique
    value: np.ndarray  # (row, ...)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The real stages from file to forecast; a test may put a leak in place of one."""

    models: tuple[str, ...] = MODELS
    families: tuple[str, ...] = FAMILIES
    load: Callable[[pl.DataFrame], Bars] = collect_bars
    definitions: Mapping[str, FamilyDefinition] = field(default_factory=lambda: DEFINITIONS)
    members: tuple[str, ...] = ("garch", "loghar")
    market: bool = True
    news: NewsConfig | None = None
    own: Mapping[str, Feature] = field(default_factory=dict)

    @property
    def config(self) -> RunConfig:
        plan = BacktestConfig(
            models=self.models,
            test_from=day(FOLDS[0]),
            refit_sessions=FOLDS[1] - FOLDS[0],
            rehearsal_sessions=3 * (FOLDS[1] - FOLDS[0]),
        )
        classic = ClassicConfig(symbols=("AAA",), horizons=(7,), max_epochs=1)
        own = HybridConfig(members=self.members)
        return RunConfig(backtest=plan, lstm=EDITIONS, trees=EAGER, classic=classic, hybrid=own)

    def table(self, frame: pl.DataFrame) -> Table:
        return self.table_of(self.load(frame))

    def table_of(self, bars: Bars) -> Table:
        return make_table(
            bars,
            families=self.families,
            definitions=self.definitions,
            own=self.own,
            market=self.market,
            news=self.news,
        )

    def study(self, frame: pl.DataFrame) -> Study:
        return self.study_of(make_samples(self.table(frame)))

    def study_of(self, samples: Samples) -> Study:
        return make_study(samples, self.config, plugins=(RIDGE,))

    def artefacts(self, frame: pl.DataFrame, *, until: date | None = None) -> dict[str, Artefact]:
        """All of them; of the tested folds that begin after `until` only the first."""
        bars = self.load(frame)
        table = self.table_of(bars)
        samples = make_samples(table)
        found = dict(of_bars(bars)) | dict(of_table(table)) | dict(of_samples(samples))
        if self.models and (samples.origin >= np.datetime64(day(FOLDS[0]))).any():
            study = self.study_of(samples)
            if until is not None:
                n_folds = sum(bool(fold.fitted_at <= np.datetime64(until)) for fold in study.folds)
                n_folds = max(n_folds, study.n_rehearsals)
                study = replace(study, folds=study.folds[: n_folds + 1])
            found |= dict(of_study(study)) | dict(of_backtest(backtest(study)))
        return found


def of_bars(bars: Bars) -> Iterator[tuple[str, Artefact]]:
    session = bars.frame["session"].to_numpy().astype("datetime64[D]")
    label = labels(bars.frame["symbol"].to_numpy(), session)
    for name in (*BAR_COLUMNS[2:], "close_raw", "segment", *MASK_COLUMNS):
        if name in bars.frame.columns:
            value = bars.frame[name].to_numpy()
            yield f"bars {name}", Artefact(known_at=session, label=label, value=value)


def of_table(table: Table) -> Iterator[tuple[str, Artefact]]:
    label = labels(names_of(table), table.session)
    for name in ("scale", "long_run"):
        column = getattr(table, name)
        yield name, Artefact(known_at=table.session, label=label, value=column)
    for j, name in enumerate(table.names):
        column = np.ascontiguousarray(table.values[:, j])
        yield f"feature {name}", Artefact(known_at=table.session, label=label, value=column)


def of_samples(samples: Samples) -> Iterator[tuple[str, Artefact]]:
    label = labels(names_of(samples.table), samples.origin)
    for k, horizon in enumerate(samples.horizons):
        for part in ("outcome", "target", "movement", "resolved"):
            artefact = Artefact(
                known_at=samples.resolved[:, k], label=label, value=getattr(samples, part)[:, k]
            )
            yield f"{part} {horizon}", artefact


def of_study(study: Study) -> Iterator[tuple[str, Artefact]]:
    """The fold plan: its dates, and the targets that each fold may learn from."""
    folds = study.folds
    yield "fold dates", per_fold(folds, [(str(f.valid_from), str(f.fitted_at)) for f in folds])
    yield "train targets", per_fold(folds, [known_targets(fold.train) for fold in folds])
    yield "valid targets", per_fold(folds, [known_targets(fold.valid) for fold in folds])
    inner = [known_targets(fold.train) for fold in folds]
    yield INNER + "train targets", per_fold(folds, inner, border="valid_from")
    rows = np.concatenate([fold.test_rows for fold in folds])
    index = np.repeat([fold.index for fold in folds], [len(fold.test_rows) for fold in folds])
    origin = study.samples.origin[rows]
    label = labels(names_of(study.samples.table)[rows], origin)
    yield "test rows", Artefact(known_at=origin, label=label, value=index)


def of_backtest(run: Backtest) -> Iterator[tuple[str, Artefact]]:
    """What was fitted, and what was forecast."""
    parts: dict[str, dict[int, Any]] = {}
    for (model, fold), fits in run.fits.items():
        for member in fits:
            for name, value in parts_of_fit(member):
                parts.setdefault(f"fit {model} {name}", {})[fold] = value
    for name, by_fold in parts.items():
        folds = [run.study.folds[fold] for fold in sorted(by_fold)]
        values = [by_fold[fold] for fold in sorted(by_fold)]
        yield name, per_fold(folds, values)
        if "scaler" in name:
            yield INNER + name, per_fold(folds, values, border="valid_from")
    for (model, horizon), frame in run.forecasts.group_by("model", "horizon_sessions"):
        origin = frame["origin"].to_numpy().astype("datetime64[D]")
        label = labels(frame["symbol"].to_numpy(), origin)
        quantiles = np.ascontiguousarray(frame.select(QUANTILE_COLUMNS).to_numpy())
        name = f"forecast {model} {horizon}"
        yield name, Artefact(known_at=origin, label=label, value=quantiles)
        resolved = frame["resolved"].to_numpy().astype("datetime64[D]")
        outcome = Artefact(known_at=resolved, label=label, value=frame["target"].to_numpy())
        yield f"judged {model} {horizon}", outcome
    yield from of_ablation(run)


def parts_of_fit(fitted: Fitted) -> Iterator[tuple[str, np.ndarray]]:
    """What a fit has learnt; of an estimator, which has no state, how its inputs are scaled."""
    if isinstance(fitted, FittedRegressor):
        yield from (("scaler.center", fitted.scaler.center), ("scaler.width", fitted.scaler.width))
        return
    state = encode_state(fitted)
    yield from ((name, np.asarray(value)) for name, value in state.arrays.items())
    yield from filters_in(state.facts)
    if isinstance(fitted, Trained) and fitted.curves:
        losses = [(*curve.train, *curve.valid) for curve in fitted.curves]
        yield "curves", np.concatenate(losses)


def filters_in(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """What is learnt and no array: the filters of garch, also as a member of the hybrid."""
    if "filters" in facts:
        yield f"{prefix}filters", np.array(canonical_json({"filters": facts["filters"]}))
    for name, own in facts.get("members", ()):
        yield from filters_in(own, f"{prefix}members.{name}.")


def of_ablation(run: Backtest) -> Iterator[tuple[str, Artefact]]:
    """What the hybrid's variants lost, from the session that shows it on."""
    keys = ["symbol", "origin", "horizon_sessions"]
    resolved = run.forecasts.filter(model="hybrid").select(*keys, "resolved")
    known = run.ablation.join(resolved, on=keys, how="left", maintain_order="left")
    for (variant, horizon), frame in known.group_by("variant", "horizon_sessions"):
        origin = frame["origin"].to_numpy().astype("datetime64[D]")
        losses = frame.select("crps", "absolute_error", "inside_90", "width_90_pct").to_numpy()
        yield (
            f"ablation {variant} {horizon}",
            Artefact(
                known_at=frame["resolved"].to_numpy().astype("datetime64[D]"),
                label=labels(frame["symbol"].to_numpy(), origin),
                value=np.ascontiguousarray(losses),
            ),
        )


def per_fold(
    folds: Sequence[Fold], values: Sequence[Any], *, border: str = "fitted_at"
) -> Artefact:
    """One value of any kind per fold, as the hash of its bytes."""
    return Artefact(
        known_at=np.array([getattr(fold, border) for fold in folds], dtype="datetime64[D]"),
        label=np.array([f"fold {fold.index}" for fold in folds], dtype="U40"),
        value=np.array([digest(value) for value in values], dtype="U64"),
    )


def known_targets(samples: Samples) -> list[np.ndarray]:
    """The targets that may be learnt from, and which they are."""
    rows, horizon = np.nonzero(np.isfinite(samples.outcome))
    label = labels(names_of(samples.table)[rows], samples.origin[rows])
    parts = (samples.outcome, samples.target, samples.movement, samples.resolved)
    return [label, horizon, *(part[rows, horizon] for part in parts)]


def labels(symbol: np.ndarray, session: np.ndarray) -> np.ndarray:
    text = np.char.add(np.char.add(symbol.astype("U20"), " "), session.astype("U10"))
    return text.astype("U40")


def names_of(table: Table) -> np.ndarray:
    return np.array(table.symbols)[table.symbol]


def digest(value: Any) -> str:
    """SHA-256 of type, shape and bytes."""
    parts = value if isinstance(value, list) else [value]
    found = hashlib.sha256()
    for part in parts:
        array = np.ascontiguousarray(part)
        found.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return found.hexdigest()


def leaks(base: dict[str, Artefact], other: dict[str, Artefact], *, at: date) -> list[str]:
    """What differs though it was known by `at`: name and first row. Inner borders left out."""
    names = sorted({name for name in {*base, *other} if not name.startswith(INNER)})
    return list(differences(base, other, names, at=at))


def inner_leaks(base: dict[str, Artefact], other: dict[str, Artefact], *, at: date) -> list[str]:
    """The same for what is known from the start of a validation block on."""
    names = sorted(name for name in {*base, *other} if name.startswith(INNER))
    return list(differences(base, other, names, at=at))


def differences(
    base: dict[str, Artefact], other: dict[str, Artefact], names: list[str], *, at: date
) -> Iterator[str]:
    for name in names:
        one, two = known(base.get(name), at), known(other.get(name), at)
        if parts_of(one) != parts_of(two):
            yield f"{name}, {first_difference(one, two)}"


def known(artefact: Artefact | None, at: date) -> Artefact | None:
    """The rows known by `at`; None if there are none."""
    if artefact is None:
        return None
    keep = artefact.known_at <= np.datetime64(at)  # NaT is never known
    if not keep.any():
        return None
    return Artefact(
        known_at=artefact.known_at[keep], label=artefact.label[keep], value=artefact.value[keep]
    )


def parts_of(artefact: Artefact | None) -> list[Any]:
    """What is compared: type, shape and bytes of its dates, labels and values."""
    if artefact is None:
        return []
    return [bytes_of(part) for part in (artefact.known_at, artefact.label, artefact.value)]


def bytes_of(array: np.ndarray) -> tuple[np.dtype[Any], tuple[int, ...], bytes]:
    return array.dtype, array.shape, array.tobytes()


def by_label(artefact: Artefact | None) -> dict[str, bytes]:
    if artefact is None:
        return {}
    return {
        str(name): np.ascontiguousarray(value).tobytes()
        for name, value in zip(artefact.label, artefact.value, strict=True)
    }


def first_difference(one: Artefact | None, two: Artefact | None) -> str:
    left, right = by_label(one), by_label(two)
    return next((x for x in sorted({*left, *right}) if left.get(x) != right.get(x)), "other order")


def moved(base: dict[str, Artefact], other: dict[str, Artefact]) -> set[str]:
    """Names of the artefacts that have another value at a row that both have."""
    found = set()
    for name in base.keys() & other.keys():
        one, two = base[name], other[name]
        left: Any = slice(None)
        right: Any = slice(None)
        if not np.array_equal(one.label, two.label):
            _, left, right = np.intersect1d(one.label, two.label, return_indices=True)
        if bytes_of(one.value[left]) != bytes_of(two.value[right]):
            found.add(name)
    return found

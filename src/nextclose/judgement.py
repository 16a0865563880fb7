"""[shell] What a judgement of submitted forecasts gives back, and ways to see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from nextclose.arguments import refuse_other
from nextclose.errors import ConfigError
from nextclose.evaluation.verdict.document import plain
from nextclose.evaluation.verdict.evidence import POOLED
from nextclose.evaluation.verdict.verdict import VerdictRow, Verdicts
from nextclose.formatting import sessions
from nextclose.judging.cards import Card, cards_of, relative_crps
from nextclose.judging.submission import Diagnosis
from nextclose.judging.trials import deflated_p
from nextclose.report.citation import badge_svg, cited_table
from nextclose.report.notebook import Report
from nextclose.results import Run, report_content
from nextclose.runfolder import run_files, run_folder

CALL = "nextclose.judge(...)"
GAINS = ("BETTER", "SIZE ONLY", "POINT ONLY", "NO EVIDENCE")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Judgement:
    """The verdict on submitted forecasts beside that on the yardsticks, on the same forecasts.

    `run` is what a backtest would have given: scoreboard, report, plots. `findings` says what is
    odd about the submissions, and how they were read. `trials` is how many configurations were
    tried before these, where it was said.
    """

    run: Run
    submitted: tuple[str, ...]
    formats: Mapping[str, str]  # model -> the format it was recognised as
    findings: tuple[Diagnosis, ...]
    trials: int | None = None

    @property
    def verdict(self) -> Verdicts:
        """The verdict rows, those of the yardsticks too."""
        return Verdicts(self.run.verdict)

    @property
    def scoreboard(self) -> pl.DataFrame:
        """The verdict as a frame: a row per symbol ("*": all together), horizon and model."""
        return self.run.scoreboard

    @property
    def forecasts(self) -> pl.DataFrame:
        """Everything that was judged, on the grid of 23 levels, in `FORECAST_SCHEMA`."""
        return self.run.forecasts

    @property
    def leaderboard(self) -> pl.DataFrame:
        """All models over all symbols, by horizon, lowest relative CRPS first.

        `relative_crps` is the mean CRPS over that of "no change" on the same forecasts: submissions
        of other days compare by it as well as they can.
        `in_confidence_set`: whether it may be the best (MCS). `deflated_p`: the p-value if it was
        the best of `trials` tries; null where these were not said.
        """
        ratios = relative_crps(self.run.scores.frame)
        rows = [
            {
                "horizon_sessions": row.horizon_sessions,
                "model": row.model,
                "submitted": row.model in self.submitted,
                "verdict": row.verdict,
                "forecasts": row.evidence.forecasts,
                "crps": row.evidence.crps,
                "relative_crps": ratios.get((row.model, row.horizon_sessions)),
                "relative_mae": row.evidence.relative_mae,
                "coverage_90": row.evidence.coverage.coverage_90,
                "p_value": row.p_value,
                "deflated_p": self._deflated(row),
                "in_confidence_set": row.standing.in_confidence_set if row.standing else None,
            }
            for row in self.run.verdict
            if row.symbol == POOLED
        ]
        frame = pl.DataFrame(rows, infer_schema_length=None)
        return frame.sort("horizon_sessions", "relative_crps", maintain_order=True)

    @property
    def summary(self) -> str:
        """What each submission is worth in plain words, and what is odd about it."""
        return "\n".join([*(each.sentence for each in self.grave), *self.verdict_sentences])

    @property
    def verdict_sentences(self) -> tuple[str, ...]:
        """The verdict on each submission over all symbols, and what the tries make of it."""
        lines = [
            row.sentence if row.model in row.sentence else f"{row.model}: {row.sentence}"
            for row in self.run.verdict
            if row.symbol == POOLED and row.model in self.submitted
        ]
        for row in self.run.verdict:
            if row.symbol == POOLED and (chance := self._deflated(row)) is not None:
                lines.append(
                    f"{row.model}, {sessions(row.horizon_sessions)} ahead: the best of "
                    f"{self.trials:,} tries without skill looks as good with a probability of "
                    f"{chance:.2f}."
                )
        return tuple(lines)

    @property
    def grave(self) -> tuple[Diagnosis, ...]:
        """Findings that say the forecasts are not what they seem to be."""
        return tuple(each for each in self.findings if each.is_grave)

    @property
    def document(self) -> dict[str, Any]:
        """What `verdict.json` holds: that of a backtest, and what is said of the submissions."""
        judged = {
            "submitted": list(self.submitted),
            "formats": dict(self.formats),
            "findings": [asdict(each) for each in self.findings],
            "trials": self.trials,
            "leaderboard": self.leaderboard.to_dicts(),
        }
        return self.run.document | {"judged": plain(judged)}

    def tutorial_metrics(self) -> tuple[Card, ...]:
        """RMSE, MAPE, R2 and direction as tutorials count them, and what they leave out."""
        return cards_of(self.run.scores.frame, models=self.submitted, findings=self.findings)

    def badge(self, model: str | None = None) -> str:
        """The verdict at the shortest horizon as a badge, SVG; of the first submission."""
        name = model or self.submitted[0]
        rows = [row for row in self.run.verdict if (row.symbol, row.model) == (POOLED, name)]
        if not rows:
            raise ConfigError(f"{name!r:.40} was not judged. Fix: {', '.join(self.submitted)}.")
        is_odd = any(each.model == name for each in self.grave)
        return badge_svg(rows[0].verdict, grave=is_odd)

    def table(self, form: str = "markdown") -> str:
        """The leaderboard to cite, as "markdown" or "latex"."""
        return cited_table(self.leaderboard, form=form)

    def report(self) -> Report:
        """The report as one page: a notebook shows it, `.save("report.html")` writes it."""
        return self.run.report()

    def save(self, folder: str | Path, *, figures: bool = True, command: str = CALL) -> Path:
        """Write report, forecasts, verdict and settings into `folder`, as a run does."""
        folder_fix = 'name the folder of the run, as "runs/judged"'
        refuse_other(folder, (str, Path), argument="folder", fix=folder_fix)
        with run_folder(Path(folder)) as place:
            content = report_content(self.run, command=command)
            place.replace(
                run_files(
                    content, forecasts=self.forecasts, document=self.document, figures=figures
                )
            )
        return Path(folder)

    def _deflated(self, row: VerdictRow) -> float | None:
        """Of a submission that gained something, or nothing; None for all others."""
        if self.trials is None or row.model not in self.submitted or row.verdict not in GAINS:
            return None
        return deflated_p(row.p_value, trials=self.trials)

    def __repr__(self) -> str:
        ways = "judged.scoreboard, judged.findings, judged.report(), judged.save('runs/judged')"
        return f"Judgement of {', '.join(self.submitted)}\n{self.summary}\n{ways}"

    def _repr_html_(self) -> str:
        told = Markup("").join(Markup("<p>{}</p>").format(each.sentence) for each in self.grave)
        return str(told) + self.run._repr_html_()

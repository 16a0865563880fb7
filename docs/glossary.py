"""The glossary page, written from the texts that `nextclose explain` and the report show.

python -m docs.glossary            writes docs/glossary.md
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nextclose.glossary import FIGURES, MODELS, VERDICTS, WORDS, Term

PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Glossary

The words of verdicts, tables and reports. Exact rules and formulas are in [the method](method.md).

"""
PARTS = (
    ("Verdicts", "verdict", VERDICTS),
    ("Models", "model", MODELS),
    ("Figures", "column", FIGURES),
    ("Words", "word", WORDS),
)


def page() -> str:
    """The whole page as Markdown."""
    return HEAD + "\n".join(_part(*part) for part in PARTS)


def _part(title: str, column: str, terms: Mapping[str, Term]) -> str:
    lines = [f"## {title}", "", f"| {column} | means | to know |", "|---|---|---|"]
    lines += [
        f"| {_name(term)} | {_cell(term.short)} | {_cell(term.more)} |" for term in terms.values()
    ]
    return "\n".join(lines) + "\n"


def _name(term: Term) -> str:
    """Names of code as code, others in one line."""
    if term.kind in ("model", "figure"):
        return f"`{term.name}`"
    return term.name.replace(" ", "&nbsp;")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""The page of file formats, written from the corpus of shapes that the tests read.

python -m docs.formats            writes docs/formats.md
"""

from __future__ import annotations

from pathlib import Path

from tests.corpus.shapes import Shape
from tests.corpus.test_corpus import SHAPES

from nextclose.data.suggestions import assignments

PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Formats

Every row is a file or a folder that the tests write as its tool does, with made-up prices, and
read back to the last bit of each close. "read" means: with no setting at all. Where a format
leaves something open the first `nextclose check` says which setting closes it, and the last
column has it. Vendors change their formats: if yours is read otherwise than it was meant, it is a
fault of ours and we want to know.

| format | seen at | what it takes |
|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown."""
    return HEAD + "".join(map(_line, sorted(SHAPES, key=lambda shape: shape.name.lower())))


def _line(shape: Shape) -> str:
    what = "read"
    if shape.asks:
        settings = "the setting that `check` prints"
        if shape.answers:
            lists = {k: list(v) if isinstance(v, tuple) else v for k, v in shape.answers.items()}
            settings = f"`{assignments(lists)}`"
        what = f"asks ({', '.join(shape.asks)}): {settings}"
    if not shape.holds:
        what = f"refused ({', '.join(shape.asks)})"
    return f"| {_cell(shape.name)} | {_cell(shape.source)} | {_cell(what)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""The page of the input catalogue, written from the table that the loader itself uses.

python -m docs.catalogue            writes docs/catalogue.md
"""

from __future__ import annotations

from pathlib import Path

from nextclose.data.catalogue import Issue

PAGE = Path(__file__).with_suffix(".md")
PARTS = (
    (1, "The file"),
    (21, "Its columns, and what their cells say"),
    (35, "When a row was"),
    (54, "What the numbers say"),
    (71, "Downloads, stores and databases"),
    (77, "What goes out"),
    (80, "What a setting leaves out"),
    (81, "What a bundle is served with"),
)
HEAD = """# The input catalogue

Every kind of bad or doubtful input has a number that never changes its meaning. The rule behind
all of them: refuse what would change the meaning of a close; carry on, and say so, with what
would not.

`E` is refused, with a cure that works when applied. `R` is repaired without loss. `P` is repaired
by a policy of the settings, and some policies have a default. `W` is kept and worth knowing. Of
several letters the first is the usual response, and rule and cure are those of it; what a message
says may be more exact. An empty cell says that it depends on what was found. [data.md](data.md)
tells the same by vendor and setting.
"""


def page() -> str:
    """The whole page as Markdown."""
    lines = [HEAD]
    starts = dict(PARTS)
    for issue in Issue:
        if issue.value in starts:
            lines += [f"## {starts[issue.value]}", "", *_header()]
        response = " ".join(issue.responses) or "accepted"
        cells = (str(issue.value), issue.about, response, issue.rule, issue.fix)
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
        if issue.value + 1 in starts:
            lines.append("")
    return "\n".join(lines) + "\n"


def _header() -> list[str]:
    return ["| number | what | response | rule | cure |", "|---:|---|---|---|---|"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

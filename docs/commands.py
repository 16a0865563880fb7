"""The page of commands, written from the command line itself.

python -m docs.commands            writes docs/commands.md
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from nextclose.cli import app

PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Commands

`PRICES` is a file, a folder, a store, a `postgresql://` URL, or the word `sample` for the bundled
data.

"""


def page() -> str:
    """The whole page as Markdown."""
    command = typer.main.get_command(app)
    with typer.Context(command) as context:
        text = get_docs_for_click(obj=command, ctx=context, name="nextclose")
    text = re.sub(r"\[b\](.*?)\[/b\]", r"`\1`", text)
    text = html.unescape(re.sub(r"</?span[^>]*>", "", text))
    text = re.sub(r"# `nextclose`\n\n.*?\n\n", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)  # cut short; headings have them
    return HEAD + text.replace("```console\n$ ", "```text\n").rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

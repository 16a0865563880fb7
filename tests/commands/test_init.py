"""`nextclose init`: a file of settings to begin with."""

from __future__ import annotations

import pytest

from nextclose.commands.init import N_LINE, settings_text
from nextclose.config import RunConfig, parse_config
from nextclose.runfolder import effective_toml

SETTINGS = [
    (name, key, field)
    for name, section in RunConfig.model_fields.items()
    for key, field in type(section.default).model_fields.items()
]


def test_the_file_read_back_is_the_defaults():
    parsed = parse_config(settings_text(), path="file")
    assert parsed == RunConfig()
    assert effective_toml(parsed) == effective_toml(RunConfig())


@pytest.mark.parametrize(("section", "key", "field"), SETTINGS)
def test_every_setting_is_there_once_with_a_line_of_what_it_does(section, key, field):
    part = settings_text().split(f"\n[{section}]\n")[1].partition("\n[")[0]
    lines = part.splitlines()
    (place,) = [k for k, text in enumerate(lines) if text.removeprefix("# ").startswith(f"{key} =")]
    assert field.description
    assert field.description[0].isupper()
    assert field.description.endswith(".")
    comment = " ".join(text.removeprefix("# ") for text in lines[max(place - 3, 0) : place])
    assert field.description in comment


@pytest.mark.parametrize(("section", "key", "field"), SETTINGS)
def test_a_setting_that_is_a_comment_can_be_used_as_it_stands(section, key, field):
    comments = [line for line in settings_text().splitlines() if line.startswith(f"# {key} = ")]
    for comment in comments:
        line = comment.removeprefix("# ")
        try:
            value = getattr(getattr(parse_config(f"[{section}]\n{line}", path=""), section), key)
        except Exception:
            if len(comments) == 1:  # of two settings of one name one is of another section
                raise
            continue
        assert value not in (None, (), {})


def test_choices_are_named_where_there_are_several():
    text = settings_text()
    assert 'One of "drop", "keep".' in text
    assert 'One of "last".' not in text


def test_lines_fit_a_page():
    assert max(map(len, settings_text().splitlines())) <= N_LINE


def test_the_command_writes_the_file_and_says_how_to_use_it(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, printed, complaint = command("init")
    assert (code, complaint) == (0, "")
    assert (tmp_path / "nextclose.toml").read_text() == settings_text()
    assert "nextclose backtest PRICES --config nextclose.toml" in printed
    assert command("init", "deep/my run.toml")[0] == 0
    code, printed, _ = command("check", "sample", "--config", "deep/my run.toml", "--json")
    assert code == 0


def test_a_file_that_is_there_is_kept(command, tmp_path):
    for path in (tmp_path / "run.toml", tmp_path / "link.toml"):
        if path.stem == "link":
            path.symlink_to(tmp_path / "nowhere")
        else:
            path.write_text("mine")
        code, printed, complaint = command("init", path)
        assert (code, printed) == (2, "")
        assert "is there; it is not replaced. Fix: " in complaint
    assert (tmp_path / "run.toml").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_place_that_cannot_be_written_is_said(command):
    code, _, complaint = command("init", "/proc/nowhere/run.toml")
    assert (code, "cannot write" in complaint) == (6, True)

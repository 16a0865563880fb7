import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from nextclose.evaluation.verdict.evidence import MetricEvidence
from nextclose.evaluation.verdict.summary import plain_sentence
from nextclose.report.page import figure_files, render_page, with_break_points
from nextclose.report.wording import typeset
from nextclose.schema import Finding
from tests.report.large import make_large_content
from tests.report.synthetic import RUN, make_bars, make_content, make_forecasts
from tests.report.verdict_rows import with_evidence

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u2028$x^2$"
SHOWN = HOSTILE.replace("\u2028", r"\u2028")
VOID = {"wbr", "meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, texts of scripts, and whether every element is closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.scripts = []
        self.open = []
        self.text = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append([dict(attrs), ""])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1][1] += data
        else:
            self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def policy(self):
        (attrs,) = [a for a in self.all("meta") if a.get("http-equiv")]
        return attrs["content"]


@pytest.fixture(scope="module")
def content():
    return make_content(("AAPL", "IBM"), n_sessions=420, n_origins=260)


@pytest.fixture(scope="module")
def text(content):
    return render_page(content)


def test_every_element_is_closed_in_its_place_and_no_id_is_used_twice(text):
    page = Page(text)
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_nothing_is_loaded_from_outside_the_page(text):
    page = Page(text)
    loading = {"src", "srcset", "data", "poster", "action", "background"}
    for tag, attrs in page.elements:
        assert not loading & attrs.keys(), (tag, attrs)
        assert tag not in ("link", "iframe", "img", "object", "embed", "base", "form"), tag
        target = attrs.get("href") or ""
        assert tag == "a" or not target or target.startswith("#"), (tag, target)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_exactly_the_scripts_in_the_page_may_run(text):
    page = Page(text)
    running = [body for attrs, body in page.scripts if attrs.get("type") != "application/json"]
    digests = {
        base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in running
    }
    assert len(running) == 5  # theme, words, tables, the library of the charts, the charts
    assert set(re.findall(r"'sha256-([^']+)'", page.policy)) == digests
    assert "default-src 'none'" in page.policy
    assert "'unsafe-inline'" not in page.policy.split("script-src")[1]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


def test_every_section_of_a_full_run_is_there_and_says_how_to_read_it(text):
    page = Page(text)
    names = [attrs["id"] for attrs in page.all("section")]
    assert names == [
        *("verdict", "prices", "figures", "scoreboard", "symbols", "followed", "statistician"),
        *("evidence", "direction", "noise", "hybrid", "calibration", "slices", "importance"),
        *("training", "tutorial", "data", "reproduce", "glossary"),
    ]
    own = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert {*names} <= own
    assert own <= {attrs["id"] for _, attrs in page.elements if "id" in attrs}  # no dead link


def test_the_verdict_sentences_of_the_headline_come_first(content, text):
    shown = "".join(Page(text).text)
    places = [
        shown.index(typeset(plain_sentence(row)))
        for h in (1, 7, 30)
        for row in content.verdicts
        if (row.symbol, row.model, row.horizon_sessions) == ("*", "hybrid", h)
    ]
    assert places == sorted(places)
    assert places[-1] < shown.index("Prices and ranges")
    for row in content.verdicts:  # the whole of it is folded, for the statistician
        if (row.symbol, row.model) == ("*", "hybrid"):
            assert shown.index(typeset(row.sentence)) > shown.index("The whole verdict")


def test_why_this_model_leads_is_said_before_its_verdict(content):
    why = "lstm leads: it is <i>simple</i>."
    shown = "".join(Page(render_page(replace(content, headline="lstm", lead_sentence=why))).text)
    (first,) = (
        typeset(plain_sentence(row))
        for row in content.verdicts
        if (row.symbol, row.model, row.horizon_sessions) == ("*", "lstm", 1)
    )
    assert shown.index("The verdict on lstm") < shown.index(why) < shown.index(first)


def test_metrics_of_the_users_own_stand_in_the_scoreboard(content, text):
    metric = MetricEvidence(mean=1.5, naive_mean=2.5, reference_mean=None, comparison=None)
    verdicts = tuple(with_evidence(v, metrics={"winkler": metric}) for v in content.verdicts)
    page = "".join(Page(render_page(replace(content, verdicts=verdicts))).text)
    assert page.index("Your own metrics, 1 session ahead") < page.index(
        "Was the price called up or down rightly?"
    )
    assert "winkler, no change" in page
    assert "Your own metrics" not in text


def test_a_model_that_brings_its_colours_is_drawn_in_them(content):
    page = render_page(replace(content, colours={"hybrid": ("#123456", "#abcdef")}))
    assert "--model-0:#123456;" in page
    assert "--model-0:#abcdef;" in page


def test_two_renders_give_the_same_bytes(content, text):
    assert render_page(content) == text


def test_every_picture_is_written_as_png_under_a_name_of_our_own_words():
    files = figure_files(make_content(("../A",), n_sessions=300, n_origins=80, horizons=(7,)))
    assert {"followed-7.png", "coverage-7.png", "by-year-7.png", "training-8-3.png"} <= files.keys()
    assert all(data.startswith(b"\x89PNG") for data in files.values())
    assert all(re.fullmatch(r"[a-z0-9-]+\.png", name) for name in files)


def test_hostile_names_are_shown_as_text_and_make_no_element():
    tame = make_content(("AAPL",), n_sessions=300, n_origins=80, horizons=(7,))
    rename = {"AAPL": HOSTILE}
    hostile = replace(
        tame,
        bars=tame.bars.with_columns(pl.col("symbol").replace(rename)),
        forecasts=tame.forecasts.with_columns(pl.col("symbol").replace(rename)),
        verdicts=tuple(
            with_evidence(replace(v, sentence=HOSTILE), symbol=rename.get(v.symbol, v.symbol))
            for v in tame.verdicts
        ),
        curves=tame.curves.with_columns(label=pl.concat_str(pl.lit(HOSTILE), "label")),
        findings=(
            Finding(
                number=54,
                response="W",
                found=HOSTILE,
                rule=HOSTILE,
                path=HOSTILE,
                symbol=HOSTILE,
                column=HOSTILE,
            ),
            Finding(number=66, response="W", found=HOSTILE, rule=HOSTILE, symbol=HOSTILE),
        ),
        network=HOSTILE,
        run=replace(RUN, command=HOSTILE, config=HOSTILE, versions={HOSTILE: HOSTILE}),
    )
    page, clean = Page(render_page(hostile)), Page(render_page(tame))
    for tag in ("script", "img"):
        assert len(page.all(tag)) == len(clean.all(tag)), tag
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert SHOWN in "".join(page.text)
    (data,) = [body for attrs, body in page.scripts if attrs.get("type") == "application/json"]
    assert json.loads(data)["symbols"][0]["name"] == HOSTILE
    assert not set("<>&\u2028\u2029") & set(data)
    assert {data[:4] for data in figure_files(hostile).values()} == {b"\x89PNG"}


def test_a_long_name_may_break_after_each_underscore_and_stays_text():
    assert with_break_points("hs_expanding") == "hs_expanding"
    assert with_break_points("my_boosted_quantiles") == "my_<wbr>boosted_<wbr>quantiles"
    assert with_break_points("<b>_and_much_more</b>").startswith("&lt;b&gt;_<wbr>and_<wbr>")


def test_a_hostile_model_name_is_a_name_only():
    tame = make_content(("AAPL",), n_sessions=300, n_origins=80, horizons=(7,))
    frames = {
        name: getattr(tame, name).with_columns(pl.col("model").replace({"hybrid": HOSTILE}))
        for name in ("forecasts", "coverage", "rolling", "pit", "by_year", "by_regime", "curves")
    }
    verdicts = tuple(
        with_evidence(v, model=HOSTILE) if v.model == "hybrid" else v for v in tame.verdicts
    )
    frames["importance"] = tame.importance.with_columns(feature=pl.lit(HOSTILE))
    page = Page(render_page(replace(tame, headline=HOSTILE, verdicts=verdicts, **frames)))
    assert len(page.scripts) == 6
    assert page.all("img") == []
    assert "The verdict on " + SHOWN in "".join(page.text)


def test_folders_of_the_machine_are_not_shown():
    finding = Finding(number=54, response="W", found="x", rule="y", path="/home/ann/p/AAPL.csv")
    url = replace(finding, number=55, path="postgresql://ann:secret@db/prices")
    page = render_page(
        make_content(("A",), n_sessions=300, n_origins=60, horizons=(7,), findings=(finding, url))
    )
    assert "AAPL.csv" in page
    assert "/home/ann" not in page
    assert "secret" not in page


def test_five_symbols_with_five_years_of_origins_stay_under_three_megabytes():
    page = render_page(make_content(n_sessions=1500, n_origins=1260))
    assert len(page.encode()) < 3_000_000


@pytest.mark.slow
def test_five_hundred_symbols_of_two_thousand_origins_stay_under_three_megabytes():
    """Of which the charts have 2.5 at most."""
    names = [f"S{k:03d}" for k in range(500)]
    bars = make_bars(names, n_sessions=2_120)
    few = make_content(names[:2], n_sessions=300, n_origins=80)
    forecasts = make_forecasts(bars, n_origins=2_000, models=("hybrid",))
    text = render_page(replace(few, bars=bars, forecasts=forecasts))
    (data,) = [body for attrs, body in Page(text).scripts if attrs.get("id") == "chart-data"]
    assert len(json.loads(data)["symbols"]) == 500
    assert len(data.encode()) < 2_500_000
    assert len(text.encode()) < 3_000_000
    assert "one origin in 5 of each of 500 symbols" in text


def test_the_tables_of_five_hundred_symbols_take_less_than_two_megabytes():
    """Beside the 2.5 of the charts, of the 5 that a page may have."""
    few, many = (len(render_page(make_large_content(n)).encode()) for n in (2, 500))
    assert many - few < 2_000_000


def test_bars_with_only_a_close_make_a_line_instead_of_candles():
    full = make_content(("AAPL",), n_sessions=300, n_origins=80, horizons=(7,))
    page = Page(render_page(replace(full, bars=full.bars.select("symbol", "session", "close"))))
    (data,) = [body for attrs, body in page.scripts if attrs.get("type") == "application/json"]
    (symbol,) = json.loads(data)["symbols"]
    assert symbol["candles"] is False


def test_a_run_without_the_classic_network_has_no_tutorial_section():
    content = make_content(
        ("AAPL",), n_sessions=300, n_origins=80, models=("hybrid", "naive", "ewma")
    )
    assert "tutorial" not in [attrs["id"] for attrs in Page(render_page(content)).all("section")]


def test_the_tutorial_section_shows_the_layers_of_its_network_as_text_where_given(content, text):
    page = "".join(Page(text).text)
    assert content.network in page
    bare = render_page(replace(content, network=""))
    assert "layer by layer" in page
    assert "layer by layer" not in "".join(Page(bare).text)


def test_the_hybrids_section_says_what_each_member_is_worth(content, text):
    shown = "".join(Page(text).text)
    for part in content.ablation:
        assert part.sentence in shown


def test_a_note_below_the_scoreboard_names_the_model_with_fewer_forecasts(text):
    page = "".join(Page(text).text)
    assert page.count("Scored on fewer forecasts: classic on 251 forecasts, AAPL.") == 3


def test_forecasts_whose_outcome_is_not_known_are_drawn_but_not_judged():
    content = make_content(("AAPL",), n_sessions=300, n_origins=20, horizons=(30,))
    assert content.forecasts["target"].null_count() == len(content.forecasts)
    names = [attrs["id"] for attrs in Page(render_page(content)).all("section")]
    assert "prices" in names
    assert "followed" not in names


def test_a_run_of_which_no_outcome_is_known_is_a_page_that_says_so(content):
    page = render_page(replace(content, verdicts=()))
    assert "No forecast of the test has a known outcome yet." in page
    assert "No forecast of the test" not in render_page(content)


def test_a_verdict_without_frames_is_still_a_page():
    empty = pl.DataFrame()
    content = make_content(("AAPL",), n_sessions=300, n_origins=80, horizons=(7,))
    frames = ("coverage", "rolling", "pit", "by_year", "by_regime", "curves", "tutorial")
    bare = replace(
        content,
        forecasts=content.forecasts.clear(),
        **dict.fromkeys((*frames, "importance"), empty),
        ablation=(),
        findings=(),
    )
    names = [attrs["id"] for attrs in Page(render_page(bare)).all("section")]
    assert names == [
        *("verdict", "figures", "scoreboard", "symbols", "statistician", "evidence", "direction"),
        *("noise", "data", "reproduce", "glossary"),
    ]


BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200f\u061c\x1b\u0085"


def test_marks_that_turn_what_one_reads_are_shown_as_escapes():
    content = make_content()
    evil = f"AAPL{BIDI}gpj.exe"
    finding = Finding(number=50, response="P", found=evil, rule=evil, path=f"/home/ann/{evil}")
    facts = replace(
        content.run, command=f"nextclose backtest {evil}", config=f'x = "{evil}"\ny = 1'
    )
    page = render_page(replace(content, findings=(finding,), run=facts, basis="adjusted"))
    assert not set(BIDI) & set(page)
    assert "AAPL\\u202a" in page
    assert "/home/ann" not in page
    assert "\ny = 1" in page  # lines stay lines

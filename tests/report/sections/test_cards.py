from dataclasses import replace

from nextclose.report.sections.cards import verdict_cards
from tests.report.verdict_rows import ROW, comparison, with_evidence

SYMBOLS = [
    with_evidence(replace(ROW, standing=None), symbol=symbol) for symbol in ("A", "B", "C", "D")
]


def facts_of(row, *others):
    (card,) = verdict_cards([row, *others], headline="hybrid")
    return {fact.label: (fact.value, fact.beside) for fact in card.facts}


def test_a_card_puts_the_yardstick_the_interval_and_the_symbols_beside_each_figure():
    (card,) = verdict_cards([ROW, *SYMBOLS], headline="hybrid")
    assert (card.horizon, card.word, card.sentence) == (
        "7 sessions",
        "Size, not direction",
        ROW.sentence,
    )
    facts = facts_of(ROW, *SYMBOLS)
    assert facts["Error against “no change”"] == (
        "0.995 ×",  # noqa: RUF001
        (
            "3.46% of price; no change 3.52%",
            "95% interval 0.990 to 1.000",
            "Significantly better on 0 of 4 symbols, worse on 0",
        ),
    )
    assert facts["Range skill against history"] == (
        "−1.23%",  # noqa: RUF001
        (
            "CRPS, against hs_250",
            "95% interval −2.00 to −0.10%",  # noqa: RUF001
            "Significantly better on 0 of 4 symbols, worse on 0",
        ),
    )
    assert facts["Range skill against garch"] == (
        "+0.60%",
        ("95% interval +0.40 to +0.80%", "Significantly better on 3 of 4 symbols, worse on 0"),
    )
    assert facts["The 90% range held"] == (
        "89.6%",
        (
            "Other ranges, 50%: 51.0%, 80%: 80.3%, 95%: 94.9%",
            "Of 6,300 outcomes; mean width 12.2% of price",
        ),
    )
    assert facts["Range skill in its worst year"] == ("−0.31%", ("2009, against garch",))  # noqa: RUF001
    assert facts["Noise floor"] == (
        "0.20%",  # the interval is 1.96 standard errors each way, the floor two
        ("Smaller differences of skill against garch are none",),
    )


def test_one_symbol_alone_is_not_counted():
    assert facts_of(ROW, SYMBOLS[0])["Range skill against garch"][1] == (
        "95% interval +0.40 to +0.80%",
        "",
    )


def test_a_run_without_garch_has_no_figure_against_it():
    bare = with_evidence(replace(ROW, standing=None), garch=None)
    facts = facts_of(bare)
    assert "Range skill against garch" not in facts
    assert "Range skill in its worst year" not in facts
    assert facts["Noise floor"][1] == ("Smaller differences of skill against history are none",)


def test_cards_side_by_side_have_the_same_figures_also_where_one_has_none():
    untested = comparison("garch", 0.006, (0.004, 0.008))
    short = with_evidence(ROW, horizon_sessions=30, garch=replace(untested, test=None))
    first, second = verdict_cards([ROW, short], headline="hybrid")
    assert [fact.label for fact in first.facts] == [fact.label for fact in second.facts]
    assert (second.facts[-1].value, second.facts[-1].beside) == ("–", ())  # noqa: RUF001

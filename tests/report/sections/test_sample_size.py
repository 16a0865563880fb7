import numpy as np

from nextclose.report.sections.sample_size import sample_size_table
from tests.report.verdict_rows import comparison, verdict_row, with_evidence

HALF = 1.96 * 0.00256  # of an interval; the noise floor is two standard errors
ROW = with_evidence(
    verdict_row("*", 7, "hybrid", np.random.default_rng(0)),
    origins=749,
    ranges=comparison("hs_250", 0.03, (0.02, 0.04), seed_sd=0.00047),
    garch=comparison("garch", 0.01, (0.01 - HALF, 0.01 + HALF)),
)


def test_the_sample_says_which_edge_and_which_difference_it_could_show():
    table = sample_size_table([ROW], headline="hybrid")
    cells = {t: c.text for t, c in zip(table.titles[1:], table.rows[0].cells, strict=True)}
    assert cells == {
        "Origins": "749",
        "Of them independent": "107",
        "Smallest direction edge it shows": "12.0 points",  # of 107: 2.4865 / 2 / sqrt(107)
        "Origins that a one-point edge needs": "108,195",  # (1.6449 + 0.8416)^2 / 0.0004 x 7
        "Noise floor of range skill": "0.51%",
        "Seeds differ, range skill": "0.047%",
    }


def test_an_edge_above_one_half_cannot_be_seen_at_all():
    table = sample_size_table([with_evidence(ROW, origins=7)], headline="hybrid")
    assert table.rows[0].cells[2].text == "none"

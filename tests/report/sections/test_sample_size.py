from dataclasses import replace

import numpy as np

from nextclose.report.sections.sample_size import sample_size
from tests.report.verdict_rows import verdict_row

ROW = replace(
    verdict_row("*", 7, "hybrid", np.random.default_rng(0)),
    origins=749,
    independent=107.0,
    smallest_visible_edge=0.1204,
    noise_floor=0.00512,
    crps_skill_seed_sd=0.00047,
    relative_mae_seed_sd=None,
)


def test_the_sample_says_which_edge_and_which_difference_it_could_show():
    grid = sample_size([ROW], headline="hybrid")
    cells = {t: c.text for t, c in zip(grid.head[1:], grid.rows[0].cells, strict=True)}
    assert cells == {
        "Origins": "749",
        "Of them independent": "107",
        "Smallest direction edge it shows": "12.0 points",
        "Origins that a one-point edge needs": "108,195",  # (1.6449 + 0.8416)^2 / 0.0004 x 7
        "Noise floor of range skill": "0.51%",
        "Seeds differ, range skill": "0.047%",
    }


def test_an_edge_above_one_half_cannot_be_seen_at_all():
    grid = sample_size([replace(ROW, smallest_visible_edge=0.7)], headline="hybrid")
    assert grid.rows[0].cells[2].text == "none"

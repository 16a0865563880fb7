"""Every word that a verdict uses is explained, and no explanation is of a word that is gone."""

from typing import get_args

import numpy as np

from nextclose.evaluation.verdict.decision import YARDSTICKS, Category
from nextclose.glossary import FIGURES, MODELS, TERMS, VERDICTS
from nextclose.models.registry import OURS
from tests.evaluation.frames import baselines, flat_verdicts, overlapping


def test_every_category_and_every_model_of_ours_is_explained():
    assert set(VERDICTS) == set(get_args(Category))
    assert set(MODELS) == set(OURS)
    assert set(YARDSTICKS) <= set(MODELS)


def test_every_figure_is_one_of_verdict_json():
    frame = baselines(overlapping(np.random.default_rng(0), 300, 1))
    fields = vars(flat_verdicts(frame)[0])
    assert set(FIGURES) <= set(fields)


def test_a_tooltip_is_one_short_sentence():
    for term in TERMS.values():
        assert len(term.short) <= 100, term.name
        assert term.short.endswith("."), term.name
        assert not term.more or term.more.endswith(".")

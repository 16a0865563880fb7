from datetime import date, timedelta

import polars as pl
import pytest

from nextclose.config import DataConfig
from nextclose.data.reading.date_forms import date_format_cure
from nextclose.data.suggestions import suggestion_toml, with_suggestion
from tests.data.bar_texts import dated, part, refusals

FORMS = ["%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%y", "%d %B %y", "%y-%m-%d", "%d/%m/%Y"]
DAYS = [date(2024, 2, 5) + timedelta(days=k) for k in (0, 1, 2, 3, 4)]


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_that_fit_are_named_and_the_true_one_is_obeyed(form):
    (finding,) = refusals(dated(*(f"{day:{form}}" for day in DAYS)), symbol="AAPL")
    assert finding.code == ("E36" if "%Y" in form else "E37")
    assert f'data.date_format = "{form}"' in finding.fix
    assert "FORM" not in finding.fix
    read = part(dated(*(f"{day:{form}}" for day in DAYS)), date_format=form).frame
    assert read["session"].to_list() == DAYS


def test_several_forms_are_a_choice_and_a_lone_one_stands():
    (finding,) = refusals(dated("09/03/26", "09/04/26"), symbol="AAPL")
    assert [line[:2] for line in suggestion_toml([finding]).splitlines()[1:]] == ["# "] * 3
    (finding,) = refusals(dated("12/30/40", "12/31/40"), symbol="AAPL")
    data = with_suggestion(DataConfig(), suggestion_toml([finding]))
    assert data.date_format == "%m/%d/%y"


def test_a_form_that_fits_the_first_cell_alone_is_named_where_none_fits_all():
    cells = pl.Series(["13/03/24", "03/14/24"])
    assert date_format_cure(cells) == 'set data.date_format = "%d/%m/%y" or ' + (
        'data.date_format = "%y/%m/%d".'
    )
    assert date_format_cure(pl.Series(["99/99/24"])) == ""
    assert date_format_cure(cells[:0]) == ""

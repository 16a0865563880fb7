from dataclasses import replace

from nextclose.report.sections.reproduce import run_notes
from tests.report.synthetic import RUN, make_content


def test_the_hash_of_the_settings_is_always_there_and_the_rest_where_it_applies():
    content = make_content(("A",), n_sessions=100, n_origins=10)
    assert run_notes(content) == {"Settings hash": RUN.config_hash}
    fitted = replace(content, editions={"": 1, "2004-12-31": 4})
    assert run_notes(fitted) == {
        "Settings hash": RUN.config_hash,
        "Editions of lstm": "none that had ended, so no forecast, in 1 refit; "
        "taught up to 2004-12-31, in 4 refits",
    }

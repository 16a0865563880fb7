"""One row for each number of the input catalogue, and no number anywhere else."""

import ast
from pathlib import Path

import pytest

from nextclose.data.catalogue import Issue
from nextclose.data.rules.sequence import RULES
from nextclose.data.store.retry import MAX_SECONDS, N_TRIES
from nextclose.errors import Finding
from tests.catalogue.test_catalogue import CASES

SOURCE = Path(__file__).parents[2] / "src" / "nextclose"


def test_each_number_has_one_row_in_their_order():
    assert [issue.value for issue in Issue] == list(range(1, 92))
    assert len(Issue.__members__) == len(Issue)  # no number under two names
    assert len({issue.about for issue in Issue}) == len(Issue)


def test_a_finding_has_the_texts_of_its_row_unless_it_says_others():
    assert Issue.NO_BARS.finding("0 rows", symbol="A", row=3) == Finding(
        number=72,
        response="E",
        found="0 rows",
        rule="at least one finished bar",
        fix="correct the symbol or leave it out.",
        symbol="A",
        row=3,
    )
    other = Issue.NO_BARS.finding("none", response="W", rule="a bar", fix="")
    assert other == Finding(number=72, response="W", found="none", rule="a bar")


def test_a_response_that_the_catalogue_does_not_know_is_our_own_mistake():
    with pytest.raises(AssertionError, match="R72"):
        Issue.NO_BARS.finding("0 rows", response="R")


def test_responses_of_rules_under_any_setting_are_those_of_the_catalogue():
    for rule in RULES:
        allowed = Issue(rule.finding.number).responses
        by_policy = {policy[0] for policy in rule.policies.values() if policy}
        assert {rule.finding.response, *by_policy} <= set(allowed), rule.finding.code


@pytest.mark.parametrize("issue", Issue, ids=lambda issue: issue.name)
def test_each_code_of_the_cases_is_a_response_of_its_row(issue):
    seen = {code[0] for case in CASES for code in case.codes if int(code[1:]) == issue}
    assert seen <= set(issue.responses)


def test_refusals_have_a_cure_wherever_the_row_has_a_rule_of_its_own():
    varied = {Issue.NOT_UTF8, Issue.SEPARATOR, Issue.DECIMAL_MARK, Issue.THOUSANDS_MARK}
    varied |= {Issue.FAILED_SYMBOLS}
    for issue in set(Issue) - varied:
        if issue.rule and issue.responses[0] == "E":
            assert issue.fix.endswith("."), issue.name


def test_the_tries_of_a_download_are_those_that_its_row_tells():
    assert f"within {N_TRIES} tries in {MAX_SECONDS:.0f} s" in Issue.NO_ANSWER.rule


def is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def bare_numbers(source: str) -> list[str]:
    """Calls and comparisons in which a number of the catalogue stands as a literal."""
    hits: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            literals = [keyword.value for keyword in node.keywords if keyword.arg == "number"]
            if name in ("Finding", "UnusableFileError", "NoHistoryError", "refused_file"):
                literals += node.args
            hits += [node] * any(map(is_number, literals))
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            is_ours = any(isinstance(s, ast.Attribute) and s.attr == "number" for s in sides)
            literals = [c for s in sides for c in (s.elts if isinstance(s, ast.Tuple) else [s])]
            hits += [node] * (is_ours and any(map(is_number, literals)))
    return [ast.unparse(hit) for hit in hits]


def test_no_number_of_the_catalogue_stands_elsewhere():
    files = {str(path): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    assert {name: bare_numbers(text) for name, text in files.items() if bare_numbers(text)} == {}


@pytest.mark.parametrize(
    "line",
    [
        "Finding(number=21, response='E')",
        "raise UnusableFileError(13, 'a quote')",
        "NoHistoryError('0 rows', number=72)",
        "refused_file(path, 19, found='')",
        "any(f.number == 66 for f in findings)",
        "error.number != 71",
        "finding.number in (71, 72)",
    ],
)
def test_a_bare_number_would_be_seen(line):
    assert bare_numbers(line)


def test_findings_are_made_from_rows_of_the_catalogue_alone():
    makers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
    }
    assert makers == {"data/catalogue.py"}

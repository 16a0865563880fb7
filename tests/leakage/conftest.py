"""What `pytest tests/leakage/test_own_features.py --feature MODULE:NAME` is asked about."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--feature",
        action="append",
        default=[],
        metavar="MODULE:NAME",
        help="features of your own: a mapping from names to nextclose.Feature",
    )

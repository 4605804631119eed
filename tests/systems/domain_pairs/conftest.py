"""Prepared data of two surveys, once a session."""

import pytest

from tests.systems.domain_pairs.two_surveys import two_surveys


@pytest.fixture(scope="session")
def surveys(tmp_path_factory):
    return two_surveys(tmp_path_factory.mktemp("two_surveys"))

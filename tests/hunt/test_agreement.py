"""Krippendorff's alpha against the worked example of its paper."""

import pytest

from lcjax.hunt.agreement import agreement, krippendorff_alpha


def test_the_papers_example():
    """Krippendorff 2011, section C: nominal data, four observers, missing data: alpha 0.743."""
    columns = ["111", "2223", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3"]
    assert krippendorff_alpha(columns) == pytest.approx(0.743, abs=5e-4)


def test_pairs_and_what_is_not_defined():
    votes = {1: {"ann": "SN", "bob": "SN"}, 2: {"ann": "SN", "bob": "bogus", "carl": "SN"}, 3: {"ann": "SN"}}
    found = agreement(votes)
    assert (found.items, found.unanimous) == (2, 1)
    assert {tuple(p["users"]): (p["items"], p["share"]) for p in found.pairs} == {
        ("ann", "bob"): (2, 0.5),
        ("ann", "carl"): (1, 1.0),
        ("bob", "carl"): (1, 0.0),
    }
    assert agreement({}).alpha is None and krippendorff_alpha(["aa", "aa"]) is None

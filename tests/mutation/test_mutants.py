"""Mutants are what they say, and a sample repeats itself."""

from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray", reason="needs the extra 'mutation'")

from tests.mutation.__main__ import TESTS
from tests.mutation.mutants import all_mutants, difference, sample

SOURCE = "def half(x: int | None) -> float | None:\n    return x / 2\n"


def test_every_operation_and_number_is_changed_but_no_annotation():
    changes = [difference(SOURCE, mutant.code(SOURCE)) for mutant in all_mutants(SOURCE)]
    assert ("return x / 2", "return x * 2") in changes and ("return x / 2", "return x / 3") in changes
    assert all(before == "return x / 2" for before, _ in changes)


def test_a_sample_is_drawn_by_its_seed_and_has_one_mutant_of_a_kind_at_a_place():
    mutants = all_mutants(SOURCE)
    assert sample(mutants, 2, 5) == sample(mutants, 2, 5) and len(sample(mutants, 1, 5)) == 1
    assert {mutant.operator.split("_")[0] for mutant in sample(mutants, 99, 0)} == {
        "core/ReplaceBinaryOperator",
        "core/NumberReplacer",
    }
    assert len(sample(mutants, 99, 0)) == 2


def test_modules_and_their_tests_exist():
    root = Path(__file__).parents[2]
    assert all((root / name).is_file() for module, tests in TESTS.items() for name in [module, *tests])

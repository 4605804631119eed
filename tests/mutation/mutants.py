"""Mutants of a module, by the operators of cosmic-ray: every small wrong change of one place that it knows."""

import ast
import difflib
import random
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

NEED_ARGUMENTS = ("core/VariableReplacer", "core/VariableInserter")
"""Operators that only work on variables named beforehand."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    operator: str
    occurrence: int
    place: tuple[int, int]
    """Line (from 1) and column."""

    def code(self, source: str) -> str:
        """The changed module."""
        return mutate_code(source, get_operator(self.operator)(), self.occurrence)


def all_mutants(source: str) -> list[Mutant]:
    """Every mutant of a module; annotations are left alone, for nothing runs by them."""
    annotations = _annotations(source)
    nodes = list(ast_nodes(get_ast(source)))
    found = []
    for name in sorted(operator_names()):
        if name in NEED_ARGUMENTS:
            continue
        operator = get_operator(name)()
        places = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        found += [Mutant(name, i, place) for i, place in enumerate(places) if not _inside(place, annotations)]
    return found


def sample(mutants: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """At most `count` of them, no two of one kind at one place (an addition becomes one other operation, not eleven)."""
    shuffled = random.Random(seed).sample(mutants, len(mutants))
    sites = {(m.operator.split("_")[0], m.place): m for m in shuffled}
    return list(sites.values())[:count]


def difference(source: str, mutated: str) -> tuple[str, str]:
    """The changed lines before and after, stripped and joined."""
    lines = list(difflib.ndiff(source.splitlines(), mutated.splitlines()))
    changed = [" ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in "-+"]
    return changed[0], changed[1]


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    nodes = []
    for node in ast.walk(ast.parse(source)):
        nodes += [getattr(node, name, None) for name in ("annotation", "returns")]
    return [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in nodes if n is not None]


def _inside(place: tuple[int, int], spans: list) -> bool:
    return any(start <= place < end for start, end in spans)

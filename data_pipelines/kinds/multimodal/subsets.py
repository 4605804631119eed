"""Smaller copies of a dataset as AstroM3 has them: 50, 25 or 10 % of every split, by one cap for all classes."""

import math
from collections import Counter
from collections.abc import Mapping

from data_pipelines.splits import hashed

PARTS = {"full": 1, "sub50": 2, "sub25": 4, "sub10": 10}
"""Name -> one part of so many."""


def class_threshold(counts: Mapping[str, int], goal: int) -> int:
    """How many objects of a class are kept at most, so that about `goal` are kept in all: large classes shrink first.

    >>> class_threshold({"a": 10, "b": 4, "c": 100}, 30)
    16
    """
    ordered = sorted(counts.values())
    total, i = len(ordered) * ordered[0], 0
    while i + 1 < len(ordered):
        more = total + (len(ordered) - 1 - i) * (ordered[i + 1] - ordered[i])
        if more >= goal:
            break
        total, i = more, i + 1
    return (goal - total) // max(len(ordered) - 1 - i, 1) + ordered[i]


def subset(labels: Mapping[str, str | None], part: str, seed: int) -> set[str]:
    """The objects of one split that a subset keeps; unlabelled ones are a class of their own.

    >>> sorted(subset({"1": "a", "2": "a", "3": "b"}, "full", 0))
    ['1', '2', '3']
    """
    if part == "full" or not labels:
        return set(labels)
    counts = Counter(label or "" for label in labels.values())
    most = max(class_threshold(counts, math.floor(len(labels) / PARTS[part])), 1)
    kept: set[str] = set()
    for name in counts:
        members = [object_id for object_id, label in labels.items() if (label or "") == name]
        kept |= set(sorted(members, key=lambda object_id: hashed(seed, "subset", object_id))[:most])
    return kept

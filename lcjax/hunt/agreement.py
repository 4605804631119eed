"""How well users agree: Krippendorff's alpha for nominal labels, which takes any number of votes an item.

Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section D (nominal data, any number of observers, missing
data). 1: perfect; 0: as by chance; below: systematic disagreement.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any


@dataclass(frozen=True)
class Agreement:
    """Of several users."""

    alpha: float | None
    """Krippendorff's; None where no two votes can be compared, or all are of one label."""
    items: int
    """Candidates with at least two votes."""
    unanimous: int
    """Of them: all votes alike."""
    pairs: list[dict[str, Any]]
    """`users`, `items` both voted on, `share` of equal labels."""


def agreement(votes: Mapping[int, Mapping[str, str]]) -> Agreement:
    """Of votes: candidate -> user -> label."""
    several = [item for item in votes.values() if len(item) >= 2]
    users = sorted({user for item in several for user in item})
    pairs = []
    for one, other in combinations(users, 2):
        both = [item for item in several if one in item and other in item]
        if both:
            share = sum(item[one] == item[other] for item in both) / len(both)
            pairs.append({"users": [one, other], "items": len(both), "share": share})
    unanimous = sum(len(set(item.values())) == 1 for item in several)
    return Agreement(krippendorff_alpha([item.values() for item in several]), len(several), unanimous, pairs)


def krippendorff_alpha(items: Iterable[Iterable[str]]) -> float | None:
    """Of the labels that each item was given; None where it is not defined.

    >>> krippendorff_alpha([("a", "a"), ("b", "b")])
    1.0
    """
    counts = [Counter(labels) for labels in items]
    counts = [count for count in counts if count.total() >= 2]
    totals = sum(counts, Counter[str]())
    n = totals.total()
    unlike = sum((count.total() ** 2 - sum(k * k for k in count.values())) / (count.total() - 1) for count in counts)
    expected = n * n - sum(k * k for k in totals.values())
    return None if not expected else 1 - (n - 1) * unlike / expected

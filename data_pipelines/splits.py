"""Splits by object: stratified by class, seeded, the same for the same ids whatever their order."""

import hashlib
from collections.abc import Callable, Mapping

from lcjax.errors import ConfigError, DataError

SPLITS = ("train", "validation", "test")


def hashed(seed: int, *names: object) -> bytes:
    """What things are ordered by where the order shall be random and depend on nothing but the seed and their names."""
    return hashlib.sha256(":".join(map(str, (seed, *names))).encode()).digest()


def assign_splits(
    labels: Mapping[str, str | None], fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0
) -> dict[str, str]:
    """Object id -> `train`, `validation` or `test`.

    Within each class objects are ordered by a hash of (seed, id) and cut at the fractions, so that every class has its share
    everywhere, and at least one object: of one object train has it, of two train and test, as far as these are asked for.

    >>> sorted(assign_splits({str(i): "a" for i in range(10)}).values()).count("train")
    8
    """
    if len(fractions) != 3 or min(fractions) < 0 or not 0 < sum(fractions) <= 1 + 1e-9:
        raise ConfigError(f"split fractions {fractions} must be three numbers >= 0 that add up to 1")
    by_class: dict[str, list[str]] = {}
    for object_id, label in labels.items():
        by_class.setdefault(label or "", []).append(object_id)
    splits = {}
    for members in by_class.values():
        members.sort(key=lambda object_id: hashed(seed, object_id))
        first = round(len(members) * (1 - fractions[1] - fractions[2]))
        second = round(len(members) * (1 - fractions[2]))
        counts = _at_least_one([first, second - first, len(members) - second], fractions)
        for split, count in zip(SPLITS, counts, strict=True):
            splits |= dict.fromkeys(members[:count], split)
            members = members[count:]
    _fill_empty(splits, fractions, seed)
    return splits


def assign_by_star(
    labels: Mapping[str, str | None],
    star_of: Mapping[str, str],
    fixed: Mapping[str, str],
    assign: Callable[[Mapping[str, str | None]], dict[str, str]],
) -> dict[str, str]:
    """Object id -> split, where several ids may be one star.

    Args:
      labels: of all ids. star_of: id -> name of its star. fixed: id -> split that its star has elsewhere.
      assign: labels of the other stars -> their splits.

    Raises:
      DataError: the ids of a star are in several splits elsewhere.

    >>> assign_by_star({"g1": "a", "r1": "a"}, {"g1": "g1", "r1": "g1"}, {"r1": "test"}, assign_splits)
    {'g1': 'test', 'r1': 'test'}
    """
    taken: dict[str, str] = {}
    for object_id, split in fixed.items():
        if taken.setdefault(star_of[object_id], split) != split:
            raise DataError(
                f"the ids of the star of '{object_id}' are in several splits elsewhere: give datasets that agree"
            )
    free: dict[str, str | None] = {}
    for object_id in sorted(labels):
        if (star := star_of[object_id]) not in taken:
            free[star] = free.get(star) or labels[object_id]
    splits = taken | assign(free)
    return {object_id: splits[star_of[object_id]] for object_id in labels}


def _at_least_one(counts: list[int], fractions: tuple[float, float, float]) -> list[int]:
    """Gives train, test and validation, in this order, one object of the largest split each, where rounding left them none.

    >>> [_at_least_one(c, (0.8, 0.1, 0.1)) for c in ([1, 1, 0], [2, 0, 0], [4, 1, 0], [5, 0, 1], [0, 1, 0])]
    [[1, 0, 1], [1, 0, 1], [3, 1, 1], [4, 1, 1], [1, 0, 0]]
    """
    wanted = [i for i in (0, 2, 1) if fractions[i] > 0]
    few = sum(counts) < len(wanted)
    if few:
        return [int(i in wanted[: sum(counts)]) for i in range(3)]
    for i in wanted:
        if not counts[i]:
            largest = max(range(3), key=lambda j: counts[j])
            counts[largest] -= 1
            counts[i] += 1
    return counts


def assign_per_class(
    labels: Mapping[str, str | None], sizes: Mapping[str, int], count: int, seed: int
) -> dict[str, str]:
    """Object id -> split, with `count` records of each class in test, as many in validation, the rest in train.

    Objects are taken whole, in the order of a hash, until there are as many records; unlabelled ones train.

    Args:
      labels: of the objects. sizes: records of each object.

    Raises:
      DataError: a class has too few.

    >>> labels = {str(i): "a" for i in range(5)}
    >>> sorted(assign_per_class(labels, dict.fromkeys(labels, 1), 2, 0).values())
    ['test', 'test', 'train', 'validation', 'validation']
    """
    splits: dict[str, str] = {}
    by_class: dict[str, list[str]] = {}
    for object_id, label in labels.items():
        if label:
            by_class.setdefault(label, []).append(object_id)
        else:
            splits[object_id] = "train"
    for label, members in sorted(by_class.items()):
        waiting = sorted(members, key=lambda object_id: hashed(seed, object_id), reverse=True)
        for split in ("test", "validation"):
            taken = 0
            while taken < count and waiting:
                taken += sizes[waiting[-1]]
                splits[waiting.pop()] = split
        if not waiting:
            raise DataError(
                f"class '{label}' has {sum(sizes[i] for i in members):,} alerts of {len(members):,} objects, too few for {count:,} in "
                "test, as many in validation and any in training: give a smaller --alerts.per-class, or use --fractions"
            )
        splits |= dict.fromkeys(waiting, "train")
    return splits


def _fill_empty(splits: dict[str, str], fractions: tuple[float, float, float], seed: int) -> None:
    """Gives a split that was asked for but stayed empty (few objects, all classes rare) one object of the fullest."""
    for split, fraction in zip(SPLITS, fractions, strict=True):
        if fraction <= 0 or split in splits.values() or len(splits) < sum(f > 0 for f in fractions):
            continue
        members: dict[str, list[str]] = {}
        for object_id, name in splits.items():
            members.setdefault(name, []).append(object_id)
        fullest = max(members.values(), key=len)
        splits[min(fullest, key=lambda object_id: hashed(seed, object_id))] = split

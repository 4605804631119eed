"""Which of the usable alerts become records: all of an object or one, and no more objects of a class than wanted.

Every choice is by a hash of the seed and the ids, so that it is the same whatever the order of the files.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from data_pipelines.splits import hashed
from lcjax.errors import ConfigError

Key = tuple[str, int]
"""(object id, alert id)"""
Keep = Literal["all", "first", "random"]


def label_objects(labels: Mapping[Key, str]) -> dict[str, str | None]:
    """Object -> the label most of its alerts have, None without any.

    >>> label_objects({("a", 1): "SN", ("a", 2): "", ("b", 3): ""})
    {'a': 'SN', 'b': None}
    """
    votes: dict[str, Counter] = {}
    for (object_id, _), label in labels.items():
        votes.setdefault(object_id, Counter())[label] += bool(label)
    return {object_id: count.most_common(1)[0][0] or None for object_id, count in votes.items()}


def choose_alerts(times: Mapping[Key, float], keep: Keep, seed: int) -> set[Key]:
    """The alerts to keep of each object.

    Args:
      times: of every usable alert, days; NaN is later than all others.
    """
    if keep == "all":
        return set(times)
    when = lambda key: times[key] if times[key] == times[key] else math.inf
    order = (lambda key: (when(key), key[1])) if keep == "first" else (lambda key: hashed(seed, *key))
    best: dict[str, Key] = {}
    for key in times:
        best[key[0]] = min(best.get(key[0], key), key, key=order)
    return set(best.values())


def objects_within_caps(labels: Mapping[str, str | None], caps: Mapping[str, int], seed: int) -> set[str]:
    """Objects that stay when no class may have more than its cap.

    >>> sorted(objects_within_caps({"a": "SN", "b": "AGN", "c": None}, {"SN": 0}, 0))
    ['b', 'c']

    Raises:
      ConfigError: there is no such class.
    """
    members: dict[str | None, list[str]] = {}
    for object_id, label in labels.items():
        members.setdefault(label, []).append(object_id)
    if unknown := sorted(caps.keys() - members.keys()):
        have = ", ".join(sorted(filter(None, members))) or "none"
        raise ConfigError(f"--alerts.cap speaks of the class '{unknown[0]}', and the labels are {have}")
    kept: set[str] = set()
    for label, objects in members.items():
        objects.sort(key=lambda object_id: hashed(seed, object_id))
        kept.update(objects[: caps[label]] if label in caps else objects)
    return kept


def parse_caps(texts: Iterable[str]) -> dict[str, int]:
    """Class -> objects, from `CLASS=N`.

    >>> parse_caps(("AGN=4000", "SN=12"))
    {'AGN': 4000, 'SN': 12}

    Raises:
      ConfigError: written otherwise, or a class twice.
    """
    caps: dict[str, int] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if not name or not number.isdigit() or name in caps:
            raise ConfigError(f"--alerts.cap has '{text}': write CLASS=N, each class once")
        caps[name] = int(number)
    return caps

"""Stars that a model trains on, or is chosen by, and is judged by: left out of training and validation, and said before scores are
printed. What is said of stars goes for the objects of alerts and for host fields.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.stars import STARS, find_leaks
from lcjax.errors import DataError

Leaving = Mapping[Path, frozenset[str]]
"""Folder of a dataset -> object ids to leave out."""
LEFT_OUT = {"train": "left_out", "validation": "left_out_of_validation"}
"""Split -> where the record of a run says how many were left out of it."""

_HELD_OUT_OF = {"train": ("validation", "test"), "validation": ("test",)}
"""Split that has a part in the weights (validation chooses the best) -> splits that must have no star of it."""
_USED = {"train": "training", "validation": "validation"}


def leaking_stars(data: Sequence[Path], on_leak: str, say: Callable[[str], None]) -> dict[str, Leaving]:
    """What to leave out of `train` because its stars are held out too, and of `validation` because they are in a test split:
    object ids, by the folders of their datasets.

    Args:
      on_leak: `leave_out`, `raise`, or `keep` to look for none. say: told how many.

    Raises:
      DataError: there are some, and `on_leak` is `raise`.
    """
    if on_leak == "keep":
        return {}
    manifests, out = _manifests(data), {}
    if len(manifests) == 1 and STARS in manifests[0].side_files:  # split by star
        return {}
    for split, held_out in _HELD_OUT_OF.items():
        leaks = find_leaks(manifests, None, held_out, split)
        if not leaks.count:
            continue
        where = "held out too" if split == "train" else "in a test split too"
        text = f"{leaks.count:,} {_USED[split]} stars are {where} ({leaks.example})"
        if on_leak == "raise":
            raise DataError(f"{text}: prepare one dataset with --stars.like the other, or use --on-leak leave_out")
        if len(manifests) == 1:  # left alone, so that runs of then go on
            say(f"{text}: this dataset was not split by place; prepare it again with this lcjax")
            continue
        say(f"{text}: left out of {_USED[split]} (--on-leak)")
        out[split] = leaks.ids
    return out


def say_what_it_trained_on(
    record: Mapping[str, Any], data: Sequence[Path], split: str, say: Callable[[str], None], best: bool = True
) -> int:
    """Says, where it is so, how many stars of a split trained the model, or chose its weights; returns their number.

    Args:
      record: of the run, as `config.json` has it. data, split: that it is judged by. best: whether its best weights are.
    """
    about = record.get("data", {})
    trained = [Path(path) for path in about.get("paths", []) if Path(path).exists()]
    if not trained:
        return 0
    total = 0
    for used, held_out in _HELD_OUT_OF.items():
        if split not in held_out or (used == "validation" and not best):
            continue
        with contextlib.suppress(DataError):  # of data that was not asked for, and may be another by now
            known = _manifests(trained)
            left_out = find_leaks(known, None, held_out, used).ids if about.get(LEFT_OUT[used]) else {}
            leaks = find_leaks(known, _manifests(data), (split,), used)
            count = sum(len(ids - left_out.get(folder, frozenset())) for folder, ids in leaks.ids.items())
            did = "trained this model" if used == "train" else "chose the best weights of this model"
            if count:
                say(f"{count:,} stars that {did} are in this {split} split ({leaks.example}): its scores flatter it")
            total += count
    return total


def _manifests(data: Sequence[Path]) -> list[Manifest]:
    return [read_manifest(folder) for folder in find_datasets(data)]

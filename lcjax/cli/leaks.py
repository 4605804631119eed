"""Stars that a model trains on and is judged by: left out of training, and said before scores are printed."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from lcjax.errors import DataError

if TYPE_CHECKING:
    from data_pipelines.shards.manifest import Manifest


def leaking_stars(data: Sequence[Path], on_leak: str) -> Mapping[Path, frozenset[str]]:
    """Object ids to leave out of training because their stars are held out too, by the folders of their datasets; says how many.

    Args:
      on_leak: `leave_out`, `raise`, or `keep` to look for none.

    Raises:
      DataError: there are some, and `on_leak` is `raise`.
    """
    from data_pipelines.shards.stars import find_leaks

    if on_leak == "keep":
        return {}
    manifests = _manifests(data)
    if len(manifests) == 1:  # split by star
        return {}
    leaks = find_leaks(manifests)
    if not leaks.count:
        return {}
    text = f"{leaks.count:,} training stars are held out too ({leaks.example})"
    if on_leak == "raise":
        raise DataError(f"{text}: prepare one dataset with --stars.like the other, or use --on-leak leave_out")
    _say(f"{text}: left out of training (--on-leak)")
    return leaks.ids


def say_what_it_trained_on(record: Mapping[str, Any], data: Sequence[Path], split: str) -> int:
    """Says, where it is so, how many stars of a split trained the model; returns their number.

    Args:
      record: of the run, as `config.json` has it. data, split: that it is judged by.
    """
    from data_pipelines.shards.stars import find_leaks

    about = record.get("data", {})
    trained = [Path(path) for path in about.get("paths", []) if Path(path).exists()]
    if split == "train" or not trained:
        return 0
    with contextlib.suppress(DataError):  # of data that was not asked for, and may be another by now
        known = _manifests(trained)
        left_out = find_leaks(known).ids if about.get("left_out") else {}
        leaks = find_leaks(known, _manifests(data), (split,))
        count = sum(len(ids - left_out.get(folder, frozenset())) for folder, ids in leaks.ids.items())
        if count:
            _say(
                f"{count:,} stars that trained this model are in this {split} split ({leaks.example}): its scores flatter it"
            )
        return count
    return 0


def _manifests(data: Sequence[Path]) -> "list[Manifest]":
    from data_pipelines.shards.manifest import find_datasets, read_manifest

    return [read_manifest(folder) for folder in find_datasets(data)]


def _say(text: str) -> None:
    Console(stderr=True).print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)

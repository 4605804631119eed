"""Which ids are one star when splits are made: by place, by a table of matches, and as in datasets that are there already."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipelines.shards.manifest import find_datasets, read_manifest
from data_pipelines.shards.stars import Stars, read_stars, same_stars
from lcjax.errors import ConfigError, DataError


@dataclass(frozen=True)
class StarSettings:
    """Splits are by star, and a star may have several ids."""

    arcsec: float | None = None
    """Ids within so many arcseconds are one star, here and when datasets are compared (light curves need columns ra and dec,
    degrees); 0: places are not looked at. Default: as the survey is, 2 for your own files, 1.5 for alerts."""
    like: tuple[Path, ...] = ()
    """Prepared datasets: a star that is in one of them gets the split that it has there."""
    match: Path | None = None
    """CSV table that says which star here is which in --stars.like, where places do not."""
    match_columns: tuple[str, str] | None = None
    """Its columns: the ids here, and those in --stars.like."""


def splits_elsewhere(stars: Stars, settings: StarSettings) -> dict[str, str]:
    """Object id -> split, for the stars that are in the datasets of `settings.like`.

    Raises:
      ConfigError: settings that do not belong together. DataError: the table of matches cannot be used, or a star is in several
        splits there.
    """
    if settings.match and not (settings.like and settings.match_columns):
        raise ConfigError("--stars.match needs --stars.like, and --stars.match-columns HERE THERE")
    if not settings.like:
        return {}
    tables = [read_stars(read_manifest(folder)) for folder in find_datasets(settings.like)]
    found: dict[str, set[str]] = defaultdict(set)
    pairs = same_stars([stars, *tables])
    ids, splits = (np.concatenate([getattr(t, what) for t in [stars, *tables]]) for what in ("ids", "splits"))
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    for one, two in pairs[(pairs[:, 0] < len(stars)) & (pairs[:, 1] >= len(stars))].tolist():
        found[ids[one]].add(splits[two])
    known: dict[str, set[str]] = defaultdict(set)
    for table in tables if settings.match else ():
        for name, split in zip(table.ids.tolist(), table.splits.tolist(), strict=True):
            known[name].add(split)
    own = set(stars.ids.tolist())
    for here, there in _matches(settings):
        if here in own and there in known:
            found[here] |= known[there]
    if several := sorted(name for name, some in found.items() if len(some) > 1):
        raise DataError(
            f"{len(several):,} stars are in several splits of the datasets of --stars.like (first '{several[0]}': "
            f"{' and '.join(sorted(found[several[0]]))}): give datasets that agree"
        )
    return {name: some.pop() for name, some in found.items()}


def _matches(settings: StarSettings) -> list[tuple[str, str]]:
    if settings.match is None or settings.match_columns is None:
        return []
    from data_pipelines.sources.csv_tables import (
        named_rows,
    )  # which needs the columns of light curves, and these the stars

    try:
        with open(settings.match, newline="", encoding="utf-8-sig") as file:
            names, rows = named_rows(settings.match, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the table of matches '{settings.match}' cannot be read ({error})") from error
    for name in settings.match_columns:
        if name not in names:
            raise DataError(f"'{settings.match}' has no column '{name}': it has {', '.join(names) or 'nothing'}")
    here, there = settings.match_columns
    return [((row[here] or "").strip(), (row[there] or "").strip()) for _, row in rows]

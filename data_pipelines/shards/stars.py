"""`stars.parquet`: which stars a dataset has, where they are and in which split; and which stars of several datasets are one.

Ids differ from survey to survey and, in some, from filter to filter. A star that trains under one id and tests under another is
a leak: places tell. What is said of stars goes for the objects of alerts and for the transients of host fields.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.shards.manifest import Manifest
from lcjax.errors import DataError, first_line

STARS = "stars.parquet"
PLACE_ARCSEC = 1.5
"""Of objects of alerts: within which ZTF counts detections as one object (Masci et al. 2019, PASP 131, 018003)."""
MOVES_ARCSEC = 10.0
"""An object whose records lie farther apart moves, and has no place."""
_ARCSEC, _SAME_IDS = b"arcsec", b"same_ids"
_FEW_IDS, _MOST_IDS = 12, 50
"""Ids that a star may have: filters, fields, quadrants."""
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Stars:
    """N stars, each once."""

    ids: np.ndarray
    """(N,) object array of str."""
    places: np.ndarray
    """(N, 2) float64: ra, dec in degrees, NaN where unknown."""
    splits: np.ndarray
    """(N,) object array of str."""
    arcsec: float = 0.0
    """Within which the survey's places of one star lie; 0: they are not to be compared."""
    same_ids: bool = False
    """Whether equal ids are one star also where places say nothing of it: ids of surveys of alerts are never given twice."""

    def __len__(self) -> int:
        return len(self.ids)


def make_stars(
    split_of: Mapping[str, str], places: Mapping[str, tuple[float, float]], arcsec: float, same_ids: bool = False
) -> Stars:
    """Of dictionaries by object id; `places` are ra and dec in degrees."""
    ids = list(split_of)
    table = np.array([places.get(name, (np.nan, np.nan)) for name in ids], np.float64).reshape(-1, 2)
    return Stars(np.array(ids, object), table, np.array(list(split_of.values()), object), arcsec, same_ids)


def note_place(places: dict[str, tuple[float, float]], object_id: str, ra: float, dec: float) -> None:
    """Keeps the first place (degrees) of an object; NaN where a later one is so far away that the object moves."""
    if not math.isfinite(ra + dec):
        return
    ra0, dec0 = places.setdefault(object_id, (ra, dec))
    if (ra, dec) != (ra0, dec0) and not _chord(*map(math.radians, (ra, dec, ra0, dec0))) <= _chord_of(MOVES_ARCSEC):
        places[object_id] = (math.nan, math.nan)


def _chord(ra: float, dec: float, ra0: float, dec0: float) -> float:
    """Distance through the unit sphere, of radians."""
    half = math.sin((dec - dec0) / 2) ** 2 + math.cos(dec) * math.cos(dec0) * math.sin((ra - ra0) / 2) ** 2
    return 2 * math.sqrt(half)


def _chord_of(arcsec: float) -> float:
    return 2 * math.sin(math.radians(arcsec / 3600) / 2)


def write_stars(folder: Path, stars: Stars) -> None:
    """Beside the shards; before the manifest, which covers it."""
    columns = {"object_id": stars.ids.tolist(), "ra": stars.places[:, 0], "dec": stars.places[:, 1]}
    table = pa.table(columns | {"split": stars.splits.tolist()}, schema=_schema(stars))
    pq.write_table(table, folder / STARS)


def _schema(stars: Stars) -> pa.Schema:
    fields = [("object_id", pa.string()), ("ra", pa.float64()), ("dec", pa.float64()), ("split", pa.string())]
    known = {_ARCSEC: str(stars.arcsec).encode()} | ({_SAME_IDS: b"1"} if stars.same_ids else {})
    return pa.schema(fields, metadata=known)


def read_stars(manifest: Manifest) -> Stars:
    """The stars of a dataset; of one without such a table, the ids of its index, at its places where it has any.

    Raises:
      DataError: the table or the index is damaged.
    """
    path = manifest.folder / STARS
    if STARS not in manifest.side_files:
        return _indexed_stars(manifest)
    manifest.check_side_file(STARS)
    try:
        table = pq.read_table(path)
        arcsec, same_ids = float(table.schema.metadata[_ARCSEC]), _SAME_IDS in table.schema.metadata
        places = np.stack([table["ra"].to_numpy(), table["dec"].to_numpy()], axis=1)
        texts = (np.array(table[name].to_pylist(), object) for name in ("object_id", "split"))
        ids, splits = texts
    except Exception as error:  # Arrow reports damage through many classes and in several lines
        text = first_line(error)
        raise DataError(f"'{path}' cannot be read ({text}): restore it or prepare the data again") from error
    return Stars(ids, places, splits, arcsec, same_ids)


def _indexed_stars(manifest: Manifest) -> Stars:
    """Of alerts and host fields that were prepared before there was a table."""
    split_of: dict[str, str] = {}
    places: dict[str, tuple[float, float]] = {}
    for split in dict.fromkeys(shard.split for shard in manifest.shards):
        index = manifest.index(split)
        ids = index.object_ids().tolist()
        split_of |= dict.fromkeys(ids, split)
        if {"ra", "dec"} <= index.columns.keys():
            for name, ra, dec in zip(ids, index["ra"].tolist(), index["dec"].tolist(), strict=True):
                note_place(places, name, ra, dec)
    shared = Counter(places.values())
    own = {
        name: place for name, place in places.items() if shared[place] <= _MOST_IDS
    }  # else that of a field, or made up
    return make_stars(split_of, own, PLACE_ARCSEC if own else 0.0, bool(places))


def same_stars(tables: Sequence[Stars]) -> np.ndarray:
    """Pairs of entries that are one star, (P, 2) int64, into the tables one behind the other.

    They are one when they lie within the larger `arcsec` of the two datasets; where one has no place, or ids are the same
    everywhere (`same_ids`) in both, when their ids are equal.

    Raises:
      DataError: so many lie within `arcsec` of each other that these are not the places of stars.
    """
    if not tables:
        return np.zeros((0, 2), np.int64)
    places = np.concatenate([table.places for table in tables])
    reach = np.concatenate([np.full(len(table), table.arcsec) for table in tables])
    ids = np.concatenate([table.ids for table in tables])
    placed = np.isfinite(places).all(axis=1) & (reach > 0)
    sure = np.concatenate([np.full(len(table), table.same_ids) for table in tables])
    pairs = [_close(places, reach, ids, np.flatnonzero(placed)), _namesakes(ids, placed, sure)]
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def _close(places: np.ndarray, reach: np.ndarray, ids: np.ndarray, which: np.ndarray) -> np.ndarray:
    if len(which) < 2:
        return np.zeros((0, 2), np.int64)
    from scipy.spatial import cKDTree

    ra, dec = np.deg2rad(places[which]).T
    points = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    radius = np.deg2rad(reach[which] / 3600)
    tree, farthest = cKDTree(points), 2 * np.sin(radius.max() / 2)
    neighbours = int(tree.count_neighbors(tree, farthest)) - len(which)
    if neighbours > _MOST_IDS * len(which):
        crowded = which[int(np.argmax(tree.query_ball_point(points[:1000], farthest, return_length=True)))]
        raise DataError(
            f"{len(which):,} ids have {neighbours / len(which):,.0f} others within {reach.max():g} arcsec on average ('{ids[crowded]}' is one "
            "of them): are these places of fields? Prepare the data with a smaller --stars.arcsec, or 0 to leave places alone"
        )
    pairs = tree.query_pairs(farthest, output_type="ndarray")
    one, two = pairs.T
    chord = np.linalg.norm(points[one] - points[two], axis=1)
    near = chord <= 2 * np.sin(np.maximum(radius[one], radius[two]) / 2)
    return which[pairs[near]].astype(np.int64)


def _namesakes(ids: np.ndarray, placed: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Pairs of equal ids of which one has no place, or both are `sure` to be the same everywhere."""
    _, number = np.unique(ids.astype(str), return_inverse=True)
    order = np.argsort(number, kind="stable")
    edges = np.flatnonzero(np.diff(number[order])) + 1
    pairs = []
    for group in np.split(order, edges):
        if len(group) > 1:
            one, two = np.triu_indices(len(group), 1)
            found = np.stack([group[one], group[two]], axis=1)
            pairs.append(found[~placed[found].all(axis=1) | sure[found].all(axis=1)])
    return np.concatenate([np.zeros((0, 2), np.int64), *pairs])


def star_groups(stars: Stars) -> dict[str, str]:
    """Object id -> the star it belongs to, named by the smallest of its ids: ids at one place are one.

    Raises:
      DataError: so many ids are at one place that it is not that of a star.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = same_stars([stars])
    size = (len(stars), len(stars))
    _, number = connected_components(coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=size))
    sizes = np.bincount(number) if len(stars) else np.zeros(1, int)
    most = int(sizes.max())
    if most > _MOST_IDS or (most > _FEW_IDS and 2 * most > len(stars)):
        first = stars.ids[np.flatnonzero(number == np.argmax(sizes))[0]]
        raise DataError(
            f"{most:,} of {len(stars):,} ids lie within {stars.arcsec:g} arcsec of their neighbours, '{first}' among them, so that they would be "
            "one star: is it the place of a field, or a crowded one? Give a smaller --stars.arcsec, or 0 to leave places alone"
        )
    name: dict[int, str] = {}
    for group, object_id in zip(number.tolist(), stars.ids.tolist(), strict=True):
        name[group] = min(name.get(group, object_id), object_id)
    return {object_id: name[group] for group, object_id in zip(number.tolist(), stars.ids.tolist(), strict=True)}


@dataclass(frozen=True)
class Leaks:
    """Stars that a model learns from, or is chosen by, and that are held out too."""

    ids: dict[Path, frozenset[str]]
    """Dataset folder -> object ids in its split that is used."""
    count: int
    """Entries in all."""
    example: str
    """One of them, in words."""


def find_leaks(
    training: Sequence[Manifest],
    held_out: Sequence[Manifest] | None = None,
    splits: Sequence[str] = _SPLITS[1:],
    used: str = "train",
) -> Leaks:
    """Stars of the `used` splits that are in `splits` of these, or of other, datasets.

    Args:
      held_out: None: the same datasets. used: `train`, or `validation`, by which the best weights are chosen.

    Raises:
      DataError: what a dataset says of its stars is damaged.
    """
    everything = {manifest.folder.resolve(): manifest for manifest in [*training, *(held_out or ())]}
    folders, manifests = list(everything), list(everything.values())
    tables = [read_stars(manifest) for manifest in manifests]
    owner = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    ids, names = (np.concatenate([getattr(t, what) for t in tables]) for what in ("ids", "splits"))
    member = lambda some: np.isin(owner, [folders.index(m.folder.resolve()) for m in some])
    trains = (names == used) & member(training)
    held = np.isin(names, list(splits)) & member(training if held_out is None else held_out)
    pairs = same_stars(tables)
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[trains[pairs[:, 0]] & held[pairs[:, 1]]]
    leaking = np.unique(pairs[:, 0])
    found = {folder: frozenset(ids[leaking[owner[leaking] == i]].tolist()) for i, folder in enumerate(folders)}
    text = ""
    if len(pairs):
        one, two = pairs[0]
        of = lambda i: f"'{ids[i]}' of {manifests[owner[i]].name}"
        text = f"{of(one)} is {of(two)}, which is in its {names[two]} split"
    return Leaks({folder: some for folder, some in found.items() if some}, len(leaking), text)

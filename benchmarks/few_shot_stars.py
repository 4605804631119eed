"""Stars of the few-shot benchmark: labelled ones to learn from, and others, which no contestant has seen, to be scored on.

The training split is what there is to learn from; the validation split is the development part, on which choices are made; the
test split is held out. A star that is in the training split of one survey and in another split of another is left out of
training, and one of the development part that is held out elsewhere is left out of the development part.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.records import shard_records
from data_pipelines.shards.stars import find_leaks, read_stars, same_stars
from data_pipelines.splits import hashed
from lcjax.errors import DataError
from lcjax.transforms.windows import sequential_edges

CLASSES: Mapping[str, tuple[str, ...]] = {
    "asas_acvs": ("MIRA", "EC", "ED", "ESD", "RRab", "DSCT"),
    "crts_sss": ("EW", "EA", "RRab", "RRc", "ROT", "LPV"),
}
"""Of the few-shot tables."""
SHARED: Mapping[str, Mapping[str, str]] = {
    "asas_acvs": {"EC": "contact", "ED": "detached", "RRab": "RRab", "RRc": "RRc", "MIRA": "long-period"},
    "crts_sss": {"EW": "contact", "EA": "detached", "RRab": "RRab", "RRc": "RRc", "LPV": "long-period"},
    "debosscher Hp": {"RRab": "RRab", "RRc": "RRc", "MIRA": "long-period"},
    "debosscher I or V (not stated)": {"EW": "contact", "EA": "detached"},
}
"""Classes that surveys share, by the names of the transfer tables. Semi-detached binaries and delta Scuti stars are left out: the
catalogues disagree about most of those that are in both."""
PARTS = ("development", "held out")
_PART_OF = {"train": "train", "validation": PARTS[0], "test": PARTS[1]}
WINDOW = 200


@dataclasses.dataclass(frozen=True)
class Curve:
    """One light curve of one star."""

    object_id: str
    survey: str
    """Dataset, with its band where classes depend on it."""
    label: str
    part: str
    """`train`, or one of `PARTS`."""
    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray


def read_curves(data: Sequence[Path], pool: int, tested: int, seed: int = 0) -> list[Curve]:
    """Labelled light curves of the classes above, chosen by a hash of their ids.

    Args:
      data: prepared datasets. pool: stars of each class to learn from, at most. tested: in each part, at most.

    Raises:
      DataError: no such data, or none of it is of the benchmark.
    """
    manifests = [read_manifest(folder) for folder in find_datasets(data)]
    barred = _barred(manifests)
    curves: list[Curve] = []
    for manifest in manifests:
        curves += _of_dataset(manifest, barred.get(manifest.folder.resolve(), frozenset()), pool, tested, seed)
    if not curves:
        raise DataError(f"{', '.join(map(str, data))} has no stars of {', '.join(CLASSES)}: prepare these")
    return curves


def _of_dataset(manifest: Manifest, barred: frozenset[str], pool: int, tested: int, seed: int) -> list[Curve]:
    chosen: dict[str, set[tuple[str, str]]] = {}
    for split, part in _PART_OF.items():
        if not manifest.split(split):
            continue
        index = manifest.index(split)
        members: dict[tuple[str, str], list[str]] = {}
        bands = index.band_names[index.band] if len(index) else []
        for name, number, band in zip(index.object_ids().tolist(), index.label.tolist(), bands, strict=True):
            label = manifest.class_names[number] if number >= 0 else ""
            survey = _survey(manifest, str(band))
            if name not in barred and label in (*CLASSES.get(survey, ()), *SHARED.get(survey, ())):
                members.setdefault((survey, label), []).append(name)
        limit = pool if part == "train" else tested
        chosen[split] = {
            (key[0], name)
            for key, names in members.items()
            for name in sorted(set(names), key=lambda name: hashed(seed, name))[:limit]
        }
    curves = []
    for split, wanted in chosen.items():
        some = dataclasses.replace(manifest, shards=manifest.split(split))
        found = shard_records(some, lambda features, split=split: _curve(features, manifest, _PART_OF[split]))
        curves += [curve for curve in found if (curve.survey, curve.object_id) in wanted]
    return curves


def stars_of_split(data: Sequence[Path], split: str, without: Mapping[Path, frozenset[str]]) -> list[Curve]:
    """All light curves of a split, labelled or not, of each band by itself.

    Args:
      without: ids that are left out, by folder of the dataset (see `hidden_elsewhere`).
    """
    curves: list[Curve] = []
    for manifest in (read_manifest(folder) for folder in find_datasets(data)):
        some = dataclasses.replace(manifest, shards=manifest.split(split))
        found = shard_records(some, lambda features, manifest=manifest: _curve(features, manifest, _PART_OF[split]))
        left_out = without.get(manifest.folder.resolve(), frozenset())
        curves += [curve for curve in found if curve.object_id not in left_out]
    return curves


def hidden_elsewhere(data: Sequence[Path]) -> dict[Path, frozenset[str]]:
    """By dataset: ids whose star is in a part that it must not be in twice."""
    return _barred([read_manifest(folder) for folder in find_datasets(data)])


def _survey(manifest: Manifest, band: str) -> str:
    """Where labels are confounded with the survey, each band is one of its own."""
    return f"{manifest.name} {band}" if len(manifest.bands) > 1 else manifest.name


def _curve(features: dict, manifest: Manifest, part: str) -> Curve:
    series = {name: np.frombuffer(features[name], "<f4") for name in ("time", "magnitude", "magnitude_error")}
    reference = np.frombuffer(features["reference_mjd"], "<f8").item()
    label = int(features["label"])
    return Curve(
        bytes(features["object_id"]).decode(),
        _survey(manifest, bytes(features["band"]).decode()),
        manifest.class_names[label] if label >= 0 else "",
        part,
        series["time"].astype(np.float64) + reference,
        series["magnitude"],
        series["magnitude_error"],
    )


def _barred(manifests: Sequence[Manifest]) -> dict[Path, frozenset[str]]:
    """By dataset: ids whose star is in a part that it must not be in twice."""
    found = {folder: set(ids) for folder, ids in find_leaks(manifests).ids.items()}
    tables = [read_stars(manifest) for manifest in manifests]
    owner = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    ids, splits = (np.concatenate([getattr(table, name) for table in tables]) for name in ("ids", "splits"))
    pairs = same_stars(tables)
    for one, two in np.concatenate([pairs, pairs[:, ::-1]]).tolist():
        if splits[one] == "validation" and splits[two] == "test":
            found.setdefault(manifests[owner[one]].folder.resolve(), set()).add(ids[one])
    return {folder: frozenset(some) for folder, some in found.items()}


def windows_of(curves: Iterable[Curve], length: int = WINDOW) -> list[Curve]:
    """Each curve cut into pieces of at most so many points, in order: what published scores of windows are about."""
    pieces = []
    for curve in curves:
        for a, b in itertools.pairwise(sequential_edges(len(curve.mjd), length).tolist()):
            pieces.append(part_of(curve, slice(a, b)))
    return pieces


def part_of(curve: Curve, points: slice | np.ndarray) -> Curve:
    """The same star with some of its points."""
    series = curve.mjd[points], curve.magnitude[points], curve.magnitude_error[points]
    return dataclasses.replace(curve, mjd=series[0], magnitude=series[1], magnitude_error=series[2])


def curve_digest(curve: Curve) -> str:
    """Tells light curves apart, by every number in them."""
    digest = hashlib.sha256(f"{curve.survey}\t{curve.object_id}\t{len(curve.mjd)}\n".encode())
    for series in (curve.mjd, curve.magnitude, curve.magnitude_error):
        digest.update(np.ascontiguousarray(series).tobytes())
    return digest.hexdigest()[:24]


def fingerprint(curves: Iterable[Curve]) -> str:
    """Tells lists of light curves, with their classes and parts, apart."""
    digest = hashlib.sha256()
    for curve in curves:
        digest.update(f"{curve_digest(curve)} {curve.label} {curve.part}\n".encode())
    return digest.hexdigest()[:16]


def padded_windows(pieces: Sequence[Curve], length: int = WINDOW) -> dict[str, np.ndarray]:
    """Pieces of at most `length` points as encoders take them, (N, length) each, times from the middle between the first and last point."""
    batch = {name: np.zeros((len(pieces), length), np.float32) for name in ("time", "magnitude", "magnitude_error")}
    batch["mask"] = np.zeros((len(pieces), length), bool)
    for i, piece in enumerate(pieces):
        count = len(piece.mjd)
        batch["time"][i, :count] = piece.mjd - 0.5 * (piece.mjd[0] + piece.mjd[-1])
        batch["magnitude"][i, :count] = piece.magnitude
        batch["magnitude_error"][i, :count] = piece.magnitude_error
        batch["mask"][i, :count] = True
    return batch

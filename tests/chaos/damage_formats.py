"""Every format that lcjax reads, each as a small sound file and the reading of it that the commands do."""

import contextlib
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.chaos.damaging import Seal


@dataclass(frozen=True)
class Answer:
    """What came of a reading."""

    items: tuple[str, ...]
    """A hash of each thing that was given."""
    said: int = 0
    """Rejections, files set aside, points dropped: what the user is told."""
    rows: int = 0
    """What was given or spoken of."""


@dataclass(frozen=True)
class Format:
    """A sound file or folder, and how it is read."""

    make: Callable[[Path], None]
    """Writes into an empty folder."""
    read: Callable[[Path], Answer]
    """Of that folder."""
    guarded: bool = False
    """Checksums are over all that counts: another answer without a word is a defect."""
    rows: Callable[[Path], int] | None = None
    """How many rows a damaged folder still has, whatever is said of them; None: as many as the sound one, or something is said."""
    detects: bool = False
    """Every change must be named, harmless ones too."""
    seals: dict[str, Seal] | None = None
    """Name of a JSON file -> what makes its checksums agree."""


def digest(*parts: Any) -> str:
    """A hash of numbers, arrays and texts; NaN is equal to NaN."""
    known = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype != object:
            known.update(f"{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        else:
            known.update(repr(part).encode("utf-8", "surrogatepass"))
    return known.hexdigest()[:16]


def _tree(tree: Any) -> Iterator[Any]:
    from lcjax.training.checkpoint_io import flatten

    for name, leaf in sorted(flatten(tree).items()):
        yield name
        yield np.asarray(leaf)


# --- light curves, alerts, images
def _light_curves(folder: Path) -> Answer:
    from data_pipelines.kinds.base import Request
    from data_pipelines.kinds.light_curves.reading import LightCurveReader
    from lcjax.errors import Rejection

    reader = LightCurveReader(Request(say=lambda text: None))
    found = list(reader.items([str(path) for path in sorted(folder.iterdir())]))
    curves = [c for c in found if not isinstance(c, Rejection)]
    items = (digest(c.object_id, c.band, c.label, c.mjd, c.magnitude, c.magnitude_error) for c in curves)
    report = reader.report
    said = len(found) - len(curves) + len(report.bad_files) + report.points_dropped.total() + report.notes.total()
    return Answer(tuple(items), said, report.points_read)


def _lines(path: Path) -> list[str]:
    """Lines that hold anything."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "backslashreplace")
    remark = "#" if path.suffix == ".ecsv" else "\0"  # in CSV only before the header
    return [line for line in io.StringIO(text, newline=None) if line.strip() and not line.startswith(remark)]


def _csv_rows(folder: Path) -> int:
    """Lines behind the first that is no remark."""
    (path,) = folder.iterdir()
    lines = _lines(path)
    begin = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return len(lines) - begin - 1


def _dat_rows(folder: Path) -> int:
    return sum(not line.lstrip().startswith("#") for line in _lines(folder / "star.dat"))


def _alerts(folder: Path) -> Answer:
    from data_pipelines.sources.alerts import Alert, StampRules, read_alerts

    found = list(read_alerts(folder, rules=StampRules(need=("science",))))
    items = []
    for alert in found:
        if isinstance(alert, Alert):
            stamps = [part for name, stamp in sorted(alert.stamps.items()) for part in (name, stamp.pixels)]
            about = alert.object_id, alert.alert_id, alert.mjd, alert.ra, alert.dec, alert.band, alert.metadata
            items.append(digest(*about, *stamps, *alert.history.values()))
    return Answer(tuple(items), len(found) - len(items), len(found))


def _images(folder: Path) -> Answer:
    from data_pipelines.kinds.host_fields.images import FieldImage, read_fields

    found = list(read_fields([folder]))
    items = tuple(digest(f.pixels, f.pixel_scale, f.x, f.y) for f in found if isinstance(f, FieldImage))
    return Answer(items, len(found) - len(items), len(found))


def _positions(folder: Path) -> Answer:
    from data_pipelines.kinds.host_fields.reading import read_positions

    found = read_positions(folder / "positions.csv")
    return Answer(tuple(digest(*pair) for pair in found.items()), 0, len(found))


def _labels(folder: Path) -> Answer:
    """By the number of an alert and by its place; as many rows as have a label or are said to have none."""
    from data_pipelines.kinds.alerts.label_tables import Catalog, OwnLabels

    own, places = OwnLabels(folder / "labels.csv")._labels, Catalog(folder / "labels.csv", 2.0)._labels
    return Answer((digest(own.labels), digest(places.labels)), own.empty, len(own.labels) + own.empty)


def _matches(folder: Path) -> Answer:
    from data_pipelines.kinds import star_settings

    settings = star_settings.StarSettings(
        like=(folder,), match=folder / "matches.csv", match_columns=("ours", "theirs")
    )
    found = star_settings._matches(settings)
    return Answer(tuple(map(digest, found)), 0, len(found))


def _embeddings(folder: Path) -> Answer:
    from data_pipelines.sources.embedding_tables import read_embeddings

    found = read_embeddings(folder / "embeddings.parquet")
    return Answer((digest(found.object_id, found.embedding, found.label),), found.unnamed, len(found) + found.unnamed)


def _classes(folder: Path) -> Answer:
    from data_pipelines.sources.embedding_tables import read_classes

    found = read_classes(folder / "classes.csv")
    return Answer((digest(sorted(found.label.items())),), 0, len(found.label))


# --- weights and workdirs
def _import(family: str, name: str) -> Callable[[Path], Answer]:
    def read(folder: Path) -> Answer:
        from lcjax.systems.importing import import_weights

        imported = import_weights(family, folder / name if name else folder)
        return Answer((digest(imported.experiment, *_tree(imported.variables)),), 0, imported.parameters)

    return read


def _load(folder: Path) -> Answer:
    from lcjax.systems.loading import load

    said: list[str] = []
    loaded = load(folder, say=said.append)
    return Answer((digest(loaded.experiment, *_tree(loaded.variables)),), len(said))


def _latest(folder: Path) -> Answer:
    from lcjax.systems.loading import load

    said: list[str] = []
    loaded = load(folder, "latest", said.append)
    return Answer((digest(loaded.experiment, *_tree(loaded.variables)),), len(said))


def _metrics(folder: Path) -> Answer:
    """As the report of an evaluation shows them."""
    import warnings

    import matplotlib.pyplot as plt

    from lcjax.evaluation.figures import loss_curves
    from lcjax.training.progress import read_metrics

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        rows = read_metrics(folder)
    loss_curves(rows).canvas.draw()
    plt.close("all")
    return Answer(tuple(map(digest, rows)), len(said), len(rows))


# --- prepared datasets
def _prepared(folder: Path) -> Answer:
    """As `lcjax predict` and `--stars.like` read it."""
    from data_pipelines.kinds.base import Request
    from data_pipelines.kinds.light_curves.reading import LightCurveReader
    from data_pipelines.shards.manifest import read_manifest
    from data_pipelines.shards.stars import read_stars
    from lcjax.errors import Rejection

    found = list(LightCurveReader(Request(say=lambda text: None)).items([str(folder)]))
    stars = read_stars(read_manifest(folder))
    items = [digest(c.object_id, c.mjd, c.magnitude, c.label) for c in found if not isinstance(c, Rejection)]
    said = len(found) - len(items)
    return Answer((*items, digest(stars.ids, stars.splits, stars.places)), said, len(found))


def _batches(folder: Path) -> Answer:
    from data_pipelines.shards.source import ShardSource
    from tests.data_pipelines.toy import LAYOUT

    source = ShardSource(folder, "train", 8, layout=LAYOUT, reader="plain")
    batches = list(source.evaluation_batches())
    names = [part for batch in batches for name in sorted(batch) for part in (name, np.asarray(batch[name]))]
    return Answer((digest(*source.class_names, *names),), 0, sum(int((b["record"] >= 0).sum()) for b in batches))


def _verified(folder: Path) -> Answer:
    from lcjax.cli.data import main

    with contextlib.redirect_stdout(io.StringIO()) as said:
        main(["verify", str(folder)])
    return Answer((said.getvalue().strip(),))


def reseal_manifest(content: Any) -> Any:
    """With the hash of itself that a person who knows it would write."""
    from data_pipelines.shards.manifest import manifest_text

    return manifest_text(content) if isinstance(content, dict) else content


def reseal_config(content: Any) -> Any:
    """With the hash of its settings."""
    from lcjax.training.workdir import settings_hash

    return (
        {**content, "config_hash": settings_hash(content.get("experiment"))} if isinstance(content, dict) else content
    )


def reseal_progress(content: Any) -> Any:
    """With the seal of the record of a checkpoint."""
    from lcjax.training import checkpoint_io

    body = {name: value for name, value in content.items() if name != "seal"}
    return (
        {**body, "seal": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()} if checkpoint_io else 0
    )


_PACKED = {"csv.gz", "macho archive", "fits.gz table", "a_science.fits.gz", "a.tar.gz", "a.zip"}
"""What they are packed in has checksums."""
_CONFIG: dict[str, Seal] = {"config.json": reseal_config, "progress.json": reseal_progress}


def formats() -> dict[str, Format]:
    """Name -> format."""
    from tests.chaos import sound_files as files

    table: Iterable[tuple[str, str, Callable[[Path], int] | None]] = (
        ("csv", "t.csv", _csv_rows),
        ("csv.gz", "t.csv.gz", _csv_rows),
        ("ecsv", "t.ecsv", _csv_rows),
        ("dat", "star.dat", _dat_rows),
        ("macho archive", "lc_1.3319.11.tar.bz2", None),
        ("parquet", "t.parquet", None),
        ("nested parquet", "n.parquet", None),
        ("checked parquet", "c.parquet", None),
        ("fits table", "t.fits", None),
        ("fits.gz table", "t.fits.gz", None),
    )
    found = {
        f"table: {name}": Format(
            lambda folder, file=file: files.table(folder / file), _light_curves, name in _PACKED, rows=rows
        )
        for name, file, rows in table
    }
    alerts = (
        "a.avro",
        "deflate.avro",
        "a.parquet",
        "a_science.fits",
        "a_science.fits.gz",
        "a.npy",
        "a.tar.gz",
        "a.zip",
    )
    found |= {
        f"alerts: {name}": Format(lambda folder, name=name: files.alerts(folder / name), _alerts, name in _PACKED)
        for name in alerts
    }
    found["alerts: messages"] = Format(files.messages, _alerts)
    return found | {
        "images: fits": Format(lambda folder: files.image(folder / "sn.fits"), _images),
        "positions: csv": Format(files.positions, _positions, rows=lambda folder: 0),
        "labels: csv": Format(files.labels, _labels, rows=_csv_rows),
        "matches: csv": Format(files.matches, _matches, rows=_csv_rows),
        "embeddings: parquet": Format(files.embeddings, _embeddings),
        "classes: csv": Format(files.classes, _classes, rows=lambda folder: 0),
        "weights: npz": Format(files.stamp_npz, _import("alerce-stamps", "w.npz")),
        "weights: tensorflow": Format(files.stamp_checkpoint, _import("alerce-stamps", "model"), guarded=True),
        "weights: astromer1": Format(lambda folder: files.astromer(folder, "astromer1"), _import("astromer1", "")),
        "weights: astromer2": Format(lambda folder: files.astromer(folder, "astromer2"), _import("astromer2", "")),
        "weights: keras 3": Format(lambda folder: files.keras(folder, 3), _import("delight", "w.h5")),
        "weights: keras 2": Format(lambda folder: files.keras(folder, 2), _import("delight", "w.h5")),
        "weights: wheel": Format(files.wheel, _import("delight", "w.whl"), guarded=True),
        "weights: folder": Format(files.weights, _load, guarded=True, seals=_CONFIG),
        "weights: workdir": Format(files.workdir, _load, guarded=True, seals=_CONFIG),
        "weights: checkpoints": Format(files.checkpoints, _latest, guarded=True, seals=_CONFIG),
        "run: metrics": Format(files.metrics, _metrics, rows=lambda folder: 0),
        "data: light curves": Format(
            files.light_curve_dataset, _prepared, guarded=True, seals={"manifest.json": reseal_manifest}
        ),
        "data: batches": Format(files.dataset, _batches, guarded=True, seals={"manifest.json": reseal_manifest}),
        "data: verify": Format(files.dataset, _verified, detects=True, seals={"manifest.json": reseal_manifest}),
    }

"""What the commands do to read a file of each format, and what came of it."""

import contextlib
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Answer:
    """What came of a reading."""

    items: tuple[str, ...]
    """A hash of each thing that was given."""
    said: int = 0
    """Rejections, files set aside, points dropped: what the user is told."""
    rows: int = 0
    """What was given or spoken of."""


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
def light_curves(folder: Path) -> Answer:
    from data_pipelines.kinds.light_curves.reading import LightCurveReader
    from data_pipelines.kinds.reading import Request
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


def csv_rows(folder: Path) -> int:
    """Lines behind the first that is no remark."""
    (path,) = folder.iterdir()
    lines = _lines(path)
    begin = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return len(lines) - begin - 1


def named_rows(folder: Path) -> int:
    """As `csv_rows`, of a table whose rows have names: each counts once."""
    (path,) = folder.iterdir()
    return len({line.split(",")[0].strip() for line in _lines(path)[1:]})


def dat_rows(folder: Path) -> int:
    return sum(not line.lstrip().startswith("#") for line in _lines(folder / "star.dat"))


def alerts(folder: Path) -> Answer:
    from data_pipelines.sources.alerts import Alert, StampRules, read_alerts

    found = list(read_alerts(folder, rules=StampRules(need=("science",))))
    items = []
    for alert in found:
        if isinstance(alert, Alert):
            stamps = [part for name, stamp in sorted(alert.stamps.items()) for part in (name, stamp.pixels)]
            about = alert.object_id, alert.alert_id, alert.mjd, alert.ra, alert.dec, alert.band, alert.metadata
            items.append(digest(*about, *stamps, *alert.history.values()))
    return Answer(tuple(items), len(found) - len(items), len(found))


def images(folder: Path) -> Answer:
    from data_pipelines.kinds.host_fields.images import FieldImage, read_fields

    found = list(read_fields([folder]))
    items = tuple(digest(f.pixels, f.pixel_scale, f.x, f.y) for f in found if isinstance(f, FieldImage))
    return Answer(items, len(found) - len(items), len(found))


def positions(folder: Path) -> Answer:
    from data_pipelines.kinds.host_fields.reading import read_positions

    found = read_positions(folder / "positions.csv")
    return Answer(tuple(digest(*pair) for pair in found.items()), 0, len(found))


def labels(folder: Path) -> Answer:
    """By the number of an alert and by its place; as many rows as have a label or are said to have none."""
    from data_pipelines.kinds.alerts.label_tables import Catalog, OwnLabels

    own, places = OwnLabels(folder / "labels.csv")._labels, Catalog(folder / "labels.csv", 2.0)._labels
    return Answer((digest(own.labels), digest(places.labels)), own.empty, len(own.labels) + own.empty)


def matches(folder: Path) -> Answer:
    from data_pipelines.kinds import star_settings

    settings = star_settings.StarSettings(
        like=(folder,), match=folder / "matches.csv", match_columns=("ours", "theirs")
    )
    found = star_settings._matches(settings)
    return Answer(tuple(map(digest, found)), 0, len(found))


def embeddings(folder: Path) -> Answer:
    from data_pipelines.sources.embedding_tables import read_embeddings

    found = read_embeddings(folder / "embeddings.parquet")
    return Answer((digest(found.object_id, found.embedding, found.label),), found.unnamed, len(found) + found.unnamed)


def classes(folder: Path) -> Answer:
    from data_pipelines.sources.embedding_tables import read_classes

    found = read_classes(folder / "classes.csv")
    return Answer((digest(sorted(found.label.items())),), 0, len(found.label))


# --- weights and workdirs
def imported(family: str, name: str) -> Callable[[Path], Answer]:
    def read(folder: Path) -> Answer:
        from lcjax.systems.importing import import_weights

        imported = import_weights(family, folder / name if name else folder)
        return Answer((digest(imported.experiment, *_tree(imported.variables)),), 0, imported.parameters)

    return read


def load(folder: Path) -> Answer:
    from lcjax.systems.loading import load

    said: list[str] = []
    loaded = load(folder, say=said.append)
    return Answer((digest(loaded.experiment, *_tree(loaded.variables)),), len(said))


def latest(folder: Path) -> Answer:
    from lcjax.systems.loading import load

    said: list[str] = []
    loaded = load(folder, "latest", said.append)
    return Answer((digest(loaded.experiment, *_tree(loaded.variables)),), len(said))


def metrics(folder: Path) -> Answer:
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
def prepared(folder: Path) -> Answer:
    """As `lcjax predict` and `--stars.like` read it."""
    from data_pipelines.kinds.light_curves.reading import LightCurveReader
    from data_pipelines.kinds.reading import Request
    from data_pipelines.shards.manifest import read_manifest
    from data_pipelines.shards.stars import read_stars
    from lcjax.errors import Rejection

    found = list(LightCurveReader(Request(say=lambda text: None)).items([str(folder)]))
    stars = read_stars(read_manifest(folder))
    items = [digest(c.object_id, c.mjd, c.magnitude, c.label) for c in found if not isinstance(c, Rejection)]
    said = len(found) - len(items)
    return Answer((*items, digest(stars.ids, stars.splits, stars.places)), said, len(found))


def batches(folder: Path) -> Answer:
    from data_pipelines.shards.source import ShardSource
    from tests.data_pipelines.toy import LAYOUT

    source = ShardSource(folder, "train", 8, layout=LAYOUT, reader="plain")
    batches = list(source.evaluation_batches())
    names = [part for batch in batches for name in sorted(batch) for part in (name, np.asarray(batch[name]))]
    return Answer((digest(*source.class_names, *names),), 0, sum(int((b["record"] >= 0).sum()) for b in batches))


def verified(folder: Path) -> Answer:
    from lcjax.cli.data import main

    with contextlib.redirect_stdout(io.StringIO()) as said:
        main(["verify", str(folder)])
    return Answer((said.getvalue().strip(),))

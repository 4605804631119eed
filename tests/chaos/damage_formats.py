"""Every format that lcjax reads, each as a small sound file and the reading of it that the commands do."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import readings as read
from tests.chaos.damaging import Seal
from tests.chaos.readings import Answer


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
    body = {name: value for name, value in content.items() if name != "seal"}
    return {**body, "seal": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()}


_SUMMED = {"csv.gz", "macho archive", "fits.gz table", "a_science.fits.gz", "a.tar.gz", "a.zip"}
"""What they are packed in has checksums. (The sums of FITS do not tell the order of what is summed.)"""
_CONFIG: dict[str, Seal] = {"config.json": reseal_config, "progress.json": reseal_progress}


def formats() -> dict[str, Format]:
    """Name -> format."""
    from tests.chaos import sound_files as files

    table: Iterable[tuple[str, str, Callable[[Path], int] | None]] = (
        ("csv", "t.csv", read.csv_rows),
        ("csv.gz", "t.csv.gz", read.csv_rows),
        ("ecsv", "t.ecsv", read.csv_rows),
        ("dat", "star.dat", read.dat_rows),
        # Zeros in place of a member are the end of an archive.
        ("macho archive", "lc_1.3319.11.tar.bz2", lambda folder: 0),
        ("parquet", "t.parquet", None),
        ("nested parquet", "n.parquet", None),
        ("checked parquet", "c.parquet", None),
        ("fits table", "t.fits", None),
        ("summed fits table", "summed.fits", None),
        ("fits.gz table", "t.fits.gz", None),
    )
    found = {
        f"table: {name}": Format(
            lambda folder, file=file: files.table(folder / file), read.light_curves, name in _SUMMED, rows=rows
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
        f"alerts: {name}": Format(lambda folder, name=name: files.alerts(folder / name), read.alerts, name in _SUMMED)
        for name in alerts
    }
    found["alerts: messages"] = Format(files.messages, read.alerts)
    return found | {
        "images: fits": Format(lambda folder: files.image(folder / "sn.fits"), read.images),
        "images: summed fits": Format(lambda folder: files.image(folder / "sn.fits", True), read.images),
        "positions: csv": Format(files.positions, read.positions, rows=lambda folder: 0),
        "labels: csv": Format(files.labels, read.labels, rows=read.named_rows),
        "matches: csv": Format(files.matches, read.matches, rows=read.csv_rows),
        "embeddings: parquet": Format(files.embeddings, read.embeddings),
        "classes: csv": Format(files.classes, read.classes, rows=lambda folder: 0),
        "weights: npz": Format(files.stamp_npz, read.imported("alerce-stamps", "w.npz")),
        "weights: tensorflow": Format(files.stamp_checkpoint, read.imported("alerce-stamps", "model"), guarded=True),
        "weights: astromer1": Format(
            lambda folder: files.astromer(folder, "astromer1"), read.imported("astromer1", "")
        ),
        "weights: astromer2": Format(
            lambda folder: files.astromer(folder, "astromer2"), read.imported("astromer2", "")
        ),
        "weights: keras 3": Format(lambda folder: files.keras(folder, 3), read.imported("delight", "w.h5")),
        "weights: keras 2": Format(lambda folder: files.keras(folder, 2), read.imported("delight", "w.h5")),
        "weights: wheel": Format(files.wheel, read.imported("delight", "w.whl"), guarded=True),
        "weights: folder": Format(files.weights, read.load, guarded=True, seals=_CONFIG),
        "weights: workdir": Format(files.workdir, read.load, guarded=True, seals=_CONFIG),
        "weights: checkpoints": Format(files.checkpoints, read.latest, guarded=True, seals=_CONFIG),
        "run: metrics": Format(files.metrics, read.metrics, rows=lambda folder: 0),
        "data: light curves": Format(
            files.light_curve_dataset, read.prepared, guarded=True, seals={"manifest.json": reseal_manifest}
        ),
        "data: batches": Format(files.dataset, read.batches, guarded=True, seals={"manifest.json": reseal_manifest}),
        "data: verify": Format(files.dataset, read.verified, detects=True, seals={"manifest.json": reseal_manifest}),
    }

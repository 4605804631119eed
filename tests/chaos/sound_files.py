"""Small sound files of every format, to be damaged."""

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

POINTS, STARS = 8, 3


def _rows() -> dict[str, list]:
    rng = np.random.default_rng(3)
    ids = [f"s{i}" for i in range(STARS) for _ in range(POINTS)]
    times = [53_000.5 + i + 2.25 * j for i in range(STARS) for j in range(POINTS)]
    magnitude, error = rng.normal(15, 1, len(ids)).round(3), rng.uniform(0.01, 0.2, len(ids)).round(4)
    return {"id": ids, "time": times, "mag": magnitude.tolist(), "err": error.tolist()}


def table(path: Path) -> None:
    """Light curves of three stars (one, in files of one) as the name says it."""
    rows = _rows()
    lines = [f"{t},{m},{e}" for t, m, e in zip(rows["time"], rows["mag"], rows["err"], strict=True)]
    text = "\n".join(["id,time,mag,err", *(f"{i},{line}" for i, line in zip(rows["id"], lines, strict=True))]) + "\n"
    one = "".join(line.replace(",", " ") + "\n" for line in lines[:POINTS])
    ending = path.name.split(".", 1)[1]
    if ending == "csv":
        path.write_text(text)
    elif ending == "csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif ending == "dat":
        path.write_text(
            "".join(
                f"{2_400_000.5 + t:.4f} {line.split(' ', 1)[1]}\n"
                for t, line in zip(rows["time"], one.splitlines(), strict=False)
            )
        )
    elif ending.endswith("tar.bz2"):
        from tests.data_pipelines.alerts.test_read import tar_bytes

        members = {f"1.3319.11.{band}.mjd": f"# star\n{one}".encode() for band in "BR"}
        path.write_bytes(tar_bytes(members, "w:bz2"))
    elif path.name == "n.parquet":
        nested = {name: [values[POINTS * i : POINTS * (i + 1)] for i in range(STARS)] for name, values in rows.items()}
        pq.write_table(pa.table(nested | {"id": ["s0", "s1", "s2"]}), path)
    elif ending == "parquet":
        pq.write_table(pa.table(rows), path, write_page_checksum=path.name == "c.parquet")
    elif path.name == "summed.fits":
        from astropy.io import fits
        from astropy.table import Table

        fits.table_to_hdu(Table(rows)).writeto(path, checksum=True)
    else:
        from astropy.table import Table

        Table(rows).write(path)


def alerts(path: Path) -> None:
    """Three packets, or a stamp."""
    from data_pipelines.datasets.alert_checks import container, fits_bytes, packet, stamp
    from tests.data_pipelines.alerts.test_read import tar_bytes

    packets = lambda: [packet(number) for number in range(3)]
    if path.name.endswith(".avro"):
        path.write_bytes(container(packets(), "deflate" if path.name == "deflate.avro" else "null", block=1 << 30))
    elif path.name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(packets()), path)
    elif path.name.endswith(".npy"):
        np.save(path, np.stack([stamp(number) for number in range(3)]))
    elif ".fits" in path.name:
        data = fits_bytes(stamp(1), {"CRPIX1": 32.0, "CRPIX2": 32.0})
        path.write_bytes(gzip.compress(data) if path.name.endswith("gz") else data)
    elif path.name.endswith(".tar.gz"):
        path.write_bytes(tar_bytes({f"{n}.avro": container([packet(n)]) for n in range(3)}, "w:gz"))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(3):
                archive.writestr(f"{number}.avro", container([packet(number)]))


def image(path: Path, sums: bool = False) -> None:
    """A field with world coordinates."""
    from astropy.io import fits
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (
        ["RA---TAN", "DEC--TAN"],
        [10, 5],
        [16.5, 16.5],
        [-1e-4, 1e-4],
    )
    pixels = np.random.default_rng(0).normal(100, 10, (32, 32)).astype(np.float32)
    fits.PrimaryHDU(pixels, wcs.to_header()).writeto(path, checksum=sums)


def positions(folder: Path) -> None:
    """Of transients."""
    lines = [f"sn{i},{10 + i}.5,-{i}.25" for i in range(12)]
    (folder / "positions.csv").write_text("object_id,ra,dec\n" + "\n".join(lines) + "\n")


def labels(folder: Path) -> None:
    """Of alerts, by their numbers and by their places."""
    lines = [f"{1000 + i},{10 + i}.5,-{i}.25,{'AGN' if i % 2 else 'SN'}" for i in range(12)]
    (folder / "labels.csv").write_text("alert_id,ra,dec,label\n" + "\n".join(lines) + "\n")


def matches(folder: Path) -> None:
    """Of the stars of two surveys."""
    (folder / "matches.csv").write_text("ours,theirs\n" + "".join(f"s{i},t{i}\n" for i in range(12)))


def embeddings(folder: Path) -> None:
    """Of stars, with classes."""
    rng = np.random.default_rng(0)
    rows = {"object_id": [f"s{i}" for i in range(20)], "embedding": list(rng.normal(size=(20, 4)).astype(np.float32))}
    pq.write_table(pa.table(rows | {"label": ["a", "b"] * 10}), folder / "embeddings.parquet")


def classes(folder: Path) -> None:
    """Of stars."""
    (folder / "classes.csv").write_text("object_id,label\n" + "".join(f"s{i},{'ab'[i % 2]}\n" for i in range(20)))


def stamp_npz(folder: Path) -> None:
    """Named arrays, and the statistics of the features."""
    from lcjax.systems.stamp_classifier.config import PUBLISHED_STATISTICS
    from tests.systems.stamp_classifier.test_weights import graph_arrays

    np.savez(folder / "w.npz", **{name.replace("/", "."): value for name, value in graph_arrays(slots=False).items()})
    statistics = {name: {"mean": mean, "std": std} for name, (mean, std) in PUBLISHED_STATISTICS.items()}
    (folder / "feature_norm_stats.json").write_text(json.dumps(statistics))


def stamp_checkpoint(folder: Path) -> None:
    """TensorFlow 1's."""
    from tests.pretrained.checkpoints import save
    from tests.systems.stamp_classifier.test_weights import graph_arrays

    save(folder / "model", graph_arrays(slots=False))


def astromer(folder: Path, system: str) -> None:
    """TensorFlow 2's, with settings."""
    from tests.pretrained.checkpoints import published_folder

    published_folder(folder, system)


def keras(folder: Path, version: int) -> None:
    """HDF5."""
    from tests.systems.delight.delight_files import random_layers, write_keras2, write_keras3

    (write_keras3 if version == 3 else write_keras2)(folder / "w.h5", random_layers())


def wheel(folder: Path) -> None:
    """A package that holds HDF5."""
    from tests.systems.delight.delight_files import random_layers, write_keras3

    write_keras3(folder / "w.h5", random_layers())
    with zipfile.ZipFile(folder / "w.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "w.h5", "delight/delight/DELIGHT.weights.h5")
    (folder / "w.h5").unlink()


def weights(folder: Path) -> None:
    """As an import leaves them."""
    from tests.inference.models import experiment, weights_folder

    weights_folder(folder, experiment())


def workdir(folder: Path) -> None:
    """As training leaves it."""
    from lcjax.training.checkpoint import save_variables
    from lcjax.training.workdir import experiment_record, write_config
    from tests.inference.models import experiment, untrained

    settings = experiment()
    write_config(folder, experiment_record(settings))
    save_variables(folder / "best", untrained(settings)[1])


def checkpoints(folder: Path) -> None:
    """A run that was stopped after two checkpoints."""
    from lcjax.training.checkpoint import CheckpointStore
    from lcjax.training.workdir import experiment_record, write_config
    from tests.inference.models import experiment, untrained

    settings = experiment()
    write_config(folder, experiment_record(settings))
    for step in (10, 20):
        params = {"params": untrained(settings, step)[1]["params"], "model_state": {}}
        CheckpointStore(folder).save(step, params, {"config": experiment_record(settings)})


def metrics(folder: Path) -> None:
    """What a run wrote while it learned."""
    rows = [{"step": s, "split": "validation" if s % 2 else "train", "loss": 1 / (1 + s), "r2": 0.5} for s in range(12)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def light_curve_dataset(folder: Path) -> None:
    """As `lcjax data prepare` leaves it, with its table of stars."""
    import shutil
    import tempfile

    from data_pipelines.prepare import prepare

    with tempfile.TemporaryDirectory() as scratch:
        rng = np.random.default_rng(0)
        rows = {"id": [f"c{i}" for i in range(12)], "label": ["a", "b"] * 6, "ra": rng.uniform(0, 360, 12)}
        rows |= {"dec": rng.uniform(-80, 80, 12), "time": [53_000 + np.arange(POINTS) + i / 7 for i in range(12)]}
        rows |= {"mag": list(rng.normal(15, 1, (12, POINTS))), "err": [np.full(POINTS, 0.1)] * 12}
        pq.write_table(pa.table(rows), Path(scratch) / "c.parquet")
        done = prepare("light_curve_files", [Path(scratch) / "c.parquet"], Path(scratch) / "out", shards=1)
        shutil.copytree(done.manifest.folder, folder, dirs_exist_ok=True)


def messages(folder: Path) -> None:
    """As brokers' streams carry them, and their schema."""
    from tests.data_pipelines.alerts import rubin

    written = rubin.schema()
    (folder / "1000.avsc").write_text(json.dumps(written))
    (folder / "stream.bin").write_bytes(b"".join(rubin.message(rubin.packet(n), 1000, written) for n in range(3)))


def dataset(folder: Path) -> None:
    """As `lcjax data prepare` leaves it."""
    from tests.data_pipelines.toy import write

    write(folder, count=24, shards=2)

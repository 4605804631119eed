"""Anomalous stars by features, by embeddings of a frozen encoder, and by an encoder that learns with the hypersphere loss.

    python -m benchmarks anomaly_encoders --data D/asas_acvs --encoders W...

One class after the other is held out. Everyone sees the same stars, and of each star the same points (200 at most, drawn once). Features
and frozen embeddings (mean over points of the encoder's last layer) go to Isolation Forest and to multi-class Deep SVDD. End to
end, a linear map without bias begins as the whitened embedding, centres are its class means over the known stars and stay, and map and encoder
descend the mean squared distance to the own centre (arXiv 2308.05011); the epoch with the least loss on held-back known stars is
kept. AUROC is of the held-out class against the known ones, on stars of the test split.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.few_shot_stars import WINDOW, Curve, padded_windows, part_of, read_curves
from benchmarks.harness import print_table, short_names, write_json


@dataclasses.dataclass(frozen=True)
class Options:
    """What is compared."""

    data: tuple[Path, ...]
    """Prepared light curves of one survey with classes."""
    encoders: tuple[str, ...] = ()
    """Workdirs or published names of encoders."""
    outliers: tuple[str, ...] = ("DSCT", "RRab", "MIRA")
    seeds: int = 1
    stars: int = 200
    """Of each class to learn from, at most."""
    tested: int = 80
    """Of each class, at most."""
    epochs: int = 6
    """Of the encoder with the hypersphere loss."""
    batch_size: int = 32
    rate: float = 1e-4
    latent: int = 32
    detector_epochs: int = 100
    """Of detectors on features and frozen embeddings, at most."""
    out: Path | None = None
    """JSON file; default benchmarks/results/anomaly_encoders.json."""


@dataclasses.dataclass(frozen=True)
class Stars:
    """N stars of one part, with their windows."""

    curves: list[Curve]
    label: np.ndarray
    """(N,) int."""
    windows: dict[str, np.ndarray]
    """(N, 200) arrays as encoders take them."""


def main(argv: list[str]) -> int:
    """Scores all, prints a table."""
    from lcjax.training.compilation import enable_compile_cache

    options = tyro.cli(Options, args=argv, prog="python -m benchmarks anomaly_encoders")
    enable_compile_cache()
    parts, names = read_parts(options)
    found: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        for outlier in options.outliers:
            found += of_class(options, parts, names, names.index(outlier), seed)
    cell = lambda method, outlier: [f["auroc"] for f in found if (f["method"], f["outlier"]) == (method, outlier)]
    rows = []
    for method in dict.fromkeys(f["method"] for f in found):
        cells = [cell(method, outlier) for outlier in options.outliers]
        seconds = float(np.mean([f["seconds"] for f in found if f["method"] == method]))
        row = {"method": method} | {o: float(np.mean(c)) for o, c in zip(options.outliers, cells, strict=True)}
        rows.append(row | {"mean": float(np.mean(cells)), "seconds": seconds})
    count = {name: int((parts["train"].label == i).sum()) for i, name in enumerate(names)}
    print_table(f"AUROC of the held-out class, {options.seeds} seeds; stars to learn from: {count}", rows)
    print(write_json("anomaly_encoders", {"options": options, "stars": count, "found": found}, options.out))
    return 0


def read_parts(options: Options) -> tuple[dict[str, Stars], tuple[str, ...]]:
    """Stars to learn from and to be scored."""
    rng = np.random.default_rng(0)
    by_star = {(c.object_id, c.part): c for c in read_curves(options.data, options.stars, options.tested)}
    curves = []
    for curve in by_star.values():
        chosen = np.sort(rng.permutation(len(curve.mjd))[:WINDOW])
        curves.append(part_of(curve, chosen))
    names = tuple(sorted({curve.label for curve in curves}))
    parts = {}
    for part, said in (("train", "train"), ("test", "held out")):
        own = [curve for curve in curves if curve.part == said]
        label = np.array([names.index(curve.label) for curve in own])
        parts[part] = Stars(own, label, windows(own))
    return parts, names


def windows(curves: list[Curve]) -> dict[str, np.ndarray]:
    """Padded windows, with their `length`."""
    batch = padded_windows(curves)
    return batch | {"length": batch["mask"].sum(1, dtype=np.int32)}


def of_class(
    options: Options, parts: dict[str, Stars], names: tuple[str, ...], outlier: int, seed: int
) -> list[dict[str, Any]]:
    """AUROC of every method with one class held out."""
    from benchmarks.anomaly_hypersphere import embeddings, end_to_end
    from lcjax.evaluation.ranking import auroc
    from lcjax.systems.loading import load

    train, test = parts["train"], parts["test"]
    known = np.where(train.label == outlier, -1, train.label - (train.label > outlier))
    class_names = [name for i, name in enumerate(names) if i != outlier]
    found = []

    def judged(method: str, begin: float, score: np.ndarray) -> None:
        area, seconds = auroc(score, test.label == outlier), time.perf_counter() - begin
        found.append(
            {"method": method, "outlier": names[outlier], "seed": seed, "auroc": area, "seconds": round(seconds, 1)}
        )
        print(found[-1], flush=True)

    def tables(what: str, one: np.ndarray, two: np.ndarray) -> None:
        for detector in ("isolation_forest", "mcdsvdd"):
            begin = time.perf_counter()
            judged(f"{what}, {detector}", begin, table_scores(options, detector, one, known, class_names, two, seed))

    tables("features", features_of(train), features_of(test))
    for short, name in short_names(options.encoders).items():
        loaded = load(name)
        frozen = embeddings(loaded, train.windows), embeddings(loaded, test.windows)
        tables(f"{short} frozen", *frozen)
        begin = time.perf_counter()
        score, history = end_to_end(loaded, train.windows, known, frozen[0], test.windows, options, seed)
        judged(f"{short} before learning, distance to centres", begin, score[0])
        judged(f"{short} end to end", begin, score[1])
        found[-1]["history"] = history
    return found


def features_of(stars: Stars) -> np.ndarray:
    """(N, F) of `lcjax features`."""
    from lcjax.evaluation.features import BRIGHTNESS, columns_without, light_curve_features

    return light_curve_features(stars.curves)[:, columns_without(BRIGHTNESS)]


def table_scores(
    options: Options,
    detector: str,
    table: np.ndarray,
    known: np.ndarray,
    class_names: list[str],
    asked: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Scores by a detector of tables."""
    from lcjax.models.svdd_config import DetectorModelConfig
    from lcjax.systems.svdd.config import SvddExperiment
    from lcjax.systems.svdd.detectors import fit_detector
    from lcjax.systems.svdd.fitting import FitSettings

    experiment = SvddExperiment(model=DetectorModelConfig(latent=options.latent))
    settings = FitSettings(batch_size=256, max_epochs=options.detector_epochs, patience=30)
    columns = [f"x{i}" for i in range(table.shape[1])]
    fitted = fit_detector(detector, table, known, columns, class_names, experiment, settings, seed=seed)
    return fitted.score(asked)

"""How often is a star's period found in one band, and in all its bands together?

    python -m benchmarks several-bands MODEL --data D

MODEL is an lcjax-base that tells bands apart; D prepared light curves whose records say the period. For each star of the split the
best candidate of the window that the encoder sees first is compared with the truth, and that of the band with most points.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from benchmarks.harness import RESULTS, print_table, write_json
from benchmarks.periods_found import KINDS, relation
from data_pipelines.kinds import find_kind
from data_pipelines.shards.manifest import find_datasets, read_manifest
from data_pipelines.shards.tfrecord import parse_example, read_records
from lcjax.errors import ConfigError, DataError
from lcjax.systems import find_system
from lcjax.systems.base_encoder.joined_bands import joined_bands, windows_of
from lcjax.systems.base_encoder.parts import points_of, views_of
from lcjax.systems.loading import load

APART, TOGETHER = "band with most points", "all bands"
ROWS = 64


@dataclasses.dataclass(frozen=True)
class Options:
    """What is looked at."""

    model: tyro.conf.Positional[str]
    """Workdir or weights folder."""
    data: tuple[Path, ...] = ()
    """Prepared datasets, of one survey each."""
    split: str = "test"
    most: int = 1000
    """Stars, in the order of the split."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/several_bands.json)."""


def main(argv: list[str]) -> int:
    """Looks, prints, writes."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks several-bands")
    experiment = load(options.model).experiment
    slots = find_system(experiment.system).bands(experiment)  # type: ignore[attr-defined]
    if slots < 2:
        raise ConfigError(f"'{options.model}' looks at one band at a time: give an encoder of several")
    kind = find_kind("light_curves")
    source = kind.open_source(options.data, options.split, ROWS, window=experiment.window)
    period_of, label_of = truth(options.data, options.split)
    windows = windows_of(source, experiment.window.length)
    names = list(dict.fromkeys(name for name in windows["object_id"].tolist() if period_of.get(name, np.nan) > 0))
    wanted = set(names[: options.most])
    windows = {name: value[[one in wanted for one in windows["object_id"].tolist()]] for name, value in windows.items()}
    if not wanted:
        raise DataError("no star of this split has a period: give data whose records say it")
    run = jax.jit(lambda batch: views_of(experiment)(batch).frequency)
    whole = joined_bands(windows, slots, experiment.window.length, source.dataset_of_record[windows["record"]])
    rows = most_observed(windows["object_id"].tolist(), windows["mask"].sum(1))
    single = {name: value[rows] for name, value in windows.items()}
    found = []
    for how, some in ((APART, single), (TOGETHER, whole)):
        for name, frequency, span in candidates(run, some):
            hit = [relation(float(one), period_of[name], span) if one > 0 else "other" for one in frequency]
            found.append({"star": name, "class": label_of[name], "how": how, "best": hit[0], "among": "period" in hit})
    rows_of_table = table(found)
    print_table("period of the best candidate, % of stars [95 %]", rows_of_table)
    record: dict[str, Any] = {"settings": options, "table": rows_of_table, "stars": found}
    print(f"written to {write_json('several_bands', record, options.out or RESULTS / 'several_bands.json')}")
    return 0


def truth(data: Sequence[Path], split: str) -> tuple[dict[str, float], dict[str, str]]:
    """Id -> period (d), NaN where none is said, and id -> class, as the records say them."""
    periods: dict[str, float] = {}
    labels: dict[str, str] = {}
    for manifest in map(read_manifest, find_datasets(list(data))):
        for shard in manifest.split(split):
            for record in read_records(shard.path):
                features = parse_example(record.payload)
                name, label = bytes(features["object_id"]).decode(), int(features["label"])
                periods[name] = float(features.get("metadata/period", np.nan))
                labels[name] = manifest.class_names[label] if label >= 0 else ""
    return periods, labels


def most_observed(names: Sequence[str], points: np.ndarray) -> list[int]:
    """Of each name the row with most points, in order of first appearance.

    >>> most_observed(["a", "b", "a"], np.array([3, 1, 9]))
    [2, 1]
    """
    best: dict[str, int] = {}
    for row, name in enumerate(names):
        if name not in best or points[row] > points[best[name]]:
            best[name] = row
    return list(best.values())


def candidates(
    run: Callable[[dict], jax.Array], windows: dict[str, np.ndarray]
) -> Iterator[tuple[str, np.ndarray, float]]:
    """Name, candidate frequencies (1/d), span (d) of each row."""
    points = points_of(windows)
    count = len(points["mask"])
    for begin in range(0, count, ROWS):
        rows = np.minimum(np.arange(begin, begin + ROWS), count - 1)
        frequency = np.asarray(run({name: value[rows] for name, value in points.items()}))
        for place, row in enumerate(rows[: count - begin].tolist()):
            time = points["time"][row][points["mask"][row]]
            yield str(windows["object_id"][row]), frequency[place], float(np.ptp(time))


def table(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each way and class, and for all stars with an interval over them."""
    rows = []
    for how in dict.fromkeys(one["how"] for one in found):
        own = [one for one in found if one["how"] == how]
        for name in ["all", *sorted({one["class"] for one in own})]:
            some = [one for one in own if name in ("all", one["class"])]
            shares = {kind: 100 * float(np.mean([one["best"] == kind for one in some])) for kind in KINDS}
            half = 196 * np.sqrt(shares["period"] / 100 * (1 - shares["period"] / 100) / len(some))
            rows.append(
                {
                    "how": how,
                    "class": name,
                    "stars": len(some),
                    **shares,
                    "+-": half,
                    "among candidates": 100 * float(np.mean([one["among"] for one in some])),
                }
            )
    return rows

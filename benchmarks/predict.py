"""Light curves a second of `lcjax predict`, whole and by stage; how far the network is from the processor's limit; memory.

    python -m benchmarks predict [--model W] [--curves FILE] [--stars 100000] [--levels star window point layer]

Stages are timed by the processor seconds they take, on all cores together, so that others on the machine disturb little: what a
quiet machine does in a second is that times its cores, as far as the stages overlap. The clock's rate is given beside it. The
ceiling is the best rate of large float32 products in the same run, in the same unit. The operations of the network are counted
in closed form (`lcjax.models.flops`), of the points alone and with their padding. Memory is the peak of real processes of
`lcjax predict` on made-up files, one ten times as long as the other.
"""

import dataclasses
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tyro

from benchmarks.harness import print_table, write_json
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings, CleanLightCurve, clean
from data_pipelines.sources import read_light_curves
from lcjax.inference.output import Level, OutputOptions
from lcjax.systems.astromer.config import AstromerExperiment

POINTS = 60
"""Of a made-up star, on average."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Light curves a second, stage by stage."""

    model: str = "astromer2-survey"
    """Workdir, weights folder or published name; a preset: that network with random weights, which takes as long."""
    curves: Path | None = None
    """Light curves; default: CRTS of `$LCJAX_DATA`, else made-up ones."""
    count: int = 3000
    """Light curves of a round."""
    turns: int = 3
    """Rounds; the best counts."""
    stars: int = 0
    """Made-up stars of the file whose peak memory is measured, beside one of a tenth; 0: not measured."""
    levels: tuple[Level, ...] = ()
    """Also the whole path to tables with a row for each star, window or point, or with a column for each layer."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/predict.json)."""


def main(argv: list[str]) -> int:
    """Measures and prints."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks predict")
    with tempfile.TemporaryDirectory() as folder:
        record = measure(options, Path(folder))
    print(f"written: {write_json('predict', {'settings': options, **record}, options.out)}")
    return 0


def measure(options: Options, folder: Path) -> dict[str, Any]:
    """Tables of stages, operations and memory, printed and returned."""
    loaded = model_of(options.model)
    source = options.curves or _real_curves() or make_curves(folder / "curves.parquet", options.count)
    print(f"{options.model} on {options.count:,} light curves of {source.name}; load {os.getloadavg()[0]:.1f}")
    curves = _clean_curves(source, options.count)
    points = sum(len(curve.mjd) for curve in curves)
    stages = _stages(loaded, source, curves, folder, options)
    rows = [_row(name, len(curves), points, *seconds) for name, seconds in stages.items()]
    print_table(f"stages, {points / len(curves):.0f} points a curve", rows)
    record: dict[str, Any] = {"source": source.name, "curves": len(curves), "points": points, "stages": rows}
    if isinstance(loaded.experiment, AstromerExperiment):
        record["operations"] = _operations(loaded, curves, stages["network"][0])
        print_table("the network against the processor", [record["operations"]])
    if options.levels:
        record["levels"] = [_level(loaded, source, level, folder, options) for level in options.levels]
        print_table("from file to table, by what a row is of", record["levels"])
    if options.stars:
        record["memory"] = [memory(folder, count) for count in (options.stars // 10, options.stars)]
        print_table("peak memory of lcjax predict, a tiny network", record["memory"])
    return record


def model_of(name: str) -> Any:
    """A loaded model, or a preset's with random weights."""
    import jax

    from lcjax.inference.loaded import Loaded
    from lcjax.systems import PRESETS, build_task
    from lcjax.systems.loading import load

    if name not in PRESETS:
        return load(name)
    experiment = PRESETS[name]()
    task = build_task(experiment)
    return Loaded(experiment, task, jax.jit(task.init)(jax.random.key(0), task.made_up(2)), Path(name))


def _real_curves() -> Path | None:
    found = Path(os.environ.get("LCJAX_DATA", "../shared/data")) / "crts_sss" / "crts_sss_dev.parquet"
    return found if found.is_file() else None


def _clean_curves(source: Path, count: int) -> list[CleanLightCurve]:
    found = (clean(raw, CleaningSettings()) for raw in itertools.islice(read_light_curves([source]), count))
    return [curve for curve in found if isinstance(curve, CleanLightCurve)]


def _stages(
    loaded: Any, source: Path, curves: list[CleanLightCurve], folder: Path, options: Options
) -> dict[str, tuple[float, float]]:
    """Stage -> processor seconds and seconds of one round."""
    answers = _answers(loaded)
    raw = list(itertools.islice(read_light_curves([source]), options.count))
    rows = list(answers.answer(curves))  # compiles too
    write = lambda found: _write(answers, found, folder)
    cleaned = lambda: _cleaned(source, options.count)
    calls = {
        "read": lambda: list(itertools.islice(read_light_curves([source]), options.count)),
        "clean": lambda: [clean(one, CleaningSettings()) for one in raw],
        "network": lambda: list(answers.answer(curves)),
        "write": lambda: write(rows),
        "whole": lambda: write(answers.answer(cleaned())),
    }
    turns = [{name: _timed(call) for name, call in calls.items()} for _ in range(options.turns)]
    return {name: min(turn[name] for turn in turns) for name in calls}


def _answers(loaded: Any, level: Level = "star") -> Any:
    from lcjax.systems import find_system
    from lcjax.systems.base import Work

    return find_system(loaded.experiment.system).answers(loaded, Work({"output": OutputOptions(level)}, {}))


def _cleaned(source: Path, count: int) -> Iterator[Any]:
    return (clean(one, CleaningSettings()) for one in itertools.islice(read_light_curves([source]), count))


def _write(answers: Any, found: Any, folder: Path) -> Path:
    """The table that `lcjax predict` writes of answers."""
    from lcjax.inference.resumable_answers import ResumableAnswers

    where = folder / "e.parquet", folder / "r.parquet"
    with ResumableAnswers(*where, answers.schema, answers.constant_columns, ("object_id",), "", print) as results:
        for answer in found:
            results.add(answer)
    return where[0]


def _level(loaded: Any, source: Path, level: Level, folder: Path, options: Options) -> dict[str, Any]:
    """The whole path for one kind of rows: rates, rows and bytes of the table."""
    answers = _answers(loaded, level)
    table = lambda: _write(answers, answers.answer(_cleaned(source, options.count)), folder)
    path = table()  # compiles too
    processor, clock = min(_timed(table) for _ in range(options.turns))
    curves = _clean_curves(source, options.count)
    row = _row(level, len(curves), sum(len(curve.mjd) for curve in curves), processor, clock)
    size = {"rows": pq.read_metadata(path).num_rows, "file (MB)": path.stat().st_size / 1e6}
    return {"row of": row.pop("stage"), **row, **size}


def _timed(call: Callable[[], Any]) -> tuple[float, float]:
    processor, clock = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - processor, time.perf_counter() - clock


def _row(stage: str, curves: int, points: int, processor: float, clock: float) -> dict[str, Any]:
    return {
        "stage": stage,
        "ms/curve (processor)": 1e3 * processor / curves,
        "curves per processor second": curves / processor,
        "points per processor second": points / processor,
        "curves/s by the clock": curves / clock,
    }


def _operations(loaded: Any, curves: list[CleanLightCurve], processor: float) -> dict[str, float]:
    """What the network computes, and how fast against large products."""
    from lcjax.inference.light_curves import LightCurvePredictor
    from lcjax.models.flops import astromer_flops

    predictor = LightCurvePredictor.of(loaded)
    sizes = np.concatenate([np.diff(predictor.edges(len(curve.mjd))[0]).ravel() for curve in curves])
    buckets = np.array(predictor.buckets)
    padded = buckets[np.searchsorted(buckets, sizes)]
    counts = lambda lengths: zip(*np.unique(lengths, return_counts=True), strict=True)
    flops = lambda lengths: sum(
        astromer_flops(loaded.experiment.model, int(n), int(size)) for size, n in counts(lengths)
    )
    most = ceiling()
    return {
        "MFLOP/point": flops(sizes) / sizes.sum() / 1e6,
        "padding (share of points)": 1 - sizes.sum() / padded.sum(),
        "GFLOP/s per processor second": flops(padded) / processor / 1e9,
        "ceiling": most / 1e9,
        "share of the ceiling": flops(padded) / processor / most,
        "points per processor second at the ceiling": sum(len(c.mjd) for c in curves) / (flops(padded) / most),
    }


def ceiling() -> float:
    """Operations a processor second of float32 products of large matrices, the best of several."""
    import jax
    import jax.numpy as jnp

    size = 2048
    product = jax.jit(lambda a, b: a @ b)
    a = jnp.ones((size, size), jnp.float32)
    product(a, a).block_until_ready()
    return max(2.0 * size**3 / _timed(lambda: product(a, a).block_until_ready())[0] for _ in range(10))


def make_curves(path: Path, count: int) -> Path:
    """A file of made-up stars, written a thousand at a time; a tenth has few points, a tenth many."""
    rng = np.random.default_rng(0)
    values = pa.list_(pa.float32())
    schema = pa.schema([("id", pa.string()), ("mjd", pa.list_(pa.float64())), ("mag", values), ("err", values)])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, count, 1000):
            stars = range(begin, min(begin + 1000, count))
            sizes = np.maximum((POINTS * rng.lognormal(0, 0.7, len(stars))).astype(int), 5)
            offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))
            total = int(sizes.sum())
            times = np.concatenate([np.sort(rng.uniform(55_000, 58_000, size)) for size in sizes])
            columns = [times, rng.normal(15, 1, total).astype(np.float32), rng.uniform(0.01, 0.1, total)]
            lists = [
                pa.ListArray.from_arrays(offsets, pa.array(values, schema.field(i + 1).type.value_type))
                for i, values in enumerate(columns)
            ]
            writer.write_table(pa.Table.from_arrays([pa.array([f"star{i}" for i in stars]), *lists], schema=schema))
    return path


_MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(status, usage.ru_maxrss)
"""
"""Runs a command; prints its status and peak memory."""


def memory(folder: Path, stars: int) -> dict[str, Any]:
    """Peak memory and rate of a process of `lcjax predict` on a file of so many made-up stars."""
    model = folder / "tiny"
    if not model.exists():
        _write_tiny_model(model)
    source = make_curves(folder / f"{stars}.parquet", stars)
    command = [sys.executable, "-m", "lcjax", "predict", str(model), str(source), "--out", str(folder / "e.parquet")]
    begin = time.perf_counter()
    # Through a small process: on Linux the peak of a child begins with that of the process that started it.
    found = subprocess.run([sys.executable, "-c", _MEASURED, *command], stdout=subprocess.PIPE, check=False)
    status, peak = map(int, found.stdout.split())
    if status:
        raise RuntimeError(f"lcjax predict ended with status {status}")
    rows = pq.read_metadata(folder / "e.parquet").num_rows
    seconds = time.perf_counter() - begin
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "stars": stars,
        "rows": rows,
        "file (MB)": source.stat().st_size / 1e6,
        "peak memory (MB)": peak * unit / 1e6,
        "stars/s by the clock, start included": stars / seconds,
    }


def _write_tiny_model(folder: Path) -> None:
    import jax

    from lcjax.models.astromer_config import AstromerModelConfig
    from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
    from lcjax.systems import build_task

    sizes = {"num_layers": 1, "num_heads": 2, "width": 16, "ffn_width": 16}
    experiment = AstromerExperiment(model=AstromerModelConfig(**sizes, time_encoding="log_periods"))
    task = build_task(experiment)
    variables = jax.device_get(jax.jit(task.init)(jax.random.key(0), task.made_up(2)))
    write_weights(folder, ImportedWeights(experiment, variables, folder, None, [], []))

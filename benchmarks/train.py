"""Training speed: windows and observed points a second, FLOP/s against a matmul ceiling measured in the same run.

One setting changes at a time around a base: compute precision, attention kernel, batch size, updates per dispatch, and
length buckets against padding everything to the longest window. FLOPs are the model's closed form over the padded
windows; observed points do not count padding. Each time is the compiled step on batches that already lie on the device;
`--data D` also measures the reader alone and both together. Needs no TensorFlow.
"""

import argparse
import dataclasses
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import measure, print_table, write_json
from lcjax.configs import WindowConfig
from lcjax.systems import PRESETS, build_task
from lcjax.systems.astromer.config import AstromerExperiment
from lcjax.training.compilation import enable_compile_cache
from lcjax.training.feed import Feeder, Prefetch, stack_updates
from lcjax.training.parallel import make_layout
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers

MEDIAN_POINTS, SPREAD = 90.0, 0.8
"""Log-normal number of points of the synthetic curves: like the ASAS, CRTS and ZTF samples, few are full windows."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    experiment: AstromerExperiment
    buckets: tuple[int, ...]
    """Padded lengths; one of them means padding everything to it."""


def cases(base: AstromerExperiment, batch_sizes: list[int], dispatches: list[int], buckets: tuple) -> list[Case]:
    """The base and its variations, one setting at a time."""
    longest = (base.window.length,)
    change = lambda **training: dataclasses.replace(base, training=dataclasses.replace(base.training, **training))
    rows = base.training.batch_size
    found = [Case(f"base: float32, xla, batch {rows}, k 1, padded to {longest[0]}", base, longest)]
    half = change(precision="bfloat16")
    found.append(Case("bfloat16", half, longest))
    fused = dataclasses.replace(half, model=dataclasses.replace(half.model, attention="cudnn"))
    found.append(Case("bfloat16, cudnn attention", fused, longest))
    found += [Case(f"batch {n}", change(batch_size=n), longest) for n in batch_sizes if n != rows]
    found += [Case(f"{k} updates per dispatch", change(steps_per_dispatch=k), longest) for k in dispatches if k > 1]
    found.append(Case(f"buckets {', '.join(map(str, buckets))}", base, buckets))
    return found


def synthetic_lengths(longest: int, count: int = 20_000) -> np.ndarray:
    """Points per window, (count,) int."""
    drawn = np.random.default_rng(0).lognormal(math.log(MEDIAN_POINTS), SPREAD, count)
    return np.clip(drawn.astype(int), 5, longest)


def window_batch(rows: int, length: int, points: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Synthetic windows padded to `length`, with `points` drawn from the given numbers."""
    rng = np.random.default_rng(seed)
    n = rng.choice(points, rows).astype(np.int32)
    mask = np.arange(length) < n[:, None]
    time = np.cumsum(rng.exponential(3.0, (rows, length)), axis=1)
    magnitude = 15 + np.sin(2 * np.pi * time / rng.uniform(1, 50, (rows, 1))) + rng.normal(0, 0.05, time.shape)
    values = {"time": time - 300, "magnitude": magnitude, "magnitude_error": np.full(time.shape, 0.05)}
    batch = {name: np.where(mask, value, 0).astype(np.float32) for name, value in values.items()}
    ones = np.ones(rows, np.float32)
    return batch | {"mask": mask, "length": n, "label": np.zeros(rows, np.int32), "weight": ones}


def matmul_ceiling(dtype: Any, size: int, repeats: int) -> float:
    """FLOP/s of a plain square product in `dtype`, the default precision of the backend."""
    keys = jax.random.split(jax.random.key(0))
    a, b = (jax.random.normal(key, (size, size), dtype) for key in keys)
    product = jax.jit(lambda a, b: a @ b)
    timing = measure(lambda: product(a, b).block_until_ready(), calls=3, repeats=repeats, warmup=2)
    return 2 * size**3 / timing.median


class Trainer:
    """The engine's own step for one experiment, with its state on the devices."""

    def __init__(self, experiment: AstromerExperiment) -> None:
        """Initialises the state; compilation happens at the first call."""
        self.task, self.training = build_task(experiment), experiment.training
        optimizers = task_optimizers(self.task, experiment.optimizer, self.training.steps)
        make_state = lambda: init_state(self.task, optimizers, jax.random.key(0), False)
        self.layout = make_layout(self.training, jax.eval_shape(make_state), self.task.sharding_rules)
        self.state = self.layout.init(make_state)
        self.step = self.layout.compile(make_update(self.task, optimizers, 0, None, self.layout.axis))

    def put(self, updates: list[list[dict[str, np.ndarray]]]) -> dict[str, jax.Array]:
        """Batches of one dispatch, on the devices."""
        return self.layout.put(stack_updates(updates))

    def run(self, batches: dict[str, jax.Array]) -> None:
        """One dispatch, waited for."""
        self.state, out = self.step(self.state, batches)
        jax.block_until_ready(out)


def run_case(case: Case, points: np.ndarray, ceilings: dict[str, float], repeats: int, calls: int) -> dict[str, Any]:
    """Times the step at every padded length of the case and weighs them by the share of windows they take."""
    training = case.experiment.training
    rows, k = training.batch_size, training.steps_per_dispatch
    trainer = Trainer(case.experiment)
    seconds = p95 = operations = padded = 0.0
    for shorter, length in itertools.pairwise((0, *case.buckets)):
        inside = points[(points > shorter) & (points <= length)]
        if not len(inside):
            continue
        share = len(inside) / len(points)
        batches = trainer.put([[window_batch(rows, length, inside, seed)] for seed in range(k)])
        timing = measure(lambda: trainer.run(batches), calls=calls, repeats=repeats, warmup=1)
        seconds += share * timing.median / k
        p95 += share * timing.p95 / k
        operations += share * trainer.task.flops(rows, length)
        padded += share * rows * length
    real = rows * float(points.mean())
    rate = operations / seconds / jax.device_count()
    return {
        "case": case.name,
        "ms/update": seconds * 1e3,
        "p95 ms": p95 * 1e3,
        "windows/s": rows / seconds,
        "points/s": real / seconds,
        "padded points/s": padded / seconds,
        "GFLOP/update": operations / 1e9,
        "GFLOP/s": rate / 1e9,
        "% of ceiling": 100 * rate / ceilings[training.precision],
    }


def feeding(base: AstromerExperiment, data: list[Path], updates: int) -> list[dict[str, Any]]:
    """Reader alone, step alone and both together on real shards: does the input starve the step?"""
    from data_pipelines.kinds.light_curves.source import LightCurveSource

    rows = base.training.batch_size
    source = LightCurveSource(data, "train", rows, base.window, seed=0, reader="plain")
    trainer = Trainer(base)
    kept = []
    for _, batch in zip(range(updates), source.train_batches(), strict=False):
        kept.append(batch[1])
    placed = [trainer.put([[batch]]) for batch in kept]
    for batches in {b["mask"].shape: b for b in placed}.values():
        trainer.run(batches)  # compiles every length
    points = sum(float(b["length"].sum()) for b in kept) / updates

    def read() -> None:
        for _ in zip(range(updates), source.train_batches(), strict=False):
            pass

    def step() -> None:
        for batches in placed:
            trainer.run(batches)

    def both() -> None:
        reader = Prefetch(source.train_batches())
        feeder = Feeder(reader, 1)
        for _ in range(updates):
            trainer.run(trainer.put(feeder.take(1)))
        reader.close()

    found = []
    for name, call in (("reader alone (plain)", read), ("step alone", step), ("both together", both)):
        seconds = measure(call, repeats=3, warmup=1).median / updates
        row = {"part": name, "ms/update": seconds * 1e3, "windows/s": rows / seconds, "points/s": points / seconds}
        found.append(row)
    return found


def _available(case: Case) -> str | None:
    """Why a case cannot run here; None if it can."""
    on_gpu = jax.default_backend() == "gpu"
    return None if on_gpu or case.experiment.model.attention != "cudnn" else "needs a GPU"


def base_experiment(preset: str | None, length: int | None, rows: int | None, quick: bool) -> AstromerExperiment:
    """What everything is compared with: the small model on a CPU, the published size on an accelerator."""
    name = preset or ("astromer2-small" if jax.default_backend() == "cpu" else "astromer2")
    base = PRESETS[name]()
    if quick:
        base = dataclasses.replace(base, model=dataclasses.replace(base.model, num_layers=1, width=16, ffn_width=32))
        length, rows = length or 64, rows or 8
    # The published batch of thousands is for several GPUs.
    training = dataclasses.replace(base.training, batch_size=rows or min(base.training.batch_size, 512))
    return dataclasses.replace(base, window=WindowConfig(length=length or base.window.length), training=training)


def main(argv: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks train", description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=sorted(PRESETS), help="default: astromer2-small on CPU, else astromer2")
    parser.add_argument("--length", type=int, help="longest window, points")
    parser.add_argument("--batch-size", type=int, help="rows of the base case")
    parser.add_argument("--batch-sizes", type=int, nargs="*", help="further batch sizes")
    parser.add_argument("--dispatches", type=int, nargs="*", default=[4, 16], help="updates per dispatch to try")
    parser.add_argument("--data", type=Path, nargs="*", help="prepared data: measures the reader with the step")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", "--json", type=Path, help="where to write (default benchmarks/results/train.json)")
    parser.add_argument("--quick", action="store_true", help="a tiny model and few repeats: does it run?")
    options = parser.parse_args(argv)
    enable_compile_cache()

    base = base_experiment(options.preset, options.length, options.batch_size, options.quick)
    rows, longest = base.training.batch_size, base.window.length
    repeats, calls = (2, 1) if options.quick else (options.repeats, 1 if jax.default_backend() == "cpu" else 10)
    size = {"cpu": 256 if options.quick else 1024}.get(jax.default_backend(), 8192)
    dtypes = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
    ceilings = {name: matmul_ceiling(dtype, size, repeats) for name, dtype in dtypes.items()}
    shown = [{"matmul": f"{size} x {size}, {name}", "GFLOP/s": rate / 1e9} for name, rate in ceilings.items()]
    print_table("ceiling: a plain matrix product", shown)

    points = synthetic_lengths(longest)
    sizes = [rows // 2, rows * 4] if options.batch_sizes is None else options.batch_sizes
    results, skipped = [], []
    for case in cases(base, sizes, options.dispatches, tuple(_buckets(longest))):
        why = _available(case)
        if why:
            skipped.append({"case": case.name, "why": why})
            print(f"skipped: {case.name} ({why})")
            continue
        results.append(run_case(case, points, ceilings, repeats, calls))
        print(f"{case.name}: {results[-1]['windows/s']:,.0f} windows/s", flush=True)
    network = f"{base.system}, {base.model.num_layers} blocks of width {base.model.width}"
    print_table(f"training {network}, on {jax.devices()[0].device_kind}, {points.mean():.0f} points a window", results)
    record = {"settings": base, "ceiling_flops": ceilings, "cases": results, "skipped": skipped}
    if options.data:
        record["feeding"] = feeding(base, options.data, 8 if options.quick else 50)
        print_table("reader and step", record["feeding"])
    print(f"written to {write_json('train', record, options.out)}")
    return 0


def _buckets(longest: int) -> Iterator[int]:
    """Quarter, half and whole of the longest window."""
    yield from sorted({max(longest // 4, 5), max(longest // 2, 5), longest})

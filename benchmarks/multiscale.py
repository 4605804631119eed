"""What do pixels buy? Satellites and five more classes told from stamps of four scenarios, accuracy against bytes.

    python -m benchmarks multiscale --alerts FOLDER [--picture P.png]

Real ZTF triplets are split by object; then sources of known class are injected into each part (see
`data_pipelines.simulate.stamp_classes`), and the published networks are trained on one part and scored on the other, five
times with other splits, injections and initial weights. Position is not given, since injected sources lie anywhere.

What this can and cannot say: backgrounds, noise, artefacts and missing pixels are real, the sources are our model of them, so
scores compare scenarios on one footing and are no forecast for the sky. The few weakly labelled real alerts of held-out
objects are scored besides; they have no satellites. Training is short (no search, no early stopping, one optimiser for
all), on one dihedral copy per step; answers use all eight.
"""

import dataclasses
import time
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from benchmarks.harness import print_table, write_json
from benchmarks.injected_alerts import RealAlerts, Sample, injected, read_real_alerts, split_objects
from benchmarks.multiscale_picture import draw_picture
from lcjax.analysis.classification import score_classes
from lcjax.configs import OptimizerConfig
from lcjax.tasks import PRESETS, build_task
from lcjax.tasks.base import Task
from lcjax.tasks.multiscale_stamps_config import CLASS_NAMES, MultiscaleExperiment
from lcjax.training.compilation import enable_compile_cache
from lcjax.training.optimizers import build_optimizer
from lcjax.training.state import TrainState, init_state
from lcjax.training.step import make_update
from lcjax.transforms.flux_rings import pack
from lcjax.transforms.multiscale import central, mean_levels, mean_pool

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "cropped": ("multiscale-stamps-cropped", {}, {}),
    "cropped + Fourier": ("multiscale-stamps-cropped", {"fourier": "stamp"}, {}),
    "low resolution": ("multiscale-stamps-low-res", {}, {}),
    "rings": ("multiscale-stamps-rings", {}, {}),
    "multiscale": ("multiscale-stamps", {}, {}),
    "multiscale, weights per level": ("multiscale-stamps", {}, {"level_weights": "separate"}),
    "full": ("multiscale-stamps-full", {}, {}),
}
"""Name -> preset, changes of its inputs, changes of its model."""
_T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains and compares; about 20 minutes on two cores."""

    alerts: Path
    """Folder of ZTF alerts (Avro, Parquet, ...)."""
    labels: Path | None = None
    """CSV with `candid` and `weak_label`; default: `index.csv` of the folder, if there is one."""
    cases: tuple[str, ...] = tuple(CASES)
    repeats: int = 5
    steps: int = 240
    batch: int = 32
    learning_rate: float = 2e-3
    dropout: float = 0.3
    """The published rates (0.72 to 0.87) are for runs of 30,000 steps."""
    train_per_class: int = 300
    test_per_class: int = 50
    real_share: float = 0.25
    """Share of real weakly labelled alerts among the training stamps of a class that has them."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/multiscale.json)."""
    picture: Path | None = None
    """Draw scores against bytes there (PNG)."""


@dataclasses.dataclass
class Run:
    """One case over all repeats."""

    macro_f1: list[float] = dataclasses.field(default_factory=list)
    answers: list[np.ndarray] = dataclasses.field(default_factory=list)
    real_answers: list[np.ndarray] = dataclasses.field(default_factory=list)
    seconds: float = 0.0
    parameters: int = 0


def main(argv: list[str]) -> int:
    """Runs the comparison."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks multiscale")
    enable_compile_cache()
    real = read_real_alerts(options.alerts, options.labels or options.alerts / "index.csv")
    print(
        f"{len(real.stamps)} real alerts of {len(set(real.object_id))} objects, {(real.label >= 0).sum()} weakly labelled"
    )
    runs = {name: Run() for name in options.cases}
    tests, real_tests, sizes = [], [], {}
    trained = {name: _Trainer(name, options) for name in options.cases}
    for repeat in range(options.repeats):
        train_part, test_part = split_objects(real, repeat)
        train = injected(train_part, options.train_per_class, 1000 + repeat, options.real_share)
        tests.append(injected(test_part, options.test_per_class, 2000 + repeat))
        real_tests.append(_labelled(test_part))
        sizes = sizes or {name: stored_bytes(name, tests[0].stamps) for name in options.cases}
        for name, run in runs.items():
            begin = time.perf_counter()
            state = trained[name].train(train, repeat)
            run.answers.append(trained[name].answer(state, tests[-1].stamps))
            run.real_answers.append(trained[name].answer(state, real_tests[-1].stamps))
            run.parameters = sum(x.size for x in jax.tree.leaves(state.params))
            run.seconds += time.perf_counter() - begin
            scores = score_classes(run.answers[-1], tests[-1].label, tests[-1].object_id, CLASS_NAMES, resamples=2)
            run.macro_f1.append(scores.macro_f1.value)
            print(
                f"repeat {repeat + 1}, {name}: macro F1 {run.macro_f1[-1]:.3f} ({run.seconds:.0f} s so far)", flush=True
            )
        rows = [_row(name, run, runs, tests, real_tests, sizes[name]) for name, run in runs.items()]
        # After every repeat, so that a run that has to end early has said what it knows.
        written = _write(rows, options)
    print_table(
        f"Six classes from injected stamps, {options.repeats} repeats (95 % intervals)", [r["shown"] for r in rows]
    )
    print(f"written to {written}")
    if options.picture:
        draw_picture(rows, tests[0], options.picture)
        print(f"picture: {options.picture}")
    return 0


def _write(rows: list[dict[str, Any]], options: Options) -> Path:
    settings = {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(options).items()}
    cases = {r["case"]: {k: v for k, v in r.items() if k != "shown"} for r in rows}
    return write_json("multiscale", {"settings": settings, "cases": cases}, options.out)


def _labelled(part: RealAlerts) -> Sample:
    rows = part.label >= 0
    return Sample(part.stamps[rows], part.label[rows].astype(np.int32), part.object_id[rows])


class _Trainer:
    """One case: compiled once, trained for every repeat."""

    def __init__(self, case: str, options: Options) -> None:
        preset, inputs, model = CASES[case]
        experiment: Any = PRESETS[preset]()
        experiment = dataclasses.replace(
            experiment,
            inputs=dataclasses.replace(experiment.inputs, position="none", **inputs),
            model=dataclasses.replace(experiment.model, dropout=options.dropout, train_copies="one", **model),
            optimizer=OptimizerConfig(name="adamw", learning_rate=options.learning_rate, warmup_steps=20),
        )
        self.experiment: MultiscaleExperiment = experiment
        self.options = options
        self.task: Task = build_task(experiment)
        self.optimizer = build_optimizer(experiment.optimizer, options.steps)
        self.update = jax.jit(make_update(self.task, self.optimizer, 0, None, mapped=False))
        self.predict = jax.jit(lambda variables, batch: self.task.predict(variables, batch)["probabilities"])

    def train(self, sample: Sample, repeat: int) -> TrainState:
        """Weights after `steps` updates on class-balanced batches."""
        rng = np.random.default_rng(3000 + repeat)
        state = init_state(self.task, self.optimizer, jax.random.key(repeat), ema=False)
        classes = [np.flatnonzero(sample.label == k) for k in range(len(CLASS_NAMES))]
        for _ in range(self.options.steps):
            drawn = rng.integers(len(CLASS_NAMES), size=self.options.batch)
            rows = np.array([rng.choice(classes[k]) for k in drawn])
            batch = self._batch(sample.stamps[rows]) | {"label": sample.label[rows]}
            state, _ = self.update(state, {name: value[None, None] for name, value in batch.items()})
        return state

    def answer(self, state: TrainState, stamps: np.ndarray) -> np.ndarray:
        """Probabilities (N, K)."""
        size, out = self.options.batch, []
        for begin in range(0, len(stamps), size):
            part = stamps[begin : begin + size]
            filled = np.concatenate([part, np.zeros((size - len(part), *part.shape[1:]), np.float32)])
            out.append(np.asarray(self.predict(state.variables, self._batch(filled)))[: len(part)])
        return np.concatenate(out)

    @staticmethod
    def _batch(stamps: np.ndarray) -> dict[str, np.ndarray]:
        zeros = np.zeros(len(stamps), np.float32)
        return {"stamps": stamps, "metadata": np.zeros((len(stamps), 0), np.float32), "ra": zeros, "dec": zeros}


def stored_bytes(case: str, stamps: np.ndarray) -> dict[str, float]:
    """Mean bytes that must be stored of an alert, float32 as it is and deflated by zlib."""
    preset, inputs, _ = CASES[case]
    settings: Any = dataclasses.replace(PRESETS[preset]().inputs, **inputs)  # type: ignore[attr-defined]
    plain, packed = [], []
    for stamp in stamps[:: max(1, len(stamps) // 60)]:
        if settings.scenario == "rings":
            data = pack(stamp, settings.size, settings.levels)
        elif settings.scenario == "multiscale":
            data = np.asarray(mean_levels(stamp, settings.size, settings.levels)).tobytes()
        elif settings.scenario == "low_res":
            data = np.asarray(mean_pool(stamp, -(-len(stamp) // settings.size))).tobytes()
        else:
            data = np.asarray(central(stamp, settings.size)).tobytes()
        if settings.fourier == "stamp":
            # Amplitudes of k and -k are equal: half of them are stored.
            data += np.random.default_rng(0).normal(size=settings.size**2 // 2).astype("<f4").tobytes()
        plain.append(len(data))
        packed.append(len(zlib.compress(data)))
    return {"bytes": float(np.mean(plain)), "deflated": float(np.mean(packed))}


def interval(values: list[float]) -> tuple[float, float]:
    """Mean over repeats and half of its 95 % interval (Student's t); NaN for a single repeat.

    >>> [round(x, 3) for x in interval([0.5, 0.7])]
    [0.6, 1.271]
    """
    count = len(values)
    if count < 2:
        return float(np.mean(values)), float("nan")
    factor = _T_95.get(count, 2.0)
    return float(np.mean(values)), factor * float(np.std(values, ddof=1)) / count**0.5


def _row(
    case: str, run: Run, runs: dict[str, Run], tests: list[Sample], real_tests: list[Sample], sizes: dict[str, float]
) -> dict[str, Any]:
    """Everything known of a case; `shown` is its line of the table."""
    label = np.concatenate([t.label for t in tests])
    pooled = score_classes(
        np.concatenate(run.answers), label, np.concatenate([t.object_id for t in tests]), CLASS_NAMES
    )
    real_label = np.concatenate([t.label for t in real_tests])
    real = None
    if len(real_label):
        objects = np.concatenate([t.object_id for t in real_tests])
        real = score_classes(np.concatenate(run.real_answers), real_label, objects, CLASS_NAMES)
    mean, half = interval(run.macro_f1)
    reference = runs.get("multiscale", run).macro_f1
    ahead, ahead_half = interval([a - b for a, b in zip(run.macro_f1, reference, strict=True)])
    satellite, confusion = CLASS_NAMES.index("satellite"), pooled.confusion
    lost = sum(confusion[satellite][CLASS_NAMES.index(n)] for n in ("asteroid", "sn")) / confusion[satellite].sum()
    return {
        "case": case,
        **sizes,
        "parameters": run.parameters,
        "macro_f1": run.macro_f1,
        "mean": mean,
        "half_interval": half,
        "minus_multiscale": [ahead, ahead_half],
        "satellite_as_asteroid_or_sn": float(lost),
        "pooled": pooled.as_dict(),
        "real": real.as_dict() if real else None,
        "seconds": run.seconds,
        "shown": {
            "scenario": case,
            "bytes": float(sizes["bytes"]),
            "deflated": float(sizes["deflated"]),
            "parameters": run.parameters,
            "macro F1": f"{mean:.3f} ± {half:.3f}",
            "minus multiscale": "-" if reference is run.macro_f1 else f"{ahead:+.3f} ± {ahead_half:.3f}",
            "satellite recall": f"{pooled.recall['satellite'].value:.3f}",
            "seen as asteroid, SN": f"{lost:.3f}",
            "real alerts, accuracy": str(real.accuracy) if real else "-",
            "s/repeat": round(run.seconds / len(run.macro_f1)),
        },
    }

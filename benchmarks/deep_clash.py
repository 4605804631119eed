"""How many labels does Deep-CLASH need in new bands, with and without a base network trained elsewhere?

    python -m benchmarks deep-clash [--labels 0 50 200 800 --seeds 0 1]

The experiment of the paper on simulated galaxies, with the light network: a base network learns from the H band of one survey; then
networks learn from N stamps of 16 bands of another, shallower one with other seeing, from the base network's weights or from nothing.
All are scored on the same held-out galaxies of the 16 bands, with intervals over galaxies. 0 labels: the base network as it is.
"""

import dataclasses
import functools
from pathlib import Path

import jax
import numpy as np
import tyro

from benchmarks.harness import print_table, write_json
from data_pipelines.simulate.galaxies import SURVEYS, VOTES, simulate_galaxy, simulate_stamp
from lcjax.errors import ConfigError
from lcjax.systems.deep_clash import DeepClashSystem
from lcjax.systems.deep_clash.config import DeepClashExperiment
from lcjax.systems.deep_clash.evaluation import Voted, VoteScores, score_votes
from lcjax.systems.deep_clash.presets import deep_clash_light
from lcjax.training.optimizers import build_optimizer


@dataclasses.dataclass(frozen=True)
class Options:
    """Sizes of the experiment."""

    base: int = 2000
    """Labelled stamps that the base network learns from."""
    labels: tuple[int, ...] = (0, 50, 200, 800)
    """Labelled stamps of the new bands."""
    test: int = 640
    """Held-out stamps of the new bands."""
    base_steps: int = 800
    steps: int = 300
    batch_size: int = 32
    base_rate: float = 1e-3
    tuned_rate: float = 1e-3
    """Of fine-tuning, the same as published; networks that begin with nothing take the rate of the base network."""
    evaluate_every: int = 25
    seeds: tuple[int, ...] = (0,)
    small: bool = False
    """A smaller network still, to try the benchmark out."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/deep_clash.json)."""


Images = dict[str, np.ndarray]


def main(argv: list[str]) -> int:
    """Runs the experiment, prints the curve and the table of bands."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks deep-clash")
    if min(options.labels) < 0 or max(options.labels, default=0) < 1:
        raise ConfigError("--labels are numbers of stamps, one of them above 0")
    rows, best = [], {}
    for seed in options.seeds:
        for row, scored in experiment(options, seed):
            rows.append(row)
            best[row["begins with"]] = scored
            print(row, flush=True)
    print_table("RMSE of vote fractions in 16 bands", [{k: v for k, v in r.items() if k != "best step"} for r in rows])
    bands = [band_row(band, best) for band in SURVEYS["clash"]]
    print_table(f"by band, with {max(options.labels)} labels, last seed", bands)
    print(f"written to {write_json('deep_clash', {'settings': options, 'curve': rows, 'bands': bands}, options.out)}")
    return 0


def stamps(first: int, count: int, survey: str, side: int, seed: int) -> Images:
    """Galaxies from number `first` on, one band each, bands in turn."""
    bands = SURVEYS[survey]
    names = [bands[i % len(bands)] for i in range(count)]
    pairs = [simulate_stamp(simulate_galaxy(seed, first + i), band, survey, side) for i, band in enumerate(names)]
    return {
        "image": np.stack([pixels for pixels, _ in pairs])[..., None],
        "target": np.stack([votes for _, votes in pairs]),
        "band": np.array(names),
        "object_id": np.array([f"{survey}-{first + i}" for i in range(count)]),
    }


def experiment(options: Options, seed: int):
    """Rows of the curve, each with what was scored."""
    settings = _settings(options)
    side = settings.model.side
    base = stamps(0, options.base, "candels", side, seed)
    new = stamps(100_000, max(options.labels), "clash", side, seed)
    test = stamps(200_000, options.test, "clash", side, seed)
    validation = max(options.labels) and stamps(300_000, 160, "clash", side, seed)
    base_validation = stamps(400_000, 160, "candels", side, seed)
    trainer = Trainer(settings, options)
    start, _ = trainer.fit(trainer.initial(seed), base, base_validation, options.base_steps, options.base_rate, seed)
    for count in options.labels:
        some = {name: values[:count] for name, values in new.items()}
        for name, weights, rate in (("base network", start, options.tuned_rate), ("nothing", None, options.base_rate)):
            if count == 0 and weights is None:
                continue
            begun = trainer.initial(seed + 1) if weights is None else weights
            steps = options.steps if count else 0
            found, step = trainer.fit(begun, some, validation, steps, rate, seed) if count else (begun, 0)
            voted = trainer.answer(found, test)
            score = score_votes(voted)
            row = {
                "labels": count,
                "begins with": name,
                "seed": seed,
                "RMSE": str(score.rmse),
                "pooled RMSE": score.pooled.value,
            }
            row |= {name: s.value for name, s in zip(VOTES, score.by_class, strict=True)} | {"best step": step}
            yield row, voted


def band_row(band: str, found: dict[str, Voted]) -> dict:
    """RMSE of one band of networks that began with something and with nothing."""
    scores: dict[str, VoteScores] = {name: score_votes(voted.of_band(band)) for name, voted in found.items()}
    return {"band": band, "stamps": next(iter(scores.values())).images} | {
        f"from {name}": str(s.rmse) for name, s in scores.items()
    }


def _settings(options: Options) -> DeepClashExperiment:
    settings = deep_clash_light()
    if options.small:
        tiny = {f"inception_{i}": (2, 4, 2, 2, 2, 4) for i in range(1, 7)}
        settings = dataclasses.replace(
            settings, model=dataclasses.replace(settings.model, stem=(4, 4), head=8, dense=(16,), **tiny)
        )
    objective = dataclasses.replace(settings.objective, votes="fractions", names=VOTES)
    return dataclasses.replace(settings, objective=objective)


class Trainer:
    """Steps of one network, compiled once for all runs."""

    def __init__(self, settings: DeepClashExperiment, options: Options) -> None:
        """Compiles nothing yet."""
        self._task, self._options = DeepClashSystem().build_task(settings), options
        optimizer = build_optimizer(dataclasses.replace(settings.optimizer, schedule="constant", learning_rate=1.0), 1)
        self._optimizer = optimizer

        def step(params, state, moments, batch, rate, key):
            (_, (_, state)), gradient = jax.value_and_grad(self._task.loss, has_aux=True)(params, state, batch, key)
            change, moments = optimizer.update(gradient, moments, params)
            return jax.tree.map(lambda p, c: p + rate * c, params, change), state, moments

        self._step = jax.jit(step)
        self._predict = jax.jit(lambda variables, image: self._task.predict(variables, {"image": image})["votes"])

    def initial(self, seed: int):
        """Random weights."""
        side = self._task.batch_spec["image"].shape[1]
        return jax.jit(self._task.init)(jax.random.key(seed), {"image": np.zeros((2, side, side, 1), np.float32)})

    def fit(self, variables, images: Images, validation: Images, steps: int, rate: float, seed: int):
        """The weights of the best evaluation, and its step."""
        rng, key = np.random.default_rng(seed), jax.random.key(seed)
        params, state = variables["params"], {"batch_stats": variables["batch_stats"]}
        moments, best = self._optimizer.init(params), (np.inf, variables, 0)
        for number in range(1, steps + 1):
            rows = rng.integers(0, len(images["image"]), self._options.batch_size)  # with repetition, as published
            batch = {name: images[name][rows] for name in ("image", "target")}
            params, state, moments = self._step(params, state, moments, batch, rate, jax.random.fold_in(key, number))
            if number % self._options.evaluate_every == 0 or number == steps:
                now = {"params": params, **state}
                error = score_of(self.answer(now, validation))
                best = (error, now, number) if error < best[0] else best
        return best[1], best[2]

    def answer(self, variables, images: Images) -> Voted:
        """Of all images, some at a time."""
        run = functools.partial(self._predict, variables)
        parts = [np.asarray(run(images["image"][i : i + 160])) for i in range(0, len(images["image"]), 160)]
        return Voted(images["object_id"], images["band"], images["target"], np.concatenate(parts))


def score_of(voted: Voted) -> float:
    """The published score, without an interval."""
    return float(np.sqrt(((voted.answers - voted.votes) ** 2).mean(-1)).mean())

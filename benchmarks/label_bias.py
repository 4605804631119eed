"""How fast is the labelling bias, does it find biases of known strength, and what does it say of the labels of stars?

    python -m benchmarks label-bias [--stars asas_acvs.parquet]

Speed: 100 bootstraps of 300,000 simulated galaxies at the published bins (2^9 leaves, 8 bins, 58 objects in each) against the
published loop, re-created, on the same draws; CPU time, all threads together. Strength: the bias above the floor of small
catalogues, with its interval, against that of one of a million galaxies. Stars: a Parquet table with a star a row (`id`, `label`, lists
`time`, `mag`, `err`); eclipsing binaries alike in period and amplitude, by signal to noise.
"""

import dataclasses
import time
from pathlib import Path

import numpy as np
import tyro

from benchmarks import label_bias_reference as reference
from benchmarks.harness import print_table, write_json
from lcjax.evaluation.label_bias import label_bias
from lcjax.evaluation.label_bias_catalogue import Bins, Catalogue, build_catalogue
from lcjax.evaluation.label_bias_draws import bootstrap_bias, permutation_test
from lcjax.evaluation.label_bias_simulation import INTRINSIC, OBSERVED, biased_labels, columns, simulated_catalogue


@dataclasses.dataclass(frozen=True)
class Options:
    """What is measured."""

    galaxies: int = 300_000
    depth: int = 9
    bins: int = 8
    objects_per_bin: int = 58
    draws: int = 100
    reference_draws: int = 3
    """Of the published loop, which takes about a second for each."""
    strengths: tuple[float, ...] = (0.0, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
    """Of simulated biases."""
    catalogues: int = 20
    """Of each strength."""
    small: int = 20_000
    """Galaxies of each of them."""
    large: int = 1_000_000
    """Of the catalogue that says what the bias is."""
    stars: Path | None = None
    """Real stars."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/label_bias.json)."""


def main(argv: list[str]) -> int:
    """Runs all parts."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks label-bias")
    record: dict = {"settings": options, "speed": speed(options)}
    print_table(f"{options.galaxies:,} galaxies, 2^{options.depth} leaves x {options.bins} bins", record["speed"])
    record["strength"] = strength(options)
    print_table(f"{options.catalogues} catalogues of {options.small:,} galaxies for each strength", record["strength"])
    if options.stars:
        from benchmarks.label_bias_stars import starlight

        record["stars"] = starlight(options.stars)
        print_table(f"eclipsing binaries of {options.stars.name}", record["stars"])
    print(f"written to {write_json('label_bias', record, options.out)}")
    return 0


def _galaxies(seed: int, count: int, strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    table = simulated_catalogue(rng, count)
    return columns(table, INTRINSIC), columns(table, OBSERVED), biased_labels(rng, table, strength)


def speed(options: Options) -> list[dict]:
    """CPU seconds a bootstrap of the published loop and of ours, with what both say of the same draws."""
    alpha, beta, label = _galaxies(0, options.galaxies, 1.0)
    bins = Bins(options.depth, options.bins, (True, False))
    size = options.objects_per_bin * bins.count
    clock, began = time.process_time(), time.perf_counter()
    catalogue = build_catalogue(alpha, beta, label)
    ours = bootstrap_bias(catalogue, bins, options.objects_per_bin, options.draws)
    cpu, wall = (time.process_time() - clock) / options.draws, (time.perf_counter() - began) / options.draws
    draws = lambda: reference.published_draws(0, len(label), size, options.reference_draws)
    cut = {"depth": bins.depth, "bins": bins.observable, "first": bins.first}
    clock, began = time.process_time(), time.perf_counter()
    values = [reference.bias(alpha[rows], beta[rows], label[rows], np.unique(label), **cut) for rows in draws()]
    their_cpu, their_wall = (
        (end - begin) / options.reference_draws
        for begin, end in ((clock, time.process_time()), (began, time.perf_counter()))
    )
    apart = max(abs(label_bias(catalogue, bins, rows) - value) for rows, value in zip(draws(), values, strict=True))
    row = lambda name, mean, cpu, wall, times, apart: {
        "loop": name,
        "mean L": mean,
        "CPU ms a bootstrap": 1e3 * cpu,
        "wall ms": 1e3 * wall,
        "times as fast (CPU)": times,
        "largest difference on equal draws": apart,
    }
    return [
        row("published, re-created", float(np.mean(values)), their_cpu, their_wall, 1.0, None),
        row("lcjax, ordering of the columns included", float(ours.bias.mean()), cpu, wall, their_cpu / cpu, apart),
    ]


def strength(options: Options) -> list[dict]:
    """Bias above the floor of small catalogues against what it is, and how often its interval holds that."""
    bins = Bins(6, 4, (True, False))
    rows = []
    for number, value in enumerate(options.strengths):
        true = _corrected(build_catalogue(*_galaxies(number, options.large, value)), bins)
        found = []
        for i in range(options.catalogues):
            catalogue = build_catalogue(*_galaxies(1000 * (number + 1) + i, options.small, value))
            drawn = bootstrap_bias(catalogue, bins, draws=options.draws, seed=i)
            p_value = permutation_test(catalogue, bins, 40, i).p_value()
            found.append((drawn.bias.mean(), drawn.floor_of(), drawn.corrected(), p_value))
        held = [one.low - 1e-9 <= true <= one.high + 1e-9 for _, _, one, _ in found]
        rows.append(
            {
                "strength b": value,
                "L": float(np.mean([f[0] for f in found])),
                "floor": float(np.mean([f[1] for f in found])),
                "above the floor": float(np.mean([f[2].value for f in found])),
                "its 95 %": f"{np.mean([f[2].low for f in found]):.3f}-{np.mean([f[2].high for f in found]):.3f}",
                "bias of a large catalogue": true,
                "within the interval": f"{sum(held)}/{len(held)}",
                "p < 0.05": f"{sum(f[3] < 0.05 for f in found)}/{len(found)}",
            }
        )
    return rows


def _corrected(catalogue: Catalogue, bins: Bins) -> float:
    return bootstrap_bias(catalogue, bins, draws=4, bootstrap=False).corrected().value

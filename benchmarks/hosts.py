"""Which galaxy hosts the transient: DELIGHT against the nearest source and the directional light radius; time per stage.

    python -m benchmarks hosts --models W ... [--fields 2000] [--timing-only True]

All rules and networks see the same simulated fields, which no training has seen (their own seed). `snapped` moves a
network's answer to the centre of the detected source that it falls on. An answer is catastrophic when it is farther from the
host's centre than half of the host's radius (at least 2 arcsec). For the times see `benchmarks.host_stages`.
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.harness import print_table, write_json
from benchmarks.host_stages import stages
from data_pipelines.kinds.host_fields.source import encode_host_field
from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.simulate.host_fields import FieldSettings, HostField, simulate_host_fields
from lcjax.evaluation.ranking import auroc
from lcjax.systems.delight.answers import HostAnswers, answer_fields
from lcjax.systems.delight.host_rules import snap_to_source
from lcjax.systems.delight.light_radius import (
    DLR_LIMIT,
    closest_source,
    directional_light_radius,
    light_radius_host,
)
from lcjax.systems.delight.scores import HostScores, catastrophic_limit, scores_by_size
from lcjax.systems.loading import load

ROWS = 32
STAR_SIZE = 1.1
"""Geometric mean of a and b, in standard deviations of a star, up to which a source counts as a star."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Scores on simulated fields, and milliseconds per field."""

    models: tuple[str, ...] = ()
    """Workdirs or weights folders of the system delight."""
    fields: int = 2000
    seed: int = 20260
    timing: bool = True
    """Also measure the stages."""
    timing_only: bool = False
    cores: int = os.cpu_count() or 1
    """Processes that share the preprocessing in one of the cases."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/hosts.json)."""


def main(argv: list[str]) -> int:
    """Scores, then times."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks hosts")
    record: dict[str, Any] = {"settings": options}
    if not options.timing_only:
        record |= compare(options)
    if options.timing or options.timing_only:
        record["milliseconds"] = stages(options.models, options.seed, options.cores)
    print(f"written to {write_json('hosts', record, options.out)}")
    return 0


# --- scores


@dataclasses.dataclass
class TestFields:
    """Simulated fields: truth, stacks, and the answers of rules without training."""

    truth: list[HostField]
    stacks: np.ndarray
    rules: dict[str, np.ndarray]  #: name -> (N, 2) pixels, NaN without an answer
    sources: list[dict[str, np.ndarray]]
    light_radius: np.ndarray  #: (N,) directional light radii of the best source, inf without any


def make_fields(number: int, seed: int, settings: FieldSettings | None = None) -> TestFields:
    """Simulates and applies the rules."""
    settings = settings or FieldSettings()
    star = STAR_SIZE * settings.seeing / 2.3548 / settings.pixel_scale
    centre = (settings.image_size - 1) / 2
    truth, stacks, best, tables = [], [], [], []
    rules: dict[str, list[np.ndarray]] = {
        name: [] for name in ("nearest source", "light radius", "light radius, no stars")
    }
    for field in simulate_host_fields(number, seed, settings):
        sources = detect_sources(field.image).sources
        truth.append(field)
        stacks.append(encode_host_field(field)["stamps"])
        rules["nearest source"].append(closest_source(sources, centre, centre))
        tables.append(sources)
        rules["light radius"].append(light_radius_host(sources, centre, centre))
        rules["light radius, no stars"].append(light_radius_host(sources, centre, centre, star_size=star))
        extended = {k: v[np.sqrt(sources["a"] * sources["b"]) > star] for k, v in sources.items()}
        best.append(directional_light_radius(extended, centre, centre).min(initial=np.inf))
    plain = [dataclasses.replace(f, image=np.zeros((0, 0), np.float32)) for f in truth]
    return TestFields(plain, np.stack(stacks), {k: np.stack(v) for k, v in rules.items()}, tables, np.array(best))


def _batches(test: TestFields) -> Iterator[dict[str, np.ndarray]]:
    offset = np.nan_to_num(np.stack([f.offset for f in test.truth])).astype(np.float32)
    hostless = np.array([f.hostless for f in test.truth], np.float32)
    radius = np.nan_to_num(np.array([f.host_radius for f in test.truth], np.float32))
    for begin in range(0, len(hostless), ROWS):
        rows = np.minimum(np.arange(begin, begin + ROWS), len(hostless) - 1)
        real = (np.arange(begin, begin + ROWS) < len(hostless)).astype(np.float32)
        truth = {"offset": offset[rows], "hostless": hostless[rows], "host_radius": radius[rows]}
        yield {"stamps": test.stacks[rows], **truth, "weight": real}


def compare(options: Options) -> dict[str, Any]:
    """All methods on the same fields."""
    test = make_fields(options.fields, options.seed)
    hostless = np.array([f.hostless for f in test.truth])
    paired = np.array([f.paired for f in test.truth])
    radius = np.array([f.host_radius for f in test.truth])
    scale = test.truth[0].pixel_scale
    offset = np.stack([f.offset for f in test.truth])
    errors = {name: np.hypot(*(found - offset).T) * scale for name, found in test.rules.items()}
    answers: dict[str, HostAnswers] = {}
    for path in options.models:
        loaded = load(path)
        name = f"lcjax {Path(path).name}"
        answers[name] = answer_fields(loaded.task, loaded.variables, _batches(test), loaded.experiment)
        errors[name] = answers[name].distance()
        snapped = _snapped(test, answers[name].outputs["offset"])
        errors[f"{name}, snapped"] = np.hypot(*(snapped - offset).T) * scale
    rows, record = [], {}
    for name, error in errors.items():
        scores = scores_by_size(error[~hostless], radius[~hostless])
        both = ~hostless & paired
        pairs = float(np.mean(~(error[both] <= catastrophic_limit(radius[both])))) if both.any() else float("nan")
        record[name] = {**scores, "catastrophic of pairs": pairs}
        rows.append({"method": name} | _cells(scores) | {"pairs: %": f"{100 * pairs:.1f}"})
    counts = ", ".join(f"{s.fields} {size}" for size, s in scores.items())
    print_table(f"median error (arcsec) and catastrophic answers (%) by radius of the host: {counts}", rows)
    probabilities = {name: _probabilities(found) for name, found in answers.items() if found.has_probabilities}
    area = auroc(test.light_radius, hostless)
    flagged = test.light_radius > DLR_LIMIT
    rule = {"auroc": area, "accuracy_at_4_radii": float(np.mean(flagged == hostless))}
    print_table(
        "fields without host",
        [{"method": "light radius, no stars", "area under curve": area, "accuracy": rule["accuracy_at_4_radii"]}]
        + [
            {
                "method": name,
                "area under curve": found["hostless_auroc"],
                "accuracy": found["hostless_accuracy"],
            }
            for name, found in probabilities.items()
        ],
    )
    for name, found in probabilities.items():
        print_table(f"{name}: calibration", _calibration_rows(found["calibration"]))
        print(f"{name}: host at one of two answers in {100 * found['top2_recall']:.1f} % of the fields with hosts")
    for name, found in answers.items():
        print_table(f"{name}: quarters of the scatter (arcsec)", found.scatter_flag())
    quarters = {name: found.scatter_flag() for name, found in answers.items()}
    return {"scores": record, "hostless_rule": rule, "probabilities": probabilities, "scatter": quarters}


def _snapped(test: TestFields, offsets: np.ndarray) -> np.ndarray:
    """Answers moved to the centres of the sources they fall on, (N, 2)."""
    centre = (FieldSettings().image_size - 1) / 2
    places = [snap_to_source(s, *(centre + o)) for s, o in zip(test.sources, offsets, strict=True)]
    return np.array(places) - centre


def _cells(scores: dict[str, HostScores]) -> dict[str, str]:
    cells = {}
    for size, s in scores.items():
        cells[f"{size}: median"] = f"{s.median:.2f} ({s.median_low:.2f}-{s.median_high:.2f})"
        low, high = 100 * s.catastrophic_low, 100 * s.catastrophic_high
        cells[f"{size}: %"] = f"{100 * s.catastrophic:.1f} ({low:.1f}-{high:.1f})"
    return cells


def _probabilities(found: HostAnswers) -> dict[str, Any]:
    said = found.outputs["hostless_probability"] > 0.5
    curves = {
        name: {
            "expected_calibration_error": c.error,
            "brier": c.brier,
            "predicted": c.predicted.tolist(),
            "happened": c.happened.tolist(),
            "count": c.count.tolist(),
        }
        for name, c in found.calibration().items()
    }
    return {
        "top2_recall": found.top2_recall(),
        "hostless_auroc": found.hostless_auroc(),
        "hostless_accuracy": float(np.mean(said == found.hostless)),
        "calibration": curves,
    }


def _calibration_rows(curves: dict[str, Any]) -> list[dict[str, Any]]:
    pairs = lambda c: "  ".join(f"{p:.2f}/{h:.2f}" for p, h in zip(c["predicted"], c["happened"], strict=True))
    return [
        {
            "probability of": name,
            "error": c["expected_calibration_error"],
            "brier": c["brier"],
            "predicted/happened": pairs(c),
        }
        for name, c in curves.items()
    ]

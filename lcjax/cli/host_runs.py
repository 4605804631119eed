"""Training and evaluation of host finders; see `lcjax.cli.data_kinds` for what such a module offers."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lcjax.configs import Experiment
from lcjax.errors import ConfigError
from lcjax.systems.loading import Loaded, load_system

EVALUATION_ROWS = 32


def open_source(experiment: Experiment, data: Sequence[Path], split: str, reader: str = "auto", **more: Any) -> Any:
    """Source of one split; `more` goes to `HostFieldSource`."""
    from data_pipelines.kinds.host_fields.source import HostFieldSource

    training = experiment.training
    return HostFieldSource(data, split, training.batch_size, seed=training.seed, reader=reader, **more)


def adapt(experiment: Experiment, source: Any) -> Experiment:
    """The settings as they are, if the stacks of the data are those that the model takes.

    Raises:
      ConfigError: they have another shape.
    """
    model: Any = experiment.model  # type: ignore[attr-defined]
    if tuple(source.shape) != (model.side, model.side, model.levels):
        raise ConfigError(
            f"the stacks of this data have the shape {tuple(source.shape)}, the model takes {model.levels} planes of "
            f"{model.side}: set --model.side, --model.levels and --image.image-size, or prepare other data"
        )
    return experiment


def can_score(source: Any) -> bool:
    """Simulated fields know their hosts."""
    del source
    return True


def describe_data(source: Any) -> dict[str, Any]:
    """Number of fields."""
    return {"objects": source.n_objects, "class_names": list(source.class_names)}


def _answers(loaded: Loaded, data: Sequence[Path], split: str, reader: str = "auto") -> Any:
    from data_pipelines.kinds.host_fields.source import HostFieldSource
    from lcjax.systems.delight.answers import answer_fields

    source = HostFieldSource(data, split, EVALUATION_ROWS, reader=reader)
    adapt(loaded.experiment, source)
    return answer_fields(loaded.task, loaded.variables, source.evaluation_batches(), loaded.experiment)


def score_rows(answers: Any) -> list[list[str]]:
    """Cells by size of the host: fields, median error and catastrophic share with 95 % intervals."""
    rows = []
    for name, s in answers.scores().items():
        median = f"{s.median:.2f} ({s.median_low:.2f} to {s.median_high:.2f})"
        share = f"{100 * s.catastrophic:.1f} ({100 * s.catastrophic_low:.1f} to {100 * s.catastrophic_high:.1f})"
        rows.append([name, f"{s.fields:,}", median, share])
    return rows


HEADER = ("radius of the host", "fields", "median error (arcsec)", "catastrophic (%)")


def summary(answers: Any) -> dict[str, Any]:
    """All scores as plain numbers."""
    found = {"by_size": {name: dataclasses.asdict(s) for name, s in answers.scores().items()}}
    found["scatter_quarters"] = answers.scatter_flag()
    if answers.has_probabilities:
        found["either_of_two"] = answers.either_of_two()
        found["hostless_area_under_curve"] = answers.hostless_area()
        found["calibration"] = {
            name: {"expected_calibration_error": c.error, "brier": c.brier} for name, c in answers.calibration().items()
        }
    return found


def _sentences(answers: Any) -> list[str]:
    quarters = answers.scatter_flag()
    said = [
        "catastrophic answers by quarters of the scatter: "
        + ", ".join(f"{100 * q['catastrophic']:.1f} %" for q in quarters)
    ]
    if answers.has_probabilities:
        calibration = answers.calibration()
        said += [
            f"the host is at one of two answers in {100 * answers.either_of_two():.1f} % of the fields",
            f"fields without host: area under the curve {answers.hostless_area():.3f}",
            "calibration error: " + ", ".join(f"{name} {c.error:.3f}" for name, c in calibration.items()),
        ]
    return said


def _print(answers: Any) -> None:
    console = Console()
    table = Table(*HEADER, box=None, header_style="bold")
    for row in score_rows(answers):
        table.add_row(*row)
    console.print(table)
    for sentence in _sentences(answers):
        console.print(sentence, highlight=False, soft_wrap=True)


def _save(path: Path, answers: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(summary(answers), indent=1))


def evaluate(loaded: Loaded, data: Sequence[Path], options: Any) -> None:
    """Scores on fields with known hosts, printed and written where the options ask."""
    if options.strict:
        raise ConfigError("--strict is for masked pretraining: a host finder hides nothing from itself")
    answers = _answers(loaded, data, options.split)
    _print(answers)
    if options.json:
        _save(options.json, answers)
    if options.report:
        print(_write_report(options.report, loaded, answers))


def evaluate_and_report(workdir: Path, data: Sequence[Path], reader: str = "auto") -> Path:
    """Evaluates the best weights of a workdir on the test split, prints the scores, writes `report/index.html`."""
    loaded = load_system(workdir)
    answers = _answers(loaded, data, "test", reader)
    _print(answers)
    _save(Path(workdir) / "scores.json", answers)
    return _write_report(Path(workdir), loaded, answers)


def _write_report(folder: Path, loaded: Loaded, answers: Any) -> Path:
    from lcjax.evaluation import report
    from lcjax.systems.astromer.evaluation import settings_section
    from lcjax.systems.delight import figures as host_figures

    scores = answers.scores()["all"]
    cards = [
        (f"{scores.median:.2f}", "median error, arcsec"),
        (f"{100 * scores.catastrophic:.1f} %", "catastrophic answers"),
        (f"{scores.fields:,}", "held-out hosts"),
    ]
    pictures = [
        report.picture(
            host_figures.error_figure(answers),
            "Errors of held-out fields; red: half of the host's radius, beyond which they are catastrophic.",
        )
    ]
    if answers.has_probabilities:
        cards.append((f"{100 * answers.either_of_two():.1f} %", "found by one of two answers"))
        curves = host_figures.reliability_figure(answers.calibration())
        pictures.append(report.picture(curves, "Probabilities in bins of equal counts against what happened."))
    sections = [
        report.section(
            "Scores", report.table(HEADER, score_rows(answers)), *map(report.paragraph, _sentences(answers))
        ),
        report.section("Pictures", *pictures),
        report.section("Settings", settings_section(loaded.record)),
    ]
    return report.write_page(
        folder / "report" / "index.html", "Hosts of transients", str(loaded.folder), cards, sections
    )


def what_next(preset: str, workdir: Path) -> str:
    """Commands to try after training."""
    return f"""
  lcjax evaluate {workdir}                              scores by size of the host, calibration
  lcjax predict {workdir} IMAGES.fits... --out F.parquet    hosts of your own transients
  python -m benchmarks hosts --models {workdir}             against the nearest source and the directional light radius
  lcjax presets                                         published configurations"""

"""Held-out scores, pictures and the HTML report of a trained light-curve model."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation import report
from lcjax.evaluation import window_statistics as summary
from lcjax.evaluation.probe import few_shot
from lcjax.evaluation.reconstruction import ReconstructionSums, SumsByObject, probed_sums, score_groups
from lcjax.systems.astromer.reconstruction import reconstruct_batches
from lcjax.systems.loading import Loaded, load_system
from lcjax.training.progress import read_metrics

EVALUATION_ROWS = 64
SHOWN_WINDOWS = 5


@dataclasses.dataclass
class HeldOut:
    """What one pass over the held-out stars gives."""

    sums: ReconstructionSums
    windows: list[dict[str, Any]]
    """A few reconstructed windows, for pictures."""
    embedding: np.ndarray
    """(objects, D), mean over windows weighted by their points."""
    label: np.ndarray
    n_points: np.ndarray
    class_names: tuple[str, ...]
    objects: int
    statistics: dict[str, np.ndarray]


def open_split(loaded: Loaded, data: Sequence[Path | str], split: str, reader: str = "auto") -> Any:
    """Source of one split with the model's windows."""
    from data_pipelines.kinds.light_curves.source import LightCurveSource

    return LightCurveSource(list(data), split, EVALUATION_ROWS, loaded.experiment.window, reader=reader)


def dataset_of_record(source: Any) -> np.ndarray:
    """Dataset (survey) name of every record number of a source."""
    names = [m.name for m in source.manifests]
    counts = [sum(s.records for s in m.split(source.split)) for m in source.manifests]
    return np.repeat(np.array(names, object), counts)


def evaluate_held_out(loaded: Loaded, data: Sequence[Path | str], split: str = "test", reader: str = "auto") -> HeldOut:
    """Hides points of every held-out window, predicts them, and embeds every star from all its points."""
    import jax

    from lcjax.training.source import device_part

    source = open_split(loaded, data, split, reader)
    survey = dataset_of_record(source)
    adder = SumsByObject()
    predict = jax.jit(loaded.task.predict)
    objects: dict[tuple[str, str], list] = {}
    windows: list[dict[str, Any]] = []
    statistics: list[dict[str, np.ndarray]] = []
    names = (*source.class_names, "")
    for batch, out in reconstruct_batches(loaded.task, loaded.variables, source.evaluation_batches()):
        real = batch["weight"] > 0
        group = np.where(real, survey[np.maximum(batch["record"], 0)], "")
        labels = [names[i] for i in batch["label"]]
        sums = probed_sums(out["target"], out["prediction"], out["probed"])
        adder.add(batch["object_id"], labels, group, (*sums[:2], sums[2] * real))
        embedded = np.asarray(predict(loaded.variables, device_part(batch))["embedding"], np.float64)
        for i in np.flatnonzero(real):
            key = (group[i], f"{batch['object_id'][i]}\t{batch['band'][i]}")
            entry = objects.setdefault(key, [0.0, 0, batch["label"][i]])
            entry[0] = entry[0] + embedded[i] * batch["length"][i]
            entry[1] += int(batch["length"][i])
        statistics.append(summary.window_statistics(batch))
        _collect_windows(windows, batch, out, labels, group)
    entries = list(objects.values())
    return HeldOut(
        sums=adder.result(),
        windows=windows,
        embedding=np.array([e[0] / e[1] for e in entries]),
        label=np.array([e[2] for e in entries]),
        n_points=np.array([e[1] for e in entries]),
        class_names=tuple(source.class_names),
        objects=len(objects),
        statistics=summary.join(statistics),
    )


def _collect_windows(kept: list, batch: dict, out: dict, labels: list[str], group: np.ndarray) -> None:
    """Keeps one well-filled window per class until there are enough."""
    for i in np.argsort(-batch["length"], kind="stable"):
        n = int(batch["length"][i])
        if len(kept) >= SHOWN_WINDOWS or n < 20 or labels[i] in {w["label"] for w in kept}:
            continue
        cut = lambda x: np.asarray(x)[i, :n]
        window = {
            "title": f"{batch['object_id'][i]}  {labels[i]}  ({group[i]})",
            "label": labels[i],
            "time": cut(batch["time"]),
            "magnitude": cut(batch["magnitude"]),
            "magnitude_error": cut(batch["magnitude_error"]),
            **{k: cut(v) for k, v in out.items() if k != "target"},
        }
        kept.append(window)
        break


def score_table(rows: Sequence[dict]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of score rows."""
    header = ["survey", "stars", "objects", "R² of hidden points", "RMSE (mag)"]
    return header, [[r["survey"], r["stars"], f"{r['objects']:,}", str(r["r2"]), str(r["rmse"])] for r in rows]


def evaluate_and_report(workdir: Path, data: Sequence[Path | str], reader: str = "auto") -> Path:
    """Evaluates the best weights of a workdir on the test split, prints the scores, writes `report/index.html`."""
    loaded = load_system(workdir)
    held_out = evaluate_held_out(loaded, data, "test", reader)
    rows = score_groups(held_out.sums)
    print_scores(rows)
    save_scores(Path(workdir) / "scores.json", rows)
    return write_report(Path(workdir), loaded, held_out, rows)


def print_scores(rows: Sequence[dict]) -> None:
    """The score table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    header, cells = score_table(rows)
    table = Table(*header, box=None, header_style="bold", title="held-out stars, 95 % intervals", title_justify="left")
    for row in cells:
        table.add_row(*row)
    Console().print(table)


def save_scores(path: Path, rows: Sequence[dict]) -> None:
    """Scores as JSON."""
    plain = [{k: dataclasses.asdict(v) if dataclasses.is_dataclass(v) else v for k, v in r.items()} for r in rows]
    path.write_text(json.dumps(plain, indent=1))


def write_report(
    folder: Path, loaded: Loaded, held_out: HeldOut, rows: Sequence[dict], model: Path | str | None = None
) -> Path:
    """The page: headline numbers, curves, reconstructions, embedding, survey, settings, what next."""
    from lcjax.evaluation import figures
    from lcjax.evaluation.projection import nearest_neighbour_accuracy, principal_components

    model = folder if model is None else model
    history = read_metrics(model)
    record, first = loaded.record, rows[0]
    coordinates, shares = principal_components(held_out.embedding)
    accuracy, chance = nearest_neighbour_accuracy(held_out.embedding, held_out.label)
    trained = [r for r in history if r["split"] == "train"]
    parameters = sum(np.size(x) for x in _leaves(loaded.variables["params"]))
    cards = [
        (f"{first['r2'].value:.2f}", "R² of hidden points"),
        (f"{first['rmse'].value:.3f}", "RMSE (mag)"),
        (f"{held_out.objects:,}", "held-out stars"),
        (f"{parameters:,}", "parameters"),
        (f"{trained[-1]['step']:,}" if trained else "-", "updates"),
    ]
    if np.isfinite(accuracy):
        cards.insert(2, (f"{accuracy:.0%}", f"5-neighbour accuracy (guess {chance:.0%})"))
    header, cells = score_table(rows)
    sections = [
        report.section(
            "Scores on held-out stars",
            report.table(header, cells),
            report.paragraph(
                "Half of each window's points are hidden. R² compares with the window's own mean; "
                "intervals are 95 % over stars."
            ),
        ),
        report.section(
            "Reconstructions",
            report.picture(
                figures.reconstructions(held_out.windows),
                "Grey: shown. Blue: hidden truth. Orange: prediction. Right: folded, where all points show a period.",
            ),
        )
        if held_out.windows
        else "",
        report.section("Training", report.picture(figures.loss_curves(history), "Training and validation."))
        if history
        else "",
        report.section(
            "Embeddings",
            report.picture(
                figures.embedding_map(coordinates, held_out.label, held_out.class_names, shares),
                "First two principal components of the embeddings of held-out stars; no label was used in training.",
            ),
            *_few_labels(held_out),
        ),
        report.section(
            "The survey",
            report.picture(figures.survey_histograms(held_out.statistics, "windows"), "Windows of the test split."),
        ),
        report.section("Settings", settings_section(record)),
        report.section("What to try next", report.commands(_next_steps(model))),
    ]
    versions = record["versions"]
    lead = f"{record['system']}, preset {record.get('preset', '-')}, lcjax {versions['lcjax']}, jax {versions['jax']}"
    return report.write_page(
        folder / "report" / "index.html", "Pretraining report", lead, cards, [s for s in sections if s]
    )


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in _leaves(value)]
    return [tree]


def _few_labels(held_out: HeldOut) -> list[str]:
    """Macro F1 of simple classifiers on the frozen embeddings, for as many shots as the classes allow."""
    rows = []
    for shots in (5, 20, 100):
        try:
            scores = few_shot(held_out.embedding, held_out.label, held_out.class_names, shots, draws=10)
        except DataError:
            break
        rows += [(s.classifier, s.shots, ", ".join(s.classes), s) for s in scores]
    if not rows:
        return []
    text = "Classes from frozen embeddings and a few labelled stars each: mean and spread over ten draws."
    return [report.paragraph(text), report.table(("classifier", "stars a class", "classes", "macro F1"), rows)]


def settings_section(record: dict[str, Any]) -> str:
    """All settings and versions, folded away."""
    from lcjax.cli.presets import flatten

    rows = [(k, v) for k, v in flatten(record["experiment"])]
    versions = [(k, v) for k, v in record["versions"].items()]
    return report.folded("all settings", report.table(("setting", "value"), rows)) + report.folded(
        "versions", report.table(("package", "version"), versions)
    )


def _next_steps(model: Path | str) -> str:
    return f"""
lcjax evaluate {model} --data D                         # scores on other prepared data
lcjax predict {model} STARS.parquet --out emb.parquet   # embeddings of your stars
lcjax data prepare light_curve_files --source YOUR.parquet --out D
lcjax train astromer2-small --data D --workdir W          # pretrain on your survey
lcjax train astromer2-small --model.num-layers 6 --model.width 128 --workdir W2
"""

"""What there is to say of the labelling bias of a catalogue: numbers with intervals, breakdowns and pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lcjax.evaluation.figures import BLUE, CLASS_COLORS, GREY, INK, ORANGE, plots
from lcjax.evaluation.intervals import Score
from lcjax.evaluation.label_bias import Counts, bin_means, count_classes
from lcjax.evaluation.label_bias_catalogue import Bins, Catalogue
from lcjax.evaluation.label_bias_draws import ALL, Draws, Permutations
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADER = ("of", "L [95 % of draws]", "floor", "above the floor", "p")


def bias_scores(
    catalogue: Catalogue, bins: Bins, draws: Draws, test: Permutations, where: str, remarks: Sequence[Text] = ()
) -> Scores:
    """Tables, sentences and pictures.

    Args:
      where: what to call the catalogue. remarks: what was found out while it was read.
    """
    names = [column.name for column in catalogue.observed]
    classes = [str(name) for name in catalogue.classes]
    cells: list[tuple[str, int | slice, int | slice]] = [("all", ALL, ALL)]
    cells += [(name, j, ALL) for j, name in enumerate(names)]
    cells += [(f"class {name}", ALL, k) for k, name in enumerate(classes)]
    cells += [(f"{name}, class {label}", j, k) for j, name in enumerate(names) for k, label in enumerate(classes)]
    rows = [_row(name, j, k, draws, test) for name, j, k in cells]
    shown = [(r["of"], str(r["bias"]), f"{r['floor']:.3f}", str(r["above_floor"]), f"{r['p_value']:.2g}") for r in rows]
    title = f"Labelling bias of {where}"
    # Two classes have the same bias: what one loses the other wins.
    short = Table(_HEADER, shown[: 1 + len(names) + (len(classes) if len(classes) > 2 else 0)], title)
    table = Table(_HEADER, shown, title)
    said = [*remarks, *map(Text, _sentences(catalogue, bins, draws, test))]
    counts = count_classes(catalogue, bins)
    curves = Picture(
        lambda: fraction_curves(catalogue, bins, counts),
        "Class fractions against each observable: mean over the leaves of the tree, with twice the standard error that chance gives "
        "this mean; without labelling bias the lines are flat. A ring marks the reference bin.",
    )
    chance = Picture(
        lambda: null_picture(draws, test),
        "Left: L of the bootstraps, and its floor. Right: L of all objects, and of labels in random order inside each leaf.",
    )
    values = {
        "catalogue": where,
        "objects": len(catalogue),
        "classes": {name: int((catalogue.label == k).sum()) for k, name in enumerate(classes)},
        "bins": {
            "depth": bins.depth,
            "leaves": 2**bins.depth,
            "observable": bins.observable,
            "split": bins.split,
            "reference": dict(zip(names, ["low" if first else "high" for first in bins.first], strict=True)),
            "objects_per_bin": draws.objects_per_bin,
        },
        "draws": len(draws.squared),
        "standard_deviation": float(draws.bias.std()),
        "all_objects": {
            "bias": test.bias,
            "floor": test.floor,
            "p_value": test.p_value(),
            "permutations": len(test.null),
        },
        "scores": [{**r, "bias": vars(r["bias"]), "above_floor": vars(r["above_floor"])} for r in rows],
        "remarks": [remark.text for remark in remarks],
    }
    head = rows[0]
    cards = [
        (str(head["bias"]), "L, labelling bias"),
        (f"{head['floor']:.3f}", "L of unbiased labels, as many"),
        (str(head["above_floor"]), "above the floor"),
    ]
    sections = [Section("Labelling bias", [*said, table]), Section("What depends on the observables", [curves, chance])]
    return Scores("Labelling bias", [*said, short], values, cards, sections)


def _row(name: str, j: int | slice, k: int | slice, draws: Draws, test: Permutations) -> dict[str, Any]:
    bias: Score = draws.score(j, k)
    corrected = draws.corrected(j, k)
    return {
        "of": name,
        "bias": bias,
        "floor": draws.floor_of(j, k),
        "above_floor": corrected,
        "p_value": test.p_value(j, k),
    }


def _sentences(catalogue: Catalogue, bins: Bins, draws: Draws, test: Permutations) -> list[str]:
    classes = ", ".join(
        f"{name} {int((catalogue.label == k).sum()):,}" for k, name in enumerate(map(str, catalogue.classes))
    )
    ends = ", ".join(
        f"{column.name} is {'lowest' if first else 'highest'}"
        for column, first in zip(catalogue.observed, bins.first, strict=True)
    )
    return [
        f"{len(catalogue):,} objects: {classes}",
        f"{2**bins.depth:,} leaves of {', '.join(c.name for c in catalogue.intrinsic)}; in each {bins.observable} bins of each "
        f"observable with {draws.objects_per_bin} objects: values of L compare at equal numbers only",
        f"labels are held to be best where {ends} (--reference)",
        f"all objects at once, no bootstrap: L {test.bias:.4f}, by chance {test.floor:.4f}, p = {test.p_value():.3g} of "
        f"{len(test.null)} permutations",
        f"{len(draws.squared)} draws: L = {draws.bias.mean():.4f} +- {draws.bias.std():.4f}",
    ]


def fraction_curves(catalogue: Catalogue, bins: Bins, counts: Counts) -> "Figure":
    """Class fractions in the bins of each observable, mean over leaves."""
    plt = plots()
    figure, axes = plt.subplots(1, len(catalogue.observed), figsize=(4.6 * len(catalogue.observed), 3.4), squeeze=False)
    fraction = counts.fractions
    size = counts.of_class.sum(-1, keepdims=True)
    pooled = counts.of_class.sum(2, keepdims=True) / size.sum(2, keepdims=True)
    error = 2 * np.sqrt((pooled * (1 - pooled) / size).mean(1) / fraction.shape[1])
    for j, (axis, column) in enumerate(zip(axes[0], catalogue.observed, strict=True)):
        place = np.median(bin_means(catalogue, bins, j), axis=0)
        for k, name in enumerate(map(str, catalogue.classes)):
            color, mean = CLASS_COLORS[k % len(CLASS_COLORS)], fraction[j, :, :, k].mean(0)
            axis.errorbar(place, mean, error[j, :, k], color=color, lw=1.5, marker="o", ms=3, label=name)
            best = 0 if bins.first[j] else -1
            axis.plot(place[best], mean[best], marker="o", ms=9, mfc="none", color=color)
            axis.axhline(mean[best], color=color, lw=0.7, ls=":")
        axis.set(
            xlabel=f"{column.name} (median over leaves of the mean in a bin)",
            ylabel="fraction of the class",
            ylim=(0, None),
        )
    axes[0, -1].legend(fontsize=8.5)
    return figure


def null_picture(draws: Draws, test: Permutations) -> "Figure":
    """Histograms of L over bootstraps and over permutations."""
    plt = plots()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.8))
    left.hist(draws.bias, 20, color=BLUE, alpha=0.8)
    left.axvline(draws.floor_of(), color=INK, ls="--", label="floor")
    left.set(xlabel="L of bootstraps", ylabel="draws")
    left.legend(fontsize=8.5)
    right.hist(test.null_bias, 20, color=GREY, label="permuted labels")
    right.axvline(test.bias, color=ORANGE, label="the labels")
    right.set(xlabel="L of all objects", ylabel="permutations")
    right.legend(fontsize=8.5)
    return figure

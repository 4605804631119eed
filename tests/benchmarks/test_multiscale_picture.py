"""What is drawn of the multi-scale benchmark: values with intervals against bytes, and clear examples."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from benchmarks import multiscale_picture
from benchmarks.injected_alerts import Sample
from benchmarks.multiscale_picture import draw_picture
from lcjax.systems.multiscale_stamps.config import CLASS_NAMES


def row(case, size, mean):
    return {
        "case": case,
        "bytes": size,
        "mean": mean,
        "half_interval": 0.02,
        "pooled": {"recall": {"satellite": {"value": mean - 0.1, "low": mean - 0.2, "high": float("nan")}}},
    }


def test_values_lie_at_their_bytes_and_equal_ones_beside_each_other():
    figure, axis = plt.subplots()
    values = [(0.5, 0.4, 0.7), (0.6, 0.6, 0.6), (0.7, np.nan, np.nan)]
    multiscale_picture._against_bytes(axis, [row("a", 2000, 0), row("b", 2000, 0), row("c", 10_000, 0)], values)
    points = [container.lines[0].get_xydata()[0] for container in axis.containers]
    np.testing.assert_allclose(points, [(2000 * 0.985, 0.5), (2000 * 1.015, 0.6), (10_000, 0.7)])
    bars = [container.has_yerr for container in axis.containers]
    assert bars == [True, True, False]
    (segment,) = axis.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segment[:, 1], [0.4, 0.7])
    assert axis.get_xscale() == "log" and [c.get_label() for c in axis.containers] == ["a", "b", "c"]
    plt.close(figure)


def test_the_example_is_clear_and_whole():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(8, 63, 63)).astype(np.float32)
    for k in range(8):
        images[k, 31, 31] = 10.0 * (k + 1)
    images[5:, 0, 0] = np.nan  # the brightest three are not whole
    found = multiscale_picture._clear_example(images)
    assert found[31, 31] == 40.0  # of five whole ones, brighter than three
    images[:, 0, 0] = np.nan
    assert multiscale_picture._clear_example(images)[31, 31] == 70.0


def test_a_picture_of_all_classes(tmp_path):
    rng = np.random.default_rng(0)
    stamps = rng.normal(size=(12, 63, 63, 3)).astype(np.float32)
    sample = Sample(stamps, np.arange(12) % 6, np.array(["o"] * 12))
    draw_picture([row("full", 47_628, 0.9), row("rings", 2508, 0.8)], sample, tmp_path / "m.png")
    assert plt.imread(tmp_path / "m.png").shape[1] > 1000 and len(CLASS_NAMES) == 6
    with pytest.raises(IndexError):  # a class without a stamp cannot be shown
        draw_picture([row("full", 1, 0.9)], Sample(stamps, np.zeros(12, int), sample.object_id), tmp_path / "n.png")
    plt.close("all")

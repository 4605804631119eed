"""Metric sums, their summary, swapped inputs and warnings, by hand."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.systems.classifier.config import HealthConfig
from lcjax.systems.classifier.metrics import class_metrics, dead_branch_warnings, summarize_classes, swap_rows


def test_sums_of_a_batch_counted_by_hand():
    best = np.array([0, 1, 1, 0, 1])
    label = np.array([0, 1, 0, -1, 1])
    weight = np.array([1.0, 1, 1, 0, 0], np.float32)  # the last row only fills up
    sums = class_metrics(jnp.eye(2)[best], label, weight, ("SN", "VS"))
    assert {name: (float(a), float(b)) for name, (a, b) in sums.items()} == {
        "accuracy": (2, 3),
        "recall_SN": (1, 2),
        "precision_SN": (1, 1),
        "recall_VS": (1, 1),
        "precision_VS": (1, 2),
    }


def test_summary_has_the_mean_f1_and_the_mean_loss_of_classes_with_labels():
    nan = float("nan")
    means = {"loss": 3.0, "class_loss_SN": 1.0, "class_loss_VS": 2.0, "class_loss_X": nan}
    means |= {"recall_SN": 1.0, "precision_SN": 0.5, "recall_VS": 0.5, "precision_VS": 0.5, "recall_X": nan}
    found = summarize_classes(means | {"precision_X": 0.0})
    assert found["balanced_loss"] == 1.5 and found["loss"] == 3.0
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert math.isnan(found["recall_X"]) and not [n for n in found if n.startswith(("precision_", "class_loss_"))]
    assert summarize_classes({"loss": 1.0}) == {"loss": 1.0}


@pytest.mark.parametrize("real", [0, 1, 2, 5, 6])
def test_swapped_rows_are_a_permutation_of_the_real_ones(real):
    x = np.arange(12).reshape(6, 2)
    weight = (np.arange(6) < real).astype(np.float32)
    found = np.asarray(swap_rows(jnp.asarray(x), weight))
    np.testing.assert_array_equal(found[real:], x[real:])
    assert sorted(found[:real, 0]) == list(x[:real, 0])
    assert real < 2 or (found[:real] != x[:real]).all()


def test_warnings_at_the_limits_and_only_there():
    limits = HealthConfig()
    well = {"live_conv_1": limits.live_units + 0.01, "image_effect": limits.effect + 0.01, "loss": 0.0}
    assert dead_branch_warnings(well, limits) == []
    ill = {"live_conv_1": limits.live_units, "metadata_effect": limits.effect}
    layers, metadata = dead_branch_warnings(ill, limits)
    assert "conv_1" in layers and "the metadata is ignored" in metadata

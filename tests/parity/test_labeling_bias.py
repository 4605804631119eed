"""The labelling bias equals recorded values of the published code: trees, sigma^2, L, bootstraps, fractions in bins."""

import dataclasses

import numpy as np
import pytest

from benchmarks.label_bias_reference import published_draws
from lcjax.evaluation.label_bias import bin_means, count_classes, label_bias, squared_bias
from lcjax.evaluation.label_bias_catalogue import Bins, build_catalogue
from lcjax.evaluation.label_bias_draws import bootstrap_bias
from lcjax.evaluation.label_bias_tree import grow_leaves, leaf_numbers
from tests.parity.recorded import check_file, files_of

CLOSE = {"rtol": 0, "atol": 1e-12}


def _bins(z, **more):
    first = tuple(np.asarray(z["increasing_bias"], bool).tolist()) if "increasing_bias" in z else (True, False)
    return Bins(int(z["log2_bins_int"]), int(z["bins_obs"]), first, **more)


def check_catalogue(z):
    make = lambda labels: build_catalogue(z["intrinsic"], z["observables"], labels, z["class_values"].tolist())
    catalogue, bins = make(z["labels_biased"]), _bins(z)
    other = dataclasses.replace(bins, split="fractions")
    for cut, name in ((bins, "kdtree_id"), (other, "kdtree_id_fraction_difference")):
        np.testing.assert_array_equal(leaf_numbers(catalogue, grow_leaves(catalogue, cut)), z[name])
    counts = count_classes(catalogue, bins)
    np.testing.assert_allclose(squared_bias(counts, bins), z["sigma2"], **CLOSE)
    np.testing.assert_allclose(label_bias(catalogue, bins), z["L"], **CLOSE)
    np.testing.assert_allclose(label_bias(make(z["y_true"]), bins), z["L_true_labels"], **CLOSE)
    np.testing.assert_allclose(label_bias(catalogue, other), z["L_fraction_difference"], **CLOSE)
    np.testing.assert_allclose(label_bias(catalogue, bins, z["bootstrap_index"]), z["L_bootstrap_index"], **CLOSE)
    np.testing.assert_allclose(bin_means(catalogue, bins, 0)[0], z["bin0_obs0_mean"], rtol=1e-12)
    np.testing.assert_allclose(counts.fractions[0, 0], z["bin0_obs0_fractions"], **CLOSE)
    size, seed = int(z["objects_per_bin"]) * bins.count, int(z["getRandomL_seed"])
    draws = published_draws(seed, len(catalogue), size, len(z["getRandomL_L"]))
    np.testing.assert_allclose([label_bias(catalogue, bins, rows) for rows in draws], z["getRandomL_L"], **CLOSE)
    np.testing.assert_array_equal(z["getRandomL_N"], size)


def check_response(z):
    """Other random numbers, so equal within the scatter; and L rises with the bias."""
    bins, times = _bins(z), int(z["n_iter"])
    found = []
    for labels in z["labels"]:
        catalogue = build_catalogue(z["intrinsic"], z["observables"], labels)
        found.append(bootstrap_bias(catalogue, bins, int(z["objects_per_bin"]), times).bias)
    means, spread = np.mean(found, axis=1), np.std(found, axis=1)
    error = np.sqrt((spread**2 + z["L_std"] ** 2) / times)
    assert (np.abs(means - z["L_mean"]) < 4.5 * error).all()
    assert (np.diff(means[np.argsort(z["bias"])]) > 0).all()


RECOGNISED = [
    (lambda z: "kdtree_id" in z, check_catalogue),
    (lambda z: "L_mean" in z, check_response),
]


def test_recorded(golden_root):
    for path in files_of(golden_root, "labeling_bias"):
        check_file(path, RECOGNISED)


@pytest.mark.parametrize(("objects", "axes", "classes"), [(400, 3, 2), (401, 2, 3)])
def test_against_the_published_loop(objects, axes, classes):
    from benchmarks import label_bias_reference as reference

    rng = np.random.default_rng(objects)
    alpha, beta, label = (
        rng.normal(size=(objects, axes)),
        rng.normal(size=(objects, 2)),
        rng.integers(0, classes, objects),
    )
    rows = rng.integers(0, objects, objects)
    catalogue = build_catalogue(alpha, beta, label)
    for depth, bins, first in ((0, 3, (True, True)), (5, 2, (False, True))):
        there = reference.bias(alpha[rows], beta[rows], label[rows], np.arange(classes), depth, bins, first)
        np.testing.assert_allclose(label_bias(catalogue, Bins(depth, bins, first), rows), there, **CLOSE)

"""Search, class centres and outlier scores of embeddings against every recorded file of `golden/astrom3` that has them."""

import numpy as np
import pytest

from lcjax.evaluation.outliers import class_centre_score
from lcjax.evaluation.retrieval import class_centres, nearest_centre, nearest_label, top_k
from tests.parity.recorded import files_of, load


def test_search_centres_and_outliers(golden_root):
    files = [load(path) for path in files_of(golden_root, "astrom3")]
    found = [z for z in files if "train_label" in z and any(name.endswith("/outlier_dist") for name in z)]
    if not found:
        pytest.skip("no recorded searches")
    for z in found:
        single = [name.removeprefix("train_") for name in z if name.startswith("train_") and name != "train_label"]
        train = {name: z[f"train_{name}"] for name in single}
        test = {name: z[f"test_{name}"] for name in single}
        train["all"], test["all"] = (np.mean([some[n] for n in single], axis=0) for some in (train, test))
        for name in train:
            centres = class_centres(train[name], z["train_label"], len(z[f"{name}/centers"]), lengths=True)
            np.testing.assert_allclose(centres, z[f"{name}/centers"], atol=2e-6)
            np.testing.assert_array_equal(nearest_centre(test[name], centres), z[f"{name}/centroid_pred"])
            np.testing.assert_array_equal(
                nearest_label(test[name], train[name], z["train_label"]), z[f"{name}/nn_pred"]
            )
            score = class_centre_score(test[name], z["test_label"], centres, lengths=True)
            recorded = z[f"{name}/outlier_dist"]
            if len(recorded) != len(score):
                score = class_centre_score(train[name], z["train_label"], centres, lengths=True)
            np.testing.assert_allclose(score, recorded, atol=3e-6)
            top = z[f"{name}/outlier_top10"]
            np.testing.assert_array_equal(np.argsort(-score, kind="stable")[: len(top)], top)
            wanted = z[f"{name}/top5"]
            np.testing.assert_array_equal(top_k(test[name], train[name], wanted.shape[1], "dot")[0], wanted)
        for key in [k for k in z if k.startswith("cross_") and k.endswith("/top5")]:
            one, _, other = key.removeprefix("cross_").removesuffix("/top5").partition("2")
            np.testing.assert_array_equal(
                top_k(test[one], train[other], z[key].shape[1], "dot")[0], z[key], err_msg=key
            )

"""simulated_features: batches carry the rows that the seed gives, alone and among others."""

import numpy as np

from data_pipelines.kinds.tables import KIND
from data_pipelines.prepare import prepare
from data_pipelines.simulate.features import CLASSES, feature_names, simulate_features, simulated_table


def test_prepared_and_read(tmp_path):
    done = prepare("simulated_features", [], tmp_path, n_objects=40, seed=4, shards=1)
    table, seen = simulated_table(4), 0
    for split in done.objects:
        source = KIND.open_source([done.manifest.folder], split, 8)
        assert source.metadata_names == feature_names()
        for name, label, row in zip(source.object_ids, source.labels, source.metadata, strict=True):
            wanted = simulate_features(table, 4, int(name.split("-")[-1]))
            assert source.class_names[label] == wanted[0]
            np.testing.assert_allclose(row, wanted[1], rtol=1e-6)
            seen += 1
    assert seen == 40


def test_classes_lie_apart_and_some_close():
    table = simulated_table(0)
    rows = [simulate_features(table, 0, i) for i in range(600)]
    values = np.stack([row for _, row in rows])
    labels = np.array([label for label, _ in rows])
    assert 0.005 < np.isnan(values).mean() < 0.06 and set(labels) == set(CLASSES)
    skewed = values[:, :4]
    assert (skewed[np.isfinite(skewed)] > 0).all() and np.nanmax(skewed) > 10 * np.nanmedian(skewed)
    ranked = np.where(np.arange(32) < 4, np.log(np.maximum(values, 1e-9)), values)
    middle = {c: np.nanmean(ranked[labels == c], axis=0) for c in CLASSES}
    apart = lambda a, b: np.linalg.norm(middle[a] - middle[b])
    assert apart("c5", "c4") < min(apart("c5", c) for c in ("c0", "c1", "c2"))

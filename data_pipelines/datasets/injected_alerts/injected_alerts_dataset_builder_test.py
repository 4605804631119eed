"""Injected classes through the builder: balance, splits by real object, what is kept of the real alert."""

import numpy as np
import pytest

from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from data_pipelines.simulate.stamp_classes import CLASS_NAMES
from lcjax.errors import ConfigError


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alerts")
    kinds = ({"ssdistnr": 0.5}, {})
    (folder / "a.avro").write_bytes(container([packet(2 * i, candidate=kinds[i % 2]) for i in range(10)]))
    np.save(folder / "c.npy", np.ones((1, 63, 63, 3), np.float32))
    return folder


def test_every_alert_gives_every_class(source, tmp_path):
    done = prepare("injected_alerts", [source], tmp_path / "out", shards=1, n_objects=60, fractions=(0.6, 0.2, 0.2))
    assert done.report.reasons() == {"no packet": 1}
    assert verify(done.manifest.folder) == [] and done.manifest.class_names == CLASS_NAMES
    counts, objects = np.zeros(6, int), {}
    for split in ("train", "validation", "test"):
        found = StampSource(done.manifest.folder, split, 8, reader="plain")
        counts += found.class_counts()
        for batch in found.evaluation_batches():
            for object_id in np.asarray(batch["object_id"])[batch["weight"] > 0]:
                assert objects.setdefault(object_id, split) == split
        assert set(found.metadata_names) == {"ra", "dec"} and found.shape == (63, 63, 3)
    # Six of each of ten alerts, and the five real asteroids.
    assert counts.tolist() == [10, 15, 10, 10, 10, 10]
    assert len(objects) == 10


def test_it_needs_all_stamps(source, tmp_path):
    with pytest.raises(ConfigError, match="all three stamps"):
        prepare("injected_alerts", [source], tmp_path / "out", alerts=AlertSettings(stamps=("science",)))

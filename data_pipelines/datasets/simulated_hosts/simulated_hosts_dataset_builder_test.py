"""simulated_hosts: batches carry the truth of the fields that the seed gives."""

import numpy as np
import pytest

from data_pipelines.kinds.host_fields.source import HostFieldSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_field

pytest.importorskip("sep")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("fields")
    return prepare("simulated_hosts", [], out, n_objects=20, seed=4, shards=2, fractions=(0.6, 0.2, 0.2))


@pytest.mark.parametrize("reader", ["plain", "tf.data"])
def test_prepared_and_read(done, reader):
    assert done.objects == {"train": 12, "validation": 4, "test": 4} and not verify(done.manifest.folder)
    source = HostFieldSource(done.manifest.folder, "train", 4, seed=0, reader=reader)
    seen = {}
    for _, batch in zip(range(3), source.train_batches(), strict=False):
        assert batch[1]["stamps"].shape == (4, 30, 30, 5) and batch[1]["stamps"].dtype == np.float32
        for i, name in enumerate(batch[1]["object_id"]):
            seen[name] = {k: v[i] for k, v in batch[1].items()}
    assert len(seen) == 12
    for name, row in list(seen.items())[:4]:
        truth = simulate_host_field(int(name.split("-")[-1]), 4, FieldSettings())
        assert row["hostless"] == truth.hostless == row["label"]
        np.testing.assert_allclose(row["offset"], np.nan_to_num(truth.offset), rtol=1e-6)
        np.testing.assert_allclose(row["host_radius"], np.nan_to_num(truth.host_radius), rtol=1e-6)
    last = list(HostFieldSource(done.manifest.folder, "test", 3, reader=reader).evaluation_batches())[-1]
    assert last["weight"].tolist() == [1, 0, 0] and np.isfinite(last["offset"]).all()

"""A small table: three known classes that lie apart, and one that is an outlier."""

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.systems.svdd.config import FeatureInputs, SvddExperiment

NAMES = tuple(f"f{i}" for i in range(6))
CLASSES = ("a", "b", "c", "odd")
SMALL = SvddExperiment(
    inputs=FeatureInputs(scaling="none"), model=DetectorModelConfig(widths=(16, 8), latent=3), pretraining_epochs=10
)


@dataclasses.dataclass(frozen=True)
class Blobs:
    features: np.ndarray
    label: np.ndarray

    @property
    def known(self):
        """Labels of what is learned: the outliers are not."""
        return np.where(self.label == 3, -1, self.label)


@pytest.fixture(scope="session")
def blobs():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2, 3], [80, 60, 40, 40])
    centres = rng.normal(size=(4, 6)) * 0.3
    centres[3] = [0.0, 0.9, -0.9, 0.9, -0.9, 0.9]
    features = centres[label] + rng.normal(size=(len(label), 6)) * 0.08
    features[rng.random(features.shape) < 0.02] = np.nan
    return Blobs(features, label)


@pytest.fixture(scope="session")
def table(blobs, tmp_path_factory):
    path = tmp_path_factory.mktemp("blobs") / "blobs.parquet"
    columns = {"object_id": [f"o{i}" for i in range(len(blobs.label))], "class": [CLASSES[c] for c in blobs.label]}
    pq.write_table(pa.table(columns | dict(zip(NAMES, blobs.features.T, strict=True))), path)
    return path

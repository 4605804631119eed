"""Datasets that earlier versions wrote open as they did: the same fingerprints, so that runs resume, and the same batches."""

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest

from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.kinds.light_curves.source import LightCurveSource
from data_pipelines.shards.manifest import read_manifest, verify
from lcjax.configs import WindowConfig

BEFORE = Path(__file__).parent / "prepared_before"
WINDOWS = {
    "random": WindowConfig(10, "random"),
    "buckets": WindowConfig(12, "sequential", buckets=(4, 8, 12)),
    "published": WindowConfig(10, "published", "published"),
}
EXPECTED = {
    "random": ("fa8a098a48ffb2b3", "b3d984a6a660839f", "a00a63f43d95c987"),
    "buckets": ("9fcae3d69e9b133a", "1b58180044e1c676", "fa2c30d181bb86f7"),
    "published": ("a4fa1d5c359bf7b6", "3149b1e049370a64", "873e251a72b2d856"),
    "None": ("917c39fdb634673f", "5e09ce5ab59f9139", "15eb19929b161d6d"),
    "stamps published": ("b3a32e7db596e986", "4ea1b4d8d90c7d5a", "15eb19929b161d6d"),
    "weighted": ("272c4ee5e1897b70", "03a7ecd0886fa1fc", "15eb19929b161d6d"),
    "columns": ("976b490b00643dea", "40274a068662d79b", "39ee8566b316296c"),
}
"""Fingerprint, digest of training batches, digest of evaluation batches, as the code of then gave them."""


def digest(batches):
    found = hashlib.sha256()
    for batch in batches:
        for name in sorted(batch):
            array = np.asarray(batch[name])
            found.update(f"{name} {array.dtype.str} {array.shape}".encode())
            text = array.dtype == object
            found.update("\0".join(array.tolist()).encode() if text else np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def opened(case, reader):
    if case in WINDOWS:
        return LightCurveSource(BEFORE / "light_curves", "train", 8, WINDOWS[case], 3, reader=reader)
    some = {"metadata_names": ("fwhm",), "class_names": ("SN", "AGN")}
    more = some if case == "columns" else {"balance": None if case == "None" else case.removeprefix("stamps ")}
    return StampSource(BEFORE / "stamps", "train", 8, seed=2, reader=reader, **more)


@pytest.mark.parametrize("reader", ["plain", "tf.data"])
@pytest.mark.parametrize("case", EXPECTED)
def test_batches_and_fingerprints(case, reader):
    source = opened(case, reader)
    training = (b for _, b in itertools.islice(source.train_batches(0, 1), 2 * source.batches_per_epoch))
    assert (source.fingerprint, digest(training), digest(source.evaluation_batches())) == EXPECTED[case]


@pytest.mark.parametrize(("name", "kind"), [("light_curves", "light_curves"), ("stamps", "stamps")])
def test_they_verify(name, kind):
    (folder,) = (BEFORE / name).iterdir()
    assert verify(folder) == [] and read_manifest(folder).kind == kind

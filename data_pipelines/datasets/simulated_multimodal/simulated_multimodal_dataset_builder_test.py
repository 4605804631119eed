"""simulated_multimodal: the same seed gives the same stars; batches hold every object, whatever it lacks."""

import numpy as np

from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.source import MultimodalSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify


def test_stars_are_written_and_read_and_a_subset_is_smaller(tmp_path):
    options = MultimodalOptions(spectrum_grid=(4000.0, 4100.0, 10.0), subset="sub50")
    done = prepare("simulated_multimodal", [], tmp_path, n_objects=60, shards=2, multimodal=options)
    assert verify(done.manifest.folder) == [] and sum(done.objects.values()) < 45
    source = MultimodalSource([done.manifest.folder], "train", 8, reader="plain")
    found = list(source.evaluation_batches())
    rows = sum(int((batch["weight"] > 0).sum()) for batch in found)
    assert rows == done.objects["train"] and source.spectrum_lengths == (10,) and not source.standardised
    assert found[0]["spectrum"].shape == (8, 10) and found[0]["standardised"].dtype == np.int32
    assert (np.concatenate([b["weight"] for b in found]) == (np.concatenate([b["record"] for b in found]) >= 0)).all()

"""astrom3: the published layout becomes records with the splits of its files."""

from data_pipelines.kinds.multimodal.source import MultimodalSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from tests.data_pipelines.kinds.multimodal.test_reading import published


def test_splits_are_those_of_the_files(tmp_path):
    published(tmp_path / "source" / "full_42", 6)
    done = prepare("astrom3", [tmp_path / "source"], tmp_path / "out", shards=1)
    assert verify(done.manifest.folder) == [] and done.objects == {"train": 6, "validation": 2, "test": 2}
    source = MultimodalSource([done.manifest.folder], "train", 2, reader="plain")
    assert source.class_names == ("EA", "EW") and len(source.metadata_names) == 38 and source.standardised

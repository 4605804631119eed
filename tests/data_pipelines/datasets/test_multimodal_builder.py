"""Datasets of several modalities: what a subset keeps."""

from data_pipelines.datasets.multimodal_builder import MultimodalBuilder
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.prepare import prepare
from data_pipelines.shards.layout import Record


def test_a_subset_is_part_of_every_split_and_of_the_whole(tmp_path, monkeypatch):
    kept: dict[str, set[str]] = {}
    generate = MultimodalBuilder._generate_examples

    def noted(self, split):
        def note(item: tuple[str, Record]):
            kept.setdefault(f"{self.settings.options['multimodal'].subset} {split}", set()).add(item[1]["object_id"])
            return item

        return map(note, generate(self, split))

    monkeypatch.setattr(MultimodalBuilder, "_generate_examples", noted)
    for part in ("full", "sub25"):
        options = MultimodalOptions(spectrum_grid=(4000.0, 4100.0, 50.0), subset=part)
        prepare("simulated_multimodal", [], tmp_path / part, n_objects=60, shards=1, multimodal=options)
    for split in ("train", "validation", "test"):
        assert kept[f"sub25 {split}"] <= kept[f"full {split}"]  # every class keeps an object: small splits may be whole
    assert 0 < len(kept["sub25 train"]) < len(kept["full train"]) / 2

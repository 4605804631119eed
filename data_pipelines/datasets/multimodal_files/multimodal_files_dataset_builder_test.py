"""multimodal_files: a catalogue and light curves become a dataset, what is missing is empty."""

from data_pipelines.kinds.multimodal.source import MultimodalSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from tests.data_pipelines.kinds.multimodal.test_reading import asas_sn, curve


def test_objects_without_spectra(tmp_path):
    (tmp_path / "in" / "photometry").mkdir(parents=True)
    for i in range(4):
        asas_sn(tmp_path / "in" / "photometry" / f"s{i}.dat", curve(seed=i))
    rows = [f"s{i},{'AB'[i % 2]},{i}.5" for i in range(5)]
    (tmp_path / "in" / "catalogue.csv").write_text("\n".join(["id,class,j_mag", *rows]))
    done = prepare("multimodal_files", [tmp_path / "in"], tmp_path / "out", shards=1)
    assert verify(done.manifest.folder) == [] and sum(done.objects.values()) == 5
    source = MultimodalSource([done.manifest.folder], "train", 2, reader="plain")
    assert source.class_names == ("A", "B") and source.metadata_names == ("j_mag",)

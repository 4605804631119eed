"""asas_acvs: a tiny file of the published form through the builder."""

from data_pipelines.datasets.builder_checks import prepare_and_check, write_stars


def test_stars_become_records(tmp_path):
    labels = ["MIRA", "EC", "RRab"] * 10 + ["MIRA"]
    source = write_stars(tmp_path / "stars.parquet", labels)
    done, _ = prepare_and_check("asas_acvs", [source], tmp_path / "out")
    assert done.manifest.class_names == tuple(sorted({"RRab", "EC", "MIRA"}))
    assert set(done.objects) == {"train", "validation", "test"}
    assert [r.object_id for r in done.report.rejected] == ["s30"]
    assert done.report.points_dropped["time repeated"] == 1
    assert done.report.points_dropped["magnitude not finite"] == 1

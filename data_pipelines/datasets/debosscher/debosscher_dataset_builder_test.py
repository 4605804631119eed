"""debosscher: a tiny file of the published form through the builder."""

from data_pipelines.datasets.builder_checks import prepare_and_check, write_stars


def test_stars_become_records(tmp_path):
    labels = ["DCEP", "EA", "MIRA"] * 10 + ["DCEP"]
    source = write_stars(tmp_path / "stars.parquet", labels, filter=["Hp"] * 31, survey=["Hipparcos"] * 31)
    done, records = prepare_and_check("debosscher", [source], tmp_path / "out")
    assert done.manifest.class_names == tuple(sorted({"DCEP", "MIRA", "EA"}))
    assert set(done.objects) == {"train", "validation", "test"}
    assert [r.object_id for r in done.report.rejected] == ["s30"]
    assert done.report.points_dropped["time repeated"] == 1
    assert done.report.points_dropped["magnitude not finite"] == 1
    assert {r["band"] for r in records} == {b"Hp"}

"""crts_sss: a tiny file of the published form through the builder."""

from data_pipelines.datasets.builder_checks import prepare_and_check, write_stars


def test_stars_become_records(tmp_path):
    labels = ["EW", "LPV", "RRc"] * 10 + ["EW"]
    source = write_stars(
        tmp_path / "stars.parquet", labels, period=[0.5] * 31, ra=[10.0 + i for i in range(31)], dec=[-30.0] * 31
    )
    done, records = prepare_and_check("crts_sss", [source], tmp_path / "out")
    assert done.manifest.class_names == tuple(sorted({"LPV", "EW", "RRc"}))
    assert set(done.objects) == {"train", "validation", "test"}
    assert [r.object_id for r in done.report.rejected] == ["s30"]
    assert done.report.points_dropped["time repeated"] == 1
    assert done.report.points_dropped["magnitude not finite"] == 1
    assert records[0]["metadata"]["period"] == 0.5

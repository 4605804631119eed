"""simulated: the same seed gives the same survey."""

from data_pipelines.datasets.builder_checks import prepare_and_check


def test_same_seed_same_survey(tmp_path):
    one, records = prepare_and_check("simulated", [], tmp_path / "a", n_objects=60, seed=3)
    two, _ = prepare_and_check("simulated", [], tmp_path / "b", n_objects=60, seed=3)
    assert len(records) > 40
    assert [s.sha256 for s in one.manifest.shards] == [s.sha256 for s in two.manifest.shards]
    assert len(one.manifest.class_names) > 5

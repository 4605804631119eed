"""Tables of anomaly scores: what cannot be ranked is counted, what is no such table is told apart."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.sources.score_tables import read_scores
from lcjax.errors import DataError


def test_scores_and_what_is_said_of_them(tmp_path):
    path = tmp_path / "s.parquet"
    columns = {"object_id": ["a", "b", "c", None], "anomaly_score": [2.0, None, 1.0, 3.0]}
    columns["nearest_class"] = ["X", "Y", None, None]
    pq.write_table(pa.table({**columns, "top_features": [["f", "g"], [], [], []]}), path)
    found = read_scores(path)
    assert found.object_id == ["a", "c"] and found.score.tolist() == [2.0, 1.0] and found.left_out == 2
    assert found.about[0] == {"nearest class": "X", "top features": "f, g"} and found.about[1]["nearest class"] == ""
    pq.write_table(pa.table({"object_id": ["a"], "embedding": [[1.0]]}), path)
    assert read_scores(path) is None


def test_cells_of_other_types(tmp_path):
    """Ids that are floats where one lacks, scores that are text, a class called 0."""
    path = tmp_path / "s.parquet"
    columns = {"object_id": [12.0, None, 14.0], "anomaly_score": ["2.0", "3.0", "high"], "class": [0, 1, 2]}
    pq.write_table(pa.table(columns), path)
    found = read_scores(path)
    assert found.object_id == ["12"] and found.score.tolist() == [2.0] and found.left_out == 2
    assert found.about == [{"class": "0"}]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"anomaly_score": [1.0]}, "no object_id"),
        ({"object_id": ["a"], "anomaly_score": [float("nan")]}, "no object with a finite score"),
    ],
)
def test_what_cannot_be_ranked(tmp_path, columns, why):
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    with pytest.raises(DataError, match=why):
        read_scores(tmp_path / "s.parquet")
    with pytest.raises(DataError, match="there is no file"):
        read_scores(tmp_path / "none.parquet")

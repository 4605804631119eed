"""Tables of embeddings and of classes: which column is which, and what is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.sources.embedding_tables import EmbeddingColumns, read_classes, read_embeddings
from lcjax.errors import DataError

VECTORS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def written(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 2), pa.large_list(pa.int64())])
def test_a_column_of_lists_of_any_type(tmp_path, kind):
    found = read_embeddings(
        written(tmp_path / "e.parquet", id=[3, 1, 2], other=["x"] * 3, vector=pa.array(VECTORS, kind))
    )
    assert found.object_id == ["3", "1", "2"] and found.embedding.tolist() == VECTORS
    assert found.band == [""] * 3 and found.label == [None] * 3 and found.unnamed == 0


def test_numbered_columns_are_put_in_the_order_of_their_numbers(tmp_path):
    columns = {f"e{i}": [float(i), -float(i)] for i in (10, 9, 8, 11)}
    found = read_embeddings(written(tmp_path / "e.parquet", object_id=["a", "b"], **columns))
    assert found.embedding.tolist() == [[8, 9, 10, 11], [-8, -9, -10, -11]]
    with pytest.raises(DataError, match="e8 to e11 without number 9"):
        del columns["e9"]
        read_embeddings(written(tmp_path / "e.parquet", object_id=["a", "b"], **columns))


def test_missing_values_are_nan_and_rows_without_an_id_are_counted(tmp_path):
    path = written(tmp_path / "e.parquet", object_id=["a", None, "c"], embedding=[[1.0, None], [3.0, 4.0], None])
    found = read_embeddings(path)
    assert found.object_id == ["a", "c"] and found.unnamed == 1
    np.testing.assert_array_equal(found.embedding, [[1, np.nan], [np.nan, np.nan]])


def test_what_can_mean_two_things_is_refused_with_the_choices(tmp_path):
    ids = ["a", "b", "c"]
    path = written(tmp_path / "e.parquet", object_id=ids, before=VECTORS, after=VECTORS)
    with pytest.raises(DataError, match="several columns that may be the embedding: name one of 'before', 'after'"):
        read_embeddings(path)
    assert read_embeddings(path, EmbeddingColumns(embedding="after")).embedding.tolist() == VECTORS
    with pytest.raises(DataError, match="no embedding 'middle': name one of 'before', 'after'"):
        read_embeddings(path, EmbeddingColumns(embedding="middle"))
    path = written(tmp_path / "e.parquet", oid=ids, source_id=ids, embedding=VECTORS)
    with pytest.raises(DataError, match="name the one that says which star"):
        read_embeddings(path)
    assert read_embeddings(path, EmbeddingColumns(object_id="oid")).object_id == ids
    with pytest.raises(DataError, match="no column 'name'"):
        read_embeddings(path, EmbeddingColumns(object_id="name"))
    path = written(tmp_path / "e.parquet", object_id=ids, embedding=VECTORS, label=ids, **{"class": ids})
    with pytest.raises(DataError, match=r"several columns for label \(label, class\)"):
        read_embeddings(path)


def test_what_is_no_table_of_embeddings_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"row 1 of .* has 3 numbers in 'embedding' where others have 2"):
        read_embeddings(
            written(tmp_path / "e.parquet", id=["a", "b", "c"], embedding=[[1.0, 2], [1.0, 2, 3], [1.0, 2]])
        )
    with pytest.raises(DataError, match="has no embedding: name one of no columns"):
        read_embeddings(written(tmp_path / "e.parquet", id=["a"], words=[["x"]]))
    with pytest.raises(DataError, match="there is no file"):
        read_embeddings(tmp_path / "absent.parquet")
    with pytest.raises(DataError, match="is no Parquet file"):
        read_embeddings(tmp_path / "e.csv")
    with pytest.raises(DataError, match="rounded number"):
        read_embeddings(written(tmp_path / "e.parquet", id=["1.23457E+18"], embedding=[[1.0]]))
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_embeddings(tmp_path / "bad.parquet")


def test_classes_and_splits(tmp_path):
    (tmp_path / "l.csv").write_text(
        "object_id,class,split\na,x,train\nb,y,test\nb,y,test\nc,x,train\nc,y,train\n,x,train\nd,,test\n"
    )
    found = read_classes(tmp_path / "l.csv")
    assert found.label == {"a": "x", "b": "y"} and found.split == {"a": "train", "b": "test"}
    assert found.counts == {
        "rows without id, class or split": 2,
        "repeated rows": 2,
        "stars with several classes or splits": 1,
    }
    (tmp_path / "l.csv").write_text("object_id,class\na,x\n")
    assert read_classes(tmp_path / "l.csv").split == {}
    (tmp_path / "l.csv").write_text("object_id,class,split\na,x,dev\n")
    with pytest.raises(DataError, match="calls a split 'dev': call them train, validation, test"):
        read_classes(tmp_path / "l.csv")
    (tmp_path / "l.csv").write_text("object_id,kind\na,x\n")
    with pytest.raises(DataError, match="no column of classes"):
        read_classes(tmp_path / "l.csv")
    assert read_classes(tmp_path / "l.csv", EmbeddingColumns(label="kind")).label == {"a": "x"}

"""Whose classes a table of embeddings is judged by: one answer, or a refusal."""

from pathlib import Path

import numpy as np
import pytest

from data_pipelines.sources.embedding_tables import EmbeddingColumns, Embeddings
from data_pipelines.table_stars import stars_of_table
from lcjax.errors import ConfigError

IDS = [f"s{i}" for i in range(10)]


def table(label):
    return Embeddings(IDS, np.zeros((10, 2), np.float32), [""] * 10, label)


def test_of_the_table_or_of_another(tmp_path):
    ask = lambda label, **more: stars_of_table(
        table(label), Path("t.parquet"), more.get("data", ()), more.get("labels"), "test", EmbeddingColumns()
    )
    (own,) = ask(list("aabbaabbab"))
    assert own.class_names == ("a", "b") and own.name == "t.parquet" and set(own.label) <= set(IDS)
    labels = tmp_path / "l.csv"
    labels.write_text("object_id,class\n" + "".join(f"{name},{'xy'[i % 2]}\n" for i, name in enumerate(IDS)))
    (other,) = ask(list("aabbaabbab"), labels=labels)
    assert other.class_names == ("x", "y") and other.name == "l.csv"
    with pytest.raises(ConfigError, match="both say the classes"):
        ask([None] * 10, labels=labels, data=(Path("D"),))
    with pytest.raises(ConfigError, match=r"'t.parquet' has no classes"):
        ask([None] * 10)

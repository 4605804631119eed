"""Embeddings of a prepared dataset, of any system that gives some."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.systems import embedding

ROWS = [
    {"object_id": 1, "embedding": [[1.0, 2.0], [3.0, 4.0]], "band": None},
    Rejection("x", "no points", ""),
    {"object_id": "b", "embedding": [5.0, 6.0, 7.0, 8.0], "band": "g"},
]


@pytest.fixture
def embed(monkeypatch):
    asked = []

    def run(rows, names=("object_id", "embedding")):
        answers = SimpleNamespace(schema=pa.schema([(n, pa.string()) for n in names]), unit="stars", answer=iter)
        system = SimpleNamespace(
            name="toy",
            embedding_options={"output": 1},
            answers=lambda loaded, work: asked.append(work) or answers,
            request=lambda loaded, options: {"takes": options},
        )
        monkeypatch.setattr(embedding, "find_system", lambda name: system)
        loaded = SimpleNamespace(experiment=SimpleNamespace(system="toy"), folder="W")
        reader = lambda takes, options: asked.append(takes) or SimpleNamespace(items=lambda folders: rows)
        return embedding.embed(loaded, Path("D"), reader, {"tool": len})

    run.asked = asked
    return run


def test_one_vector_an_answer(embed):
    found = embed(ROWS)
    assert found.object_id == ["1", "b"] and found.band == ["", "g"]
    assert found.embedding.dtype == np.float32 and found.embedding.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    work, takes = embed.asked
    assert work.options == {"output": 1} and work.tools == {"tool": len} and takes == {"takes": {"output": 1}}


def test_who_gives_none(embed):
    with pytest.raises(ConfigError, match="'W' is a toy, which gives no embeddings"):
        embed(ROWS, ("object_id", "probability"))
    with pytest.raises(DataError, match="none of the stars of 'D' could be embedded"):
        embed(ROWS[1:2])

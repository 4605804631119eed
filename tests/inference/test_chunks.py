"""Large batches on a CPU go through the network in parts, whatever their columns."""

import jax
import numpy as np
import pytest

from lcjax.inference import chunks


def test_parts_give_the_answers_of_the_whole(monkeypatch):
    monkeypatch.setattr(chunks, "cores", lambda: 1)
    rng = np.random.default_rng(0)
    call = lambda batch: batch["stamps"].sum((1, 2)) + batch["metadata"].sum(1, keepdims=True)
    for rows in (8, 24, 30):
        for columns in (0, 3):
            batch = {"stamps": rng.normal(size=(rows, 4, 4, 2)), "metadata": rng.normal(size=(rows, columns))}
            found = jax.jit(lambda b: chunks.map_in_chunks(call, b))(batch)
            np.testing.assert_allclose(found, call(batch), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("cores", "rows", "expected"), [(1, 64, 8), (3, 64, 16), (1, 30, 6), (1, 31, 31), (2, 0, 0), (16, 64, 64)]
)
def test_parts_are_as_large_as_the_cores_can_take_and_never_crumbs(monkeypatch, cores, rows, expected):
    monkeypatch.setattr(chunks, "cores", lambda: cores)
    seen = []
    jax.eval_shape(lambda x: chunks.map_in_chunks(lambda part: seen.append(len(part)) or part, x), np.zeros((rows, 2)))
    assert set(seen) == {expected}

"""Large batches on a CPU go through the network in parts, whatever their columns."""

import jax
import numpy as np

from lcjax.inference import stamps


def test_parts_give_the_answers_of_the_whole(monkeypatch):
    monkeypatch.setattr(stamps, "_cores", lambda: 1)
    rng = np.random.default_rng(0)
    call = lambda batch: batch["stamps"].sum((1, 2)) + batch["metadata"].sum(1, keepdims=True)
    for rows in (8, 24, 30):
        for columns in (0, 3):
            batch = {"stamps": rng.normal(size=(rows, 4, 4, 2)), "metadata": rng.normal(size=(rows, columns))}
            found = jax.jit(lambda b: stamps.in_parts(call, b))(batch)
            np.testing.assert_allclose(found, call(batch), rtol=1e-5, atol=1e-5)

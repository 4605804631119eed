"""Few rows at once: the same answers, no work for rows that are not there, shapes of their own for every length."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.inference import window_batches
from lcjax.inference.predictor import answered
from lcjax.inference.window_batches import SERIES, WindowBatches, in_small_steps, padded_lengths, rows_at_once
from lcjax.training.task import Packing

calls = []


def function(variables, batch):
    jax.debug.callback(lambda n: calls.append(int(n)), batch["mask"].shape[0])
    return {"sum": variables + jnp.sum(jnp.where(batch["mask"], batch["time"], 0), 1), "length": batch["length"]}


@pytest.mark.parametrize(
    ("on_cpu", "packing", "expected"),
    [(True, Packing(), [2, 2]), (True, Packing(points=512), [4]), (False, Packing(), [8])],
)
def test_steps_give_what_the_whole_gives_and_no_more(on_cpu, packing, expected):
    calls.clear()
    time = np.arange(8 * 128, dtype=np.float32).reshape(8, 128)
    batch = {"time": time, "mask": np.arange(128) < np.arange(8)[:, None] + 1, "length": np.arange(8) + 1}
    found = jax.jit(in_small_steps(function, on_cpu, packing))(np.float32(3), {**batch, "rows": np.int32(3)})
    jax.effects_barrier()
    np.testing.assert_array_equal(found["sum"][:3], 3 + (time * batch["mask"]).sum(1)[:3])
    np.testing.assert_array_equal(found["length"][:3], [1, 2, 3])
    assert calls == expected


def test_padded_lengths_hold_every_window_and_waste_little():
    for longest in (1, 15, 40, 200, 1000):
        lengths = np.array(padded_lengths(longest))
        assert lengths[-1] == longest and (np.diff(lengths) > 0).all()
        assert all(n % 8 == 0 for n in lengths[:-1]) and (lengths[1:] / lengths[:-1] <= 1.6).all()
        assert all(rows_at_once(n) * n <= max(256, n) for n in lengths.tolist())


def test_a_task_says_how_far_its_lengths_lie_apart():
    wide = Packing(ratio=2.0, shortest=64, points=4096)
    assert padded_lengths(512, wide) == (64, 128, 256, 512) and padded_lengths(40, wide) == (40,)
    assert [rows_at_once(n, wide) for n in (64, 512)] == [64, 8]
    assert WindowBatches(function, np.float32(0), (512,), 30, wide).capacity(512) == 32


def test_windows_come_back_to_their_owners(monkeypatch):
    monkeypatch.setattr(window_batches, "cores", lambda: 3)
    batches = WindowBatches(function, np.float32(0), (16, 32), 5)
    assert (batches.capacity(16), batches.capacity(32), batches.workers) == (16, 8, 3)
    windows = lambda owner: [{name: np.full(n, owner, np.float32) for name in SERIES} for n in (owner % 16 + 1, 20)]
    found = list(answered(batches, ((owner, windows(owner)) for owner in range(40))))
    assert [(one.item, [float(row["sum"]) for row in one.outputs]) for one in found] == [
        (owner, [owner * (owner % 16 + 1), owner * 20]) for owner in range(40)
    ]
    assert batches.compiled == 2

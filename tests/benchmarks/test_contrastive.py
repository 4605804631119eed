"""The benchmark of the contrastive step: its objects fit the network, its loss rows weigh what they say."""

import jax

import benchmarks.contrastive as benchmark
from benchmarks.contrastive_loss import run
from lcjax.systems.astrom3.presets import astrom3_published
from lcjax.systems.astrom3.task import build_task


def test_made_up_objects_have_all_modalities():
    task = build_task(astrom3_published())
    batch = benchmark.made_up(task.batch_spec, 4)
    for name, spec in task.batch_spec.items():
        assert batch[name].shape == (4, *spec.shape[1:]) and batch[name].dtype == spec.dtype
    ready = jax.eval_shape(task.extras["network_inputs"], batch)
    assert set(ready) == {"photometry", "spectra", "metadata"}


def test_chunks_need_less_memory():
    whole, chunked = run(["64", "2048"])
    assert whole["rows at a time"] == "all" and chunked["rows at a time"] == 64
    assert chunked["MB a device"] < 0.7 * whole["MB a device"]

"""The benchmark of the contrastive step: its objects fit the network, its loss rows weigh what they say."""

import ast
from pathlib import Path

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


def test_the_pytorch_step_needs_nothing_of_ours(tmp_path):
    path = Path(benchmark.HERE) / "contrastive_torch.py"
    modules = {n.module or "" for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
    assert not any(name.startswith(("lcjax", "benchmarks", "jax")) for name in modules)
    assert benchmark.torch_rate(benchmark.Options(torch_python="false"), 2) is None

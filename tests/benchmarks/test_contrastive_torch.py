"""The step in PyTorch that the contrastive benchmark compares with."""

import ast
from pathlib import Path

import pytest

import benchmarks.contrastive as benchmark


def test_the_pytorch_step_needs_nothing_of_ours():
    path = Path(benchmark.HERE) / "other_interpreter" / "contrastive_torch.py"
    modules = {n.module or "" for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
    assert not any(name.startswith(("lcjax", "benchmarks", "jax")) for name in modules)
    assert benchmark.torch_case(benchmark.Options(torch_python="false"), 2) is None


def test_attention_of_few_queries_keeps_the_shape():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from benchmarks.other_interpreter import contrastive_torch as step

    x = torch.randn(2, step.LENGTH, step.WIDTH)
    assert step.Attention()(x).shape == x.shape

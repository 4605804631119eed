"""The benchmark of the contrastive step: its objects fit the network, its loss rows weigh what they say."""

import jax

from benchmarks import contrastive
from benchmarks.contrastive import joined
from benchmarks.contrastive_loss import run
from benchmarks.contrastive_steps import compiled, described, experiments, forget_peak, made_up, peak_mb
from lcjax.systems.astrom3.task import build_task


def test_made_up_objects_have_all_modalities():
    found = experiments()
    assert list(found) == ["parity", "dense", "strict"] and found["parity"].model.photometry.encoder == "informer"
    task = build_task(found["parity"])
    batch = made_up(task.batch_spec, 4)
    for name, spec in task.batch_spec.items():
        assert batch[name].shape == (4, *spec.shape[1:]) and batch[name].dtype == spec.dtype
    ready = jax.eval_shape(task.extras["network_inputs"], batch)
    assert set(ready) == {"photometry", "spectra", "metadata"}
    assert callable(compiled) and callable(described)


def test_rows_are_medians_beside_pytorch():
    cases = [
        {"network": "strict", "batch": 8, "parameters": 5, "objects/s": r, "objects/CPU-s": r, "peak MB": 3}
        for r in (2.0, 6.0, 4.0)
    ]
    row = joined(cases, 2.0)
    assert (row["objects/CPU-s"], row["lowest"], row["highest"], row["of PyTorch"]) == (4.0, 2.0, 6.0, 2.0)
    gone = joined([cases[0] | {"objects/s": None, "objects/CPU-s": None, "peak MB": "does not fit"}], 2.0)
    assert gone["objects/s"] is None and gone["of PyTorch"] is None


def test_a_case_that_is_killed_costs_no_other(monkeypatch):
    gone = contrastive.subprocess.CompletedProcess([], -9, "", "")
    monkeypatch.setattr(contrastive, "_run", lambda *given: gone)
    (row,) = contrastive.network_rows(contrastive.Options(networks=("strict",), turns=2), 512)
    assert row["peak MB"] == "was killed" and row["objects/s"] is None


def test_the_peak_is_that_since_it_was_forgotten():
    before = forget_peak()
    held = bytearray(30_000_000)
    held[::4096] = b"x" * len(held[::4096])
    peak = peak_mb(before)
    del held
    assert peak is None or peak >= 25


def test_chunks_need_less_memory():
    whole, chunked = run(["64", "2048"])
    assert whole["rows at a time"] == "all" and chunked["rows at a time"] == 64
    assert chunked["MB a device"] < 0.7 * whole["MB a device"]

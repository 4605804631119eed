"""The study of pretraining: splits, statistics of the training part alone, one network for all seeds, tables."""

import dataclasses

import numpy as np

from benchmarks.astrom3 import Options, simulated, small, split, table
from benchmarks.astrom3_encoders import Options as EncoderOptions
from benchmarks.astrom3_encoders import experiment_of, with_light_curves
from benchmarks.astrom3_encoders import table as encoder_table
from benchmarks.astrom3_runs import Objects, all_objects, standardised
from benchmarks.astrom3_strict import EQUAL, NETWORKS, PUBLISHED, contestants
from benchmarks.astrom3_strict import Options as StrictOptions
from benchmarks.astrom3_strict import table as strict_table
from lcjax.systems.astrom3.fitting import fitted


def objects(count=20):
    rng = np.random.default_rng(0)
    arrays = {
        "metadata": rng.normal(5, 3, (count, 2)).astype(np.float32),
        "label": (np.arange(count) % 2 - 2 * (np.arange(count) == 3)).astype(np.int32),
        "standardised": np.zeros(count, np.int32),
        "mask": np.arange(4) < np.where(np.arange(count) == 1, 0, 4)[:, None],
        "spectrum": np.zeros((count, 12), np.float32),
    }
    return Objects(arrays, ("EA", "EW"), ("period", "j_mag"), False)


def test_splits_and_numbers_standardised_by_the_training_part():
    parts = split(objects(), 42)
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [12, 2, 6]
    ready = standardised(parts)
    assert ready["test"].standardised and (ready["test"].arrays["standardised"] == 1).all()
    np.testing.assert_allclose(np.nanmean(ready["train"].metadata, 0), 0, atol=1e-5)
    assert abs(ready["test"].metadata[:, 1].mean()) > 1e-3
    other = standardised(split(objects(), 0))
    base = small(Options())
    assert fitted(base, ready["train"]) == fitted(base, other["train"])  # or every seed would compile anew
    assert callable(simulated) and callable(all_objects)


def test_tables_pair_the_seeds():
    rows = [
        {
            "seed": s,
            "mode": "spectra",
            "fraction": "full",
            "pretrained": clip,
            "labels": 16,
            "accuracy": a,
            "balanced_accuracy": a,
        }
        for s, clip, a in ((42, False, 0.5), (42, True, 0.6), (0, False, 0.7), (0, True, 0.9))
    ]
    (line,) = table(rows)
    assert line["scratch"] == "60.0 ± 10.0" and line["gain [95 %]"] == "+15.0 [-48.5, +78.5]"
    assert line["published"] == "76.3 → 77.4"
    runs = [
        {
            "data": "d",
            "seed": s,
            "encoder": e,
            "parameters": 9,
            "cpu_seconds": 1.0,
            "tested": 3,
            "accuracy": a,
            "balanced_accuracy": a,
        }
        for s, e, a in ((1, "dense", 0.6), (1, "informer", 0.5), (2, "dense", 0.8), (2, "informer", 0.7))
    ]
    dense, informer = encoder_table(runs)
    assert dense["gain of dense [95 %]"] == "+10.0 [+10.0, +10.0]" and informer["accuracy"] == "60.0 ± 10.0"


def test_encoders_differ_in_nothing_else():
    assert len(with_light_curves(objects())) == 18
    one, other = (experiment_of(EncoderOptions(), Options(), e) for e in ("dense", "informer"))
    assert other.model.photometry.encoder == "informer"
    changed = dataclasses.replace(other.model.photometry, encoder="dense")
    assert dataclasses.replace(other, model=dataclasses.replace(other.model, photometry=changed)) == one


def test_networks_at_equal_budget():
    found = contestants(StrictOptions(points=32))
    assert {*found, EQUAL} == set(NETWORKS) and {e.model.photometry.length for e in found.values()} == {32}
    strict, published, retrained = (found[n] for n in ("strict", PUBLISHED, "published, trained as strict"))
    assert (published.model.photometry.width, published.model.dim, published.optimizer.name) == (128, 512, "adam_l2")
    assert retrained.optimizer == strict.optimizer and retrained.model.photometry == published.model.photometry
    informer = dataclasses.replace(found["informer"].model.photometry, encoder="dense")
    assert informer == strict.model.photometry
    runs = [
        {"network": n, "seed": s, "parameters": 9, "updates": 2, "CPU s": 1.0, "first": 0.1, "ten": t, "classes": 0.5}
        for s in (1, 2)
        for n, t in (("strict", 0.4), (PUBLISHED, 0.3))
    ]
    one, other = strict_table(runs)
    assert one["ten, less published [95 %]"] == "+10.0 [+10.0, +10.0]" and other["among ten"] == "30.0 ± 0.0"

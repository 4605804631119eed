"""Contestants that are trained in every draw."""

import dataclasses

import numpy as np

from benchmarks import few_shot_trained
from benchmarks.few_shot_stars import Curve
from benchmarks.few_shot_trained import _labelled, from_scratch, held_stars, settings, trained
from lcjax.models.light_curve_head_config import HeadConfig


def stars(count=24, points=30):
    rng = np.random.default_rng(0)
    out = []
    for i in range(count):
        mjd = 53_000 + np.sort(rng.uniform(0, 100, points))
        magnitude = 15 + rng.normal(0, 0.01, points) + (0.05 * (mjd - 53_000) if i % 2 else 0)  # one class has a trend
        out.append(Curve(f"s{i}", "s", "ab"[i % 2], "train", mjd, magnitude.astype("f4"), np.full(points, 0.02, "f4")))
    return out, np.arange(count) % 2


def test_a_small_recurrent_network_learns_and_answers_every_curve(monkeypatch):
    monkeypatch.setattr(few_shot_trained, "WINDOW", 32)
    curves, label = stars()
    experiment = from_scratch(settings(HeadConfig("raw_gru", units=8, scaling="mean"), 60, 3e-2), batch=8)
    training = dataclasses.replace(experiment.training, evaluate_every=30)
    one = trained("gru", dataclasses.replace(experiment, training=training))
    score = one.classify(curves[:16], label[:16], curves[16:], 2, 0)
    assert score.shape == (8, 2) and np.isfinite(score).all()
    assert np.mean(score.argmax(1) == label[16:]) >= 0.9
    assert one.version != trained("gru", experiment).version


def test_validation_stars_are_of_every_class_and_windows_stay_with_their_star():
    curves, label = stars(count=10, points=450)
    held = held_stars([*curves, *curves], np.r_[label, label], 0)
    assert (held[:10] == held[10:]).all() and np.bincount(label[held[:10]]).tolist() == [1, 1]
    batch, classes = _labelled(curves, label, np.arange(10) < 2, 200)
    assert len(classes) == 6 and sorted(set(classes)) == [0, 1] and batch["mask"].sum() == 900
    short, classes = _labelled(curves, label, np.arange(10) < 2, 90)  # an encoder that knows no longer windows
    assert short["mask"].shape == (10, 90) == (len(classes), 90) and short["mask"].sum() == 900
    assert abs(batch["time"]).max() < 100 and batch["magnitude"].dtype == np.float32

"""A classifier from arrays: it learns, keeps the encoder, and says what cannot be learned from."""

import dataclasses

import numpy as np
import pytest

import lcjax
from lcjax.errors import DataError
from lcjax.pretrained.weights_folder import arrays_sha256
from lcjax.systems.light_curve_classifier import fitting
from lcjax.systems.light_curve_classifier.encoder import parted
from lcjax.systems.light_curve_classifier.fitting import fit_classifier
from lcjax.training.interruptions import StopRequest
from tests.systems.light_curve_classifier.stars import settings


def stars(count, seed):
    """Stars seen for two days or for twenty, 30 points each, and which: that much even an untrained encoder knows."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    time = np.sort(rng.uniform(0, np.where(label[:, None] == 1, 2, 20), (count, 30)), 1)
    magnitude = 15 + rng.normal(0, 0.02, time.shape)
    windows = {"time": time, "magnitude": magnitude, "magnitude_error": np.full(time.shape, 0.02)}
    windows = {name: x.astype(np.float32) for name, x in windows.items()}
    return windows | {"mask": np.ones(time.shape, bool)}, label


def test_a_head_learns_on_a_frozen_encoder(encoder):
    base = settings(encoder)
    experiment = dataclasses.replace(base, training=dataclasses.replace(base.training, steps=60, evaluate_every=20))
    model = lcjax.load(encoder)
    fitted = fit_classifier(experiment, stars(40, 0), ("long", "short"), model, validation=stars(20, 1))
    windows, label = stars(40, 2)
    found = np.asarray(fitted.predict(windows)["probabilities"]).argmax(1)
    assert (found == label).mean() > 0.8
    assert arrays_sha256(parted(fitted.variables)[0]) == arrays_sha256(model.variables)
    assert fitted.experiment.origin.sha256 == arrays_sha256(model.variables)
    assert fitted.experiment.class_names == ("long", "short")


def test_an_encoder_that_the_settings_name_is_the_one_that_learns(encoder, monkeypatch):
    """Not random weights of its shape, where it is trained with the head."""
    begun = []

    def begins(*given, initial_variables, **more):
        begun.append(initial_variables)
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "fit", begins)
    for ask, model in ((settings(encoder, train_encoder="all"), None), (settings(), lcjax.load(encoder))):
        with pytest.raises(KeyboardInterrupt):
            fit_classifier(ask, stars(4, 0), ("a", "b"), model)
    named, handed = (arrays_sha256(parted(one)[0]) for one in begun)
    assert named == handed == arrays_sha256(lcjax.load(encoder).variables)


def test_the_same_seed_gives_the_same_network_without_an_encoder():
    head = dataclasses.replace(settings().head, kind="raw_gru")
    training = dataclasses.replace(settings().training, steps=2)
    fits = [
        fit_classifier(settings(head=head, training=dataclasses.replace(training, seed=s)), stars(8, 0), ("a", "b"))
        for s in (0, 0, 1)
    ]
    hashes = [arrays_sha256(fit.variables) for fit in fits]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_stopped_fit_is_no_answer_and_goes_on_in_its_folder(tmp_path, monkeypatch):
    head = dataclasses.replace(settings().head, kind="raw_gru")
    ask = settings(head=head, training=dataclasses.replace(settings().training, steps=2))
    fitted = lambda folder: fit_classifier(ask, stars(8, 0), ("a", "b"), workdir=folder)
    with monkeypatch.context() as asked:
        asked.setattr(StopRequest, "__call__", lambda self, step: step == 1)
        with pytest.raises(KeyboardInterrupt, match="asked to stop"):
            fitted(tmp_path / "W")
    # One update was done and is done only once; the same weights come out.
    assert arrays_sha256(fitted(tmp_path / "W").variables) == arrays_sha256(fitted(tmp_path / "other").variables)


def test_what_cannot_be_learned_from_is_said(encoder):
    windows, label = stars(4, 0)
    model = lcjax.load(encoder)
    with pytest.raises(DataError, match="none of these windows has a class"):
        fit_classifier(settings(), (windows, label - 2), ("a", "b"), model)
    wide = {name: np.tile(x, (1, 2)) for name, x in windows.items()}
    with pytest.raises(DataError, match="windows of 60 points are longer than the 40"):
        fit_classifier(settings(), (wide, label), ("a", "b"), model)

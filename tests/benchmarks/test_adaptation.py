"""The adaptation benchmark on a handful of images: draws, batches, one adaptation, the table, and that it goes on where it stopped."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from benchmarks import adaptation, adaptation_data, adaptation_methods, adaptation_runs, adaptation_surveys
from lcjax.configs import TrainingConfig
from lcjax.errors import ConfigError, DataError
from lcjax.models.image_networks_config import ImageNetworkConfig


def altered(folder):
    rng = np.random.default_rng(0)
    label = np.arange(60) % 3
    images = (rng.normal(size=(60, 8, 8)) * 0.05 + label[:, None, None] / 2).astype(np.float32)
    arrays = {"xs_train": images, "ys_train": label, "xs_test": images, "ys_test": label}
    arrays |= {"xt_pool": images, "yt_pool": label, "xt_test": images, "yt_test": label}
    arrays |= {"label_idx_1shot_seed0": np.arange(3), "val_idx_1shot_seed0": np.arange(3, 12)}
    for name in adaptation_data.ALTERED:
        np.savez(folder / f"{name}.npz", **arrays)
    return folder


def test_stored_draws_are_taken_and_others_are_drawn(tmp_path):
    pair = adaptation_data.altered_digits(altered(tmp_path), "digits_rot24", 1, 0)
    assert pair.shots[1].tolist() == [0, 1, 2] and len(pair.validation[1]) == 9 and len(pair.unlabelled) == 51
    other = adaptation_data.altered_digits(tmp_path, "digits_rot24", 2, 5)
    assert sorted(other.shots[1].tolist()) == [0, 0, 1, 1, 2, 2] and len(other.unlabelled) == 51
    with pytest.raises(DataError, match="say where the digits are"):
        adaptation_data.load(tmp_path / "none.npz")


def test_digits_are_enlarged_and_halves_kept_apart(tmp_path):
    flat = np.full((2, 4, 4), 255, np.uint8)
    np.testing.assert_allclose(adaptation_data.enlarged(flat, 8), np.ones((2, 8, 8, 1)))
    x = np.arange(80, dtype=np.uint8).repeat(16).reshape(80, 4, 4)
    label = np.arange(80) % 2
    np.savez(tmp_path / "mnist_usps_dev.npz", mnist_x=x, mnist_y=label, usps_x=x, usps_y=label)
    pair = adaptation_data.digits(tmp_path, "mnist", "usps", 2, 0, rows=50)
    learned = set(np.round(pair.unlabelled[:, 0, 0, 0] * 255).astype(int))
    judged = set(np.round(pair.tests["target"][0][:, 0, 0, 0] * 255).astype(int))
    assert learned <= set(range(40)) and judged == set(range(40, 80)) and len(pair.source[1]) == 50


def test_simulated_pairs():
    pair = adaptation_surveys.survey_pair("hits", "ztf", 1, 0, 40)
    assert pair.source[0].shape == (20, 21, 21, 3) and sorted(pair.shots[1].tolist()) == [0, 1]
    assert pair.source[0].min() == 0 and pair.source[0].max() == 1


def test_one_adaptation_and_its_table(tmp_path, monkeypatch, capsys):
    tiny = ImageNetworkConfig(filters=(2,), strides=(4,), head=(3,), dropout=0.0, dropout_before=())
    monkeypatch.setitem(adaptation_methods.NETWORKS, "altered", tiny)
    given = [
        "--altered",
        str(altered(tmp_path)),
        "--draws",
        "1",
        "--shots",
        "1",
        "--steps",
        "25",
        "--methods",
        "s_plus_t",
    ]
    out = tmp_path / "r.json"
    plain = adaptation.settings

    def short(method, question, steps):
        experiment = plain(method, question, steps)
        training = TrainingConfig(steps=25, batch_size=8, evaluate_every=25)
        return dataclasses.replace(experiment, training=training)

    monkeypatch.setattr(adaptation, "settings", short)
    adaptation.main([*given, "--out", str(out)])
    runs = json.loads(out.read_text())["runs"]
    assert len(runs) == 2 and all(0 <= run["target balanced"] <= 1 and run["best step"] == 25 for run in runs)
    monkeypatch.setattr(adaptation, "adapt", lambda *a: pytest.fail("ran again"))
    adaptation.main([*given, "--out", str(out)])
    shown = adaptation.table([*runs, {**runs[0], "draw": 1, "target balanced": 1.0}], 25)
    assert shown[0]["draws"] + shown[1]["draws"] == 3
    with pytest.raises(ConfigError, match="no method 'x'"):
        adaptation.main(["--methods", "x"])


def test_batches_are_permutations():
    rows = list(itertools.islice(adaptation_runs.draws(7, 3, 0), 4))
    assert all(len(r) == 3 for r in rows) and len({*rows[0], *rows[1]}) == 6
    assert len(next(adaptation_runs.draws(2, 32, 0))) == 2

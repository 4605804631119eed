import json

import numpy as np
import pytest

from benchmarks.host_stages import published_mask, published_stack, stages
from benchmarks.hosts import main, make_fields
from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.kinds.host_fields.stack import masked_stack
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_fields
from lcjax.models.delight_config import DelightModelConfig
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import build_task
from lcjax.systems.delight.config import DelightExperiment
from tests.systems.delight.delight_files import random_variables

pytest.importorskip("sep", reason="needs sep (extra test or hosts)")


def test_the_recreated_steps_give_the_same_stack():
    rng = np.random.default_rng(0)
    image, mask = rng.normal(size=(96, 96)).astype(np.float32), rng.random((96, 96)) > 0.3
    np.testing.assert_allclose(published_stack(image, mask, 3), masked_stack(image, mask, 3), atol=1e-6)


def test_the_recreated_steps_find_the_same_mask():
    for field in simulate_host_fields(2, 8, FieldSettings(image_size=160)):
        np.testing.assert_array_equal(published_mask(field.image), detect_sources(field.image).mask)


def test_times(capsys):
    times = stages((), 1, cores=0, number=1, turns=1)
    assert all(value > 0 for value in times.values()) and times["stack"] < times["published: stack"]
    assert "times faster than the published 100 ms" in capsys.readouterr().out


def test_fields_and_rules():
    test = make_fields(6, 1, FieldSettings(image_size=128, hostless=0.0))
    assert len(test.truth) == 6 and test.stacks.shape == (6, 8, 8, 5)
    assert set(test.rules) == {"nearest source", "light radius", "light radius, no stars"}
    assert all(found.shape == (6, 2) for found in test.rules.values())


def test_table(tmp_path, capsys):
    experiment = DelightExperiment(model=DelightModelConfig(filters=(2, 3, 3), hidden=4, head="mixture", unit=40.0))
    weights = random_variables(build_task(experiment))
    (tmp_path / "source").write_bytes(b"")
    write_weights(tmp_path / "W", ImportedWeights(experiment, weights, tmp_path / "source", None, [], []))
    out = tmp_path / "hosts.json"
    assert main(["--models", str(tmp_path / "W"), "--fields", "12", "--no-timing", "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["scores"]["nearest source"]["all"]["median"] < 5
    assert "hostless" in record["probabilities"]["lcjax W"]["calibration"]
    assert "catastrophic" in capsys.readouterr().out

"""Interrupted and resumed runs against uninterrupted ones; and when a run may not go on."""

import json
import shutil

import numpy as np
import pytest

from lcjax.configs import OptimizerConfig
from lcjax.errors import CheckpointError, ConfigError, DataError
from lcjax.training.checkpoint import CheckpointStore
from tests.training.comparing import assert_same_run, logged, newest_arrays
from tests.training.toy import ToySource, toy_fit


class BreakingSource(ToySource):
    """Fails when batch `at` of the whole run is asked for."""

    def __init__(self, at, **settings):
        super().__init__(**settings)
        self.at = at

    def train_batches(self, epoch=0, batch=0):
        for position, rows in super().train_batches(epoch, batch):
            if position[0] * self.per_epoch + position[1] >= self.at:
                raise DataError("the disk went away")
            yield position, rows


@pytest.mark.parametrize(
    "settings",
    [
        {},
        dict(accumulate=2, ema_decay=0.9, log_every=3),
        dict(steps_per_dispatch=3, checkpoint_every=7),
        dict(parallel="pmap", patience=5),
        dict(optimizer=OptimizerConfig(schedule="constant", learning_rate=3.0), steps=8, evaluate_every=4, extend=18),
    ],
)
def test_resumed_run_is_the_uninterrupted_run(tmp_path, settings):
    buckets = (3, 6)
    toy_fit(tmp_path / "straight", ToySource(buckets=buckets), **settings)
    per_update = settings.get("accumulate", 1)
    for at in (4, 11, 17):
        with pytest.raises(DataError):
            toy_fit(tmp_path / "broken", BreakingSource(at * per_update, buckets=buckets), **settings)
    result = toy_fit(tmp_path / "broken", ToySource(buckets=buckets), **settings)
    assert result.status == "finished" and result.step >= 20
    assert_same_run(tmp_path / "straight", tmp_path / "broken")


def test_lines_beyond_the_checkpoint_and_torn_lines_go(tmp_path):
    toy_fit(tmp_path / "straight")
    toy_fit(tmp_path / "torn")
    shutil.rmtree(tmp_path / "torn" / "checkpoints" / "00000020")
    with open(tmp_path / "torn" / "metrics.jsonl", "a") as file:
        file.write('{"step": 3, "split": "tra')
    toy_fit(tmp_path / "torn")
    assert_same_run(tmp_path / "straight", tmp_path / "torn")


def test_finished_run_says_so_at_once(tmp_path):
    toy_fit(tmp_path / "run")
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    result = toy_fit(tmp_path / "run")
    assert result.status == "already finished" and result.step == 20 and result.best["step"] > 0
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


def test_other_settings_are_refused_by_name(tmp_path):
    toy_fit(tmp_path / "run")
    before = (tmp_path / "run" / "config.json").read_bytes()
    with pytest.raises(ConfigError, match=r"training\.seed \(0 then, 1 now\)"):
        toy_fit(tmp_path / "run", seed=1)
    with pytest.raises(ConfigError, match=r"model\.width"):
        toy_fit(tmp_path / "run", width=16)
    with pytest.raises(ConfigError, match=r"training\.steps .*cosine"):
        toy_fit(tmp_path / "run", steps=40)
    with pytest.raises(ConfigError, match="other data"):
        toy_fit(tmp_path / "run", ToySource(per_epoch=9))
    assert (tmp_path / "run" / "config.json").read_bytes() == before
    # The settings travel in the checkpoints too.
    (tmp_path / "run" / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"training\.seed"):
        toy_fit(tmp_path / "run", seed=1)
    assert toy_fit(tmp_path / "run").status == "already finished"


def test_a_workdir_without_checkpoints_accepts_other_settings(tmp_path):
    with pytest.raises(DataError):
        toy_fit(tmp_path / "run", BreakingSource(2))
    assert toy_fit(tmp_path / "run", seed=1).status == "finished"


def test_more_steps_where_the_schedule_allows(tmp_path):
    constant = OptimizerConfig(schedule="constant", warmup_steps=2)
    toy_fit(tmp_path / "long", optimizer=constant, steps=40)
    toy_fit(tmp_path / "grown", optimizer=constant, steps=16)
    toy_fit(tmp_path / "grown", optimizer=constant, steps=40)
    for split in ("train", "validation"):
        assert logged(tmp_path / "grown", split) == logged(tmp_path / "long", split)


def test_damaged_newest_checkpoint_falls_back_loudly(tmp_path):
    toy_fit(tmp_path / "straight")
    toy_fit(tmp_path / "run")
    newest = CheckpointStore(tmp_path / "run").path(20)
    (newest / "arrays" / "manifest.ocdbt").write_bytes(b"")
    with pytest.warns(UserWarning, match="manifest.ocdbt' has changed.*falling back"):
        result = toy_fit(tmp_path / "run")
    assert result.status == "finished"
    assert_same_run(tmp_path / "straight", tmp_path / "run")
    assert (tmp_path / "run" / "checkpoints" / "00000020.damaged").is_dir()


def test_never_starts_over_when_nothing_can_be_read(tmp_path):
    toy_fit(tmp_path / "run")
    for folder in (tmp_path / "run" / "checkpoints").iterdir():
        shutil.rmtree(folder / "arrays")
    with pytest.warns(UserWarning), pytest.raises(CheckpointError, match="none of the checkpoints"):
        toy_fit(tmp_path / "run")
    assert len(CheckpointStore(tmp_path / "run").steps()) == 3


def test_interrupted_writes_are_swept_up(tmp_path):
    toy_fit(tmp_path / "run", steps=20)
    run = tmp_path / "run"
    (run / "checkpoints" / ".00000025.77.partial" / "arrays").mkdir(parents=True)
    (run / "best").rename(run / ".best.replaced")
    toy_fit(run)
    assert not list(run.glob("**/*.partial")) and (run / "best").is_dir() and not (run / ".best.replaced").exists()


def test_config_of_every_checkpoint_names_its_run(tmp_path):
    toy_fit(tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    _, record = newest_arrays(tmp_path / "run")
    assert record["config"] == config
    assert config["config_hash"] and config["versions"]["jax"] and config["data"]["fingerprint"] == "toy 7"
    assert config["experiment"]["training"]["steps"] == 20


def test_changing_the_layout_goes_on_within_rounding(tmp_path):
    toy_fit(tmp_path / "straight")
    toy_fit(tmp_path / "mixed")
    shutil.rmtree(tmp_path / "mixed" / "checkpoints" / "00000020")
    toy_fit(tmp_path / "mixed", parallel="pmap")
    for one, two in zip(logged(tmp_path / "straight"), logged(tmp_path / "mixed"), strict=True):
        np.testing.assert_allclose(one["loss"], two["loss"], rtol=1e-5)

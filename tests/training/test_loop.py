"""What a run writes, counts, skips and decides."""

import json

import numpy as np
import pytest

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError, TrainingError, WeightsError
from lcjax.training.checkpoint import CheckpointStore, restore_variables
from lcjax.training.progress import read_metrics
from tests.training.comparing import logged
from tests.training.toy import ToySource, toy_fit


def test_log_lines(tmp_path):
    result = toy_fit(tmp_path)
    assert result.status == "finished" and result.step == 20 and result.bad_steps == 0
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps = [(line["step"], line["split"]) for line in lines]
    assert steps == [
        *((4, "train"), (8, "train"), (8, "validation"), (12, "train"), (16, "train"), (16, "validation")),
        *((20, "train"), (20, "validation")),
    ]
    for line in lines:
        assert line["loss"] > 0 and line["wall_time"] > 1e9 and line["points_per_second"] > 0
        assert line["rmse"] == line["loss"] ** 0.5  # the task's own summary
    assert result.best["loss"] == min(line["loss"] for line in read_metrics(tmp_path, "validation"))
    assert list((tmp_path / "tensorboard").glob("events.out.tfevents.*"))


def test_validation_weighs_every_row_once(tmp_path):
    """Padding rows weigh nothing and batches are summed, not averaged."""
    from lcjax.training.source import device_part
    from tests.training.toy import toy_task

    toy_fit(tmp_path, steps=8)
    variables = restore_variables(tmp_path, "latest")[1]
    task, total, weight = toy_task(), 0.0, 0.0
    for batch in ToySource().evaluation_batches():
        rows = batch["weight"] > 0
        predicted = task.predict(variables, device_part(batch))["y"]
        total, weight = total + np.sum((predicted - batch["y"])[rows] ** 2), weight + rows.sum()
    assert weight == 9
    np.testing.assert_allclose(read_metrics(tmp_path, "validation")[-1]["loss"], total / weight, rtol=1e-5)


def test_same_lines_however_many_updates_a_dispatch_holds(tmp_path):
    buckets = (3, 6)
    toy_fit(tmp_path / "1", ToySource(buckets=buckets), log_every=1)
    for k in (2, 4):
        toy_fit(tmp_path / str(k), ToySource(buckets=buckets), log_every=4, steps_per_dispatch=k)
        ones = logged(tmp_path / "1", "train")
        for line in logged(tmp_path / str(k), "train"):
            mean = np.mean([one["loss"] for one in ones if line["step"] - 4 < one["step"] <= line["step"]])
            np.testing.assert_allclose(line["loss"], mean, rtol=1e-5)


def test_one_compilation_per_shape(tmp_path):
    assert toy_fit(tmp_path / "ragged").compilations == 1
    assert toy_fit(tmp_path / "buckets", ToySource(buckets=(3, 6))).compilations == 2


def test_poisoned_batches_are_skipped_counted_and_kept(tmp_path):
    source = ToySource(poison={(0, 2), (1, 0)})
    result = toy_fit(tmp_path, source, log_every=1)
    assert result.status == "finished" and result.bad_steps == 2
    bad = [line for line in read_metrics(tmp_path, "train") if line.get("bad_steps")]
    assert [(line["step"], line["loss"]) for line in bad] == [(3, None), (8, None)]
    with np.load(tmp_path / "bad_batches" / "step_3.npz", allow_pickle=False) as dump:
        assert np.isnan(dump["magnitude"][0, 0]) and dump["object_id"][0] == "star 0.2.0"
    assert (tmp_path / "bad_batches" / "step_8.npz").exists()
    variables = restore_variables(tmp_path, "latest")[1]
    assert all(np.isfinite(x).all() for x in variables["params"]["ffn_in"].values())


def test_too_many_bad_steps_in_a_row_stop_the_run(tmp_path):
    source = ToySource(poison={(0, i) for i in range(2, 7)})
    with pytest.raises(TrainingError, match=r"3 steps in a row, the last at step 5.*bad_batches"):
        toy_fit(tmp_path, source, max_bad_steps=3, checkpoint_every=2)
    for step in CheckpointStore(tmp_path).steps():
        assert step <= 4
    assert all(np.isfinite(x).all() for x in restore_variables(tmp_path, "latest")[1]["params"]["ffn_in"].values())


def test_early_stopping_keeps_the_best_weights(tmp_path):
    wild = OptimizerConfig(schedule="constant", learning_rate=3.0)  # gets worse after the first updates
    result = toy_fit(tmp_path, optimizer=wild, steps=200, evaluate_every=2, patience=3, log_every=2)
    assert result.status == "early stopped" and result.step < 200
    lines = read_metrics(tmp_path, "validation")
    losses = [line["loss"] for line in lines]
    assert result.best["step"] == lines[int(np.argmin(losses))]["step"] == result.step - 6
    again = toy_fit(tmp_path, optimizer=wild, steps=200, evaluate_every=2, patience=3, log_every=2)
    assert again.status == "already finished" and again.best == result.best
    # `best` holds what that evaluation saw.
    short = OptimizerConfig(schedule="constant", learning_rate=3.0)
    toy_fit(tmp_path / "short", optimizer=short, steps=result.best["step"], evaluate_every=2, log_every=2)
    best = restore_variables(tmp_path)[1]["params"]["ffn_in"]["kernel"]
    np.testing.assert_array_equal(
        best, restore_variables(tmp_path / "short", "latest")[1]["params"]["ffn_in"]["kernel"]
    )


def test_an_improvement_extends_the_run(tmp_path):
    wild = OptimizerConfig(schedule="constant", learning_rate=3.0)  # gets worse after the first updates
    settings = dict(optimizer=wild, steps=4, evaluate_every=3, extend=5, log_every=2, checkpoint_every=3)
    result = toy_fit(tmp_path / "W", **settings)
    best = result.best["step"]
    losses = {line["step"]: line["loss"] for line in read_metrics(tmp_path / "W", "validation")}
    assert result.status == "finished" and result.step == best + 5 > 4
    assert best == min(losses, key=losses.get) and max(losses) == result.step
    assert toy_fit(tmp_path / "W", **settings).status == "already finished"
    assert toy_fit(tmp_path / "short", **(settings | dict(steps=best + 9, extend=2))).step == best + 9
    with pytest.raises(ConfigError, match="extend"):
        toy_fit(tmp_path / "none", **(settings | dict(extend=0)))


def test_monitor_may_rise_and_must_exist(tmp_path):
    result = toy_fit(tmp_path / "up", monitor="-rmse", evaluate_every=4)
    assert result.best["rmse"] == max(line["rmse"] for line in read_metrics(tmp_path / "up", "validation"))
    with pytest.raises(ConfigError, match=r"r3.*loss, rmse"):
        toy_fit(tmp_path / "no", monitor="r3")


def test_settings_without_sense_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="log_every' is 0"):
        toy_fit(tmp_path, log_every=0)
    with pytest.raises(ConfigError, match="asks for 6 devices"):
        toy_fit(tmp_path, mesh=(3, 2))
    assert not list(tmp_path.glob("checkpoints/*"))


def test_fine_tuning(tmp_path):
    toy_fit(tmp_path / "first")
    variables = restore_variables(tmp_path / "first", "latest")[1]
    frozen = OptimizerConfig(schedule="constant", learning_rate=0.0)
    toy_fit(tmp_path / "second", initial_variables=variables, optimizer=frozen, steps=3)
    tuned = restore_variables(tmp_path / "second", "latest")[1]
    for name, value in variables["params"]["ffn_in"].items():
        np.testing.assert_array_equal(tuned["params"]["ffn_in"][name], value)
    with pytest.raises(WeightsError, match="shape"):
        toy_fit(tmp_path / "third", initial_variables=variables, width=4)


def test_debug_nans_points_at_the_operation(tmp_path):
    with pytest.raises(FloatingPointError):
        toy_fit(tmp_path, ToySource(poison={(0, 2)}), debug_nans=True)
    assert toy_fit(tmp_path, ToySource(poison={(0, 2)})).bad_steps == 1  # the switch does not outlive the run

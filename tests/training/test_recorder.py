"""The host's side of a run without a run: sums, the best evaluation, patience, warnings, bad batches."""

import dataclasses
import io
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from lcjax.configs import TrainingConfig
from lcjax.errors import ConfigError, TrainingError
from lcjax.training.progress import ProgressDisplay
from lcjax.training.recorder import Dispatch, Progress, Recorder
from tests.training.toy import toy_task


class Lines:
    """Takes what would be written to the log."""

    def __init__(self):
        self.lines = []

    def write(self, step, split, values):
        self.lines.append((step, split, values))


@pytest.fixture
def run(tmp_path):
    """Makes a recorder of the toy task with training settings."""

    def make(**settings):
        display = ProgressDisplay(10)
        display.console = Console(file=io.StringIO(), width=500)
        task = dataclasses.replace(
            toy_task(),
            warnings=lambda split, values: [f"loss is {values['loss']:.1f}"] if values["loss"] > 5 else [],
            headline=("loss",),
        )
        log, progress = Lines(), Progress()
        training = TrainingConfig(**({"monitor": "loss", "max_bad_steps": 2} | settings))
        recorder = Recorder(task, training, tmp_path, progress, log, display)
        return SimpleNamespace(recorder=recorder, log=log, progress=progress, said=display.console.file.getvalue)

    return make


def batch(points=3):
    mask = np.arange(6) < np.full((2, 1), points)
    return {"mask": mask, "x": np.ones((2, 6), np.float32), "object_id": np.array(["a", "b"], object)}


def dispatch(start, losses, good=None, bad_in_row=None):
    updates = len(losses)
    good = np.ones(updates, bool) if good is None else good
    bad_in_row = np.zeros(updates, int) if bad_in_row is None else bad_in_row
    sums = {"loss": (jnp.array(losses) * 4, jnp.full(updates, 4.0))}
    norms = jnp.arange(updates) + 1.0
    scalars = {"good": jnp.array(good), "bad_in_row": jnp.array(bad_in_row), "gradient_norm": norms}
    return Dispatch(start, [[batch()] for _ in losses], {"sums": sums, "scalars": scalars})


def test_a_train_line_is_the_mean_over_the_updates_since_the_last(run):
    here = run()
    here.recorder.absorb(dispatch(0, [1.0, 3.0]))
    here.recorder.absorb(dispatch(2, [5.0]))
    here.recorder.log_training(3)
    here.recorder.absorb(dispatch(3, [4.0]))
    here.recorder.log_training(4)
    (step, split, first), (_, _, second) = here.log.lines
    assert (step, split, first["loss"], first["gradient_norm"]) == (3, "train", 3.0, pytest.approx(4 / 3))
    assert first["rmse"] == pytest.approx(3**0.5) and "bad_steps" not in first
    assert second["loss"] == 4.0 and second["gradient_norm"] == 1.0
    assert first["points_per_second"] > 0 and here.progress.sums == {}


def test_the_rate_counts_work_and_leaves_other_work_out(run):
    here = run()
    here.recorder.absorb(dispatch(0, [1.0]))
    here.recorder._clock -= 10.0  # ten seconds later, of which nine were an evaluation
    here.recorder.pause_clock(9.0)
    here.recorder.log_training(1)
    assert here.log.lines[0][2]["points_per_second"] == pytest.approx(6.0, rel=0.1)


def test_bad_steps_are_kept_named_and_too_many_stop_the_run(run, tmp_path):
    here = run()
    here.recorder.absorb(dispatch(6, [2.0, float("nan")], [True, False], [0, 1]))
    with np.load(tmp_path / "bad_batches" / "step_8.npz") as kept:
        assert kept["object_id"].tolist() == ["a", "b"] and kept["mask"].sum() == 6
    assert "step 8: loss or gradient not finite" in here.said()
    here.recorder.log_training(8)
    assert here.log.lines[0][2]["loss"] == 2.0 and here.log.lines[0][2]["bad_steps"] == 1.0
    with pytest.raises(TrainingError, match="2 steps in a row, the last at step 9"):
        here.recorder.absorb(dispatch(8, [float("nan")], [False], [2]))


def test_batches_of_one_update_and_streams_have_paths_of_their_own(run, tmp_path):
    here = run()
    bad = dispatch(0, [1.0], [False], [1])
    bad.batches[0] = [batch(), {"mask": batch()["mask"], "more": {"y": np.zeros(2)}}]
    here.recorder.absorb(bad)
    with np.load(tmp_path / "bad_batches" / "step_1.npz") as kept:
        assert {"mask_0", "object_id_0", "mask_1", "more/y_1"} <= set(kept.files)


def test_the_best_evaluation_and_patience(run):
    here = run()
    log = lambda step, loss: here.recorder.log_validation(step, {"loss": [loss * 2, 2.0]}, 100.0, 2.0)
    assert log(1, 3.0) and not log(2, 3.0) and not here.progress.stopped(2)
    assert log(3, 2.0) and here.progress.best["step"] == 3 and here.progress.best["loss"] == 2.0
    assert not log(4, float("nan")) and not log(5, 2.5)
    assert here.progress.stopped(2) and not here.progress.stopped(3) and not here.progress.stopped(None)
    assert here.log.lines[0][2]["points_per_second"] == 50.0 and here.log.lines[0][1] == "validation"


def test_a_metric_that_shall_rise_and_one_that_is_not_there(run):
    here = run(monitor="-loss")
    log = lambda step, loss: here.recorder.log_validation(step, {"loss": [loss, 1.0]}, 1.0, 1.0)
    assert log(1, 3.0) and not log(2, 2.0) and log(3, 4.0)
    with pytest.raises(ConfigError, match="'accuracy' is no validation metric: there are loss, rmse"):
        run(monitor="accuracy").recorder.log_validation(1, {"loss": [1.0, 1.0]}, 1.0, 1.0)


def test_of_equal_evaluations_the_one_with_the_smaller_loss_is_the_best_and_patience_runs_on(run):
    """Six validation images at a half right say nothing of what was learned; the first of such weights must not stay."""
    here = run(monitor="-share")
    log = lambda step, share, loss: here.recorder.log_validation(
        step, {"share": [share, 1.0], "loss": [loss, 1.0]}, 1.0, 1.0
    )
    assert log(1, 0.5, 3.0) and not log(2, 0.5, 4.0) and log(3, 0.5, 2.0) and not log(4, 0.4, 1.0)
    assert here.progress.best["step"] == 3 and here.progress.evaluations_since_best == 3
    assert (
        here.progress.last_step(TrainingConfig(steps=1, extend=50)) == 51
    )  # the run goes on for what is better, not for that
    assert log(5, 0.6, 9.0) and here.progress.evaluations_since_best == 0


def test_a_warning_is_said_once_whatever_its_numbers(run):
    here = run()
    for step, loss in ((1, 6.0), (2, 7.5), (3, 1.0)):
        here.recorder.log_validation(step, {"loss": [loss, 1.0]}, 1.0, 1.0)
    assert here.said().count("warning at step") == 1 and "warning at step 1 (validation): loss is 6.0" in here.said()


def test_an_improvement_moves_the_end():
    progress = Progress(best={"step": 90.0})
    assert progress.last_step(TrainingConfig(steps=100)) == 100
    assert progress.last_step(TrainingConfig(steps=100, extend=50)) == 140
    assert progress.last_step(TrainingConfig(steps=100, extend=5)) == 100
    assert Progress().last_step(TrainingConfig(steps=10, extend=30)) == 30

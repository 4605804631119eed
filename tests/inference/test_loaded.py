"""A loaded model: its own weights or others, by itself or as a pair."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.inference.loaded import Loaded
from lcjax.training.task import Task, Update


def loaded():
    predict = lambda variables, batch: {"y": variables["w"] * batch["x"]}
    task = Task("toy", None, (Update(lambda *a, **k: None),), None, predict, model="module")
    return Loaded(None, task, {"w": np.float32(2)})


def test_predictions_are_of_its_own_weights_unless_others_are_given():
    model, batch = loaded(), {"x": jnp.arange(3.0)}
    assert model.predict(batch)["y"].tolist() == [0, 2, 4]
    assert model.predict(batch, {"w": 3.0})["y"].tolist() == [0, 3, 6]
    assert jax.jit(model.predict)(batch)["y"].tolist() == [0, 2, 4]
    slope = jax.grad(lambda variables: model.predict(batch, variables)["y"].sum())({"w": 1.0})
    assert float(slope["w"]) == 3


def test_it_is_a_pair_and_has_changed_copies():
    model = loaded()
    module, variables = model
    assert module == model.model == "module" and variables is model.variables
    other = model.replace(folder=Path("elsewhere"))
    assert other.folder == Path("elsewhere") and other.task is model.task and model.folder == Path()
    assert model.record == {} and model.record is not loaded().record

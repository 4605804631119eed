"""What a task says of itself, and that the engine knows nothing by name."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

import lcjax.training
from lcjax.systems import PRESETS, build_task
from lcjax.training.task import ROWS, count_rows
from tests.training.several import ROWS_OF, PairSource, shared
from tests.training.toy import toy_task

ENGINE = sorted(Path(lcjax.training.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_the_engine_knows_no_system_metric_layer_or_batch_key(path):
    code = re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL)
    code = re.sub(r"#.*", "", code)
    text = [match[1] or match[2] for match in re.finditer(r"\"([^\"\n]*)\"|'([^'\n]*)'", code)]
    known = {"loss", "rmse", "r2", "accuracy", "macro_f1", "mask", "length", "weight", "label", "object_id", "alert_id"}
    known |= {"mjd", "band", "stamps", "query", "ffn_in", "merge", "kernel", "width"}
    # `loss` is the engine's own name for what it descends; it must not look for a metric of that name.
    allowed = {"loss"} if path.stem == "step" else set()
    assert not set(text) & (known - allowed)


def test_rows_of_all_streams_count():
    assert count_rows(PairSource().batch(0, 0)) == sum(ROWS_OF.values()) == 24
    assert shared().work is ROWS


def test_made_up_rows_have_the_shapes_of_the_spec():
    for task in (toy_task(), shared()):
        batch = task.made_up(5)
        same = lambda made, spec: made.shape == (5, *spec.shape[1:]) and made.dtype == spec.dtype
        assert all(jax.tree.leaves(jax.tree.map(same, batch, task.batch_spec)))


@pytest.mark.parametrize("name", ["astromer2-small", "astromer1", "alerce-stamps", "multiscale-stamps", "delight"])
def test_tasks_of_systems_say_what_the_engine_and_callers_need(name):
    task = build_task(PRESETS[name]())
    batch = task.made_up(4)
    assert jax.tree.map(lambda s: str(np.dtype(s.dtype)), task.batch_spec) == jax.tree.map(
        lambda x: str(x.dtype), batch
    )
    assert task.headline[0] == "loss" and task.work.count(batch) > 0
    assert bool(task.sharding_rules) == name.startswith("astromer")
    if name.startswith("astromer"):
        length = task.batch_spec["mask"].shape[1]
        assert batch["mask"].sum(1)[:3].tolist() == [length, length // 2, 1]
        assert task.meaning["windows"]["length"] == length
        assert task.work.unit == "points" and task.work.count(batch) == batch["mask"].sum()
    if "stamps" in name:
        assert task.meaning["class_names"]

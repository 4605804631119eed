"""Records in, rows out: padding, entries made of lengths, and what a model cannot take."""

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.loaded import Loaded
from lcjax.systems.record_answers import RecordAnswers
from lcjax.training.task import Task, Update

SPEC = {
    "flux": jax.ShapeDtypeStruct((2, 4), jnp.float32),
    "mask": jax.ShapeDtypeStruct((2, 4), jnp.bool_),
    "length": jax.ShapeDtypeStruct((2,), jnp.int32),
    "redshift": jax.ShapeDtypeStruct((2,), jnp.float32),
}


def predict(variables, batch):
    total = jnp.sum(batch["flux"] * batch["mask"], 1)
    return {"mean": total / batch["length"] * variables["w"], "both": jnp.stack([total, batch["redshift"]], 1)}


def answers():
    task = Task("toy", None, (Update(lambda *a, **k: None),), None, predict, batch_spec=SPEC)
    return RecordAnswers(Loaded(None, task, {"w": np.float32(10)}), "spectra", 3)


def record(name, flux, **more):
    about = {"object_id": name, "band": "", "length": len(flux), "redshift": 0.5}
    return about | {"flux": np.array(flux, np.float64)} | more


def test_rows_in_order_padded_to_the_model():
    bad = Rejection("x", "no spectrum", "there")
    model = answers()
    one, passed, two = model.answer([record("a", [1, 2]), bad, record("b", [1, 2, 3, 4], band="r")])
    assert passed is bad
    assert (one["object_id"], one["band"], one["mean"]) == ("a", "", 15.0)
    assert (two["object_id"], two["band"], two["mean"], two["both"].tolist()) == ("b", "r", 25.0, [10.0, 0.5])
    assert model.schema.field("mean").type == pa.float32()
    assert model.schema.field("both").type == pa.list_(pa.float32())
    assert model.schema.names == ["object_id", "band", "both", "mean"] and model.unit == "spectra"
    pa.Table.from_pylist([one, two], schema=model.schema)


def test_what_the_model_cannot_take_is_set_aside_by_name():
    lacking = record("a", [1])
    del lacking["redshift"]
    refused = list(answers().answer([lacking, record("b", [1] * 5), record("c", [[1, 2]]), record("d", [1])]))
    assert [r.object_id for r in refused[:3]] == ["a", "b", "c"]
    assert refused[0].reason == "missing value: redshift"
    assert refused[1].reason.startswith("unfit shape: flux is (5,)") and refused[2].reason.startswith("unfit shape")
    assert refused[3]["mean"] == 10.0

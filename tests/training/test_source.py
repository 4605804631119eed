"""What reaches the device, and what a task is told when something it needs does not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.training.source import check_reaches_device, device_part
from tests.training.toy import ToySource, toy_fit

BATCH = {
    "x": np.zeros((2, 3), np.float32),
    "mjd": np.zeros(2),
    "alert_id": np.zeros(2, np.int64),
    "name": np.array(["a", "b"], object),
    "more": {"y": np.zeros(4, np.int32), "name": np.array(["a"] * 4)},
    "ids": {"id": np.zeros(2, np.int64)},
}


def test_text_and_64_bits_stay_on_the_host():
    found = device_part(BATCH)
    assert jax.tree.map(np.shape, found) == {"x": (2, 3), "more": {"y": (4,)}}
    half = np.asarray(jnp.zeros(3, jnp.bfloat16))
    assert device_part({"half": half})["half"].dtype == half.dtype


@pytest.mark.parametrize(
    "spec,said",
    [
        ({"mjd": "float32"}, "'mjd' in batches of the training data is float64, which stays on the host.*as float32"),
        ({"alert_id": "int32"}, "'alert_id' in batches of the training data is int64"),
        ({"more": {"name": "int32"}}, "'more/name' in batches of the training data is <U1"),
        ({"more": {"z": "int32"}}, "no 'more/z'"),
        ({"x": {"y": "int32"}}, "'x' in batches of the training data is an array where the model takes a stream"),
    ],
)
def test_what_a_task_needs_must_reach_the_device(spec, said):
    shapes = jax.tree.map(lambda kind: jax.ShapeDtypeStruct((2,), kind), spec)
    with pytest.raises(DataError, match=said):
        check_reaches_device(shapes, BATCH)
    check_reaches_device({"x": jax.ShapeDtypeStruct((2, 3), jnp.float32)}, BATCH)


def test_a_run_says_so_before_it_compiles(tmp_path):
    class Wide(ToySource):
        def batch(self, epoch, index):
            batch = super().batch(epoch, index)
            return batch | {"y": batch["y"].astype(np.float64)}

    with pytest.raises(DataError, match="'y' in batches of the training data is float64"):
        toy_fit(tmp_path, Wide())

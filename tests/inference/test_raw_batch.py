"""Raw arrays of a caller: names, ranks, rows and types checked at the door, concrete or traced."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.inference.raw_batch import as_mask, check_finite, is_traced, received

SPEC = {
    "x": jax.ShapeDtypeStruct((2, 3), jnp.float32),
    "n": jax.ShapeDtypeStruct((2,), jnp.int32),
    "mask": jax.ShapeDtypeStruct((2, 3), jnp.bool_),
}
GOOD = {"x": np.ones((4, 5)), "n": np.arange(4), "mask": np.ones((4, 5)), "more": "left out"}


def test_types_are_those_of_the_spec_and_lengths_may_differ():
    found = received(SPEC, GOOD)
    assert set(found) == set(SPEC) and found["x"].dtype == np.float32 and found["mask"].dtype == bool
    assert np.issubdtype(found["n"].dtype, np.integer) and found["x"].shape == (4, 5)
    without = {name: value for name, value in GOOD.items() if name != "n"}
    assert set(received(SPEC, without, optional=("n",))) == {"x", "mask"}
    nested = received({"stream": {"x": SPEC["x"]}}, {"stream": {"x": [[1, 2, 3]]}})
    assert nested["stream"]["x"].shape == (1, 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x": np.ones(4)}, r"'x' has the shape \(4,\): the model takes \('rows', '\.\.\.'\)"),
        ({"x": np.ones((3, 5))}, "differ in their number of rows: .*'x': 3"),
        ({"x": [["a"]]}, "'x' is no array of numbers but of <U1"),
        ({"x": [[1, 2], [3]]}, "'x' is no array"),
        ({"mask": np.full((4, 5), 0.5)}, "'mask' holds other numbers than 0 and 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence(change, reason):
    with pytest.raises(DataError, match=reason):
        received(SPEC, GOOD | change)


def test_missing_entries_and_exact_sizes_are_named():
    with pytest.raises(DataError, match="the batch has no 'x': the model takes x, n, mask"):
        received(SPEC, {})
    with pytest.raises(DataError, match=r"the model takes \('rows', 3\)"):
        received(SPEC, GOOD, exact=("x",))


def test_inside_of_jit_nothing_is_known_but_shapes():
    assert jax.jit(lambda x: jnp.float32(is_traced({"a": x})))(1.0) == 1 and not is_traced(np.ones(2))
    assert jax.jit(as_mask)(jnp.array([0.0, 1.0])).tolist() == [False, True]
    assert jax.jit(lambda x: (check_finite({"y": x}), x)[1])(jnp.array([jnp.nan])).shape == (1,)


def test_answers_that_are_no_numbers_are_named_by_row():
    check_finite({"y": jnp.ones((2, 2)), "n": jnp.array([1, 2])})
    with pytest.raises(DataError, match=r"row 1 has no finite 'y' \(2 of 3 rows\)"):
        check_finite({"y": jnp.array([[1.0, 2], [jnp.nan, 1], [1, jnp.inf]])})

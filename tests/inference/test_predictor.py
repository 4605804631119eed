"""The one predictor: order, company, bounded memory, rejections, rows of several shapes."""

import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.predictor import Answer, Predictor, usual_batch_size

SCALE = {"factor": np.float32(2.0)}


def double_sum(variables, batch):
    if batch["x"].shape[1] == 7:
        raise DataError("rows of seven numbers are refused")
    return {"sum": variables["factor"] * jnp.sum(batch["x"], axis=1)}


def rows(*sizes):
    """One row a size, of ones."""
    return [{"x": np.ones(size, np.float32)} for size in sizes]


def sums(found):
    return [[float(row["sum"]) for row in answer.outputs] for answer in found]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 50])
def test_answers_come_in_order_whatever_the_shapes(batch_size):
    items = [
        ("a", rows(3)),
        ("b", rows(2, 3)),
        Rejection("c", "no", ""),
        ("d", []),
        ("e", rows(5)),
        ("f", rows(2, 2, 2)),
    ]
    found = list(Predictor(double_sum, SCALE, batch_size).answer(items))
    assert [x.object_id if isinstance(x, Rejection) else x.item for x in found] == list("abcdef")
    assert sums(x for x in found if isinstance(x, Answer)) == [[6.0], [4.0, 6.0], [], [10.0], [4.0, 4.0, 4.0]]


def test_one_compile_for_each_shape():
    predictor = Predictor(lambda *arguments: double_sum(*arguments), SCALE, 4)
    for count in (1, 3, 9):
        list(predictor.answer([(i, rows(2 + i % 2)) for i in range(count)]))
    assert predictor._run._cache_size() == 2


def test_what_the_model_refuses_is_refused_item_by_item():
    found = list(Predictor(double_sum, SCALE, 2).answer([("a", rows(3)), ("b", rows(7)), ("c", rows(3))]))
    assert [x.item for x in found] == ["a", "b", "c"]
    assert "seven" in str(found[1].refused) and found[1].outputs == () and not found[0].refused
    assert sums([found[0], found[2]]) == [[6.0], [6.0]]


def test_memory_is_bounded_and_the_host_reads_on_while_the_device_works():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken, rows(2 if taken > 1 else 3)  # the first one waits for company of its shape

    results = Predictor(double_sum, SCALE, 4).answer(endless())
    for number in range(1, 100):
        assert next(results).item == number
        assert taken <= number + 8 * 4 + 4


def test_many_items_wait_for_full_batches_to_the_end():
    predictor, filled = Predictor(double_sum, SCALE, 4), []
    compute = predictor.compute
    predictor.compute = lambda rows: (filled.append(len(rows)), compute(rows))[1]
    sizes = [3 if i % 2 else 2 for i in range(400)]
    assert len(list(predictor.answer((i, rows(size)) for i, size in enumerate(sizes)))) == 400
    assert filled == [4] * 100


def test_impossible_sizes():
    with pytest.raises(ConfigError, match="0 rows is impossible"):
        Predictor(double_sum, SCALE, 0)
    with pytest.raises(ConfigError, match="-1 alerts is impossible"):
        usual_batch_size(-1, 1, 2, "alerts")
    assert usual_batch_size(7, 1, 2, "alerts") == 7

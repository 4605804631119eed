"""What must be equal after an interruption: the log but for clocks, and every saved number."""

import numpy as np

from lcjax.training.checkpoint import CheckpointStore
from lcjax.training.checkpoint_io import read_folder
from lcjax.training.progress import read_metrics

CLOCKS = ("wall_time", "points_per_second", "rows_per_second")


def logged(workdir, split=None):
    return [{k: v for k, v in row.items() if k not in CLOCKS} for row in read_metrics(workdir, split)]


def newest_arrays(workdir):
    store = CheckpointStore(workdir)
    return read_folder(store.path(store.steps()[-1]))


def assert_same_run(one, two):
    """Bit for bit: log lines, final state, reader position, best weights."""
    assert logged(one) == logged(two)
    (arrays, record), (others, other_record) = newest_arrays(one), newest_arrays(two)
    assert record["progress"] == other_record["progress"] and record["step"] == other_record["step"]
    assert arrays.keys() == others.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], others[name], err_msg=name)
    best, other_best = read_folder(one / "best")[0], read_folder(two / "best")[0]
    for name in best:
        np.testing.assert_array_equal(best[name], other_best[name], err_msg=name)

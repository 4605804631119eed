"""Paths of leaves as text."""

import flax.struct
import jax

from lcjax.training.tree_paths import path_name


@flax.struct.dataclass
class State:
    params: dict
    moments: tuple


def test_paths_of_structs_dicts_and_tuples():
    state = State({"encoder": {"kernel": 1}}, ({"mu": 2}, None, [3]))
    names = [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    assert names == ["params/encoder/kernel", "moments/0/mu", "moments/2/0"]

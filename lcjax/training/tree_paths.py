"""Paths of leaves as text: how parameters are called in checkpoints, patterns and messages."""

import jax


def path_name(path: tuple) -> str:
    """A tree path as `a/b/c`.

    >>> [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path({"a": {"b": 1, "c": (2,)}})]
    ['a/b', 'a/c/0']
    """
    return jax.tree_util.keystr(path, simple=True, separator="/")

"""Paths of leaves as text: how parameters are called in checkpoints, patterns and messages."""


def path_name(path: tuple) -> str:
    """A tree path as `a/b/c`.

    >>> import jax
    >>> [path_name(path) for path, _ in jax.tree_util.tree_leaves_with_path({"a": {"b": 1, "c": (2,)}})]
    ['a/b', 'a/c/0']
    """
    return "/".join(str(getattr(p, "key", getattr(p, "name", getattr(p, "idx", p)))) for p in path)

"""Names of classes: what is none, and which cannot stand side by side."""

from collections.abc import Sequence

from lcjax.errors import DataError


def is_no_class(text: str | None) -> bool:
    """Whether a label is what programs write where there is none.

    >>> [is_no_class(text) for text in ("nan", "<NA>", "None", "RRab", None)]
    [True, True, True, False, False]
    """
    return text is not None and text.lower() in ("nan", "none", "null", "<na>")


def check_class_names(names: Sequence[str]) -> None:
    """Makes sure that classes can be told apart.

    Raises:
      DataError: a name is not one line (tfds writes one a line, so that those behind it would be others'), or two differ in case
        alone, which models do not look at.
    """
    seen: dict[str, str] = {}
    for name in names:
        if [name.strip()] != name.splitlines():
            raise DataError(f"the class name {name[:40]!r} is not one line without space around it: rename the class")
        if (other := seen.setdefault(name.lower(), name)) != name:
            raise DataError(
                f"the classes '{other}' and '{name}' differ in case alone, which models do not look at: make them one"
            )

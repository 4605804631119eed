"""Files that are called after objects: whether they are, and which are called nearly so."""

from collections.abc import Collection, Mapping
from pathlib import Path

from lcjax.errors import DataError


def folder_of(file: Path, known: Collection[str]) -> str:
    """The innermost folder of a file that is one of those known, in lower case; '' where none is.

    >>> folder_of(Path("host/run/Stamps/a.fits"), ("host", "stamps")), folder_of(Path("a.fits"), ("host",))
    ('stamps', '')
    """
    return next((part.lower() for part in reversed(file.parts[:-1]) if part.lower() in known), "")


def near(name: str) -> str:
    """A name without what is easily got wrong: case, zeros in front, blanks.

    >>> near("007"), near("SN 1999A") == near("sn1999a")
    ('7', True)
    """
    return "".join(name.split()).casefold().lstrip("0") or "0"


class NearNames:
    """Files of no object whose names differ from an object's by case or leading zeros alone."""

    def __init__(self, files: Mapping[str, Path], ids: Collection[str], what: str) -> None:
        """`files`: by what they are called. `ids`: of all objects, and the names that the catalogue gives. `what`: they are, for messages.

        Raises:
          DataError: there are several objects, and none of the files is called after one.
        """
        known = set(ids)
        if files and len(known) > 1 and not known & files.keys():
            raise DataError(
                f"none of the {len(files):,} files of {what} is called after an object: they are called such as '{min(files)}', and the "
                f"objects such as '{min(known)}'; leave them out of --source if they are of others"
            )
        self._files = {near(name): path for name, path in files.items() if name not in known}

    def check(self, name: str) -> None:
        """For an object without a file of its name.

        Raises:
          DataError: there is a file of nearly its name.
        """
        if path := self._files.get(near(name)):
            raise DataError(
                f"'{path.name}' is called like it but for case or leading zeros: rename the file or the object"
            )

"""Errors a user can cause and mend.

Each message is one sentence that says what was wrong, where (file, record, column) and what to do. The command
line prints it without a traceback and exits with `LcjaxError.exit_code`; anything else that escapes is our bug.

A bad object among good ones is no error: it is set aside as a `Rejection`, and the rest goes on.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class LcjaxError(Exception):
    """Base of every error that is the user's to mend."""

    exit_code = 2


class ConfigError(LcjaxError):
    """A preset, option or combination of options that does not exist or does not fit."""


class DataError(LcjaxError):
    """Survey files, shards or tables that are missing, damaged or not of the form promised."""


class CheckpointError(LcjaxError):
    """A working directory whose saved state is missing, damaged or of another model."""


class WeightsError(LcjaxError):
    """Published weights that are missing, damaged, unknown or of the wrong shape."""


class StorageError(LcjaxError):
    """A place that cannot be written: no space, no permission, not a folder."""


class TrainingError(LcjaxError):
    """A run that cannot go on, for example after too many non-finite steps in a row."""


class MissingExtraError(LcjaxError):
    """An optional dependency that the asked-for feature needs."""

    def __init__(self, package: str, extra: str, needed_for: str) -> None:
        """Names the extra to install.

        >>> print(MissingExtraError("astropy", "data", "reading FITS tables"))
        reading FITS tables needs the package 'astropy': install it with  pip install 'lcjax[data]'
        """
        super().__init__(f"{needed_for} needs the package '{package}': install it with  pip install 'lcjax[{extra}]'")

    def __reduce__(self) -> tuple:
        """Comes from another process as it is: the message is made only once."""
        return MissingExtraError.__new__, (type(self), *self.args)


def first_line(error: BaseException, most: int = 160) -> str:
    r"""What an error of a library says, shortened: its first line, or its kind where it says nothing.

    >>> first_line(ValueError("one\ntwo")), first_line(EOFError()), first_line(ValueError("12345"), 3)
    ('one', 'EOFError', '123')
    """
    return (str(error).splitlines() or [type(error).__name__])[0][:most]


def unknown_name(what: str, name: str, known: Iterable[str], error: type[ConfigError] = ConfigError) -> ConfigError:
    """The error for a name that does not exist; names the nearest one.

    >>> print(unknown_name("preset", "astromer", ["astromer2", "delight"]))
    there is no preset 'astromer': did you mean 'astromer2'?
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    return error(f"there is no {what} '{name}': {hint}")


@dataclass(frozen=True)
class Rejection:
    """An object, file or message that could not be used; the rest goes on."""

    object_id: str
    reason: str
    """One clause that says what is wrong; equal faults have equal beginnings, before any colon."""
    origin: str
    """Where it was read: file and record."""
    alert_id: int = 0
    """Of an alert; 0 where there is none or it could not be read."""
    partial: bool = False
    """Whether it is only a part of an object, such as its spectrum, and the rest was used."""

    @property
    def fault(self) -> str:
        """The reason without the details of this object, to count equal faults by.

        >>> Rejection("a", "stamp size: science is 62x63", "f.avro#0").fault
        'stamp size'
        """
        return self.reason.split(":")[0]

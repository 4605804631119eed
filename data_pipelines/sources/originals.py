"""Light curves in the files surveys handed out: MACHO archives, OGLE text files.

MACHO: `lc_<field>.<tile>.<sequence>.tar.bz2` with `*.B.mjd` and `*.R.mjd` (MJD, instrumental magnitude, error; `#` lines).
OGLE-II: `*.dat` with heliocentric Julian date, magnitude, error. Archives are unpacked in memory within bounds.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from data_pipelines.kinds.light_curves.times import TimeFormat, choose_clock
from data_pipelines.sources.alerts.archives import read_tar
from data_pipelines.sources.alerts.unpacking import UnpackError, open_unpacked
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import DataError

MAX_MEMBER_BYTES = 32 << 20


def _three_columns(text: str, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, magnitude, error; a line that is no three numbers becomes NaN and is dropped, with a count, by cleaning."""
    rows = []
    for line in text.splitlines():
        parts = line.replace(",", " ").split()
        if not parts or line.lstrip().startswith("#"):
            continue
        try:
            rows.append([float(p) for p in parts[:3]] if len(parts) >= 3 else [np.nan] * 3)
        except ValueError:
            rows.append([np.nan] * 3)
    if not rows:
        raise DataError(f"'{where}' holds no light-curve rows (time, magnitude, error): is it another kind of file?")
    table = np.array(rows, np.float64)
    return table[:, 0], table[:, 1], table[:, 2]


def read_macho(
    path: Path, time_format: TimeFormat = "auto", on_columns: Callable[[dict[str, str]], None] | None = None
) -> Iterator[RawLightCurve]:
    """The B and R light curves of one MACHO archive (or of one unpacked `.mjd` file).

    Args:
      time_format: of the user. on_columns: told what the times are.

    Raises:
      ConfigError: the times are no MJD. DataError: the archive is damaged, or holds something else.
    """
    curve = partial(_macho_curve, time_format=time_format, on_columns=on_columns)
    if path.suffix == ".mjd":
        yield curve(path.name, _text_of(path), str(path))
        return
    for name, content in _members(path):
        yield curve(Path(name).name, content.decode(errors="replace"), f"{path}:{name}")


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every `.mjd` file in an archive, which must be whole: a damaged header could hide a band."""
    seen: set[str] = set()
    try:
        with open(path, "rb") as file:
            for name, content in read_tar(open_unpacked(file)):
                if isinstance(content, UnpackError):
                    raise content
                if name.endswith(".mjd"):
                    if name in seen:
                        raise DataError(f"'{path}' holds '{name}' twice: take one of them out")
                    seen.add(name)
                    if len(content) > MAX_MEMBER_BYTES:
                        raise DataError(
                            f"'{path}' holds '{name}' of {len(content):,} bytes, more than any MACHO star has"
                        )
                    yield name, content
    except (UnpackError, OSError) as error:
        raise DataError(f"'{path}' cannot be read as a MACHO archive ({error}): the file is damaged") from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror}") from error


def macho_keys(path: Path) -> Iterator[tuple[str, str]]:
    """Object id and band of all that `read_macho` gives, one for one.

    Raises:
      DataError: the archive is damaged.
    """
    if path.suffix == ".mjd":
        yield _macho_name(path.name)
        return
    for name, _ in _members(path):
        yield _macho_name(Path(name).name)


def _macho_name(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"lc_(?P<star>.+)\.(?P<band>[BR])\.mjd", name)
    return (match["star"], match["band"]) if match else (Path(name).stem, "")


def _macho_curve(
    name: str,
    text: str,
    where: str,
    time_format: TimeFormat,
    on_columns: Callable[[dict[str, str]], None] | None,
) -> RawLightCurve:
    time, magnitude, error = _three_columns(text, where)
    clock = choose_clock(time, "mjd", where, time_format)
    if on_columns:
        on_columns({"times": ", ".join(filter(None, (clock.said, clock.rounded)))})
    return RawLightCurve(*_macho_name(name), clock.mjd(time), magnitude, error, None, {}, where)


def read_text(
    path: Path,
    star: str,
    band: str = "",
    time_format: TimeFormat = "auto",
    on_columns: Callable[[dict[str, str]], None] | None = None,
) -> Iterator[RawLightCurve]:
    """One star a file: time, magnitude, error in white-space columns (OGLE `.dat`).

    Args:
      star, band: of the file. time_format: of the user. on_columns: told what the times are.

    Raises:
      ConfigError: the times can mean two things. DataError: the file cannot be read.
    """
    text = _text_of(path)
    time, magnitude, error = _three_columns(text, str(path))
    clock = choose_clock(time, "1", str(path), time_format)
    if on_columns:
        on_columns({"times": ", ".join(filter(None, (clock.said, clock.rounded)))})
    yield RawLightCurve(star, band, clock.mjd(time), magnitude, error, None, {}, str(path))

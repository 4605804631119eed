"""What lies in a folder: files, linked ones too, each folder once."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lcjax.errors import DataError


def files_below(top: Path) -> Iterator[Path]:
    """Files of a folder and its subfolders, linked ones too, each folder once; and, for their reasons to be said when they are
    opened, links that lead nowhere and folders that cannot be listed.
    """
    lost: list[Path] = []
    seen: set[str] = set()
    for folder, names, files in os.walk(top, followlinks=True, onerror=lambda e: lost.append(Path(e.filename))):
        real = os.path.realpath(folder)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        for path in map(Path(folder).joinpath, files):
            if path.is_file() or (path.is_symlink() and not path.exists()):
                yield path
    yield from lost


def check_there(path: Path) -> None:
    """Raises DataError: there is neither a file nor a folder of this name."""
    if not path.exists():
        raise DataError(f"there is no file or folder '{path}'")


def each_once(files: Sequence[Path]) -> list[Path]:
    """The files, in order, those that are found by several paths once."""
    return list({os.path.realpath(file): file for file in reversed(files)}.values())[::-1]


def names_of(files: Sequence[Path]) -> dict[Path, str]:
    """What rows of each file are called by: its name without ending; where several have that, with the folders by which they differ.

    >>> list(names_of([Path("a/b.npz"), Path("train/c.npz"), Path("test/c.npz"), Path("test/c.npy")]).values())
    ['b', 'train-c.npz', 'test-c.npz', 'test-c.npy']
    """
    alike: dict[str, list[Path]] = {}
    for file in each_once(files):
        alike.setdefault(file.stem, []).append(file)
    names = {}
    for stem, own in alike.items():
        called = dict.fromkeys(own, stem)
        whole = len({file.parent for file in own}) < len(own)  # side by side, with other endings
        for depth in range(1, max(len(file.parts) for file in own) + 1):
            if len(set(called.values())) == len(own):
                break
            called = {file: "-".join((*file.parts[-1 - depth : -1], file.name if whole else stem)) for file in own}
        names |= called
    return {file: names[file] for file in files if file in names}

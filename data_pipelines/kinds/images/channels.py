"""Which axis holds the channels, and what they are called: decided where it can be one thing only, refused where not."""

from collections.abc import Sequence

import numpy as np

from data_pipelines.kinds.images.options import HEADER, ImageSettings
from lcjax.errors import ConfigError

_MOST_CHANNELS = 32
_USUAL = {1: ("grey",)}


def channel_axis(shape: Sequence[int], settings: ImageSettings, where: str) -> str:
    """`first` or `last`, of an image (a, b, c): said, or the one axis that can be no side of a square image.

    Raises:
      ConfigError: it can be either.

    >>> channel_axis((21, 21, 3), ImageSettings(), "x"), channel_axis((5, 64, 64), ImageSettings(), "x")
    ('last', 'first')
    """
    if settings.channels:
        return settings.channels
    first, middle, last = shape
    as_last = first == middle != last and last <= _MOST_CHANNELS
    as_first = middle == last != first and first <= _MOST_CHANNELS
    if as_last != as_first:
        return "last" if as_last else "first"
    raise ConfigError(
        f"{where} has images of shape {tuple(int(n) for n in shape)}, of which the channels may be the first or the last axis: say "
        "--images.channels first or last"
    )


def as_channels_last(pixels: np.ndarray, settings: ImageSettings, where: str) -> np.ndarray:
    """(H, W, C) of an image (H, W), (C, H, W) or (H, W, C).

    Raises:
      ConfigError: another number of axes, or an order that the shape leaves open.
    """
    if pixels.ndim == 2:
        return pixels[..., None]
    if pixels.ndim == 3 and pixels.shape[0] == pixels.shape[2] == 1:
        return pixels  # a feature vector
    if pixels.ndim != 3:
        raise ConfigError(
            f"{where} has images of {pixels.ndim} axes: give (height, width) or with one axis of channels"
        )
    return np.moveaxis(pixels, 0, -1) if channel_axis(pixels.shape, settings, where) == "first" else pixels


def names_of_channels(count: int, settings: ImageSettings, where: str, usual: Sequence[str] = ()) -> tuple[str, ...]:
    """The name of each channel: those said, or `usual` (what the file says), or `grey` of a single one.

    Raises:
      ConfigError: another number is said, or several have no names: which is which matters to every model.
    """
    said = () if settings.channel_names == (HEADER,) else settings.channel_names
    if said and len(said) != count:
        raise ConfigError(
            f"{where} has {count} channels, and --images.channel-names names {len(said)}: {' '.join(said)}"
        )
    if bad := [name for name in said if "," in name or not name.strip()]:
        raise ConfigError(f"'{bad[0]}' cannot name a channel: leave out commas")
    names = said or (tuple(usual) if len(usual) == count else _USUAL.get(count, ()))
    if not names:
        raise ConfigError(
            f"{where} has {count} channels without names: name them in order with --images.channel-names, such as "
            "template science difference, or g r z"
        )
    return tuple(names)

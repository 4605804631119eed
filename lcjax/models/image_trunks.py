"""Encoders of images in a network of several modalities: the trunks of the library's stamp and host networks, without their heads.

Each has the parameters of its network by the same names, so that a trained one begins where that network ended. Answers are the same for
an image however it is turned by 90 degrees (and, but for the first, mirrored).
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.global_batch import rows_of
from lcjax.models.astrom3_config import ImageConfig
from lcjax.models.delight import Trunk
from lcjax.models.dropout import RowDropout
from lcjax.models.multiscale_stamps import MultiscaleClassifier
from lcjax.models.stamp_classifier import StampClassifier
from lcjax.transforms.delight import delight_stack, network_input
from lcjax.transforms.dihedral import MIRRORED_FIRST, TURNS, copies, copies_as_rows
from lcjax.transforms.image_scaling import centre_crop, scale_images
from lcjax.transforms.multiscale import normalize_stamps, stamp_view
from lcjax.transforms.stamps import crop_center, prepare_stamps
from lcjax.typing import Array, Axis


class TurnedTrunk(StampClassifier):
    """Convolutions and dense layers of the stamp classifier (AJ 162, 231), mean over four turns."""

    frozen: bool = False
    """Whether dropout never acts: the weights are those of a trained network, and stay."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """`images` (B, S, S, C), `row` -> `features` (B, D)."""
        config, images = self.config, batch["images"]
        quiet = deterministic or self.frozen or not config.live_dropout
        rows, turns = images.shape[0], len(TURNS)
        row = None if quiet else rows_of(batch, rows, axis)
        turned = None if quiet else jnp.concatenate([row * turns + k for k in range(turns)])
        x = self._convolutions(copies_as_rows(images.astype(self.dtype), TURNS))
        for i, width in enumerate(config.trunk, 1):
            x = RowDropout(config.dropout)(self._hidden(f"dense_{i}", width, x), turned, quiet)
        return {"features": jnp.mean(x.astype(jnp.float32).reshape(turns, rows, -1), axis=0)}


class LevelTrunk(MultiscaleClassifier):
    """Convolutions of the multi-scale classifier (arXiv 2304.13080), mean over eight copies, levels side by side."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """`levels` (B, L, S, S, C) -> `features` (B, P)."""
        del deterministic, axis  # what the classifier drops are these features: here the projection reads them whole
        return {"features": self._pooled(batch["levels"].astype(self.dtype), True)}


class PyramidTrunk(nn.Module):
    """Convolutions of DELIGHT (AJ 164, 195), one for all resolutions and channels, mean over eight copies."""

    filters: tuple[int, int, int]
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """`levels` (B, S, S, L) of all channels -> `features` (B, L * F)."""
        del deterministic, axis
        levels = batch["levels"].astype(self.dtype)
        count, eight = levels.shape[0], len(MIRRORED_FIRST)
        planes = jnp.moveaxis(copies(levels, MIRRORED_FIRST), -1, 2).reshape(-1, *levels.shape[1:3], 1)
        features = Trunk(self.filters, self.dtype, name="trunk")(planes).astype(jnp.float32)
        return {"features": jnp.mean(features.reshape(eight, count, -1), axis=0)}


def image_trunk(config: ImageConfig, frozen: bool = False, dtype: Any = jnp.float32) -> nn.Module:
    """The encoder of a configuration, with the sizes of its images."""
    if config.network == "stamp_classifier":
        return TurnedTrunk(config.stamp_network, dtype, frozen)
    if config.network == "multiscale":
        return LevelTrunk(config.multiscale_network, dtype)
    return PyramidTrunk(config.delight.filters, dtype)


def prepared_images(pixels: Array, full_scale: Array, config: ImageConfig) -> dict[str, Array]:
    """What the encoder takes of images.

    Args:
      pixels: (B, H, W, C) in the numbers of their files, missing ones NaN. full_scale: (B,) largest number of the file, NaN of fluxes.

    Returns:
      `images` or `levels`, finite, as the networks' own preparation makes them.
    """
    side = config.side
    if config.network == "stamp_classifier":
        if config.scale == "min_max":
            return {"images": prepare_stamps(pixels, side)}
        return {"images": scale_images(crop_center(pixels, side), config.scale, full_scale)}
    if config.network == "multiscale":
        return {"levels": stamp_view(normalize_stamps(pixels), config.scenario, config.level_side, config.levels)}
    square = jnp.moveaxis(centre_crop(pixels, side), -1, 1)
    square = jnp.where(jnp.abs(square) <= _HUGE, square, jnp.nan)
    stacks = delight_stack(square.reshape(-1, side, side), None, "mad", config.levels)
    planes = network_input(stacks).reshape(*square.shape[:2], *_planes(config))
    return {"levels": jnp.moveaxis(planes, 1, -2).reshape(len(pixels), *_planes(config)[:2], -1)}


_HUGE = 1e10
"""Beyond it a number stands for a missing pixel."""


def _planes(config: ImageConfig) -> tuple[int, int, int]:
    side = config.pyramid_side
    return side, side, config.levels


def example_images(config: ImageConfig, rows: int) -> dict[str, jax.Array]:
    """Zeros of the shapes that the encoder takes."""
    pixels = jnp.zeros((rows, *config.size, config.channels))
    return prepared_images(pixels, jnp.ones(rows), config)


def check_sizes(config: ImageConfig, what: str) -> None:
    """Makes sure that the images are large enough for the network.

    Args:
      what: option of the modality, for messages.

    Raises:
      ConfigError: they are not.
    """
    if config.side > min(config.size):
        raise ConfigError(
            f"{what}.crop is {config.crop}, and the images have {config.size[0]} x {config.size[1]} pixels: give less, or 0"
        )
    trunk, key = image_trunk(config), jax.random.key(0)
    try:
        found = jax.eval_shape(lambda: trunk.init_with_output(key, example_images(config, 2))[0]["features"])
        fits = found.shape[-1] > 0
    except (ValueError, TypeError, ZeroDivisionError):
        fits = False
    if not fits:
        raise ConfigError(
            f"images of {config.size[0]} x {config.size[1]} pixels are too small for the layers of {what}.network {config.network}: give fewer "
            f"{what}.levels or another network"
        )

"""Raw images of a batch as the network takes them."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.inference.raw_batch import is_traced, received
from lcjax.systems.domain_pairs.config import PairInputsConfig
from lcjax.transforms.image_scaling import centre_crop, scale_images
from lcjax.typing import Array


def prepared(batch: Mapping[str, Any], inputs: PairInputsConfig) -> Array:
    """`image` (B, H, W, C) and `full_scale` (B,) -> (B, S, S, C) scaled, or (B, D) where images are feature vectors."""
    images = jnp.asarray(batch["image"], jnp.float32)
    if inputs.vectors:
        return scale_images(images, "none").reshape(images.shape[0], -1)
    if inputs.size is not None:
        images = centre_crop(images, inputs.size)
    return scale_images(images, inputs.scale, batch.get("full_scale"))


def batch_spec(inputs: PairInputsConfig, rows: int = 2) -> dict[str, jax.ShapeDtypeStruct]:
    """Shapes of a batch."""
    side = inputs.size or 21
    channels = len(inputs.channel_names) or 1
    shape = (rows, 1, inputs.vectors, 1) if inputs.vectors else (rows, side, side, channels)
    return {
        "image": jax.ShapeDtypeStruct(shape, jnp.float32),
        "full_scale": jax.ShapeDtypeStruct((rows,), jnp.float32),
    }


def receive(inputs: PairInputsConfig, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays of a caller; `full_scale` may be missing: pixels are then fluxes, or in [0, 1].

    Raises:
      DataError: entries are missing or misshapen, of other channels or lengths, or an image without a finite pixel.
    """
    given = dict(batch)
    if "image" in given and "full_scale" not in given:
        given["full_scale"] = np.full(len(given["image"]), np.nan, np.float32)
    ready = received(batch_spec(inputs), given, exact=("image",) if inputs.vectors else ())
    image, channels = ready["image"], len(inputs.channel_names) or 1
    if image.shape[-1] != channels:
        names = ", ".join(inputs.channel_names)
        raise DataError(
            f"'image' has {image.shape[-1]} channels on its last axis: the model takes {channels} ({names})"
        )
    if not is_traced(image) and (empty := np.flatnonzero(~np.isfinite(image).any(axis=(1, 2, 3)))).size:
        raise DataError(f"'image' has no finite pixel in row {empty[0]}: leave it out, there is nothing to answer by")
    return ready


def example(inputs: PairInputsConfig, rows: int) -> dict[str, np.ndarray]:
    """Made-up images."""
    shape = batch_spec(inputs, rows)["image"].shape
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return {"image": image, "full_scale": np.full(rows, np.nan, np.float32)}


def has_stream(batch: Mapping[str, Any], name: str) -> bool:
    """Whether a batch has another stream of this name below; numbers to be learned, which images may have, are called `target` as well.

    >>> has_stream({"target": {"image": 0}}, "target"), has_stream({"target": np.zeros((2, 0))}, "target")
    (True, False)
    """
    return isinstance(batch.get(name), dict)


def row_weight(batch: Mapping[str, Any]) -> Array:
    """Weight of every row, (B,): 1 where the batch has none."""
    weight = batch.get("weight")
    return jnp.ones(batch["image"].shape[0], jnp.float32) if weight is None else weight

"""Raw images of fields as arrays: what becomes a stack, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.systems.delight.config import ImageConfig
from lcjax.systems.delight.raw_fields import receive
from lcjax.transforms.delight import delight_stack, stack_side

SIZE, LEVELS = 96, 3
SIDE = stack_side(SIZE, LEVELS)
SPEC = {"stamps": jax.ShapeDtypeStruct((2, SIDE, SIDE, LEVELS), jnp.float32)}
IMAGES = np.random.default_rng(0).normal(10, 3, (2, SIZE, SIZE)).astype(np.float32)


def image(mask="none"):
    return ImageConfig(SIZE, 1.25, LEVELS, mask)


def test_images_become_stacks_and_unknown_pixels_count_as_nothing():
    spoilt = IMAGES.copy()
    spoilt[0, 3, 4], spoilt[1, 50, 50], spoilt[1, 0, 0] = np.nan, 3e38, -np.inf
    cleared = spoilt.copy()
    cleared[0, 3, 4] = cleared[1, 50, 50] = cleared[1, 0, 0] = 0
    found = receive({"images": spoilt.astype(np.float64)}, SPEC, image())["stamps"]
    expected = np.moveaxis(delight_stack(cleared, None, "none", LEVELS), 1, -1)
    np.testing.assert_array_equal(found, expected)
    assert found.shape == (2, SIDE, SIDE, LEVELS)


def test_sources_mask_where_the_model_says_so():
    mask = np.zeros((2, SIZE, SIZE))
    mask[:, 30:60, 30:60] = 1
    found = receive({"images": IMAGES, "mask": mask}, SPEC, image("sources"))["stamps"]
    expected = np.moveaxis(delight_stack(IMAGES, mask.astype(bool), "sources", LEVELS), 1, -1)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ConfigError, match="give their pixels as 'mask'"):
        receive({"images": IMAGES}, SPEC, image("sources"))
    with pytest.raises(DataError, match="they must agree"):
        receive({"images": IMAGES, "mask": mask[:1]}, SPEC, image("sources"))


def test_stacks_are_taken_as_they_are():
    stacks = np.random.default_rng(1).normal(size=(2, SIDE, SIDE, LEVELS)).astype(np.float32)
    np.testing.assert_array_equal(receive({"stamps": stacks}, SPEC, image())["stamps"], stacks)
    with pytest.raises(DataError, match="'stamps' has the shape"):
        receive({"stamps": stacks[:, :-1]}, SPEC, image())


def test_images_of_another_size_and_empty_ones_are_named():
    with pytest.raises(DataError, match=r"the model takes \(rows, 96, 96\), pixels of 1\.25 arcsec"):
        receive({"images": IMAGES[:, 1:]}, SPEC, image())
    empty = IMAGES.copy()
    empty[1] = 0
    with pytest.raises(DataError, match="nothing finite stands out in image 1"):
        receive({"images": empty}, SPEC, image())

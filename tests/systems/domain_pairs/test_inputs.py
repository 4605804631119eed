"""Raw images as networks take them: missing numbers are 0, and what cannot be answered is refused in a sentence."""

import types

import jax
import numpy as np
import pytest

from lcjax.errors import ConfigError, DataError
from lcjax.systems import find_preset, find_system
from lcjax.systems.domain_pairs.config import PairInputsConfig
from lcjax.systems.domain_pairs.inputs import prepared, receive

STAMPS = PairInputsConfig(channel_names=("science", "difference"), size=3)
VECTORS = PairInputsConfig(channel_names=("feature",), vectors=4, scale="none")


def test_missing_numbers_of_vectors_are_zero():
    rows = np.array([[1, np.nan, np.inf, -np.inf], [3e38, 2, -1, 0]], np.float32)
    found = prepared(receive(VECTORS, {"image": rows[:, None, :, None]}), VECTORS)
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 2, -1, 0]])


@pytest.mark.parametrize(
    ("inputs", "shape", "says"),
    [
        (STAMPS, (2, 5, 5, 3), r"has 3 channels .* takes 2 \(science, difference\)"),
        (STAMPS, (5, 5, 2), "has the shape"),
        (VECTORS, (2, 1, 5, 1), r"has the shape \(2, 1, 5, 1\)"),
    ],
)
def test_other_arrays_are_refused(inputs, shape, says):
    with pytest.raises(DataError, match=says):
        receive(inputs, {"image": np.ones(shape, np.float32)})


def test_an_image_without_pixels_is_refused_and_a_traced_one_is_not_looked_at():
    image = np.ones((3, 5, 5, 2), np.float32)
    image[1] = np.nan
    image[2, 1:] = np.nan
    with pytest.raises(DataError, match="no finite pixel in row 1"):
        receive(STAMPS, {"image": image})
    assert receive(STAMPS, {"image": image[2:]})["image"].shape == (1, 5, 5, 2)
    found = jax.jit(lambda x: prepared(receive(STAMPS, {"image": x}), STAMPS))(image)
    assert found.shape == (3, 3, 3, 2) and not np.asarray(found[1]).any()


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        (((1, 5, 1), (1, 6, 1)), "different lengths"),
        (((1, 5, 1), (9, 9, 1)), "the source holds feature vectors and the other domain images"),
        (((9, 9, 1), (1, 1, 1)), "1 x 1 pixels are all 0"),
    ],
)
def test_domains_that_one_network_cannot_take(shapes, says):
    domains = {
        name: types.SimpleNamespace(shape=shape, channel_names=("x",))
        for name, shape in zip(("source", "target"), shapes, strict=True)
    }
    data = types.SimpleNamespace(domains=domains, class_names=("bogus", "real"))
    with pytest.raises(ConfigError, match=says):
        find_system("con2da").adapt(find_preset("real-bogus-con2da")(), data)

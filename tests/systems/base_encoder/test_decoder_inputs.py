"""What the decoder is given of visible points, of one band and of several."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.systems.base_encoder.decoder_inputs import shown, some_points
from tests.systems.base_encoder.small import LENGTH, Stars, small


def test_some_points_keep_their_part():
    batch = Stars(length=LENGTH).batch(2, 0)
    first = batch["magnitude"] > 15
    some, part = some_points(batch, jnp.asarray(first), 6, jax.random.key(0))
    assert (
        some["mask"].shape == (8, 6)
        and np.asarray(some["mask"]).sum(1).tolist() == np.minimum(batch["length"], 6).tolist()
    )
    np.testing.assert_array_equal(np.asarray(part)[some["mask"]], (np.asarray(some["magnitude"]) > 15)[some["mask"]])


def test_visible_points_are_counted_in_spreads_about_their_bands():
    """Of one band about the mean of all; of two, 3 mag apart, each about its own, at hidden points as well."""
    batch = {name: Stars(length=LENGTH).batch(2, 0)[name] for name in ("time", "magnitude", "magnitude_error", "mask")}
    visible = batch["mask"] & (np.arange(LENGTH) % 3 > 0)
    band = np.tile(np.arange(LENGTH, dtype=np.int32) % 2, (8, 1))
    apart = {**batch, "magnitude": batch["magnitude"] + 3 * band, "band": band}
    settings = small()
    encoder = dataclasses.replace(settings.model.encoder, bands=3)
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, encoder=encoder))
    one = shown(batch, visible, None, settings)
    two = shown(apart, visible, None, settings)
    for seen, magnitude in ((one, batch["magnitude"]), (two, apart["magnitude"])):
        back = np.asarray(seen["value"] * seen["scale"] + seen["mean"])
        np.testing.assert_allclose(back[visible], magnitude[visible], atol=1e-4)
        assert not np.asarray(seen["value"])[~visible].any() and not np.asarray(seen["weight"])[~visible].any()
    assert one["mean"].shape == (8, 1) and two["mean"].shape == batch["mask"].shape
    for row in range(8):
        for which in range(2):
            own = visible[row] & (band[row] == which)
            centre = two["mean"][row][band[row] == which]
            assert np.ptp(centre) == 0
            if own.any():
                assert abs(centre[0] - apart["magnitude"][row][own].mean()) < 1e-3
    assert np.asarray(two["scale"]).max() < 2, "a colour is no spread"

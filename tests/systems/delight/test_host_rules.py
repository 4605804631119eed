"""What sources alone say of a host, on sources made up by hand: every number can be checked in the head."""

import copy

import numpy as np
import pytest

from data_pipelines.kinds.host_fields.stack import examine_field
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_fields
from lcjax.systems.delight.host_rules import SNAP_REACH, host_size, nearest_source, snap_to_source
from lcjax.transforms.delight import plane_begin, stack_side
from tests.systems.delight.test_predictor import SCALE, SIZE, predictor


def round_sources(*places, radius=1.0):
    """Circles at (x, y)."""
    x, y = np.array(places, float).reshape(-1, 2).T
    size = np.full(len(x), radius)
    return {"x": x, "y": y, "a": size, "b": size, "cxx": size**-2, "cyy": size**-2, "cxy": 0 * size}


@pytest.mark.parametrize("radius", [1.0, 5.0])
def test_a_place_snaps_within_two_radii(radius):
    """The distances of sources are squared; the reach is in radii."""
    source = round_sources((10.0, 20.0), radius=radius)
    for radii, snaps in ((SNAP_REACH - 0.05, True), (SNAP_REACH + 0.05, False)):
        for step in ((radii, 0.0), (0.6 * radii, 0.8 * radii)):
            place = 10 + step[0] * radius, 20 + step[1] * radius
            assert snap_to_source(source, *place) == ((10.0, 20.0) if snaps else place)


def test_the_nearest_source_is_so_in_its_own_ellipse():
    sources = {
        k: np.concatenate([a, b])
        for (k, a), b in zip(
            round_sources((10.0, 0.0), radius=8.0).items(), round_sources((0.0, 5.0), radius=1.0).values(), strict=True
        )
    }
    assert nearest_source(sources, 0.0, 0.0).tolist() == [10.0, 0.0]


@pytest.mark.parametrize("size", [480, 240])
@pytest.mark.parametrize("level", range(4))
def test_a_host_on_a_plane_is_where_the_image_has_it(size, level):
    """The middle of block 3 of a plane is between pixels of the image: half a pixel here is half a block there."""
    levels, block = 5, 2**level
    begin = plane_begin(size, stack_side(size, levels), level)
    planes = [round_sources() for _ in range(levels)]
    planes[level] = round_sources((3.0, 7.0), radius=2.0)
    x, y = (begin + block * number + (block - 1) / 2 for number in (3, 7))
    found = host_size(round_sources(), planes, x, y, size)
    assert (found.level, found.semi_major_axis, found.ratio) == (level, 2.0 * block, 0.0)
    assert host_size(round_sources(), planes, x + block, y, size).ratio == pytest.approx(0.5)


def test_scatter_is_limited_in_arcsec():
    """A pixel is 1.25 arcsec here, 2.5 in an image given so: the same limit in both."""
    image = next(
        iter(simulate_host_fields(1, 3, FieldSettings(image_size=SIZE, pixel_scale=SCALE, hostless=0.0)))
    ).image
    for scale in (SCALE, 2 * SCALE):
        model = copy.copy(predictor("sources", examine=examine_field))
        (plain,) = model.predict_arrays(image[None], scale)
        assert plain.method == "network" and plain.scatter > 0
        eight = np.stack([plain.variant_x, plain.variant_y], axis=1) * scale
        spread = np.sqrt(np.mean(np.sum((eight - eight.mean(axis=0)) ** 2, axis=1)))
        assert plain.scatter == pytest.approx(spread, rel=1e-3)
        for factor, method in ((0.9, "nearest source"), (1.1, "network")):
            model._max_scatter = factor * plain.scatter
            (found,) = model.predict_arrays(image[None], scale)
            assert found.method == method

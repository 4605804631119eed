"""DELIGHT against recordings of the published code and weights (AJ 164, 195)."""

import jax
import numpy as np
import pytest

from data_pipelines.kinds.host_fields.source_mask import detect_sources
from data_pipelines.kinds.host_fields.stack import masked_stack
from lcjax.models.delight import Delight
from lcjax.systems.delight.host_rules import elliptical_distance, nearest_source
from lcjax.transforms.delight import delight_stack, mean_and_scatter, network_input, usable
from lcjax.transforms.dihedral import turn_vectors_back
from tests.parity.recorded import files_of, load
from tests.systems.delight.delight_files import published_network

PIXELS = 1e-3
"""Tolerance of positions, pixels (README of the recordings)."""


@pytest.fixture(scope="module")
def recordings(golden_root):
    return {path.name: load(path) for path in files_of(golden_root, "delight")}


def of_kind(recordings, name):
    found = [z for z in recordings.values() if name in z]
    if not found:
        pytest.skip(f"no recording holds '{name}'")
    return found


def masks_of(z):
    return np.unpackbits(z["mask"], axis=-1, count=z["image"].shape[-1]).astype(bool)


def test_every_file_has_a_known_layout(recordings):
    assert recordings
    for name, z in recordings.items():
        assert {"net_input", "raw_output"} & set(z), f"{name} has a layout no check knows"


def test_masks_and_sources(recordings):
    pytest.importorskip("sep", reason="needs sep (extra test or hosts)")
    for z in of_kind(recordings, "mask"):
        for i, (image, mask) in enumerate(zip(z["image"], masks_of(z), strict=True)):
            found = detect_sources(image)
            np.testing.assert_array_equal(found.mask, mask)
            np.testing.assert_allclose([found.background, found.noise], z["sep_background"][i], rtol=1e-6)
            assert len(found) == z["sep_nobj"][i]
            centre = np.array(image.shape[::-1]) / 2
            distance = elliptical_distance(found.sources, *centre)
            order = np.argsort(distance)[: z["sep_objects"].shape[1]]
            names = ("x", "y", "a", "b", "theta", "flux", "npix")
            table = np.stack([*(found.sources[n][order] for n in names), distance[order]], axis=-1)
            np.testing.assert_allclose(table, z["sep_objects"][i][: len(order)], rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(nearest_source(found.sources, *centre), z["sep_dxdy"][i], atol=1e-9)


@pytest.mark.parametrize("mode,name", [("sources", "stack"), ("mad", "stack_mad"), ("none", "stack_nomask")])
def test_stacks(recordings, mode, name):
    for z in of_kind(recordings, name):
        mask = masks_of(z) if mode == "sources" else None
        stack = delight_stack(z["image"], mask, mode=mode, levels=z[name].shape[1])
        np.testing.assert_allclose(stack, z[name], rtol=0, atol=1e-12)
        if mask is not None:
            host = [masked_stack(i, m, z[name].shape[1]) for i, m in zip(z["image"], mask, strict=True)]
            np.testing.assert_array_equal(np.stack(host), np.asarray(stack))
            assert usable(stack).all()
            np.testing.assert_allclose(network_input(stack), z["net_input"], atol=2e-7)


def test_derotation(recordings):
    for z in of_kind(recordings, "offsets8"):
        offsets = turn_vectors_back(z["raw_output"].reshape(len(z["raw_output"]), 8, -1))
        np.testing.assert_allclose(offsets, z["offsets8"], atol=1e-5)
        mean, scatter = mean_and_scatter(offsets)
        np.testing.assert_allclose(mean, z["offset_mean"], atol=1e-4)
        np.testing.assert_allclose(scatter, z["offset_std"], atol=1e-4)


def test_network(recordings, golden_root):
    config, variables = published_network(golden_root / "delight")
    run = jax.jit(lambda v, x: Delight(config).apply(v, {"levels": x}, mutable=["intermediates"]))
    for z in of_kind(recordings, "net_input"):
        outputs, seen = run(variables, z["net_input"])
        np.testing.assert_allclose(outputs["raw"], z["raw_output"], atol=PIXELS)
        np.testing.assert_allclose(outputs["offsets"], z["offsets8"], atol=PIXELS)
        np.testing.assert_allclose(outputs["offset"], z["offset_mean"], atol=PIXELS)
        np.testing.assert_allclose(outputs["scatter"], z["offset_std"], atol=PIXELS)
        check_intermediates(z, seen["intermediates"], len(z["net_input"]), config.levels)


def check_intermediates(z, seen, count, levels):
    """Recorded activations of the first images, finest plane, first variant."""
    trunk, places = seen["trunk"], {"i_conv1": "conv_1", "i_pool1": "pool_1", "i_conv2": "conv_2", "i_pool2": "pool_2"}
    for name, ours in {**places, "i_conv3": "conv_3"}.items():
        if name in z:
            planes = np.asarray(trunk[f"{ours}_out"][0]).reshape(8, count, levels, *z[name].shape[1:])
            np.testing.assert_allclose(planes[0, : len(z[name]), 0], z[name], atol=1e-4)
    wide = {"i_features": seen["features"][0], "i_dense1": seen["head"]["dense_1_out"][0]}
    for name, values in wide.items():
        if name in z:
            np.testing.assert_allclose(values[: len(z[name])], z[name], atol=1e-4)
    if "i_out_variant0" in z:
        width = z["i_out_variant0"].shape[1]
        np.testing.assert_allclose(z["raw_output"][: len(z["i_out_variant0"]), :width], z["i_out_variant0"], atol=1e-4)

"""Multi-scale stamps against every recorded file of `golden/multiscale_stamps`. All sizes come from the files."""

import jax
import numpy as np
import pytest

from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.multiscale_stamps import MultiscaleClassifier
from lcjax.transforms.multiscale import mean_levels, normalize_stamps, sky_vector, stack_levels, stamp_view
from tests.parity.recorded import files_of, load

PIXELS = 2e-6
"""Of normalised pixels, which lie in [-2, 2]: a few units in the last place."""

NORMALIZE = jax.jit(normalize_stamps)


@pytest.fixture(scope="module")
def recordings(golden_root):
    return {path.name: load(path) for path in files_of(golden_root, "multiscale_stamps")}


def test_every_file_has_a_known_layout(recordings):
    assert recordings
    known = {"candid", "ra", "dec", "raw_stamps", "position", "full", "cropped", "low_res", "multiscale"}
    for name, z in recordings.items():
        rest = {k for k in z if k not in known and not k.startswith(("w.", "fullnet_"))}
        assert "raw_stamps" in z and not rest, f"{name}: nothing checks {sorted(rest)}"


def test_preprocessing(recordings):
    for z in recordings.values():
        full = NORMALIZE(z["raw_stamps"])
        np.testing.assert_allclose(full, z["full"], rtol=0, atol=PIXELS)
        channels = z["full"].shape[-1] // 2
        np.testing.assert_array_equal(full[..., channels:], z["full"][..., channels:])
        np.testing.assert_allclose(sky_vector(z["ra"], z["dec"]), z["position"], rtol=0, atol=1e-6)


def test_scenarios(recordings):
    for z in recordings.values():
        normalized = NORMALIZE(z["raw_stamps"])
        for name in ("cropped", "low_res"):
            seen = stamp_view(normalized, name, size=z[name].shape[1])[:, 0]
            np.testing.assert_allclose(seen, z[name], rtol=0, atol=PIXELS, err_msg=name)
        size, levels = z["multiscale"].shape[1], z["multiscale"].shape[-1] // z["full"].shape[-1]
        seen = stack_levels(stamp_view(normalized, "multiscale", size, levels))
        np.testing.assert_allclose(seen, z["multiscale"], rtol=0, atol=PIXELS)
        # From the recorded pixels the finest level is a copy.
        np.testing.assert_array_equal(
            mean_levels(z["full"], size, 1)[:, 0], z["multiscale"][..., : z["full"].shape[-1]]
        )


def network(z):
    """(module, variables) of the recorded full-stamp network, everything from the file."""
    count = sum(k.startswith("w.conv") and k.endswith(".kernel") for k in z)
    names = {f"conv{i}": f"conv_{i}" for i in range(1, count + 1)}
    layer = lambda theirs: {leaf: z[f"w.{theirs}.{leaf}"] for leaf in ("kernel", "bias")}
    trunk = {ours: layer(theirs) for theirs, ours in names.items()}
    params = {
        "trunk": trunk,
        "bn": {"scale": z["w.bn.gamma"], "bias": z["w.bn.beta"]},
        "dense_1": layer("dense1"),
        "logits": layer("dense2"),
    }
    kernels = [trunk[f"conv_{i}"]["kernel"] for i in range(1, count + 1)]
    config = MultiscaleModelConfig(
        kernels=tuple(k.shape[0] for k in kernels),
        filters=tuple(k.shape[-1] for k in kernels),
        pool_after=tuple(range(1, count)),
        dense=z["w.dense1.bias"].shape[0],
        num_classes=z["w.dense2.bias"].shape[0],
        num_features=z["w.bn.mean"].shape[0],
        image_size=z["full"].shape[1],
        num_levels=1,
        num_channels=z["full"].shape[-1],
    )
    statistics = {"bn": {"mean": z["w.bn.mean"], "var": z["w.bn.var"]}}
    return MultiscaleClassifier(config), {"params": params, "batch_stats": statistics}


def test_full_stamp_network(recordings):
    for name, z in recordings.items():
        if "fullnet_logits" not in z:
            continue
        model, variables = network(z)
        fresh = jax.eval_shape(
            model.init, jax.random.key(0), {"levels": stamp_view(z["full"], "full"), "features": z["position"]}
        )
        shapes = lambda tree: jax.tree.map(np.shape, tree)
        assert shapes({k: fresh[k] for k in variables}) == shapes(variables), name
        outputs = jax.jit(model.apply)(variables, {"levels": stamp_view(z["full"], "full"), "features": z["position"]})
        for ours, theirs in (("pooled", "fullnet_pooled_features"), ("logits", "fullnet_logits")):
            scale = np.abs(z[theirs]).max()
            np.testing.assert_allclose(outputs[ours], z[theirs], rtol=0, atol=5e-6 * max(scale, 1), err_msg=name)


def test_published_size():
    from lcjax.models.multiscale_config import FULL

    model = MultiscaleClassifier(FULL)
    fresh = jax.eval_shape(
        model.init, jax.random.key(0), {"levels": np.zeros((1, 1, 63, 63, 6)), "features": np.zeros((1, 3))}
    )
    count = sum(np.prod(x.shape) for k in ("params", "batch_stats") for x in jax.tree.leaves(fresh[k]))
    assert count == 96_488

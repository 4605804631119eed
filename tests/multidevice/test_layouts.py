"""The same losses and weights on one device and on eight, whichever way the step is spread."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.training.checkpoint import restore_variables
from tests.multidevice.worker import LAYOUTS, main
from tests.training.comparing import logged, newest_arrays
from tests.training.toy import toy_fit

pytestmark = pytest.mark.xdist_group("multidevice")  # one worker builds what its tests share
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eight")
    # Compiled in haste: the programs run for a few steps only.
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    flags = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.multidevice.worker", str(folder)]
    done = subprocess.run(command, env=os.environ | flags, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    main(folder, {"single": {}})
    return folder


def findings(folder):
    return json.loads((folder / "findings.json").read_text())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("run", ["toy", "astromer"])
def test_same_losses(one, eight, layout, run):
    assert findings(eight)["devices"] == 8
    single, spread = logged(one / f"{run}_single"), logged(eight / f"{run}_{layout}")
    assert len(single) == len(spread)
    for a, b in zip(single, spread, strict=True):
        assert a.keys() == b.keys() and a["step"] == b["step"]
        np.testing.assert_allclose(b["loss"], a["loss"], rtol=1e-5)


def test_feature_norm_and_live_units_cross_the_devices(one, eight):
    single, spread = logged(one / "stamps_single"), logged(eight / "stamps_pmap_8")
    assert len(single) == len(spread) == 5
    for a, b in zip(single, spread, strict=True):
        for name in (n for n in a if n.startswith(("loss", "live_", "image_effect"))):
            np.testing.assert_allclose(b[name], a[name], rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["shared", "parts"])
def test_several_updates_on_streams_are_the_same_everywhere(one, eight, layout, kind):
    """Streams of 8 and 16 rows; one loss compares every row with every other one of all devices."""
    expected, found = findings(one)["single"][kind], findings(eight)[layout][kind]
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    single, spread = logged(one / f"{kind}_single"), logged(eight / f"{kind}_{layout}")
    for a, b in zip(single, spread, strict=True):
        assert a.keys() == b.keys()
        for metric in ("error", "source_error", "likeness"):
            if metric in a:
                np.testing.assert_allclose(b[metric], a[metric], rtol=1e-4, err_msg=metric)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_are_exact_without_adam_hiding_a_factor(one, eight, layout):
    expected, found = findings(one)["single"]["descent"], findings(eight)[layout]["descent"]
    for name, values in expected["params"].items():
        np.testing.assert_allclose(found["params"][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(found["mean"], expected["mean"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["objective"], expected["objective"], rtol=1e-5)
    assert found["batches"] == expected["batches"] == 4


def test_weights_lie_split_over_the_model_axis(eight):
    split = findings(eight)["split"]
    for name in ("query", "key", "value", "merge", "ffn_in", "ffn_out"):
        assert any(f"/{name}/kernel" in path and path.startswith("params") for path in split), name
        assert any(f"/{name}/kernel" in path and path.startswith("opt_state") for path in split), name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_checkpoints_read_on_any_device_count(eight, layout):
    arrays, _ = newest_arrays(eight / f"toy_{layout}")
    variables = restore_variables(eight / f"toy_{layout}", "latest")[1]
    np.testing.assert_array_equal(variables["params"]["ffn_in"]["kernel"], arrays["params/ffn_in/kernel"])
    assert arrays["params/ffn_in/kernel"].shape == (4, 8)


def test_batches_must_divide_over_the_devices(tmp_path, monkeypatch):
    monkeypatch.setattr("jax.device_count", lambda: 3)
    with pytest.raises(ConfigError, match="8 rows does not divide over 3 devices"):
        toy_fit(tmp_path, parallel="pmap")

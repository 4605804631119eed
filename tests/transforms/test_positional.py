"""Time encodings."""

import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.transforms import encode_time, log_period_frequencies, published_frequencies
from lcjax.transforms.positional import paired_frequencies


def test_published_form_has_sines_in_even_and_cosines_in_odd_channels():
    time, w = np.float32([[0.0, 0.3, -2.0]]), published_frequencies(6, 100.0, 1.0)
    angles = time[..., None] * w
    np.testing.assert_allclose(encode_time(time, w)[..., ::2], np.sin(angles[..., ::2]), atol=1e-6)
    np.testing.assert_allclose(encode_time(time, w)[..., 1::2], np.cos(angles[..., 1::2]), atol=1e-6)
    both = encode_time(time, w, paired=True)
    np.testing.assert_allclose(both, np.concatenate([np.sin(angles), np.cos(angles)], -1), atol=1e-6)


def test_published_periods_start_at_six_days():
    periods = 2 * np.pi / published_frequencies(256)
    assert periods[0] == pytest.approx(6.283, abs=1e-3)
    assert np.all(np.diff(periods) > 0)


def test_paired_frequencies_come_twice_and_log_periods_span_their_range():
    w = paired_frequencies(8)
    np.testing.assert_array_equal(w[::2], w[1::2])
    periods = 2 * np.pi / log_period_frequencies(16, 0.02, 4000.0)
    assert periods[0] == pytest.approx(0.02, rel=1e-5) and periods[-1] == pytest.approx(4000.0, rel=1e-5)
    np.testing.assert_allclose(np.diff(np.log(periods)), np.log(4000 / 0.02) / 15, rtol=1e-3)


def test_angles_stay_in_float32_when_time_comes_in_another_precision():
    time = jnp.asarray([[1000.25]], jnp.float32)
    assert encode_time(time, published_frequencies(4)).dtype == jnp.float32
    assert encode_time(time.astype(jnp.bfloat16), published_frequencies(4)).dtype == jnp.float32

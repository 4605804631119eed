"""Settings of the star encoder are checked where they are made."""

import pytest

from lcjax.errors import ConfigError
from lcjax.models.star_encoder_config import StarDecoderConfig, StarEncoderConfig


@pytest.mark.parametrize("wrong", [{"width": 0}, {"candidates": 0}, {"dropout": 1.5}, {"projection": -1}])
def test_sizes_of_no_network_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        StarEncoderConfig(**wrong)


def test_kernels_have_positive_widths():
    with pytest.raises(ConfigError, match="days"):
        StarDecoderConfig(days=(1.0, 0.0))


def test_median_brightness_is_left_out_unless_asked_for():
    assert not StarEncoderConfig().brightness

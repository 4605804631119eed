"""The `positional` switch: every variant has a name, and settings that contradict each other are refused."""

import typing

import pytest

from lcjax.errors import ConfigError
from lcjax.models.positional_config import VARIANTS, PositionalEncoding, PositionalStudyConfig


def test_the_switch_has_all_variants_and_each_is_another():
    allowed = typing.get_args(PositionalStudyConfig.__annotations__["positional"])
    assert set(allowed) == {*VARIANTS, "custom"}
    assert len(set(VARIANTS.values())) == len(VARIANTS)
    assert PositionalStudyConfig(positional="custom", custom=VARIANTS["tupe"]).variant == VARIANTS["tupe"]
    assert PositionalStudyConfig(positional="rotary").variant.attention == "rotary"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"custom": PositionalEncoding(encoding="mlp")}, "custom settings need positional 'custom'"),
        ({"positional": "mlp", "cadence_ratio": 0.8}, "positional 'mlp' has none"),
        ({"positional": "p2p_last", "custom": PositionalEncoding(trainable=True)}, "it is 'p2p_last'"),
        ({"positional": "rotary", "width": 6, "num_heads": 2}, "heads of an even width"),
        ({"width": 10, "num_heads": 4}, "cannot be shared by 4 heads"),
        ({"min_period": 20.0, "max_period": 2.0}, "swap them"),
        ({"positional": "wavelets"}, "the setting 'positional' is 'wavelets'"),
    ],
)
def test_settings_that_do_not_fit_are_one_sentence(settings, reason):
    with pytest.raises(ConfigError, match=reason):
        PositionalStudyConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"encoding": "none", "attention": "tupe"}, "products of encodings"),
        ({"encoding": "modulation", "attention": "mixed"}, "products of encodings"),
        ({"joined": "attention"}, "leaves time out"),
    ],
)
def test_variants_that_leave_time_out_are_refused(settings, reason):
    with pytest.raises(ConfigError, match=reason):
        PositionalEncoding(**settings)


def test_which_variants_have_frequencies():
    without = {name for name, variant in VARIANTS.items() if not variant.uses_frequencies}
    assert without == {"mlp", "recurrent", "recurrent_projected", "modulation", "relative", "alibi", "none"}

"""Settings check themselves, wherever they come from."""

import dataclasses
from typing import Literal

import jax
import numpy as np
import pytest

from lcjax.cli.main import main
from lcjax.configs import TrainingConfig
from lcjax.errors import ConfigError
from lcjax.models import Astromer2
from lcjax.models.stamp_classifier_config import StampModelConfig
from lcjax.schema import Count, Settings, Share, parsed
from lcjax.systems import PRESETS

WINDOW = {"time": np.zeros((1, 3)), "magnitude": np.zeros((1, 3)), "mask": np.ones((1, 3), bool)}


@dataclasses.dataclass(frozen=True)
class Inner(Settings):
    names: tuple[str, ...] = ()
    mesh: tuple[Count, Count] | None = None


@dataclasses.dataclass(frozen=True)
class Outer(Settings):
    share: Share = 0.5
    how: Literal["a", "b"] = "a"
    inner: Inner = dataclasses.field(default_factory=Inner)


def test_what_fits_comes_back():
    assert parsed(Outer, {"share": 1, "inner": {"names": ["x"], "mesh": [1, 2]}}) == Outer(
        1, "a", Inner(("x",), (1, 2))
    )
    assert parsed(Outer, {"inner": {"mesh": None}}) == Outer()
    assert Outer(share=np.float32(0.25)).share == 0.25


@pytest.mark.parametrize(
    "values,words",
    [
        ({"share": 1.5}, "'share' is 1.5: it must be a number, at least 0 and at most 1"),
        ({"share": float("nan")}, "'share' is nan"),
        ({"share": "1"}, "'share' is '1'"),
        ({"share": None}, "'share' is None"),
        ({"how": "c"}, "'how' is 'c': it must be a or b"),
        ({"inner": 3}, "settings 'inner' are '3'"),
        ({"inner": {"names": "x"}}, "'inner.names' is 'x': it must be a list of: text"),
        ({"inner": {"mesh": [1]}}, r"'inner.mesh' is \(1,\): it must be a list of 2 .*, or nothing"),
        ({"inner": {"mesh": [1, True]}}, "inner.mesh"),
        ({"novel": 1}, "'novel', which this version"),
    ],
)
def test_what_does_not_is_one_sentence(values, words):
    with pytest.raises(ConfigError, match=words) as error:
        parsed(Outer, values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_fit(preset):
    settings = PRESETS[preset]()
    assert parsed(type(settings), dataclasses.asdict(settings)) == settings


def test_in_code_and_on_the_command_line(capsys):
    for make, words in (
        (lambda: Astromer2(norm="bogus"), "'norm' is 'bogus'"),
        (lambda: Astromer2(num_layers=0), "'num_layers' is 0"),
        (lambda: Astromer2(width=10, num_heads=3).init(jax.random.key(0), WINDOW), "cannot be shared by 3 heads"),
        (lambda: Astromer2(min_period=2.0, max_period=1.0), "swap them"),
        (lambda: StampModelConfig(kernels=(3,)), "1 kernels and 5 filters"),
        (lambda: TrainingConfig(patience=0), "'patience' is 0"),
    ):
        with pytest.raises(ConfigError, match=words):
            make()
    assert main(["train", "astromer2-small", "--model.num-layers", "0"]) == 2
    said = capsys.readouterr().err
    assert "num_layers' is 0" in said and "Traceback" not in said

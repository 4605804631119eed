"""The surveys that the option's help names are those there are."""

import inspect
import re

from data_pipelines.kinds.light_curves import simulation_settings
from data_pipelines.simulate import MULTIBAND, SURVEYS


def test_the_help_names_every_survey():
    named = set(re.findall(r"`(\w+)`", inspect.getsource(simulation_settings)))
    assert named - {"simulated"} == set(SURVEYS) | set(MULTIBAND)

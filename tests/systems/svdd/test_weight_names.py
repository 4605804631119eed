"""Published names of arrays, and ours."""

import itertools

import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.systems.svdd.weight_names import config_from_arrays, variables_from_torch


def arrays(*sizes):
    found = {}
    for i, (have, want) in enumerate(itertools.pairwise(sizes), 1):
        found[f"enc{i}.weight"] = np.ones((want, have))
        if i < len(sizes) - 1:
            found |= {
                f"enc{i}.bias": np.ones(want),
                f"encbn{i}.weight": np.ones(want),
                f"encbn{i}.running_var": np.ones(want),
            }
    return found


def test_any_sizes():
    z = arrays(7, 5, 4, 3)
    config = config_from_arrays(z)
    assert config.widths == (5, 4) and config.latent == 3 and not config.final_bias
    params = variables_from_torch(z)["params"]["encoder"]
    assert params["latent"]["kernel"].shape == (4, 3) and params["hidden"]["dense_1"]["kernel"].shape == (7, 5)
    assert variables_from_torch(z | {"encbn1.num_batches_tracked": np.array(3)})["batch_stats"]["encoder"]["hidden"]


def test_others_are_refused():
    with pytest.raises(WeightsError, match="no weights of a published anomaly detector"):
        config_from_arrays({"conv.weight": np.ones(1)})
    with pytest.raises(WeightsError, match=r"the array .head.weight. is none of"):
        variables_from_torch(arrays(7, 5, 3) | {"head.weight": np.ones(1)})

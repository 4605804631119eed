"""Simulated alerts with an image of the host of each supernova: object i depends on (seed, i) alone.

What the modalities share: the class shapes stamps, light curve and numbers; and the catalogue tells how far the host of a supernova is and
how large it looks, which its image shows. Host and stamps are drawn apart and share no more than the class.
"""

from dataclasses import dataclass

import numpy as np

from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_field
from data_pipelines.simulate.night import simulated_night
from data_pipelines.sources.alerts import Alert

FIELD = FieldSettings(image_size=64, pixel_scale=0.5, max_offset=12.0)
"""Of the images of hosts."""
BAND = "r"
"""Of the images of hosts."""


@dataclass(frozen=True)
class HostedAlert:
    """One object."""

    alert: Alert
    label: str
    host: np.ndarray | None
    """(H, H) float32, counts; None for all but supernovae, and for some of them, as real images are missing."""
    numbers: dict[str, float]
    """Of the host: distance and radius, arcsec; NaN where none is seen."""


def simulate_hosted_alert(index: int, seed: int, missing: float = 0.05) -> HostedAlert:
    """Object `index` of the survey `seed`.

    Args:
      missing: share of supernovae without an image of the host.
    """
    alert, label = next(simulated_night(1, seed, index))
    numbers = {"host_offset_arcsec": np.nan, "host_radius_arcsec": np.nan}
    if label != "sn":
        return HostedAlert(alert, label, None, numbers)
    field = simulate_host_field(index, seed, FIELD)
    if not field.hostless:
        offset = float(np.hypot(*field.offset)) * field.pixel_scale
        numbers = {"host_offset_arcsec": offset, "host_radius_arcsec": float(field.host_radius)}
    there = np.random.default_rng([seed, index, 5]).random() >= missing
    return HostedAlert(alert, label, field.image if there else None, numbers)

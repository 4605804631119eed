"""What a night of alerts needs, from measured rates."""

import math
from collections.abc import Mapping
from typing import Any

from benchmarks.alert_stages import COLUMNS, DECODE, NETWORK, PREPARE, WHOLE

NIGHTS = (("Rubin", 10_000_000, "10 hours"), ("Rubin", 10_000_000, "10 minutes"), ("ZTF", 1_000_000, "10 hours"))
"""Survey, alerts, how long they may take."""
_SECONDS = {"10 hours": 36_000, "10 minutes": 600}


def night(
    rates: Mapping[str, Mapping[str, float]], on_device: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Cores, or accelerators with the cores that feed them.

    Args:
      rates: survey -> stage -> alerts a second of one core. on_device: the same of one accelerator.
    """
    rows = []
    for survey, alerts, time in NIGHTS:
        one = rates.get(survey, {})
        needed = alerts / _SECONDS[time]
        cores = math.ceil(needed / one[WHOLE]) if WHOLE in one else None
        devices = reading = None
        if device := on_device.get(survey):
            devices = math.ceil(needed * (1 / device[NETWORK] + 1 / device[PREPARE]))
            if DECODE in one:
                reading = math.ceil(needed * (1 / one[DECODE] + 1 / one[COLUMNS]))
        rows.append(
            {
                "night": f"{alerts:,} {survey} alerts in {time}",
                "alerts/s": needed,
                "cores, CPU only": cores,
                "accelerators": devices,
                "cores that read": reading,
            }
        )
    return rows

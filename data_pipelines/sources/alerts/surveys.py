"""Which survey a decoded packet is of, and its alert: the one place that knows all surveys."""

from collections.abc import Mapping
from typing import Any

from data_pipelines.sources.alerts import atlas, lsst, ztf
from data_pipelines.sources.alerts.fits_stamp import StampError
from data_pipelines.sources.alerts.packets import PacketError, StampRules
from data_pipelines.sources.alerts.record import Alert
from lcjax.errors import Rejection


def alert_from_packet(packet: Mapping[str, Any], rules: StampRules, origin: str) -> Alert | Rejection:
    """The alert of a decoded packet of any survey."""
    survey = lsst if "diaSource" in packet else atlas if atlas.is_packet(packet) else ztf
    alert_id, object_id = 0, ""
    try:
        alert_id, object_id = survey.identity(packet)
        return survey.read_packet(packet, rules, origin)
    except (PacketError, StampError) as error:
        return Rejection(object_id, str(error), origin, alert_id)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:  # fields of unforeseen types
        return Rejection(object_id, f"unusable packet: {type(error).__name__}: {error}", origin, alert_id)

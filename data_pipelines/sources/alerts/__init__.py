"""Alerts of ZTF, Rubin and ATLAS as one typed record, whatever they come in: Avro, archives, Parquet, FITS, `.npy`, messages."""

from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.packets import StampRules
from data_pipelines.sources.alerts.read import cut_alerts, decode_packet, read_alerts, read_packets
from data_pipelines.sources.alerts.record import STAMP_NAMES, Alert, Stamp
from data_pipelines.sources.alerts.world import World

__all__ = [
    "STAMP_NAMES",
    "Alert",
    "SchemaSet",
    "Stamp",
    "StampRules",
    "World",
    "cut_alerts",
    "decode_packet",
    "read_alerts",
    "read_packets",
]

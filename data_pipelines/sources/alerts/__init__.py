"""Alerts of ZTF and Rubin as one typed record, whatever they come in: Avro, tar, Parquet, FITS, `.npy`, messages."""

from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.packets import StampRules
from data_pipelines.sources.alerts.read import decode_packet, read_alerts, read_packets
from data_pipelines.sources.alerts.record import STAMP_NAMES, Alert, AlertRejection, Stamp

__all__ = [
    "STAMP_NAMES",
    "Alert",
    "AlertRejection",
    "SchemaSet",
    "Stamp",
    "StampRules",
    "decode_packet",
    "read_alerts",
    "read_packets",
]

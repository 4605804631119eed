"""Anomalies in tables of features: multi-class Deep SVDD (arXiv 2308.05011) and its rivals."""

from lcjax.systems.svdd.system import Svdd

SYSTEMS = (Svdd(),)

"""What the systems ask of prepared alerts is what the kind of data has."""

from data_pipelines.kinds.alerts.source import StampSource
from lcjax.systems.base import Data
from lcjax.systems.classifier.stamp_data import StampData


def test_the_alerts_of_the_kind_are_what_the_systems_ask_for():
    asked = {name for kind in (Data, StampData) for name in (*vars(kind), *kind.__annotations__) if name[0] != "_"}
    assert {"labels", "metadata", "relabelled"} <= asked
    found = set(dir(StampSource)) | {
        name for kind in StampSource.__mro__ for name in vars(kind).get("__annotations__", {})
    }
    held = {"fingerprint", "class_names", "n_objects", "labels"}  # set when a source is made
    assert asked - held <= found

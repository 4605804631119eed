"""Class probabilities of images of any size: the middle is cut out, images of other channels or too small are set aside."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lcjax.errors import Rejection
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Row as InputRow
from lcjax.systems.record_answers import RecordAnswers


class ImageAnswers(RecordAnswers):
    """One row an image: `object_id`, `probabilities`, `logits`, `embedding`."""

    def __init__(self, loaded: Loaded, unit: str, batch_size: int | None = None) -> None:
        """Compiles nothing yet."""
        super().__init__(loaded, unit, batch_size)
        self._inputs = loaded.experiment.inputs  # type: ignore[attr-defined]

    def input_row(self, record: Mapping[str, Any]) -> InputRow | Rejection:
        """The middle of the image."""
        channels, known = str(record["band"]), ",".join(self._inputs.channel_names)
        if channels != known:
            return Rejection(record["object_id"], f"other channels: {channels}, and the model learned from {known}", "")
        image, size = np.asarray(record["image"], np.float32), self._inputs.size
        if size is not None:
            height, width = image.shape[:2]
            if min(height, width) < size:
                return Rejection(record["object_id"], f"image size: {height} x {width} is smaller than {size}", "")
            top, left = (height - size) // 2, (width - size) // 2
            image = image[top : top + size, left : left + size]
        if not np.isfinite(image).any():
            return Rejection(record["object_id"], "no pixels: none of those in the middle is finite", "")
        return super().input_row({**record, "image": image})

"""Images that are there more than once under other names: they come into training and test both, and scores flatter."""

import hashlib

import numpy as np

from data_pipelines.kinds.report import RecordReport
from data_pipelines.shards.layout import Record


class RepeatedPixels:
    """Which pixels have been read, as 8 bytes an image, and what was read again."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._first: dict[bytes, tuple[str, str | None]] = {}
        self._count = self._clashes = 0
        self._example = ""

    def note(self, record: Record, report: RecordReport) -> None:
        """Compares an image with all before, and keeps the report's warning up to date.

        Images of one value say nothing, and those of one object may look alike.
        """
        pixels, own = np.ascontiguousarray(record["image"]), (record["object_id"], record.get("label"))
        if pixels.size < 2 or (pixels == pixels.flat[0]).all():
            return
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=8, person=str(pixels.dtype.str).encode()).digest()
        name, label = self._first.setdefault(digest, own)
        if name == own[0]:
            return
        self._count += 1
        self._clashes += label != own[1]
        self._example = self._example or f"'{own[0]}' those of '{name}'"
        clash = f", {self._clashes:,} of them another class" if self._clashes else ""
        report.warnings["same pixels"] = (
            f"{self._count:,} images have the pixels of another one ({self._example}){clash}: they can be in training and test both, so that "
            "scores flatter; leave them out, or give them one object_id"
        )

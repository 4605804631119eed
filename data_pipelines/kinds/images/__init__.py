"""Images with classes or target numbers: one image of any size and any channels a record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.images.galaxies import GalaxySettings
from data_pipelines.kinds.images.mosaic_catalogues import MosaicSettings
from data_pipelines.kinds.images.options import NOTHING, ImageSettings
from data_pipelines.kinds.images.records import IMAGES
from data_pipelines.kinds.reading import PrepareSettings, Reader, Request
from data_pipelines.kinds.report import Report
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.shards.layout import Record
from lcjax.errors import Rejection

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.shards.manifest import Manifest


class Images(Kind):
    """Images."""

    name = "images"
    unit = "images"
    layout = IMAGES
    prepare_options = {  # noqa: RUF012
        "images": ImageSettings,
        "stars": StarSettings,
        "galaxies": GalaxySettings,
        "mosaics": MosaicSettings,
    }
    predict_options = {"images": ImageSettings}  # noqa: RUF012

    def open_source(self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any) -> Any:
        """`settings` as in `ImageSource`, `balance` and `metadata_names` among them; with `domains` as in `open_domains`."""
        from data_pipelines.kinds.images.source import ImageSource, same_channels

        if (domains := settings.pop("domains", None)) is None:
            return ImageSource(paths, split, batch_size, **settings)
        from data_pipelines.shards.domains import asked, open_domains

        return open_domains(ImageSource, paths, split, batch_size, asked(domains), same_channels, **settings)

    def describe(self, manifest: "Manifest", n_examples: int = 6) -> "Description":
        """Classes, sizes, channels, target numbers, some images."""
        from data_pipelines.kinds.images.description import describe_images

        return describe_images(manifest, n_examples)

    def read_files(
        self, paths: Sequence[Path], settings: PrepareSettings, report: Report
    ) -> Iterator[Record | Rejection]:
        """Records of .npz, .npy, Parquet, FITS, PNG and JPEG files."""
        from data_pipelines.kinds.images.reading import read_images

        return read_images(paths, settings.options.get("images") or ImageSettings(), report)  # type: ignore[arg-type]

    def reader(self, request: Request) -> Reader:
        """Records, whose classes are not looked at unless they are asked for, and whose channels are called as the model asks (`channel_names`)."""
        asked: ImageSettings = request.options.get("images") or ImageSettings()
        quiet = asked if asked.label or asked.classes else replace(asked, label=NOTHING)
        if not quiet.channel_names:
            quiet = replace(quiet, channel_names=tuple(request.takes.get("channel_names", ())))
        return super().reader(replace(request, options={**request.options, "images": quiet}))

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        """`resize`: images of many sizes as stamps of one."""
        from data_pipelines.kinds.images.resizing import resize

        return {"resize": resize}


KIND = Images()

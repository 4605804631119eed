"""`lcjax map TABLE --out map.html`: embeddings on a plane, as one interactive page."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from lcjax.cli.remarks import note


@dataclasses.dataclass(frozen=True)
class MapOptions(EmbeddingInput):
    """Draws embeddings on a plane: zoom with the wheel, move by dragging, point at an object for its id, click a class to hide it.

    The page holds everything and loads nothing.
    """

    table: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Embeddings."""
    out: Path = tyro.MISSING
    """HTML file to write."""
    method: Literal["pca", "umap", "pacmap"] = "pca"
    """umap, pacmap: extra `maps`."""
    seed: int = 42


def main(argv: list[str]) -> int:
    """Projects and draws."""
    options = tyro.cli(MapOptions, args=argv, prog="lcjax map")
    from lcjax.evaluation.embedding_map import check_page_name, kept_classes, map_objects
    from lcjax.evaluation.projection import project

    check_page_name(options.out)
    objects = read_objects(options.table, options, note)
    points = project(objects.embedding, options.method, options.seed)
    kept = kept_classes(objects.embedding, points, objects.label)
    print(
        *filter(None, [kept, map_objects(options.out, objects, points, options.table.name, options.method, kept)]),
        sep="\n",
    )
    return 0

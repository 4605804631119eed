"""`lcjax map TABLE --out map.html`: embeddings on a plane, as one interactive page."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError


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
    if options.out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"'{options.out}' is no name of a page: end --out in .html")
    from lcjax.evaluation.embedding_map import write_map
    from lcjax.evaluation.projection import project

    objects = read_objects(options.table, options, note)
    points = project(objects.embedding, options.method, options.seed)
    classes = [objects.class_of(i) or "no class" for i in range(len(objects))]
    lead = f"{len(objects):,} objects, {objects.embedding.shape[1]} dimensions, {options.method.upper()}"
    print(write_map(options.out, points, objects.object_id, classes, options.table.name, lead))
    return 0

"""Splits by star, or by object of alerts: ids at one place are in one split, and where they are in datasets that are there already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data_pipelines.kinds.report import SplitCounts
from data_pipelines.kinds.star_settings import StarSettings, splits_elsewhere
from data_pipelines.shards.stars import Stars, make_stars, star_groups
from data_pipelines.splits import assign_by_star
from lcjax.errors import ConfigError

Places = Mapping[str, tuple[float, float]]
"""Object id -> ra, dec in degrees."""
_MOST_ARCSEC = 3600
Labels = Mapping[str, str | None]


@dataclass(frozen=True)
class StarSplits:
    """Which star is in which split."""

    split_of: dict[str, str]
    stars: Stars
    counts: SplitCounts


def split_by_star(
    labels: Labels,
    places: Places,
    asked: StarSettings,
    usual_arcsec: float,
    assign: Callable[[Labels, Mapping[str, str]], dict[str, str]],
    same_ids: bool = False,
) -> StarSplits:
    """Deals the stars to the splits.

    Args:
      labels: of all ids. places: of those that have one. asked: by the user. usual_arcsec: where the user does not say.
      assign: (label of every star that has no split yet, id -> star) -> star -> split.
      same_ids: whether ids are those of the survey (see `Stars`).

    Raises:
      ConfigError: settings that make no sense. DataError: places or splits elsewhere that cannot be those of stars.
    """
    arcsec = usual_arcsec if asked.arcsec is None else asked.arcsec
    if not 0 <= arcsec <= _MOST_ARCSEC:
        raise ConfigError(f"--stars.arcsec is {arcsec:g}: it must be between 0 and {_MOST_ARCSEC:,} (a degree)")
    stars = make_stars(dict.fromkeys(labels, ""), places, arcsec, same_ids)
    star_of, fixed = star_groups(stars), splits_elsewhere(stars, asked)
    counts = SplitCounts(len(star_of) - len(set(star_of.values())), len(fixed))
    split_of = assign_by_star(labels, star_of, fixed, lambda free: assign(free, star_of))
    return StarSplits(split_of, make_stars(split_of, places, arcsec, same_ids), counts)

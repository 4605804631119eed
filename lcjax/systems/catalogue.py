"""Published weights by name: each system lists its own, here they are one catalogue."""

import difflib
from functools import cache

from lcjax.errors import WeightsError
from lcjax.systems import systems
from lcjax.systems.published_weights import Published


@cache
def catalogue() -> dict[str, Published]:
    """Every entry of every system by name."""
    return {entry.name: entry for system in systems().values() for entry in system.published()}


def published(name: str) -> Published:
    """The catalogue entry of that name.

    Raises:
      WeightsError: there is none; names the nearest.
    """
    if name in catalogue():
        return catalogue()[name]
    near = difflib.get_close_matches(name, catalogue(), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"the published names are {', '.join(catalogue())}"
    raise WeightsError(f"there are no published weights called '{name}': {hint}")

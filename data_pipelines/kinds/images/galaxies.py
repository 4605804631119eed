"""What can be asked of simulated galaxies."""

from dataclasses import dataclass
from typing import Literal

from lcjax.errors import ConfigError


@dataclass(frozen=True)
class GalaxySettings:
    """Simulated galaxies (dataset simulated_galaxies only)."""

    survey: Literal["candels", "clash"] = "candels"
    """H band, deep, three voters or more; or 16 bands, shallower, five voters or more."""
    bands: tuple[str, ...] = ()
    """Only these bands of the survey; none: all."""
    bands_of_each: int = 4
    """In how many of the bands each galaxy is seen, at most; chosen anew for each."""
    side: int = 80
    """Pixels of a stamp."""

    def __post_init__(self) -> None:
        if self.side < 8 or self.bands_of_each < 1:
            raise ConfigError("--galaxies.side is 8 or more, and --galaxies.bands-of-each 1 or more")

"""Shape of the Deep-CLASH network (arXiv 1810.07857). Nothing here imports jax."""

from dataclasses import dataclass, fields

from lcjax.errors import ConfigError
from lcjax.schema import Count, DropRate, Positive, Settings


@dataclass(frozen=True)
class DeepClashModelConfig(Settings):
    """Two convolutions, six inception modules, two dense layers; one network for all bands.

    An inception module has six widths: 3 x 3 branch (1 x 1, then 3 x 3), 5 x 5 branch (1 x 1, then 5 x 5), pooled branch, 1 x 1 branch.
    """

    side: Count = 80
    """Pixels of the stamp that the network sees."""
    stem: tuple[Count, Count] = (64, 128)
    stem_kernels: tuple[Count, Count] = (7, 6)
    inception_1: tuple[Count, ...] = (96, 128, 16, 16, 32, 64)
    inception_2: tuple[Count, ...] = (128, 192, 32, 96, 64, 128)
    inception_3: tuple[Count, ...] = (96, 208, 16, 48, 64, 192)
    inception_4: tuple[Count, ...] = (112, 224, 24, 64, 64, 160)
    inception_5: tuple[Count, ...] = (144, 288, 32, 64, 64, 128)
    inception_6: tuple[Count, ...] = (144, 288, 32, 64, 64, 112)
    head: Count = 256
    """Filters of the last convolution."""
    dense: tuple[Count, ...] = (1024, 1024)
    dropout: DropRate = 0.5
    """After each dense layer."""
    norm_momentum: DropRate = 0.99
    norm_epsilon: Positive = 1e-3
    doubled_branch: bool = False
    """As the published code has it: the third module concatenates its 3 x 3 branch twice and drops its 5 x 5 branch."""
    num_classes: Count = 5
    """Set from the data."""

    def __post_init__(self) -> None:
        """Raises ConfigError for values of the wrong type or out of range, or that do not fit each other."""
        super().__post_init__()
        for name, widths in zip(INCEPTIONS, self.inceptions, strict=True):
            if len(widths) != 6:
                raise ConfigError(
                    f"model.{name.replace('_', '-')} has {len(widths)} widths: an inception module has six"
                )
        if self.sides[-1] < 2:
            raise ConfigError(
                f"stamps of {self.side} pixels are too small: nothing is left of them after the last module"
            )

    @property
    def inceptions(self) -> tuple[tuple[int, ...], ...]:
        """Widths of the six modules."""
        return tuple(getattr(self, name) for name in INCEPTIONS)

    @property
    def sides(self) -> tuple[int, ...]:
        """Pixels after each convolution of the stem, and after the second and the fifth module, where they are pooled."""
        found, side = [], self.side
        for kernel in self.stem_kernels:
            side = (side - kernel + 1) // 2
            found.append(side)
        return (*found, side // 2, side // 4)


INCEPTIONS = tuple(field.name for field in fields(DeepClashModelConfig) if field.name.startswith("inception_"))
PUBLISHED = DeepClashModelConfig()
LIGHT = DeepClashModelConfig(
    side=40,
    stem=(16, 32),
    stem_kernels=(5, 3),
    inception_1=(16, 24, 4, 4, 8, 12),
    inception_2=(16, 32, 8, 16, 8, 16),
    inception_3=(16, 32, 4, 8, 12, 32),
    inception_4=(16, 32, 4, 8, 12, 32),
    inception_5=(24, 48, 8, 12, 12, 24),
    inception_6=(24, 48, 8, 12, 12, 24),
    norm_momentum=0.9,
    head=64,
    dense=(128, 128),
)
"""A twentieth of the work, for a small machine; batch statistics follow the faster learning."""

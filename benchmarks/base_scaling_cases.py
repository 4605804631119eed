"""What the scaling benchmark trains: sizes, lengths of training, objectives and inputs of lcjax-base, the most telling first."""

import dataclasses
from dataclasses import dataclass

from lcjax.models.star_encoder_config import PointTokensConfig
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.presets import lcjax_base

SHARES = (0.5, 0.3)
"""Of the points of a star that go to its first part."""


@dataclass(frozen=True)
class Case:
    """One training."""

    name: str
    group: str
    """`size`, or `change`: what of the recipe is changed."""
    steps: int = 4000
    width: int = 256
    contrast: float = 1.0
    simulated: float = 2.0
    likelihood: float = 0.2
    distillation: float = 0.0
    points: int = 0
    batch: int = 256
    average: float | None = None
    """Decay of averaged weights."""
    blocks: int = 2

    def experiment(self, stars: int, seed: int = 0) -> BaseEncoderExperiment:
        """The preset with this case's settings.

        Args:
          stars: that are simulated, where any are.
        """
        base = lcjax_base()
        encoder = dataclasses.replace(
            base.model.encoder,
            width=self.width,
            blocks=self.blocks,
            filters=max(self.width // 8, 4),
            projection=max(self.width // 2, 16),
            tokens=PointTokensConfig(points=self.points),
        )
        rows = base.objective.likelihood_rows if self.likelihood else 0
        objective = dataclasses.replace(
            base.objective,
            contrast=self.contrast,
            likelihood=self.likelihood,
            likelihood_rows=rows,
            distillation=self.distillation,
        )
        # Wider networks learn with smaller steps.
        rate = base.optimizer.learning_rate * min(1.0, (256 / self.width) ** 0.5)
        return dataclasses.replace(
            base,
            model=dataclasses.replace(base.model, encoder=encoder),
            objective=objective,
            contrast=dataclasses.replace(base.contrast, shares=SHARES),
            simulation=dataclasses.replace(base.simulation, weight=self.simulated, stars=stars),
            optimizer=dataclasses.replace(base.optimizer, learning_rate=rate),
            training=dataclasses.replace(
                base.training, steps=self.steps, batch_size=self.batch, ema_decay=self.average, seed=seed
            ),
        )


CASES = (
    Case("as it is", "size"),
    Case("tokens of 128 points", "change", points=128),
    Case("width 512", "size", width=512),
    Case("contrast alone", "change", simulated=0.0, likelihood=0.0),
    Case("simulated stars alone", "change", contrast=0.0, likelihood=0.0),
    Case("distillation and simulated stars", "change", contrast=0.0, likelihood=0.0, distillation=1.0),
    Case("without likelihood", "change", likelihood=0.0),
    Case("width 64", "size", width=64),
    Case("width 1024", "size", width=1024),
    Case("1,000 updates", "size", steps=1000),
    Case("distillation alone", "change", contrast=0.0, simulated=0.0, likelihood=0.0, distillation=1.0),
    Case("with distillation", "change", distillation=1.0),
    Case("width 512, 1,000 updates", "size", width=512, steps=1000),
    Case("width 128", "size", width=128),
    Case("likelihood alone", "change", contrast=0.0, simulated=0.0, likelihood=1.0),
    Case("averaged weights", "change", average=0.999),
    Case("width 64, 1,000 updates", "size", width=64, steps=1000),
    Case("without simulated stars", "change", simulated=0.0),
    Case("batches of 1,024, averaged", "change", batch=1024, average=0.999),
    Case("width 512, tokens, averaged", "change", width=512, points=128, average=0.999),
    Case("width 1024, 1,000 updates", "size", width=1024, steps=1000),
    Case("four blocks", "size", blocks=4),
    Case("16,000 updates", "size", steps=16_000),
    Case("width 512, 16,000 updates", "size", width=512, steps=16_000),
)

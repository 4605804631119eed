"""The methods of the adaptation benchmark and their settings for each question."""

from dataclasses import dataclass, replace
from typing import Any

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.avda_config import AvdaConfig
from lcjax.models.image_networks_config import SMALL_DIGITS, ImageNetworkConfig
from lcjax.systems.avda.config import AvdaExperiment, AvdaObjectiveConfig
from lcjax.systems.con2da.config import Con2daExperiment, ViewsConfig
from lcjax.systems.domain_adaptation.config import STREAMS, AdaptationExperiment, AdaptationObjectiveConfig

ALL = ("source", "target", "unlabelled")


@dataclass(frozen=True)
class Method:
    """One way to adapt."""

    name: str
    streams: tuple[str, ...]
    from_base: bool = False
    """Whether it starts with weights of the source alone."""
    patience: int | None = 5
    """Validations without improvement before the end."""


METHODS = {
    "base": Method("base", STREAMS["base"]),
    "fine_tuning": Method("fine_tuning", STREAMS["fine_tuning"], from_base=True),
    "s_plus_t": Method("s_plus_t", STREAMS["s_plus_t"]),
    "ent": Method("ent", STREAMS["ent"]),
    "mme": Method("mme", STREAMS["mme"]),
    "mme_from_base": Method("mme", STREAMS["mme"], from_base=True),
    "con2da": Method("con2da", ALL),
    "avda": Method("avda", ALL, patience=None),
}
NETWORKS = {
    "altered": SMALL_DIGITS,
    "digits": ImageNetworkConfig(
        filters=(16, 32, 64),
        kernels=(5, 3, 3),
        strides=(2, 2, 2),
        paddings=(2, 1, 1),
        norm=True,
        slope=0.05,
        head=(64,),
        dropout=0.0,
        dropout_before=(),
        last_active=False,
    ),
    "surveys": ImageNetworkConfig(
        filters=(16, 16, 32),
        kernels=(4, 3),
        paddings=(2, 1),
        pool_after=(1, 2),
        norm=True,
        rotations="mean",
        head=(32,),
        dropout=0.0,
        dropout_before=(),
        last_active=False,
    ),
}
"""Small ones, so that two cores answer in minutes; those of `surveys` have Deep-HiTS's kernels and its turns."""


def _adam(rate: float) -> OptimizerConfig:
    return OptimizerConfig(name="adam", learning_rate=rate, schedule="constant", clip_norm=None)


def settings(method: Method, question: str, steps: int) -> Any:
    """The experiment of a method."""
    training = TrainingConfig(steps=steps, batch_size=32, evaluate_every=100 if steps > 300 else 50)
    network = NETWORKS[question]
    if method.name == "con2da":
        views = ViewsConfig(mirror=question == "surveys", noise=0.5)
        return Con2daExperiment(network=network, training=training, optimizer=_adam(1e-3), views=views)
    if method.name == "avda":
        return AvdaExperiment(
            network=network,
            training=training,
            optimizer=_adam(1e-3),
            latent=AvdaConfig(decoder=(128, 128)),
            objective=AvdaObjectiveConfig(pretraining_steps=steps // 3),
        )
    experiment = AdaptationExperiment(
        network=network,
        training=training,
        optimizer=OptimizerConfig(learning_rate=0.01),
        objective=AdaptationObjectiveConfig(method=method.name),  # type: ignore[arg-type]
    )
    if method.name != "fine_tuning":
        return experiment
    short = replace(training, steps=min(steps, 300), evaluate_every=25)
    return replace(experiment, nesterov=False, optimizer=_adam(1e-4), training=short)

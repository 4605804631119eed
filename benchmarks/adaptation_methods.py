"""The methods of the adaptation benchmark and their settings for each question."""

from dataclasses import dataclass, replace
from typing import Any

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.avda_config import AvdaConfig
from lcjax.models.image_networks_config import DEEP_HITS, SMALL_DIGITS, ImageNetworkConfig
from lcjax.systems.avda.config import AvdaExperiment, AvdaObjectiveConfig
from lcjax.systems.con2da.config import Con2daExperiment, ViewsConfig
from lcjax.systems.domain_adaptation.config import STREAMS, AdaptationExperiment, AdaptationObjectiveConfig, SgdConfig
from lcjax.systems.domain_pairs.config import DomainsConfig

ALL, NO_SHOTS = ("source", "target", "unlabelled"), ("source", "unlabelled")
QUESTIONS = ("digits", "altered", "surveys", "surveys_small")
_PAPER_SHOTS = (1, 3, 5, 10, 50, 100)
SHOTS = {
    "digits": (0, 1, 3, 5, 7),
    "altered": (1, 3, 10),
    "surveys": _PAPER_SHOTS,
    "surveys_small": _PAPER_SHOTS,
}
SEEDS = {"digits": 10, "altered": 10, "surveys": 3, "surveys_small": 10}
STEPS = {"digits": 2000, "altered": 1200, "surveys": 240, "surveys_small": 600}
OWN_STEPS = {
    ("surveys", "base"): 600,
    ("surveys", "fine_tuning"): 120,
    ("digits", "con2da"): 1200,
    ("digits", "fine_tuning"): 500,
    ("surveys_small", "con2da"): 300,
}
"""Where a method takes other than the question's. AVDA: a third of its steps only prepares."""
VALIDATIONS = {"digits": 10, "altered": 12, "surveys": 6, "surveys_small": 6}
"""In the course of a run."""


@dataclass(frozen=True)
class Method:
    """One way to adapt."""

    name: str
    streams: tuple[str, ...]
    without_shots: bool = False
    """Whether it learns where the target has no labels."""
    from_base: tuple[str, ...] = ()
    """Questions in which it starts with the weights of `base`."""


_SURVEYS = ("surveys", "surveys_small")
METHODS = {
    "base": Method("base", STREAMS["base"], True),
    "fine_tuning": Method("fine_tuning", STREAMS["fine_tuning"], from_base=QUESTIONS),
    "s_plus_t": Method("s_plus_t", STREAMS["s_plus_t"], from_base=("surveys",)),
    "ent": Method("ent", STREAMS["ent"], True, from_base=("surveys",)),
    "mme": Method("mme", STREAMS["mme"], True, from_base=_SURVEYS),
    "s_plus_t_norm": Method("s_plus_t", STREAMS["s_plus_t"]),
    "mme_norm": Method("mme", STREAMS["mme"], True),
    "con2da": Method("con2da", ALL, True),
    "avda": Method("avda", ALL, True),
    "avda_mean": Method("avda_mean", ALL, True),
}
"""`..._norm` has batch norm in a network that has none; `avda_mean` is AVDA with the mean reconstruction of a pixel in place of the sum over an image."""
NETWORKS = {
    "altered": SMALL_DIGITS,
    "digits": ImageNetworkConfig(
        filters=(32, 64, 128),
        kernels=(5, 3, 3),
        strides=(2, 2, 2),
        paddings=(2, 1, 1),
        slope=0.05,
        head=(128, 64),
        dropout=0.0,
        dropout_before=(),
        last_active=False,
    ),
    "surveys": DEEP_HITS,
    "surveys_small": ImageNetworkConfig(
        filters=(32, 32, 64),
        kernels=(4, 3),
        strides=(2, 2, 1),
        paddings=(2, 1),
        pool_after=(3,),
        rotations="mean",
        head=(64, 64),
        dropout=0.0,
        dropout_before=(),
        last_active=False,
    ),
}
"""`altered` is that of the reference runs; `surveys` that of the presets; `surveys_small` has its kernels and turns with fewer pixels between
them, a sixteenth of its products."""


def _adam(rate: float) -> OptimizerConfig:
    return OptimizerConfig(name="adam", learning_rate=rate, schedule="constant", clip_norm=None)


def steps_of(method: str, question: str) -> int:
    """Of every run."""
    return OWN_STEPS.get((question, method), STEPS[question])


def settings(method: str, question: str, steps: int) -> Any:
    """The experiment of a method."""
    training = TrainingConfig(steps=steps, batch_size=32)
    network = replace(NETWORKS[question], norm=NETWORKS[question].norm or method.endswith("_norm"))
    method = METHODS[method].name
    if method == "con2da":
        views = ViewsConfig(mirror=question in _SURVEYS, noise=0.5)
        return Con2daExperiment(network=network, training=training, optimizer=_adam(1e-3), views=views)
    if method.startswith("avda"):
        rows = 64  # published: 128
        return AvdaExperiment(
            network=network,
            domains=DomainsConfig(unlabelled_batch=rows),
            training=replace(training, batch_size=rows),
            optimizer=_adam(1e-3),
            latent=AvdaConfig(decoder=(256, 256)),
            pixels="bernoulli",  # of arrays that are scaled already
            objective=AvdaObjectiveConfig(
                pretraining_steps=steps // 3, per="pixel" if method == "avda_mean" else "image"
            ),
        )
    experiment = AdaptationExperiment(
        network=network,
        training=training,
        optimizer=OptimizerConfig(learning_rate=0.01),
        objective=AdaptationObjectiveConfig(method=method),  # type: ignore[arg-type]
    )
    if method == "fine_tuning":
        return replace(experiment, nesterov=False, optimizer=_adam(1e-4))
    # The factor 0.1 is of trunks that have been trained before, and of the reference runs.
    return experiment if question == "altered" else replace(experiment, sgd=SgdConfig(trunk_factor=1.0))

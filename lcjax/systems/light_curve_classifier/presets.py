"""Published and recommended classifiers of light curves. Each docstring: paper, command, what to expect."""

from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment

_TRAINING = TrainingConfig(
    steps=2000, batch_size=128, evaluate_every=25, checkpoint_every=100, log_every=25, patience=20, monitor="loss"
)


def few_shot() -> LightCurveClassifierExperiment:
    """A head on a frozen encoder, 20 labelled stars a class (Astromer 2, A&A 707, A170, 2026).

    The weighted mean over all blocks ("skip") and an MLP, learned on windows. Published macro F1 over windows, 20 / 100 / 500
    stars a class: MACHO 0.656 / 0.710 / 0.742, ATLAS 0.715 / 0.775 / 0.787, there with the encoder's reconstruction
    fine-tuned on the target set before (`lcjax train few-shot-reconstruction`), a learning rate of 1e-5 and the last
    weights; here the best on validation are kept.

        lcjax train few-shot --encoder W --data D --samples-per-class 20 --workdir C
    """
    return LightCurveClassifierExperiment(
        window=WindowConfig(length=200, mode="sequential", evaluation_mode="sequential"),
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, schedule="constant"),
        training=_TRAINING,
    )


PRESETS = {"few-shot": few_shot}

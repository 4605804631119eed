"""Published and recommended classifiers of light curves. Each docstring: paper, command, what to expect."""

import dataclasses

from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment

_WINDOW = WindowConfig(length=200, mode="sequential", evaluation_mode="sequential")
_OPTIMIZER = OptimizerConfig(name="adam", learning_rate=3e-4, schedule="constant")
_TRAINING = TrainingConfig(
    steps=2000,
    batch_size=128,
    evaluate_every=25,
    checkpoint_every=100,
    log_every=25,
    patience=20,
    monitor="-macro_f1",
    ema_decay=0.98,
)


def few_shot() -> LightCurveClassifierExperiment:
    """A head on a frozen encoder, 20 labelled stars a class (Astromer 2, A&A 707, A170, 2026).

    The weighted mean over all blocks ("skip") and an MLP, learned on windows; averaged weights (--training.ema-decay), the best on
    validation. The paper's own protocol is `few-shot-astromer2`.

        lcjax train few-shot --encoder E --data D --samples-per-class 20 --workdir C
    """
    return LightCurveClassifierExperiment(window=_WINDOW, optimizer=_OPTIMIZER, training=_TRAINING)


def few_shot_astromer2() -> LightCurveClassifierExperiment:
    """Protocol of Astromer 2: reconstruction fine-tuned on the labelled stars, frozen, then the skip head (A&A 707, A170, 2026).

    Published macro F1 over windows, 20 / 100 / 500 stars a class: MACHO 0.656 / 0.710 / 0.742, ATLAS 0.715 / 0.775 / 0.787, of
    the last weights; here of the best on validation. Rate, batch and patience (rounds there, evaluations here) are the paper's;
    `--subset.draw published --subset.validation published` draws as it does.

        lcjax train few-shot-reconstruction --encoder E --data D --samples-per-class 20 --workdir R
        lcjax train few-shot-astromer2 --encoder R --data D --samples-per-class 20 --workdir C
    """
    optimizer = dataclasses.replace(_OPTIMIZER, learning_rate=1e-3)
    training = dataclasses.replace(
        _TRAINING, batch_size=512, evaluate_every=10, patience=40, monitor="loss", ema_decay=None
    )
    return dataclasses.replace(few_shot(), optimizer=optimizer, training=training)


def few_shot_reconstruction() -> LightCurveClassifierExperiment:
    """An encoder goes on with its own pretraining on the labelled stars alone, before a head is put on it.

    Step one of the protocols of Astromer 1 (A&A 670, A54) and 2 (A&A 707, A170; learning rate 1e-5, patience 20). The stars
    are those that `few-shot...` draws with the same --samples-per-class, --classes, --seed and --subset; None: all of the
    training split. The workdir is one of the encoder's own system. Published RMSE after it, Astromer 1, 20 / 100 / 500 a
    class: MACHO 0.110 / 0.109 / 0.105 mag, ATLAS 0.205 / 0.175 / 0.150.

        lcjax train few-shot-reconstruction --encoder astromer1-macho --data D --samples-per-class 20 --workdir R
    """
    optimizer = dataclasses.replace(_OPTIMIZER, learning_rate=1e-5)
    training = dataclasses.replace(_TRAINING, batch_size=64, monitor="loss", ema_decay=None)
    return LightCurveClassifierExperiment(
        learns="reconstruction", window=_WINDOW, optimizer=optimizer, training=training
    )


def few_shot_astromer1_a() -> LightCurveClassifierExperiment:
    """Scenario a of Astromer 1: reconstruction fine-tuned on the labelled stars, frozen, then a head (A&A 670, A54).

    MLP on the mean of the last block ("MLP+ATT"); `--head.kind lstm_att` is "LSTM+ATT", `raw_lstm` the LSTM without an
    encoder (no --encoder then). Published macro F1 over windows, 20 / 100 / 500 stars a class, LSTM+ATT and MLP+ATT: MACHO
    0.56 / 0.67 / 0.72 and 0.25 / 0.60 / 0.61, ATLAS 0.44 / 0.58 / 0.70 and 0.53 / 0.57 / 0.70.

        lcjax train few-shot-reconstruction --encoder astromer1-macho --data D --samples-per-class 20 --workdir R
        lcjax train few-shot-astromer1-a --encoder R --data D --samples-per-class 20 --workdir C
    """
    return dataclasses.replace(few_shot(), head=HeadConfig(kind="avg_mlp"))


def few_shot_astromer1_b() -> LightCurveClassifierExperiment:
    """Scenario b of Astromer 1: as a, but the encoder goes on learning with the head (A&A 670, A54).

    Published macro F1 over windows, 20 / 100 / 500 stars a class, LSTM+ATT and MLP+ATT: MACHO 0.43 / 0.67 / 0.74 and 0.36 /
    0.61 / 0.71, ATLAS 0.40 / 0.58 / 0.72 and 0.51 / 0.55 / 0.70.

        lcjax train few-shot-reconstruction --encoder astromer1-macho --data D --samples-per-class 20 --workdir R
        lcjax train few-shot-astromer1-b --encoder R --data D --samples-per-class 20 --workdir C
    """
    training = dataclasses.replace(_TRAINING, batch_size=32, steps=1000)
    return dataclasses.replace(few_shot_astromer1_a(), train_encoder="all", training=training)


def few_shot_astromer1_c() -> LightCurveClassifierExperiment:
    """Scenario c of Astromer 1: reconstruction fine-tuned on the whole target set, then trained with the head (A&A 670, A54).

    Published macro F1 over windows, 20 / 100 / 500 stars a class, LSTM+ATT and MLP+ATT: MACHO 0.40 / 0.66 / 0.74 and 0.39 /
    0.62 / 0.73, ATLAS 0.39 / 0.61 / 0.75 and 0.58 / 0.59 / 0.74.

        lcjax train few-shot-reconstruction --encoder astromer1-macho --data D --samples-per-class None --workdir R
        lcjax train few-shot-astromer1-c --encoder R --data D --samples-per-class 20 --workdir C
    """
    return few_shot_astromer1_b()


def light_curve_gru() -> LightCurveClassifierExperiment:
    """The baseline without an encoder: a GRU over times and magnitudes, and an MLP (A&A 707, A170, 2026).

    Published macro F1 over windows, 20 / 100 / 500 stars a class: MACHO 0.206 / 0.224 / 0.271, ATLAS 0.233 / 0.294 / 0.388,
    there with days and magnitudes as they are but for their means (`--head.scaling mean`); here it sees gaps, magnitudes in
    spreads and errors, and learns far more (docs/few_shot.md).

        lcjax train light-curve-gru --data D --samples-per-class 20 --workdir C
    """
    training = dataclasses.replace(_TRAINING, batch_size=64, steps=1000)
    return dataclasses.replace(few_shot(), head=HeadConfig(kind="raw_gru", scaling="gaps"), training=training)


def light_curve_transformer() -> LightCurveClassifierExperiment:
    """The baseline without pretraining: the encoder of astromer2-survey with random weights learns with the head.

    Nothing is published of it. `--architecture` takes any preset of an encoder.

        lcjax train light-curve-transformer --data D --samples-per-class 20 --workdir C
    """
    training = dataclasses.replace(_TRAINING, batch_size=32, steps=1000)
    return dataclasses.replace(few_shot(), architecture="astromer2-survey", train_encoder="all", training=training)


PRESETS = {
    "few-shot": few_shot,
    "few-shot-reconstruction": few_shot_reconstruction,
    "few-shot-astromer1-a": few_shot_astromer1_a,
    "few-shot-astromer1-b": few_shot_astromer1_b,
    "few-shot-astromer1-c": few_shot_astromer1_c,
    "few-shot-astromer2": few_shot_astromer2,
    "light-curve-gru": light_curve_gru,
    "light-curve-transformer": light_curve_transformer,
}

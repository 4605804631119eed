"""Recommended and published settings of detectors of anomalies. Docstrings: paper, command, what to expect."""

import dataclasses

from lcjax.configs import OptimizerConfig, TrainingConfig
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.systems.svdd.config import FeatureInputs, SvddExperiment

_ADAM = OptimizerConfig(name="adam", learning_rate=5e-4, schedule="constant", clip_norm=None)
_TRAINING = TrainingConfig(
    steps=2000,
    batch_size=1024,
    evaluate_every=20,
    checkpoint_every=500,
    log_every=100,
    patience=25,
    steps_per_dispatch=10,
)
BANNED = (
    "Mean", "n_det", "n_pos", "n_neg", "mean_mag", "min_mag", "first_mag", "MHPS_non_zero", "MHPS_PN_flag", "W1", "W2", "W3",
    "W4", "iqr", "delta_mjd_fid", "last_mjd_before_fid", "g-r_ml", "MHAOV_Period",
)  # fmt: skip
"""Features that the paper leaves out: brightness, counts, and what tells how a source was observed."""


def mcdsvdd() -> SvddExperiment:
    """Multi-class Deep SVDD (Perez-Carrasco et al. 2023, arXiv 2308.05011): a hypersphere for each known class.

    Data: tables of features with classes (feature_tables). An autoencoder is trained first, whose encoder begins; centres are
    computed once and saved; the score is the squared distance to the nearest centre. See docs/anomaly.md for scores.

        lcjax train mcdsvdd --data D --workdir W --inputs.outliers CLASS
    """
    return SvddExperiment(optimizer=_ADAM, training=_TRAINING)


def deep_svdd() -> SvddExperiment:
    """Deep SVDD (Ruff et al. 2018): one hypersphere for all that is known; classes are not needed.

    Data: tables of features. As published, with biases, it may collapse: --model.biases False rules it out.

        lcjax train deep-svdd --data D --workdir W
    """
    return dataclasses.replace(mcdsvdd(), detector="deep_svdd")


def feature_autoencoder() -> SvddExperiment:
    """An autoencoder of features, as in arXiv 2308.05011: the score is the squared error of the reconstruction.

    Data: tables of features.

        lcjax train feature-autoencoder --data D --workdir W
    """
    return dataclasses.replace(mcdsvdd(), detector="autoencoder")


def feature_vae() -> SvddExperiment:
    """A variational autoencoder of features, as in arXiv 2308.05011, scored by the reconstruction of the mean.

    Data: tables of features. (The published score decodes one random draw, and changes from run to run.)

        lcjax train feature-vae --data D --workdir W
    """
    return dataclasses.replace(mcdsvdd(), detector="vae")


def mcdsvdd_transient() -> SvddExperiment:
    """The ALeRCE anomaly detector of transients: 32 latents. Published AUROC SLSN 0.686, SNII 0.828, SNIa 0.624, SNIbc 0.584.

    Data: the 152 features of the ALeRCE light-curve classifier with classes.

        lcjax train mcdsvdd-transient --data D --workdir W --inputs.outliers SNII
    """
    return _published(latent=32, rate=5e-4)


def mcdsvdd_periodic() -> SvddExperiment:
    """The ALeRCE anomaly detector of periodic stars: 64 latents. Published AUROC CEP 0.858, DSCT 0.819, E 0.945, RRL 0.953, LPV 0.953.

    Data: as mcdsvdd-transient.

        lcjax train mcdsvdd-periodic --data D --workdir W --inputs.outliers CEP
    """
    return _published(latent=64, rate=1e-3)


def mcdsvdd_stochastic() -> SvddExperiment:
    """The ALeRCE anomaly detector of stochastic sources: 64 latents. Published AUROC AGN 0.706, Blazar 0.512, CV/Nova 0.770, QSO 0.483, YSO 0.854.

    Data: as mcdsvdd-transient.

        lcjax train mcdsvdd-stochastic --data D --workdir W --inputs.outliers YSO
    """
    return _published(latent=64, rate=5e-3)


def _published(latent: int, rate: float) -> SvddExperiment:
    """rate: of the autoencoder; the hypersphere's is 5e-4 in all groups."""
    return dataclasses.replace(
        mcdsvdd(),
        inputs=FeatureInputs(drop=BANNED),
        model=DetectorModelConfig(latent=latent),
        training=dataclasses.replace(_TRAINING, steps=10_000, patience=100),
        pretraining_rate=rate,
    )


PRESETS = {
    "mcdsvdd": mcdsvdd,
    "deep-svdd": deep_svdd,
    "feature-autoencoder": feature_autoencoder,
    "feature-vae": feature_vae,
    "mcdsvdd-transient": mcdsvdd_transient,
    "mcdsvdd-periodic": mcdsvdd_periodic,
    "mcdsvdd-stochastic": mcdsvdd_stochastic,
}

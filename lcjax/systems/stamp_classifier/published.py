"""Published weights of the ALeRCE stamp classifier."""

from lcjax.systems.published_weights import Published

_ALERCE_STAMPS = "stamp_classifier_step/model/results"
_ALERCE_STAMPS_23 = (
    "staging_model/DeepHits_EntropyRegBeta0.5000_batch64_lr0.00100_droprate0.5000_inputsize21_filtersize5_0_"
    "20200708-160759"
)


def _alerce(name: str, run: str, description: str, arrays_sha256: str | None = None) -> Published:
    """A TensorFlow 1 checkpoint beside the code of the broker's classifier; the pinned commit outlives moved files."""
    return Published(
        name=name,
        family="alerce-stamps",
        description=description,
        paper="Carrasco-Davis et al. 2021, AJ 162, 231",
        licence="not stated in the authors' repository",
        urls=tuple(
            f"https://github.com/alercebroker/pipeline/raw/{version}/{_ALERCE_STAMPS}/{run}/checkpoints"
            for version in ("main", "9a72806")
        ),
        files=("model.index", "model.data-00000-of-00001"),
        download_bytes=3_200_000,
        arrays_sha256=arrays_sha256,
    )


PUBLISHED = (
    _alerce(
        "alerce-stamps",
        "best_model_so_far",
        "ALeRCE stamp classifier, 26 features (261,049 parameters); its image branch is dead",
        arrays_sha256="73fb23ea5cf05298a09ba7477bb9040f0a4c9ca8b1bd108388416acd6a3ac11f",
    ),
    _alerce("alerce-stamps-23", _ALERCE_STAMPS_23, "ALeRCE stamp classifier of July 2020, 23 features, 5x5 kernels"),
    _alerce(
        "alerce-stamps-image",
        "best_model_new_bogus",
        "ALeRCE stamp classifier, images only (255,173 parameters)",
        arrays_sha256="bb51b08cde5f4393fcf6428cf0d1bc93a5680cc1df80e7a5c3ac5ca73cd8dfdc",
    ),
    _alerce(
        "alerce-stamps-image-regularized",
        "best_model_new_bogus_reg",
        "ALeRCE stamp classifier, images only, entropy regularised with beta 1 (255,173 parameters)",
        arrays_sha256="7bafe5457684ae186febca63349bb95e1b818b333c5ad0948e69262a0031899f",
    ),
)

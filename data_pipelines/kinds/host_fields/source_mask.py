"""Sources of an image by the SExtractor algorithm: the default mask of DELIGHT, and the tables that classical host rules use.

The package `sep` does background, detection, deblending and the ellipses. It is an
extra (`pip install 'lcjax[hosts]'`).
"""

from dataclasses import dataclass, field

import numpy as np

from lcjax.errors import DataError, MissingExtraError

_FOR_SEP = ("C_CONTIGUOUS", "WRITEABLE")
_SMALLEST_BUFFER = 10_000
"""Pixels."""
COLUMNS = ("x", "y", "a", "b", "theta", "cxx", "cyy", "cxy", "flux", "peak", "npix")


@dataclass(frozen=True)
class DetectionSettings:
    """How sources are found; the defaults are the published ones, for pixels of 0.25 arcsec."""

    mesh: int = 128
    """Side of a background mesh, pixels."""
    filter_meshes: int = 3
    """Median filter over meshes."""
    threshold: float = 1.5
    """Over the noise of the background."""
    ellipse: float = 3.0
    """Factor on the ellipses (a, b) of the mask."""
    min_area: int = 5
    """Pixels of a source at least."""
    deblend_levels: int = 32
    deblend_contrast: float = 0.005


@dataclass(frozen=True)
class Detections:
    """What is in an image."""

    mask: np.ndarray  #: (H, W) bool, inside the ellipse of any source
    background: float
    noise: float  #: root mean square of the background
    sources: dict[str, np.ndarray] = field(default_factory=dict)
    """(N,) float64: x, y pixels from 0; a, b, pixels, and theta, radians, of the ellipse; cxx, cyy, cxy of its equation;
    flux, peak, npix. In the order of detection."""

    def __len__(self) -> int:
        return len(self.sources["x"])


def detect_sources(
    image: np.ndarray, settings: DetectionSettings | None = None, *, outside: np.ndarray | None = None
) -> Detections:
    """Finds the sources of an image.

    Args:
      image: (H, W) float; pixels that are not finite count as 0.
      outside: (H, W) bool, pixels without data, where a small image was put on a larger grid: they take no part.

    Raises:
      DataError: an image that is no plane of numbers, or so crowded that the detection gives up.
      MissingExtraError: `sep` is not installed.
    """
    try:
        import sep
    except ImportError as error:
        raise MissingExtraError("sep", "hosts", "finding the sources of an image") from error
    settings = settings or DetectionSettings()
    if image.ndim != 2 or min(image.shape) < 2 or not np.issubdtype(image.dtype, np.number):
        raise DataError(f"an image has two axes of at least 2 pixels, not the shape {image.shape}")
    pixels = finite_pixels(image)
    outside = None if outside is None else np.require(outside, bool, _FOR_SEP)
    try:
        mesh, meshes = settings.mesh, settings.filter_meshes
        background = sep.Background(pixels, mask=outside, bw=mesh, bh=mesh, fw=meshes, fh=meshes)
        if not background.globalrms > 0:
            # Without noise everything above 0 would be one source.
            return Detections(np.zeros(pixels.shape, bool), background.globalback, 0.0, no_sources())
        above = pixels.copy()
        background.subfrom(above)
        found = _extract(above, background.globalrms, outside, settings)
    except Exception as error:  # sep raises bare Exception: pixel buffer or deblending overflow
        raise DataError(f"the sources of this image cannot be told apart ({error})") from error
    mask = np.zeros(pixels.shape, bool)
    if len(found):
        sep.mask_ellipse(mask, found["x"], found["y"], found["a"], found["b"], found["theta"], r=settings.ellipse)
    sources = {name: found[name].astype(np.float64) for name in COLUMNS}
    return Detections(mask, background.globalback, background.globalrms, sources)


def finite_pixels(image: np.ndarray) -> np.ndarray:
    """The image as float32 that `sep` takes, 0 where it is not finite; the image itself if it is so already."""
    with np.errstate(over="ignore"):
        pixels = np.require(image, np.float32, _FOR_SEP)
    finite = np.isfinite(pixels)
    return pixels if finite.all() else np.where(finite, pixels, np.float32(0))


def _extract(above: np.ndarray, noise: float, outside: np.ndarray | None, settings: DetectionSettings) -> np.ndarray:
    """The table of sep. Its buffer is small at first, since clearing it takes longer than small images do, and then ample."""
    import sep

    usual = sep.get_extract_pixstack()
    extract = lambda: sep.extract(
        above,
        # The same as threshold with err=noise, less the errors of columns that nobody reads.
        settings.threshold * noise,
        mask=outside,
        minarea=settings.min_area,
        deblend_nthresh=settings.deblend_levels,
        deblend_cont=settings.deblend_contrast,
    )
    try:
        sep.set_extract_pixstack(max(above.size // 4, _SMALLEST_BUFFER))
        try:
            return extract()
        except Exception:  # sep has one class for all: whatever it was, with an ample buffer it may go well
            sep.set_extract_pixstack(max(2 * above.size, usual, _SMALLEST_BUFFER))
            return extract()
    finally:
        sep.set_extract_pixstack(usual)


def no_sources() -> dict[str, np.ndarray]:
    """The table of an image without sources."""
    return {name: np.zeros(0) for name in COLUMNS}

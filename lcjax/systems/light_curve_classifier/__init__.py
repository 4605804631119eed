"""Classes of light curves: heads on frozen or trained encoders, few labels a class, and baselines without an encoder.

Astromer 1 (A&A 670, A54) and Astromer 2 (A&A 707, A170): their heads, their protocols, their baselines.
"""

from lcjax.systems.light_curve_classifier.system import LightCurveClassifierSystem

SYSTEMS = (LightCurveClassifierSystem(),)

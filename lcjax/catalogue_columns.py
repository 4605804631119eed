"""Columns of the catalogue that AstroM3 was trained on (arXiv 2411.08842), in the order of its arrays."""

METADATA = (
    *("mean_vmag", "phot_g_mean_mag", "e_phot_g_mean_mag", "phot_bp_mean_mag", "e_phot_bp_mean_mag"),
    *("phot_rp_mean_mag", "e_phot_rp_mean_mag", "bp_rp", "parallax", "parallax_error", "parallax_over_error"),
    *("pmra", "pmra_error", "pmdec", "pmdec_error", "j_mag", "e_j_mag", "h_mag", "e_h_mag", "k_mag", "e_k_mag"),
    *("w1_mag", "e_w1_mag", "w2_mag", "e_w2_mag", "w3_mag", "w4_mag", "j_k", "w1_w2", "w3_w4", "pm", "ruwe", "l", "b"),
)
"""Input of the metadata encoder."""
PHOTOMETRIC = ("amplitude", "period", "lksl_statistic", "rfr_score")
"""Columns that go with every point of the light curve."""

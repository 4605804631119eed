"""Objects on a page, with and without light curves."""

import types

import numpy as np

from lcjax.evaluation.gallery import Exhibit, write_gallery


def test_the_page(tmp_path):
    time = np.arange(5.0)
    curve = types.SimpleNamespace(
        band="g", mjd=time, magnitude=15 + time, magnitude_error=np.array([0.1, np.nan, 0.1, 0.1, 0.1])
    )
    shown = [Exhibit("o<1>", 3.25, {"class": "RRab", "empty": ""}, [curve]), Exhibit("o2", 1.0)]
    text = write_gallery(tmp_path, shown, "Unusual", "lead").read_text()
    assert (
        text.index("1. o&lt;1&gt;") < text.index("2. o2") and "score 3.25; class: RRab" in text and "empty" not in text
    )
    assert text.count("data:image/png;base64,") == 1 and "score 1; no light curve" in text and "<o" not in text

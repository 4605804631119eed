"""What is drawn: shares of each true class with counts, and dead layers in red."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lcjax.evaluation.classification import score_classes
from lcjax.evaluation.classification_figures import classifier_figure


@pytest.fixture
def scores():
    label = np.array([0, 0, 0, 0, 1])
    predicted = np.array([0, 0, 0, 1, 0])
    return score_classes(np.eye(3)[predicted], label, list("abcde"), ("SN", "VS", "AGN"))


def test_confusion_is_divided_by_rows(scores):
    figure = classifier_figure(scores)
    matrix, bar = figure.axes
    np.testing.assert_allclose(matrix.images[0].get_array(), [[0.75, 0.25, 0], [1, 0, 0], [0, 0, 0]])
    cells = {tuple(map(int, text.get_position())): text for text in matrix.texts}
    assert cells[0, 0].get_text() == "0.75\n3" and cells[1, 0].get_text() == "0.25\n1"
    assert cells[0, 1].get_text() == "1.00\n1" and (2, 2) not in cells and (0, 2) not in cells
    assert cells[0, 0].get_color() == "white" != cells[1, 0].get_color()
    assert [tick.get_text() for tick in matrix.get_yticklabels()] == ["SN (4)", "VS (1)", "AGN (0)"]
    assert (matrix.get_xlabel(), matrix.get_ylabel()) == ("predicted class", "true class")
    assert bar.get_ylabel() == "share of the true class"
    plt.close(figure)


def test_live_units_of_layers(scores):
    figure = classifier_figure(scores, {"conv_1": 0.5, "conv_2": 0.0})
    bars = figure.axes[1]
    assert [patch.get_width() for patch in bars.patches] == [0.5, 0.0]
    assert [text.get_text() for text in bars.texts] == ["50%", "0%"]
    red = [label.get_color() == "#c0392b" for label in bars.get_yticklabels()]
    assert red == [False, True]
    plt.close(figure)

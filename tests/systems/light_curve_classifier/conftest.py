"""An encoder on disk, made once."""

import pytest

from tests.systems.light_curve_classifier.stars import encoder_folder


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """Folder of a strict encoder."""
    return encoder_folder(tmp_path_factory.mktemp("encoder") / "strict")


@pytest.fixture(scope="session")
def published_encoder(tmp_path_factory):
    """Folder of an encoder that attends to padding."""
    return encoder_folder(tmp_path_factory.mktemp("encoder") / "published", parity=True)

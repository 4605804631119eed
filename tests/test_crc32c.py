import numpy as np
import pytest

from lcjax.crc32c import crc32c_numpy, masked_crc32c


@pytest.mark.parametrize("size", [0, 1, 7, 63, 64, 65, 1000, 4096, 300_001])
def test_numpy_form_equals_the_compiled_one(size):
    compiled = pytest.importorskip("google_crc32c", reason="needs google-crc32c (extra test)")
    data = np.random.default_rng(size).bytes(size)
    assert crc32c_numpy(data) == compiled.value(data)


def test_mask_of_a_known_value():
    # CRC-32C of "123456789" is 0xe3069283 (RFC 3720); the mask rotates right by 15 and adds a constant.
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

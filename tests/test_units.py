"""Numbers of bytes as text."""

import pytest

from imconv.units import human_bytes


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (61504, "60.1 KiB"),
        ((1 << 20) - 1, "1024 KiB"),
        (1.5 * (1 << 30), "1.5 GiB"),
        (1 << 60, "1048576 TiB"),
    ],
)
def test_bytes(count, text):
    assert human_bytes(count) == text

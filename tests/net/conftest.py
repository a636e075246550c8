"""Networks of hundreds of megabytes are left out unless they are asked for: `pytest -m big`."""

import pytest


def pytest_collection_modifyitems(config, items):
    if "big" not in config.getoption("markexpr"):
        for item in items:
            if item.get_closest_marker("big"):
                item.add_marker(pytest.mark.skip(reason="takes minutes and gigabytes; run it with -m big"))

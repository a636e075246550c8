"""Runs that are kept for the next picture of their kind: the same results, nobody's picture held, nothing large kept."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import imconv
from imconv.engine import kept_work, threads

FILTERS = {
    "blur": lambda image, **how: imconv.gaussian_blur(image, 1.5, **how),
    "box, constant border": lambda image, **how: imconv.box_blur(image, 5, border="constant:9", **how),
    "alpha": lambda image, **how: imconv.gaussian_blur(image, 1, has_alpha=image.ndim == 3, **how),
    "stretch": lambda image, **how: imconv.convolve(image, "emboss", range="stretch", **how),
    "edges": lambda image, **how: imconv.edges(image, **how),
    "median": lambda image, **how: imconv.median(image, 3, **how),
    "disk": lambda image, **how: imconv.rank(image, 20, 5, shape="disk", **how),
    "pool": lambda image, **how: imconv.pool(image, "max", 2, **how),
}


@pytest.fixture(autouse=True)
def nothing_kept():
    kept_work.forget()
    yield
    kept_work.forget()


def pictures(count: int = 6) -> list[np.ndarray]:
    """Pictures of one kind, read in different ways: in order, every second column, upside down."""
    rng = np.random.default_rng(5)
    made = [rng.integers(0, 256, (40, 96, 4), np.uint8) for _ in range(count)]
    made[1] = np.repeat(made[1], 2, axis=1)[:, ::2]
    made[2] = made[2][::-1]
    return made


@pytest.mark.parametrize("name", FILTERS)
def test_same_results(name):
    apply, images = FILTERS[name], pictures()
    fresh = []
    for image in images:
        kept_work.forget()
        fresh.append(apply(image))
    kept_work.forget()
    for _ in range(2):
        for image, expected in zip(images, fresh, strict=True):
            np.testing.assert_array_equal(apply(image), expected)
            np.testing.assert_array_equal(apply(image, threads=1), expected)
    assert kept_work._kept


@pytest.mark.parametrize("name", FILTERS)
def test_nobodys_picture_is_held(name):
    image = pictures()[0]
    result = FILTERS[name](image)
    assert kept_work._kept
    memory = [weakref.ref(array if array.base is None else array.base) for array in (image, result)]
    del image, result
    # a thread that came too late to help may be about to see that: not once all have met at the next work
    threads.share(threading.Barrier(threads._kept + 1).wait, threads._kept)
    assert [left() for left in memory] == [None, None]


def test_side_by_side():
    images = pictures(8)
    expected = [imconv.gaussian_blur(image, 1.5, threads=1) for image in images]
    start = threading.Barrier(4)

    def work(number):
        start.wait()
        for step in range(60):
            k = (number + step) % len(images)
            np.testing.assert_array_equal(imconv.gaussian_blur(images[k], 1.5, threads=1 + step % 2), expected[k])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_after_a_failure(monkeypatch):
    image = pictures()[0]
    expected = imconv.gaussian_blur(image, 1.5)

    def fail(*how):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(threads, "run_bands", fail)
        with pytest.raises(KeyboardInterrupt):
            imconv.gaussian_blur(image, 1.5)
    assert not kept_work._kept  # one that failed is not kept
    np.testing.assert_array_equal(imconv.gaussian_blur(image, 1.5), expected)


def test_few_and_small_ones():
    for n in range(2 * kept_work.MOST_KEPT):
        imconv.gaussian_blur(np.zeros((40, 70 + n), np.uint8), 1)
    assert len(kept_work._kept) == kept_work.MOST_KEPT
    widths = [work.plan.columns.size for work in kept_work._kept.values()]
    assert widths == list(range(70 + kept_work.MOST_KEPT, 70 + 2 * kept_work.MOST_KEPT))  # the last ones used
    kept_work.forget()
    imconv.gaussian_blur(np.zeros((3000, 2000, 3), np.uint8), 1)
    assert not kept_work._kept

"""Chains: what the steps give one after the other in floats, rounded once; the same whole, in bands, fused or not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imconv import Picture
from imconv.cli.commands.chain_text import load_steps
from imconv.composites.chain import ChainFilter
from imconv.composites.composed_kernel import compose, composed
from imconv.composites.partial import selected
from imconv.engine import sources
from imconv.engine.drive import stream
from imconv.errors import FileError, OptionError
from imconv.filters.apply import apply
from imconv.filters.blur_kernels import box_kernel, gaussian_kernel
from imconv.filters.correlate import correlate
from imconv.filters.edges import edge_filter
from imconv.filters.sharpen import sharpen_kernel, unsharp_filter
from imconv.kernel.kernel import Kernel
from imconv.options import DEFAULTS, Options
from imconv.stages.convolution.filter import LinearFilter
from tests.refused import refused

from ..cases import picture
from ..executing import set_stripe_bytes

STEPS = {
    "blur": lambda o: LinearFilter(gaussian_kernel(1.3), o),
    "wide": lambda o: LinearFilter(gaussian_kernel(12), o),
    "box": lambda o: LinearFilter(box_kernel(3), o),
    "sharpen": lambda o: LinearFilter(sharpen_kernel(2), o),
    "unsharp": lambda o: unsharp_filter(1, 2, 3, None, None, o),
    "edges": lambda o: edge_filter("sobel", "magnitude", o),
    "x": lambda o: edge_filter("sobel", "x", o),
    "half": lambda o: LinearFilter(gaussian_kernel(0.7), replace(o, stride=2)),
}
CHAINS = [("blur", "unsharp", "edges"), ("blur", "wide"), ("box", "sharpen"), ("half", "edges"), ("blur", "x"), ("wide", "half", "box")]  # fmt: skip


def chain_of(names, options=DEFAULTS, **own):
    steps = Options(border=options.border, alpha=options.alpha, **own)
    return ChainFilter(tuple(STEPS[name](steps) for name in names), options)


def in_float64(names, image, **own):
    """The steps one by one over float64 pictures."""
    values = image.astype(np.float64)
    for name in names:
        values = apply(STEPS[name](Options(**own)), values)
    return values


@pytest.mark.parametrize("names", CHAINS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("border", ["reflect", "nearest", "wrap"])
def test_floats_in_between_and_one_rounding(names, dtype, border):
    image = picture(dtype, (60, 70, 3), 1)
    expected = in_float64(names, image, border=border)
    found = apply(chain_of(names, Options(border=border)), image)
    assert found.dtype == image.dtype
    if dtype.startswith("float"):
        largest = np.abs(image).max()
        # two Gaussians fused are one, within a Gaussian's own bound
        bound = 2 * 0.05 / 255 if "wide" in names else 2e-5 if dtype == "float32" else 1e-11
        np.testing.assert_allclose(found, expected, rtol=0, atol=largest * bound)
        return
    top = np.iinfo(dtype).max
    if names[-1] == "x":
        expected = expected + (top + 1) / 2
    near = 0.02 if dtype == "uint8" else 0.5  # three filters' bounds, enlarged by the last ones
    clipped = np.clip(expected, 0, top)
    assert (np.abs(found - clipped) <= 0.5 + near).all()


def test_nothing_is_clipped_in_between():
    image = np.array([[0, 255, 0, 255]], np.uint8)
    double, half = (LinearFilter(Kernel([[f]]), Options()) for f in (4, 0.25))
    np.testing.assert_array_equal(apply(ChainFilter((double, half), Options()), image), image)


@given(
    names=st.sampled_from(CHAINS),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    channels=st.sampled_from([1, 3, 4]),
    rows=st.integers(1, 70),
    threads=st.sampled_from([1, 2, 3, 7]),
    region=st.sampled_from([None, "20x15+7+9"]),
)
def test_in_bands_bit_for_bit(small_stripes, names, dtype, channels, rows, threads, region):
    if region and "half" in names:
        return
    image = picture(dtype, (64, 50, channels), 2)
    work = selected(chain_of(names, Options(region=region)))
    plan = work.plan(image.shape, image.dtype, channels == 4)
    given_picture = Picture(image)
    whole = apply(work, given_picture, threads=2).pixels
    bands = (image[start : start + rows] for start in range(0, 64, rows))
    np.testing.assert_array_equal(np.concatenate(list(stream(plan, bands, threads=threads))), whole)


@pytest.fixture(scope="module")
def small_stripes():
    with pytest.MonkeyPatch.context() as patch:
        set_stripe_bytes(patch, 700)
        patch.setattr(sources, "BAND_BYTES", 500)
        yield


@pytest.mark.parametrize("policy", ["clip", "abs", "offset", "stretch"])
def test_range_is_the_last_steps(policy):
    image = picture("uint8", (30, 30), 3)
    expected = in_float64(("blur", "x"), image)
    if policy == "abs":
        expected = np.abs(expected)
    elif policy in ("offset", "clip"):  # "clip" by default is what the step itself does: 0 at mid-range
        expected = expected + 128
    else:
        expected = (expected - expected.min()) / np.ptp(expected) * 255
    blur = STEPS["blur"](Options())
    x = edge_filter("sobel", "x", Options(), range=None if policy == "clip" else policy)
    found = apply(ChainFilter((blur, x), Options(range=policy)), image)
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 0.51


def test_a_step_may_take_absolute_values():
    image = picture("uint8", (30, 30), 4)
    steps = (edge_filter("sobel", "x", Options(range="abs"), range="abs"), STEPS["box"](Options()))
    expected = correlate(np.abs(in_float64(("x",), image)), box_kernel(3))
    assert np.abs(apply(ChainFilter(steps, Options()), image) - expected).max() <= 0.501


def test_depth_is_the_results():
    image = picture("uint8", (30, 30), 5)
    expected = in_float64(("blur", "box"), image) * 257
    found = apply(chain_of(("blur", "box"), Options(depth=16)), image)
    assert found.dtype == np.uint16
    assert np.abs(found - expected).max() <= 0.51


def test_linear_light_around_all():
    image = picture("uint8", (30, 30, 3), 6)
    light = np.where(image / 255 <= 0.04045, image / 255 / 12.92, ((image / 255 + 0.055) / 1.055) ** 2.4)
    light = in_float64(("blur", "box"), light)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(apply(chain_of(("blur", "box"), Options(linear=True)), image) - expected).max() <= 0.51


def test_alpha_weighs_in_every_step():
    image = picture("uint8", (30, 30, 4), 7)
    image[..., 3] = np.where(np.arange(30) < 15, 0, 255)
    image[:, :15, :3] = 255
    found = apply(chain_of(("blur", "box"), Options(has_alpha=True)), image)
    values = image.astype(np.float64)
    for name in ("blur", "box"):
        values = apply(STEPS[name](Options(has_alpha=True, alpha="weight")), values)
    assert np.abs(found - np.clip(values, 0, 255)).max() <= 0.51


@pytest.mark.parametrize(
    ("border", "first", "second", "can"),
    [
        ("reflect", "blur", "sharpen", True),
        ("mirror", "box", "x", True),
        ("wrap", "x", "box", True),
        ("reflect", "x", "box", False),  # an antisymmetric answer is not reflected as a picture is
        ("nearest", "blur", "box", False),
        ("constant", "blur", "box", False),
        ("normalized", "blur", "box", False),
        ("reflect", "half", "box", False),
        ("reflect", "unsharp", "box", False),
        ("reflect", "edges", "box", False),
    ],
)
def test_composed_only_where_it_is_the_same(border, first, second, can):
    one, two = (STEPS[name](Options(border=border)) for name in (first, second))
    together = composed(one, two)
    assert (together is not None) == can
    if can:
        image = picture("float64", (17, 23), 8)
        np.testing.assert_allclose(apply(together, image), apply(two, apply(one, image)), atol=1e-11)


@pytest.mark.parametrize("names", [("box", "sharpen"), ("sharpen", "sharpen")])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_steps_that_weigh_by_alpha_are_not_fused(names, dtype):
    """A quotient of sums, of which each step has its own."""
    assert chain_of(names).plan((40, 50), np.dtype(dtype), False).fused == (1,)
    image = picture(dtype, (40, 50, 4), 11)
    top = np.iinfo(dtype).max if dtype != "float32" else 1
    image[..., 3] = top * np.random.default_rng(11).uniform(0.9, 1, (40, 50))  # no sum of weights is near 0
    work = chain_of(names, Options(has_alpha=True))
    assert work.plan(image.shape, image.dtype, True).fused == ()
    assert work.plan(image.shape, image.dtype, False).fused == (1,)
    values = image.astype(np.float64)
    for name in names:
        values = apply(STEPS[name](Options(has_alpha=True, alpha="weight")), values)
    if dtype == "float32":
        np.testing.assert_allclose(apply(work, image), values, rtol=1e-4, atol=1e-5 * np.abs(values).max())
    else:
        assert np.abs(apply(work, image) - np.clip(values, 0, np.iinfo(dtype).max)).max() <= 0.6


@given(data=st.data())
def test_composition_of_any_kernels(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    shapes = data.draw(st.tuples(*[st.integers(1, 5)] * 4))
    exact = data.draw(st.booleans())
    kernels = []
    for shape in (shapes[:2], shapes[2:]):
        weights = rng.integers(-9, 9, shape) if exact else rng.random(shape)
        anchor = tuple(int(rng.integers(0, n)) for n in shape)
        kernels.append(Kernel(weights.tolist(), anchor=anchor))
    image = picture("float64", (12, 13), 9)
    expected = correlate(correlate(image, kernels[0], border="wrap"), kernels[1], border="wrap")
    together = compose(*kernels)
    assert together.exact == exact or not exact
    np.testing.assert_allclose(correlate(image, together, border="wrap"), expected, rtol=1e-10, atol=1e-7)


def test_two_gaussians_are_one():
    plan = chain_of(("wide", "wide")).plan((900, 900), np.uint8, False)
    assert (plan.fused, plan.plans[0].kernel.shape) == ((1,), (193, 193))
    assert "fused          step 2 with the one before" in str(plan)


def test_input_is_not_changed_and_out_is_filled():
    image = picture("uint8", (20, 20, 3), 10)
    before, out = image.copy(), np.empty((20, 20, 3), np.uint8)
    work = chain_of(("blur", "edges"))
    assert apply(work, image, out=out) is out
    np.testing.assert_array_equal(out, apply(work, image))
    np.testing.assert_array_equal(image, before)


# --- text ---
def test_text():
    assert load_steps("blur --sigma 2|edges") == [["blur", "--sigma", "2"], ["edges"]]
    assert load_steps('apply -k "1 2 1; 0 0 0" | edges') == [["apply", "-k", "1 2 1; 0 0 0"], ["edges"]]
    assert load_steps("apply -k 'a|b'") == [["apply", "-k", "a|b"]]
    for bars in ("| edges", "edges |", " | edges| "):
        assert load_steps(bars) == [["edges"]]


def test_file(tmp_path):
    path = tmp_path / "look.txt"
    path.write_text("# a look\n\ns = 3\nname=5 % of it\nblur --sigma $s   # wide\nbox --size $s | edges\n")
    assert load_steps(str(path)) == [["blur", "--sigma", "3"], ["box", "--size", "3"], ["edges"]]
    assert load_steps(str(path), ("s=4",))[0] == ["blur", "--sigma", "4"]


@pytest.mark.parametrize(
    ("text", "given_values", "message"),
    [
        ("", (), "at least one step"),
        ("blur || edges", (), "an empty step"),
        ("|| edges", (), "an empty step"),
        ("|", (), "at least one step"),
        ("blur '", (), "no closing quotation"),
        ("blur --sigma $s", (), r"\$s has no value; give one with --set 's=...'"),
        ("blur --sigma $", (), "a name must follow"),
        ("blur --sigma $s", ("t=1",), r"\$s has no value.*"),
        ("blur --sigma $sigma", ("sigma=1", "sgima=2"), r"no \$sgima in this chain; did you mean 'sigma'"),
        ("blur", ("sigma",), "--set takes name=value"),
        ("blur|" * 200 + "blur", (), "201 steps are more than"),
    ],
)
def test_wrong_text(text, given_values, message):
    refused(OptionError, message, load_steps, text, given_values)


def test_wrong_files(tmp_path):
    path = tmp_path / "look.txt"
    path.write_text("| blur --sigma 2 |\n| edges\n")
    assert load_steps(str(path)) == [["blur", "--sigma", "2"], ["edges"]]
    refused(FileError, r"lok\.txt: no such file; did you mean 'look\.txt'", load_steps, str(tmp_path / "lok.txt"))
    refused(FileError, r"steps\.txt: no such file", load_steps, "steps.txt")
    path.write_text("blur --sigma 2\nedges || box\n")
    refused(OptionError, r"look.txt:2: an empty step", load_steps, str(path))
    path.write_bytes(b"\xff\xfe\x00")
    refused(FileError, "this is no text", load_steps, str(path))
    path.write_text("x" * 200_000)
    refused(FileError, "longer than", load_steps, str(path))

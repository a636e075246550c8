"""Networks that others trained, at work on pictures: chess pieces by chess-cv's net, a face by MTCNN's first one.

Of the packages that their weights come in, nothing is imported; how to install them: CONTRIBUTING.md.
"""

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import imconv
from imconv.net import load
from imconv.net.preprocessing import prepare
from imconv.net.scores import top

HERE = Path(__file__).parent
LIKE_TORCH = 1e-4  # of the largest output
# bishop, king, knight, pawn, queen, rook; nothing
PIECES = ["bB", "bK", "bN", "bP", "bQ", "bR", "wB", "wK", "wN", "wP", "wQ", "wR", "--"]
SQUARE = 64  # pixels
START = """\
bR bN bB bQ bK bB bN bR
bP bP bP bP bP bP bP bP
-- -- -- -- -- -- -- --
-- -- -- -- -- -- -- --
-- -- -- -- -- -- -- --
-- -- -- -- -- -- -- --
wP wP wP wP wP wP wP wP
wR wN wB wQ wK wB wN wR"""
ASTRONAUT = HERE.parents[1] / "examples" / "astronaut.png"
FACE = (60, 190), (170, 280)  # rows and columns from the hair to the chin, ear to ear
FACE_SIZES = 40 * 2 ** (np.arange(7) / 2)  # sides of faces looked for, in pixels of the picture


def packaged(package: str, path: str) -> Path:
    """A file that comes with a package; the test is skipped where that is not installed."""
    found, name = find_spec(package), package.replace("_", "-")
    if found is None:
        pytest.skip(f"pip install --no-deps --ignore-requires-python {name}")
    return Path(found.origin).parent / path


def test_every_piece_of_a_drawn_board(monkeypatch):
    # it asks a module for its drawings that newer setuptools don't have, and finds them without
    monkeypatch.setitem(sys.modules, "pkg_resources", ModuleType("pkg_resources"))
    drawing = pytest.importorskip("chessboard_image")
    weights = packaged("chess_cv", "weights/pieces.safetensors")
    network = load(HERE / "pieces.toml")
    position = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
    board = np.asarray(drawing.generate_pil(position, size=8 * SQUARE).convert("RGB"))
    rows = []
    for y in range(0, 8 * SQUARE, SQUARE):
        rows.append([])
        for x in range(0, 8 * SQUARE, SQUARE):
            *_, output = network.run(board[y : y + SQUARE, x : x + SQUARE], weights).values()
            rows[-1].append(top(network, output, 1, PIECES)[0].label)
    assert "\n".join(map(" ".join, rows)) == START


@pytest.fixture(scope="module")
def pnet(tmp_path_factory):
    """Its weights, converted, and torch's own layers with them."""
    torch = pytest.importorskip("torch")
    kept = torch.load(packaged("facenet_pytorch", "data/pnet.pt"), weights_only=True)
    path = tmp_path_factory.mktemp("pnet") / "pnet.npz"
    np.savez(path, **{key: values.numpy() for key, values in kept.items()})
    layers = {
        "conv1": torch.nn.Conv2d(3, 10, 3), "prelu1": torch.nn.PReLU(10), "pool1": torch.nn.MaxPool2d(2, ceil_mode=True),
        "conv2": torch.nn.Conv2d(10, 16, 3), "prelu2": torch.nn.PReLU(16),
        "conv3": torch.nn.Conv2d(16, 32, 3), "prelu3": torch.nn.PReLU(32),
        "conv4_1": torch.nn.Conv2d(32, 2, 1), "softmax": torch.nn.Softmax(1),
    }  # fmt: skip
    model = torch.nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    model.load_state_dict({key: values for key, values in kept.items() if not key.startswith("conv4_2.")})
    return path, lambda samples: model(torch.from_numpy(samples).permute(2, 0, 1)[None]).detach()[0].permute(1, 2, 0)


def resized(network, side: int):
    """The network, which first makes a picture's shorter side so long."""
    return replace(network, preprocess=replace(network.preprocess, resize=(side,)))


def test_a_face_as_a_map_of_the_whole_picture(pnet):
    """The most probable face of all sizes lies on the astronaut's, and is about as large; every map is torch's."""
    path, by_torch = pnet
    network, picture = load(HERE / "pnet.toml"), imconv.read(ASTRONAUT)
    field = network.receptive_field("conv4_1")
    faces = []
    for size in (12, *FACE_SIZES):  # 12: the picture is not resized
        scaled = resized(network, round(512 * 12 / size))
        *_, output = scaled.run(picture, path).values()
        expected = by_torch(prepare(scaled, picture).samples.copy()).numpy()
        assert np.abs(output - expected).max() <= LIKE_TORCH * expected.max()
        at = np.unravel_index(output[..., 1].argmax(), output.shape[:2])
        middle = [(one.start + i * one.jump) * size / 12 for one, i in zip(field, at, strict=True)]
        if size > 12:
            faces.append((output[(*at, 1)], size, middle))
    probability, size, middle = max(faces)
    assert probability > 0.99
    assert all(begin < place < end for place, (begin, end) in zip(middle, FACE, strict=True))
    assert 0.5 < size / (FACE[0][1] - FACE[0][0]) < 1.5

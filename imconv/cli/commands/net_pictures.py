"""`imconv net run`, `maps` and `trace`: networks run on pictures."""

from __future__ import annotations

import os
from math import prod
from typing import TYPE_CHECKING

import click

from ...units import human_bytes
from .. import interrupt
from ..checked import checked_limits, checked_threads, whole
from ..compiling import watch
from ..options import RUNNING, command, flag, limit_options, no_clobber_option, setting, together
from ..places import input_place, read_picture, teller, write_picture
from ..progress import Progress
from ..saying import report, say
from .layer import SCALES, map_names

if TYPE_CHECKING:
    import numpy as np

    from ...files.picture import Picture

MOST = 10**7
MOST_ZOOM = 1 << 10

_ARGUMENTS = together(click.argument("network"), click.argument("image", type=click.Path(allow_dash=True)))
_SHARED = together(
    limit_options,
    flag("-q --quiet", "No notes and no progress.", RUNNING),
    flag("-v --verbose", "Print how the picture is prepared: resized, cropped, scaled.", RUNNING),
    flag("--json json_", "As JSON.", RUNNING),
)
_WEIGHTS = setting("-w --weights", "W", "A .safetensors or .npz file with torchvision's names. [default: the weights that come with imconv, as for lenet5]")  # fmt: skip
_INVERT = flag("--invert", "Exchange black and white first, as for a black digit on white paper.")
_LABELS = setting("--labels", "FILE", "Names of the classes, one on each line.")


class _Job:
    """A network, its weights, and a picture ready to go in."""

    def __init__(self, network: str, image: str, weights: str | None, invert: bool, shared: dict):
        from ...errors import FileError, LimitError, OptionError
        from ...files.limits import memory_limit
        from ...net import load
        from ...net.loaded_weights import Weights, advice
        from ...net.preprocessing import prepare

        self.network = load(network)
        weights = self.network.shipped if weights is None else weights
        if weights is None:
            raise OptionError(advice(self.network))
        self.threads = checked_threads(shared["threads"])
        self.quiet, self.tell = shared["quiet"], teller(shared["quiet"])
        limits = checked_limits(shared["max_pixels"], shared["max_memory"], shared["truncated"])
        limits["max_memory"] = memory_limit(limits["max_memory"])
        place, name = input_place(image, "an IMAGE")
        self.weights = Weights(self.network, weights)
        watch(self.quiet)
        self.picture = read_picture(place, name, self.quiet, auto_orient=True, **limits).in_full_range()
        try:
            self.prepared = prepare(self.network, self.picture, invert=invert)
            self.placed = {one.layer.name: one for one in self.network.resolve(self.prepared.samples.shape)}
        except OptionError as error:
            raise FileError(f"{name}: {error}") from None
        summary = self.network.summary(self.prepared.samples.shape)
        needed = 4 * (summary.parameters + summary.fixed) + 2 * summary.largest_bytes + self.weights.bytes_beside
        self.max_memory = limits["max_memory"]
        if needed > self.max_memory:
            raise LimitError(
                f"{self.network.name} needs {human_bytes(needed)} of memory for {name}, more than the "
                f"{human_bytes(self.max_memory)} allowed; raise the limit with --max-memory"
            )
        if shared["verbose"]:
            for step in self.prepared.steps:
                say(step, self.quiet)
            say("network input: " + " x ".join(map(str, self.prepared.samples.shape)), self.quiet)
        for note in self.prepared.notes:
            self.tell(f"{name}: {note}")

    def check_zoom(self, name: str, shape, zoom: int | None) -> None:
        """Refuse a zoom at which the sheet of a layer needs more memory than allowed."""
        from ...errors import LimitError

        needed = 6 * prod(shape) * (zoom or 0) ** 2  # the maps in three colours, and the sheet
        if needed > self.max_memory:
            raise LimitError(
                f"--zoom {zoom}: the maps of {name} need {human_bytes(needed)} of memory, more than the "
                f"{human_bytes(self.max_memory)} allowed; take a smaller zoom or raise the limit with --max-memory"
            )

    def facts(self) -> dict:
        """The beginning of every report."""
        return {
            "network": self.network.name,
            "input": list(self.prepared.samples.shape),
            "preprocessing": list(self.prepared.steps),
        }

    def run(self, layers=()) -> dict:
        """The outputs of layers and of the network."""
        from ...net.forward import Forward

        with Progress(self.quiet) as progress:
            return Forward(self.network, self.weights, layers, self.threads).run(self.prepared.samples, progress)


@command(
    "run",
    "imconv net run mobilenet-v3-small in.jpg -w w.safetensors --labels names.txt",
    "imconv net run lenet5 in.png --invert --top 3",
    "imconv net run my.toml photo.png --weights w.npz --json",
)
@_ARGUMENTS
@_WEIGHTS
@setting("--top count", "N", "How many classes to print.", default="5")
@_LABELS
@_INVERT
@_SHARED
def run(network, image, weights, count, labels, invert, json_, **shared):
    """Print the most probable classes of a picture.

    NETWORK is a name (imconv net list) or a .toml file. IMAGE is resized and scaled as NETWORK declares; a note says
    where it is not what NETWORK expects. Probabilities are the softmax of the network's output, unless its last layer is
    a softmax. If its outputs are distances, these are printed, too: the smallest is the most probable class. If its
    output is a map, each class is printed with its most probable position.
    """
    from ...net.scores import read_labels, top

    count = whole(count, "--top", 1, MOST)
    names = None if labels is None else read_labels(labels)
    job = _Job(network, image, weights, invert, shared)
    *_, output = job.run().values()
    found = top(job.network, output, count, names)
    if json_:
        report({**job.facts(), "top": [score.as_dict() for score in found]})
        return
    for score in found:
        click.echo(score)


@command(
    "maps",
    "imconv net maps my.toml photo.jpg -w w.npz --layers conv1 --output-dir seen",
    "imconv net maps my.toml in.jpg -w w.npz --layers conv1 --zoom 4 --output-dir s",
    "imconv net maps my.toml photo.jpg -w w.npz --occlusion top --output-dir seen",
)
@_ARGUMENTS
@_WEIGHTS
@setting("--layers", "L[,L]", "Layers whose maps to write; imconv net summary lists the layers.")
@setting("--output-dir", "DIR", "Folder to write to; it is created.", required=True)
@setting("--scale", "|".join(SCALES), "Stretch the contrast of each map by itself, or of all maps of a layer together. If a layer has negative values: white is 0, red positive, blue negative.", default="each")  # fmt: skip
@setting("--zoom", "N", "Show every sample as N x N pixels. [default: maps get at least 64 rows and columns, sheets a width of at least 800]")  # fmt: skip
@setting("--occlusion", "CLASS|top", "Also cover the input part by part with a grey square, and show how much the probability of a class drops: a number, a label, or the most probable one.")  # fmt: skip
@setting("--square", "N", "Side of the grey square, in pixels of the network's input. [default: a sixth of the input]")
@_LABELS
@_INVERT
@no_clobber_option
@_SHARED
def maps(
    network,
    image,
    weights,
    layers,
    output_dir,
    scale,
    zoom,
    occlusion,
    square,
    labels,
    invert,
    no_clobber,
    json_,
    **shared,
):
    """Write the maps of a network's layers as pictures.

    NETWORK and IMAGE are as for imconv net run. For each layer, DIR/LAYER contains map-000.png and so on, sheet.png with
    all maps, and strongest.png: the part of IMAGE in the receptive field of the layer's largest output. With --occlusion,
    DIR/occlusion.png shows the network's input, a map of where the square lowers the probability (red) or raises it
    (blue), and the input again, bright where the square lowers it.
    """
    from ...errors import OptionError
    from ...net import maps as maps_
    from ...net.scores import read_labels
    from ...sheet import contact_sheet

    if layers is None and occlusion is None:
        raise OptionError("nothing to show: give --layers L[,L], --occlusion CLASS|top or both")
    if scale not in SCALES:
        raise OptionError(f"--scale must be one of {', '.join(SCALES)}, not {scale!r}")
    if square is not None and occlusion is None:
        raise OptionError("--square needs --occlusion")
    side = None if square is None else whole(square, "--square", 1, MOST)
    times = None if zoom is None else whole(zoom, "--zoom", 1, MOST_ZOOM)
    names = None if labels is None else read_labels(labels)
    job = _Job(network, image, weights, invert, shared)
    chosen = [] if layers is None else maps_.check(job.placed, job.network, layers.split(","))
    for name in chosen:
        job.check_zoom(name, job.placed[name].shape, times)
    if occlusion is not None:
        job.check_zoom("the occlusion map", (*job.prepared.samples.shape[:2], 3), times)
    facts = {**job.facts(), "layers": []}
    save = _Saver(output_dir, no_clobber, job.quiet)
    outputs = job.run(chosen)
    for name in chosen:
        values = outputs[name]
        found = maps_.strongest(job.placed[name], values, job.prepared.samples.shape)
        shown = maps_.pictures(values, scale, 1)
        for one, file in zip(shown, map_names(len(shown)), strict=True):
            save(maps_.enlarged(one, times or maps_.zoom_for(values.shape)), name, file)
        larger = times or maps_.zoom_for_sheet(len(shown), values.shape)
        save(contact_sheet([maps_.enlarged(one, larger) for one in shown]), name, "sheet.png")
        part = job.prepared.region(found.field, job.picture.pixels.shape)
        save(job.picture.replace(pixels=_eight_bits(job.picture.pixels[part])), name, "strongest.png")
        shape = list(values.shape)
        facts["layers"].append({"name": name, "output_shape": shape, "maps": len(shown), "strongest": found.as_dict()})
        if not json_:
            click.echo(f"{name}: {len(shown)} maps of {shape[0]} x {shape[1]}; largest output {found}")
    if occlusion is not None:
        facts["occlusion"] = _occlude(job, occlusion, side, times, names, save)
        if not json_:
            click.echo(_occlusion_text(facts["occlusion"], names))
    if json_:
        report(facts)


def _occlude(job: _Job, word: str, side: int | None, zoom: int | None, names, save) -> dict:
    from ...net.forward import Forward
    from ...net.occlusion import drawn, occlude
    from ...net.scores import class_number

    last = job.placed[job.network.layers[-1].name].shape[-1]
    number = None if word.lower() == "top" else class_number(word, last, names)
    with Progress(job.quiet) as progress:
        forward = Forward(job.network, job.weights, threads=job.threads)
        found = occlude(forward, job.prepared, number, square=side, progress=progress)
    save(drawn(found, job.prepared, zoom), "occlusion.png")
    return found.as_dict()


def _occlusion_text(found: dict, names) -> str:
    number = found["class"]
    called = f" ({names[number]})" if names and number < len(names) else ""
    row, column = found["at"]
    return (
        f"class {number}{called}: {100 * found['probability']:.4f} %; a square of {found['square']} pixels at row {row}, column "
        f"{column} of the input lowers that by {100 * found['largest_drop']:.4g} %"
    )


@command(
    "trace",
    "imconv net trace my.toml photo.jpg -w w.npz --layer conv1 --at 5,6,0",
    "imconv net trace my.toml photo.jpg -w w.npz --layer conv1 --pixel 6,5,0",
    "imconv net trace my.toml in.jpg -w w.npz --layer relu1 --at 0,0,3 --json",
)
@_ARGUMENTS
@_WEIGHTS
@setting("--layer", "L", "The layer; imconv net summary lists the layers.", required=True)
@setting("--at", "Y,X,C", "Row, column and channel of the layer's output, counted from 0; for a vector one number.")
@setting("--pixel", "X,Y[,C]", "The same with the column first, as for imconv trace; C may be left out if there is one channel.")  # fmt: skip
@_INVERT
@_SHARED
def trace(network, image, weights, layer, at, pixel, invert, json_, **shared):
    """Show how one output of a layer is computed.

    Window, weights, products, bias and activation. NETWORK and IMAGE are as for imconv net run. Weights are shown as they are multiplied: correlated, not convolved. If
    there are many channels, only those with the largest sums are shown; --json has all. The normalisation and activation
    behind the layer are included.
    """
    from ...errors import OptionError
    from ...net.tracing import trace

    if (at is None) == (pixel is None):
        raise OptionError("give the position by --at ROW,COLUMN,CHANNEL or by --pixel X,Y,CHANNEL")
    numbers = _numbers(at, "--at", "row, column and channel such as 10,20,3, or one number", (1, 2, 3))
    across = _numbers(pixel, "--pixel", "column, row and channel such as 20,10,3", (2, 3))
    job = _Job(network, image, weights, invert, shared)
    place = numbers or _of_pixel(across, layer, job.placed[job.network.layer(layer).name].shape)
    found = trace(job.network, job.weights, job.prepared.samples, layer, place, job.threads)
    if json_:
        report({**job.facts(), **found.as_dict()})
    else:
        click.echo(str(found))


def _numbers(text: str | None, option: str, form: str, lengths: tuple[int, ...]) -> tuple[int, ...]:
    """Whole numbers with commas between them; none if the option isn't given."""
    from ...errors import OptionError

    parts = [] if text is None else text.split(",")
    right = all(part.strip().isascii() and part.strip().isdigit() and len(part) < 10 for part in parts)
    if text is not None and (not right or len(parts) not in lengths):
        raise OptionError(f"{option} must be {form}, counted from 0, not {text!r}")
    return tuple(map(int, parts))


def _of_pixel(pixel: tuple[int, ...], layer: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The position (row, column, channel) of (x, y) or (x, y, channel) in the maps of a layer."""
    from ...errors import OptionError

    if len(shape) != 3:
        raise OptionError(f"--pixel: {layer} has no maps but {shape[0]} numbers; give one by --at N")
    rows, columns, channels = shape
    if len(pixel) == 2 and channels > 1:
        raise OptionError(f"--pixel: {layer} has {channels} channels; write X,Y,CHANNEL")
    x, y, channel = (*pixel, 0)[:3]
    if x >= columns or y >= rows or channel >= channels:
        raise OptionError(
            f"--pixel {','.join(map(str, pixel))}: {layer} has x from 0 to {columns - 1}, y from 0 to {rows - 1} and channels "
            f"from 0 to {channels - 1}"
        )
    return y, x, channel


class _Saver:
    """Writes pictures into a folder and its subfolders, which it creates."""

    def __init__(self, folder: str, no_clobber: bool, quiet: bool):
        self.folder, self.no_clobber, self.quiet = folder, no_clobber, quiet

    def __call__(self, picture: Picture | np.ndarray, *place: str) -> None:
        from ...errors import FileError

        interrupt.check()
        path = os.path.join(self.folder, *place)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise FileError(f"{os.path.dirname(path)}: {error.strerror or error}") from None
        write_picture(path, picture, self.no_clobber, self.quiet)


def _eight_bits(pixels):
    """Floats and 32-bit integers, which PNG can't hold, as bytes; others as they are."""
    import numpy as np

    from ...pixels.depth import white

    if pixels.dtype.kind == "f" or pixels.dtype.itemsize > 2:
        share = np.nan_to_num(pixels * (255 / white(pixels.dtype)))
        return np.floor(np.clip(share, 0, 255) + 0.5).astype(np.uint8)
    return pixels

"""`imconv net run`, `maps` and `trace`: what a network makes of a picture."""

from __future__ import annotations

import os
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


_ARGUMENTS = together(click.argument("network"), click.argument("image", type=click.Path(allow_dash=True)))
_SHARED = together(
    limit_options,
    flag("-q --quiet", "No notes and no progress.", RUNNING),
    flag("-v --verbose", "Tell what is done to the picture before it goes in.", RUNNING),
    flag("--json json_", "As JSON.", RUNNING),
)
_WEIGHTS = setting("-w --weights", "W", "A .safetensors or .npz file, its keys as torchvision's. [default: for lenet5 those that come with imconv]")  # fmt: skip
_LABELS = setting("--labels", "FILE", "The classes' names, one in each line.")


class _Job:
    """A network, its weights, and a picture ready to go in."""

    def __init__(self, network: str, image: str, weights: str | None, shared: dict):
        from ...errors import FileError, LimitError, OptionError
        from ...files.limits import memory_limit
        from ...net import load, shipped_weights
        from ...net.loaded_weights import Weights, advice
        from ...net.preprocessing import prepare

        self.network = load(network)
        weights = shipped_weights(network) if weights is None else weights
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
            self.prepared = prepare(self.network, self.picture)
            self.placed = {one.layer.name: one for one in self.network.resolve(self.prepared.samples.shape)}
        except OptionError as error:
            raise FileError(f"{name}: {error}") from None
        summary = self.network.summary(self.prepared.samples.shape)
        needed = 4 * (summary.parameters + summary.fixed) + 2 * summary.largest_bytes + self.weights.bytes_beside
        if needed > limits["max_memory"]:
            raise LimitError(
                f"{self.network.name} needs {human_bytes(needed)} of memory for {name}, more than the "
                f"{human_bytes(limits['max_memory'])} allowed; raise the limit with --max-memory"
            )
        if shared["verbose"]:
            for step in self.prepared.steps:
                say(step, self.quiet)
            say("in go " + " x ".join(map(str, self.prepared.samples.shape)), self.quiet)

    def facts(self) -> dict:
        """What every report begins with."""
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
    "imconv net run lenet5 in.png --top 3",
    "imconv net run my.toml photo.png --weights w.npz --json",
)
@_ARGUMENTS
@_WEIGHTS
@setting("--top count", "N", "How many classes.", default="5")
@_LABELS
@_SHARED
def run(network, image, weights, count, labels, json_, **shared):
    """Tell which classes a network finds in a picture.

    NETWORK is a name (imconv net list) or a file of your own; done to IMAGE is what it declares. Probabilities are the
    softmax of its output, unless it ends with one itself; where its output is a map, each class is told where it is most
    probable.
    """
    from ...net.scores import read_labels, top

    count = whole(count, "--top", 1, MOST)
    names = None if labels is None else read_labels(labels)
    job = _Job(network, image, weights, shared)
    *_, output = job.run().values()
    found = top(job.network, output, count, names)
    if json_:
        report({**job.facts(), "top": [score.as_dict() for score in found]})
        return
    for score in found:
        place = "" if score.at is None else f"  at {score.at[0]},{score.at[1]}"
        click.echo(f"{100 * score.probability:8.4f} %  {score.number:>5}  {score.label}{place}".rstrip())


@command(
    "maps",
    "imconv net maps my.toml photo.jpg -w w.npz --layers conv1 --output-dir seen",
    "imconv net maps my.toml photo.jpg -w w.npz --occlusion top --output-dir seen",
)
@_ARGUMENTS
@_WEIGHTS
@setting("--layers", "L[,L]", "Layers whose maps are wanted; imconv net summary lists them.")
@setting("--output-dir", "DIR", "Where to; the folder is made.", required=True)
@setting("--scale", "|".join(SCALES), "Stretch each map for itself, or a layer's together, to be seen; where any is negative, blue is negative, white 0, red positive.", default="each")  # fmt: skip
@setting("--occlusion", "CLASS|top", "Also cover part after part by a grey square, and show what that does to a class (a number or a label) or to the most probable one.")  # fmt: skip
@setting("--square", "N", "Side of that square in the network's input. [default: a sixth]")
@_LABELS
@no_clobber_option
@_SHARED
def maps(network, image, weights, layers, output_dir, scale, occlusion, square, labels, no_clobber, json_, **shared):
    """Show what layers make of a picture: their maps, and what excited them most.

    For each layer DIR/LAYER gets map-000.png and so on, sheet.png with all of them, and strongest.png, the part of the
    picture that the unit with the largest output sees. DIR/occlusion.png is the network's input, a map (red: the class
    needs it; blue: it speaks against it), and the input lit by what the class needs.
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
        raise OptionError("--square goes with --occlusion")
    side = None if square is None else whole(square, "--square", 1, MOST)
    names = None if labels is None else read_labels(labels)
    job = _Job(network, image, weights, shared)
    chosen = [] if layers is None else maps_.check(job.placed, job.network, layers.split(","))
    facts = {**job.facts(), "layers": []}
    save = _Saver(output_dir, no_clobber, job.quiet)
    outputs = job.run(chosen)
    for name in chosen:
        values = outputs[name]
        found = maps_.strongest(job.placed[name], values, job.prepared.samples.shape)
        shown = maps_.pictures(values, scale)
        for one, file in zip(shown, map_names(len(shown)), strict=True):
            save(one, name, file)
        save(contact_sheet(shown), name, "sheet.png")
        part = job.prepared.region(found.field, job.picture.pixels.shape)
        save(job.picture.replace(pixels=_eight_bits(job.picture.pixels[part])), name, "strongest.png")
        shape = list(values.shape)
        facts["layers"].append({"name": name, "output_shape": shape, "maps": len(shown), "strongest": found.as_dict()})
        if not json_:
            click.echo(f"{name}: {len(shown)} maps of {shape[0]} x {shape[1]}; strongest {found}")
    if occlusion is not None:
        facts["occlusion"] = _occlude(job, occlusion, side, names, save)
        if not json_:
            click.echo(_occlusion_text(facts["occlusion"], names))
    if json_:
        report(facts)


def _occlude(job: _Job, word: str, side: int | None, names, save) -> dict:
    from ...net.forward import Forward
    from ...net.occlusion import drawn, occlude
    from ...net.scores import class_number

    last = job.placed[job.network.layers[-1].name].shape[-1]
    number = None if word.lower() == "top" else class_number(word, last, names)
    with Progress(job.quiet) as progress:
        forward = Forward(job.network, job.weights, threads=job.threads)
        found = occlude(forward, job.prepared, number, square=side, progress=progress)
    save(drawn(found, job.prepared), "occlusion.png")
    return found.as_dict()


def _occlusion_text(found: dict, names) -> str:
    number = found["class"]
    called = f" ({names[number]})" if names and number < len(names) else ""
    row, column = found["at"]
    return (
        f"class {number}{called}: {100 * found['probability']:.4f} %; a square of {found['square']} at {row},{column} of the "
        f"input takes {100 * found['largest_drop']:.4g} % of it away"
    )


@command(
    "trace",
    "imconv net trace my.toml photo.jpg -w w.npz --layer conv1 --at 5,5,0",
    "imconv net trace my.toml in.jpg -w w.npz --layer relu1 --at 0,0,3 --json",
)
@_ARGUMENTS
@_WEIGHTS
@setting("--layer", "L", "Which layer; imconv net summary lists them.", required=True)
@setting("--at", "Y,X,C", "Row, column and channel of its output, from 0; of a vector one number.", required=True)
@_SHARED
def trace(network, image, weights, layer, at, json_, **shared):
    """Show how one output sample of a layer is computed: window, weights, products, bias, activation.

    Windows and weights lie as they are multiplied. Where there are many channels, those that count most are shown; all
    are in the JSON. Normalisation and activation that come behind the layer are followed.
    """
    from ...errors import OptionError
    from ...net.tracing import trace

    parts = at.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and len(part) < 10 for part in parts):
        raise OptionError(f"--at must be row, column and channel such as 10,20,3, or one number, not {at!r}")
    job = _Job(network, image, weights, shared)
    found = trace(job.network, job.weights, job.prepared.samples, layer, tuple(map(int, parts)), job.threads)
    if json_:
        report({**job.facts(), **found.as_dict()})
    else:
        click.echo(str(found))


class _Saver:
    """Writes pictures into a folder and folders in it, which are made."""

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
    """Floats and 32-bit integers, which PNG does not hold, as bytes; others as they are."""
    import numpy as np

    from ...pixels.depth import white

    if pixels.dtype.kind == "f" or pixels.dtype.itemsize > 2:
        share = np.nan_to_num(pixels * (255 / white(pixels.dtype)))
        return np.floor(np.clip(share, 0, 255) + 0.5).astype(np.uint8)
    return pixels

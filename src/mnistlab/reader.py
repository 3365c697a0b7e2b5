"""Reader: pictures of handwriting in, digits with calibrated probabilities out. Needs no torch.

page = Reader().read("photo.jpg")
page.text                       # line by line, "?" for what is no digit that it can be sure of
page.lines[0].digits[0].value   # and .probability, .box, .accepted, .image
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.arguments import number, whole_number
from mnistlab.decoding import Source, decode
from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import UserError
from mnistlab.layout import lines_of, typical_height
from mnistlab.wording import counted, rounded

if TYPE_CHECKING:
    from mnistlab.ink import Ink, Piece

__all__ = ["Digit", "Line", "Page", "Reader"]

BUNDLED = Path(__file__).with_name("bundled") / "reader" / "reader.onnx"
BATCH = 256
"""Images a call of the network: what fits the caches of a core is fastest."""
MOST_TRIES = 600
"""Ways to join or cut pieces that are tried at a time: a page full of specks has no end of them."""
MOST_THREADS = 1024
UNKNOWN = "?"
GAP = 1.1
"""A space is read where the gap between two digits is over so many digits' heights, and wide for its line."""


@dataclass(frozen=True)
class Digit:
    """One digit on a page."""

    value: int | str
    """The digit; of a model of other classes, the class's name."""
    probability: float
    """That it is this one, calibrated, 0 to 1."""
    box: tuple[int, int, int, int]
    """x, y, width, height of its ink in the upright picture, in pixels from its top left corner."""
    accepted: bool
    """Whether the probability reaches the reader's threshold."""
    image: NDArray[np.uint8] = field(repr=False, compare=False)
    """(28, 28), ink 255 on 0: what the network saw."""
    probabilities: NDArray[np.float32] = field(repr=False, compare=False)
    """(classes,): of each class."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {
            "value": self.value,
            "probability": rounded(self.probability, 4),
            "box": list(self.box),
            "accepted": self.accepted,
        }


@dataclass(frozen=True)
class Line:
    """Digits that stand beside each other, from left to right."""

    digits: tuple[Digit, ...]

    @property
    def text(self) -> str:
        """The digits, "?" for those not accepted, a space where a wide gap is."""
        if not self.digits:
            return ""
        shown = [str(digit.value) if digit.accepted else UNKNOWN for digit in self.digits]
        gaps = [
            later.box[0] - (one.box[0] + one.box[2]) for one, later in zip(self.digits, self.digits[1:], strict=False)
        ]
        if not gaps:
            return shown[0]
        height = float(np.median([digit.box[3] for digit in self.digits]))
        wide = max(GAP * height, 2.2 * max(float(np.median(gaps)), 0.0))
        return shown[0] + "".join((" " if gap > wide else "") + one for gap, one in zip(gaps, shown[1:], strict=True))


@dataclass(frozen=True)
class Page:
    """What was read from a picture."""

    lines: tuple[Line, ...]
    size: tuple[int, int]
    """Width and height of the upright picture, in pixels."""

    @property
    def text(self) -> str:
        """The lines' texts, one under the other; empty where no digit was found."""
        return "\n".join(line.text for line in self.lines)

    @property
    def digits(self) -> list[Digit]:
        """All digits in reading order."""
        return [digit for line in self.lines for digit in line.digits]

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return {
            "text": self.text,
            "lines": [{"digits": [digit.to_dict() for digit in line.digits]} for line in self.lines],
        }


class Reader:
    """Reads digits with an ONNX model: the one that comes with mnistlab, or `model`, a file that `mnistlab export` made.

    `threshold` is the probability from which a digit is accepted; without it, the one that was chosen on validation images
    when the model was exported. `threads` are the processor threads of one call, 1 to 1,024, all cores if None. A reader can be
    pickled and copied; the model goes with it.

    Raises `UserError` for a model that is not one of ours, or a number out of range.
    """

    def __init__(
        self, model: str | Path | None = None, *, threshold: float | None = None, threads: int | None = None
    ) -> None:
        if threshold is not None:
            threshold = number(threshold, "The threshold", 0, 1, "Choose 0 to 1, such as 0.9.", "is not a probability")
        self.path = Path(model) if model is not None else BUNDLED
        self.threads = None if threads is None else whole_number(threads, "Number of threads", 1, MOST_THREADS)
        self.content = read_model(self.path)
        self.session = session_of(self.content, self.path, self.threads)
        try:
            self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
            self.classes = classes_of(self.session, self.metadata, self.path)
            self.input = self.session.get_inputs()[0].name
        except UnicodeDecodeError:  # the runtime takes any bytes for a name
            raise UserError(
                f"{self.path} is damaged: its names are not text.", "Make it: mnistlab export RUN"
            ) from None
        self.threshold = threshold if threshold is not None else float(self.metadata.get("threshold", 0.5))

    def __getstate__(self) -> dict[str, Any]:
        """All but ONNX Runtime's session, which is made anew: so a reader can be copied, and sent to other processes."""
        return {**vars(self), "session": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.session = session_of(self.content, self.path, self.threads)

    @cached_property
    def values(self) -> list[int | str]:
        """Of each class: the digit, or the class's name."""
        return [int(name) if name.isdecimal() else name for name in self.classes]

    def classify(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Each image's class number, int64 (N,), and the probabilities of all, float32 (N, classes).

        Images are uint8 (N, 28, 28) as MNIST's are: ink 255 on 0, centred. Raises `UserError` for another shape or dtype.
        """
        array = np.asarray(images)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[1:] != (28, 28):
            raise UserError(
                f"classify takes uint8 (N, 28, 28), and this is {array.dtype} {array.shape}.",
                "For pictures of another kind there is read().",
            )
        batches = [
            self.session.run(None, {self.input: np.ascontiguousarray(array[i : i + BATCH, None])})[0]
            for i in range(0, len(array), BATCH)
        ]
        empty = np.zeros((0, len(self.classes)), np.float32)
        probabilities: NDArray[np.float32] = np.concatenate([empty, *batches])
        return probabilities.argmax(1), probabilities

    def read(self, source: Source, *, check: Callable[[], None] = lambda: None) -> Page:
        """The digits of a picture: a path, a file's bytes, a Pillow image or an array (see `decoding.decode`).

        `check` is called between the steps; what it raises ends the reading (so a server stops for a client that has left).

        Raises `UserError` for what is no picture or a broken one; a picture without digits gives a page without lines.
        """
        from mnistlab import ink

        picture = decode(source)
        size = (picture.shape[1], picture.shape[0])
        check()
        found = ink.find_ink(picture)
        check()
        pieces = ink.find_pieces(found)
        if not pieces:
            return Page((), size)
        check()
        chosen = self.assemble(pieces, found, check)
        boxes = [(unit.piece.x, unit.piece.y, unit.piece.width, unit.piece.height) for unit in chosen]
        lines = [Line(tuple(self.digit(chosen[n], found, size) for n in numbers)) for numbers in lines_of(boxes)]
        return Page(tuple(lines), size)

    def digit(self, unit: Unit, found: Ink, size: tuple[int, int]) -> Digit:
        """What `read` tells of one digit."""
        number = int(unit.probabilities.argmax())
        probability = float(unit.probabilities[number])
        return Digit(
            value=self.values[number],
            probability=probability,
            box=found.box_of(unit.piece, size),
            accepted=probability >= self.threshold,
            image=unit.image,
            probabilities=unit.probabilities,
        )

    # --- which strokes are one digit: the network is asked what they look like together and apart ---

    def look(self, pieces: Sequence[Piece]) -> list[Unit]:
        """What the network sees in each piece."""
        from mnistlab.ink import normalise

        if not pieces:
            return []
        images = np.stack([normalise(piece) for piece in pieces])
        return [Unit(*parts) for parts in zip(pieces, images, self.classify(images)[1], strict=True)]

    def assemble(self, pieces: list[Piece], found: Ink, check: Callable[[], None]) -> list[Unit]:
        """The pieces as digits: parts put together, touching ones cut, what is too small left out."""
        units = self.look(pieces)
        if found.whole:
            return units
        for _ in range(3):
            check()
            size = typical_height([(p.x, p.y, p.width, p.height) for p in (u.piece for u in units)])
            joined = self.join_parts(units, size)
            if len(joined) == len(units):
                break
            units = joined
        size = typical_height([(p.x, p.y, p.width, p.height) for p in (u.piece for u in units)])
        units = [u for u in units if u.piece.height >= 0.38 * size or u.piece.width >= 0.8 * size]
        for _ in range(3):
            check()
            cut = self.cut_touching(units, size)
            if len(cut) == len(units):
                break
            units = cut
        return [u for u in units if u.piece.height >= 0.38 * size]

    def join_parts(self, units: list[Unit], size: float) -> list[Unit]:
        """Once through all neighbours that may be parts of one digit."""
        from mnistlab.ink import join

        pairs = neighbours([unit.piece for unit in units], size)
        unions = self.look([join(units[a].piece, units[b].piece) for a, b in pairs])
        gains = []
        for k, ((a, b), union) in enumerate(zip(pairs, unions, strict=True)):
            gains.append(union.sure - min(self.sureness(units[a], size), self.sureness(units[b], size)))
            if inside(units[a].piece, units[b].piece):  # a part of it, or a speck
                larger = max(units[a], units[b], key=lambda unit: unit.piece.width * unit.piece.height)
                gains[k] = 1 + union.sure
                unions[k] = union if union.sure >= 0.8 * larger.sure else larger
        gone: set[int] = set()
        new = []
        for n in np.argsort(gains)[::-1]:
            a, b = pairs[n]
            if gains[n] > 0 and unions[n].sure > 0.5 and not {a, b} & gone:
                gone |= {a, b}
                new.append(unions[n])
        return [unit for n, unit in enumerate(units) if n not in gone] + new

    def sureness(self, unit: Unit, size: float) -> float:
        """How much it looks like a digit by itself; what is much smaller than the others hardly does."""
        small = max(unit.piece.height, 0.6 * unit.piece.width) / size
        return unit.sure * min(1.0, max(0.0, small / 0.6 - 0.3))

    def cut_touching(self, units: list[Unit], size: float) -> list[Unit]:
        """Once through all that are wide enough to be two: cut where both halves look more like digits than the whole."""
        from mnistlab.ink import cuts

        wide = [
            n
            for n, unit in enumerate(units)
            if (unit.piece.width > 1.15 * unit.piece.height and unit.piece.width > 0.8 * size)
            or (unit.sure < 0.8 and unit.piece.width > 0.75 * size)
        ]
        ways = [(n, pair) for n in wide[: MOST_TRIES // 6] for pair in cuts(units[n].piece)]
        halves = self.look([half for _, pair in ways for half in pair])
        best: dict[int, tuple[float, list[Unit]]] = {}
        for k, (n, _) in enumerate(ways):
            left, right = halves[2 * k : 2 * k + 2]
            score = min(self.sureness(left, size), self.sureness(right, size))
            enough = max(units[n].sure, 0.5)
            if units[n].piece.width <= 1.15 * units[n].piece.height:  # one digit may be as wide
                enough = max(units[n].sure + 0.2, 0.85)
            if score > enough and score > best.get(n, (0.0, []))[0]:
                best[n] = (score, [left, right])
        return [part for n, unit in enumerate(units) for part in (best[n][1] if n in best else [unit])]


@dataclass(frozen=True)
class Unit:
    """A piece, as the network sees it."""

    piece: Piece
    image: NDArray[np.uint8]
    probabilities: NDArray[np.float32]

    @property
    def sure(self) -> float:
        """The largest probability."""
        return float(self.probabilities.max())


def inside(first: Piece, second: Piece) -> bool:
    """Whether most of the smaller one's box lies in the other's."""
    width = min(first.right, second.right) - max(first.x, second.x)
    height = min(first.bottom, second.bottom) - max(first.y, second.y)
    smaller = min(first.width * first.height, second.width * second.height)
    return width > 0 and height > 0 and width * height >= 0.7 * smaller


def neighbours(pieces: list[Piece], size: float) -> list[tuple[int, int]]:
    """Pairs so near that they may be parts of one digit: together they are not much larger than the others."""
    x = np.array([p.x for p in pieces])
    y = np.array([p.y for p in pieces])
    right = np.array([p.right for p in pieces])
    bottom = np.array([p.bottom for p in pieces])
    pairs = []
    for a in range(len(pieces)):
        others = np.arange(a + 1, len(pieces))
        gap_x = np.maximum(x[others], x[a]) - np.minimum(right[others], right[a])
        gap_y = np.maximum(y[others], y[a]) - np.minimum(bottom[others], bottom[a])
        wide = np.maximum(right[others], right[a]) - np.minimum(x[others], x[a])
        tall = np.maximum(bottom[others], bottom[a]) - np.minimum(y[others], y[a])
        near = (gap_x < 0.22 * size) & (gap_y < 0.3 * size) & (wide < 1.35 * size) & (tall < 1.5 * size)
        # Two of full height beside each other are two digits, unless their boxes overlap.
        # One above the other, almost touching, they may be a whole digit cut in two, with nothing to tell its size by.
        narrower = np.minimum(right[others] - x[others], right[a] - x[a])
        near |= (gap_x < -0.3 * narrower) & (gap_y < 0.15 * size) & (wide < 2 * size) & (tall < 2.4 * size)
        shorter = np.minimum(bottom[others] - y[others], bottom[a] - y[a])
        near &= (shorter < 0.75 * size) | (gap_x < 0.02 * size)
        near &= np.maximum(bottom[others] - y[others], bottom[a] - y[a]) >= 0.35 * size  # two specks are no digit
        pairs += [(a, int(b)) for b in others[near]]
    return pairs[:MOST_TRIES]


def read_model(path: Path) -> bytes:
    """The file. Raises `UserError` where there is none."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        raise UserError(f"There is no model {path}.", "Make one: mnistlab export RUN") from None


def session_of(content: bytes, path: Path, threads: int | None) -> Any:
    """ONNX Runtime's session of a model, which messages call `path`. Raises `UserError` where it is not ONNX."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong comes as an exception
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to others between calls
    if threads:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common class
        if not isinstance(error, RuntimeError | ValueError) and not type(error).__module__.startswith("onnxruntime"):
            raise
        raise UserError(f"{path} is not an ONNX model that can be run.", "Make one: mnistlab export RUN") from None


def classes_of(session: Any, metadata: dict[str, str], path: Path) -> tuple[str, ...]:
    """The names of the model's classes. Raises `UserError` where the model takes or gives something else than ours do."""
    remedy = "Make a model with: mnistlab export RUN"
    inputs, outputs = session.get_inputs(), session.get_outputs()
    taken = [(i.type, list(i.shape)) for i in inputs]
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or list(inputs[0].shape)[1:] != [1, 28, 28]:
        raise UserError(f"{path} takes {taken}, not images uint8 (N, 1, 28, 28).", remedy)
    if isinstance(inputs[0].shape[0], int):
        raise UserError(f"{path} takes just {counted(inputs[0].shape[0], 'image')} at a time, not any number.", remedy)
    try:
        classes = json.loads(metadata["classes"])
        threshold = float(metadata.get("threshold", 0.5))
        if not isinstance(classes, list) or not all(isinstance(c, str) for c in classes) or not 0 <= threshold <= 1:
            raise ValueError
    except (KeyError, ValueError):
        raise UserError(f"{path} does not say in its metadata what its classes are.", remedy) from None
    given = list(outputs[0].shape)
    if outputs[0].type != "tensor(float)" or len(given) != 2 or given[1] != len(classes):
        raise UserError(f"{path} gives {outputs[0].type} {given}, and names {counted(len(classes), 'class')}.", remedy)
    return tuple(classes)

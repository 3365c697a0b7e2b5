"""Reader: pictures of handwriting in, digits with calibrated probabilities out. Needs no torch.

page = Reader().read("photo.jpg")
page.text                       # line by line, "?" for what is no digit that it can be sure of
page.lines[0].digits[0].value   # and .probability, .box, .accepted, .image
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError, number, whole_number
from mnistlab.pictures import Source, decode
from mnistlab.reading.layout import lines_of, typical_height

if TYPE_CHECKING:
    from mnistlab.reading.ink import Ink
    from mnistlab.reading.pieces import Piece
from mnistlab.reading.assembly import MOST_TRIES, Unit, inside, neighbours
from mnistlab.reading.classifier import BATCH, BUNDLED, classes_of, read_model, session_of
from mnistlab.reading.page import Digit, Line, Page

__all__ = ["Reader"]

MOST_THREADS = 1024


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
        from mnistlab.reading.ink import find_ink
        from mnistlab.reading.pieces import find_pieces

        picture = decode(source)
        size = (picture.shape[1], picture.shape[0])
        check()
        found = find_ink(picture)
        check()
        pieces = find_pieces(found)
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
        from mnistlab.reading.mnist_form import normalise

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
        from mnistlab.reading.assembly import join

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
        from mnistlab.reading.assembly import cuts

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

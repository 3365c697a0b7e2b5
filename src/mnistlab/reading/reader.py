"""Reader: from pictures of handwriting to digits with calibrated probabilities. It does not need torch.

page = Reader().read("photo.jpg")
page.text                       # line by line, "?" for marks that cannot be read confidently
page.lines[0].digits[0].value   # and .probability, .box, .accepted, .image
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError, number
from mnistlab.files import printable
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.decode import Source, decode, read_bytes
from mnistlab.pictures.pages import every_page
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.finder import Finder
from mnistlab.reading.ink import SMALL
from mnistlab.reading.layout import lines_of
from mnistlab.reading.line_reader import LineReader
from mnistlab.reading.marks import Box, Mark
from mnistlab.reading.page import Digit, Line, Page, Separator
from mnistlab.reading.search import Writing, in_order, writing_on_paper
from mnistlab.reading.separators import Sign
from mnistlab.reading.strokes import connected_strokes

if TYPE_CHECKING:
    from mnistlab.reading.sheets.layout import Layout

__all__ = ["Reader"]


class Reader:
    """Reads the handwritten digits in pictures.

    A reader may be used from several threads at once. It may also be pickled and copied, together with its model.

    Parameters
    ----------
    model : str or Path, optional
        A file that `mnistlab export` made, or the run folder that holds it; if None, the model that comes with mnistlab.
    threshold : float, optional
        The lowest probability, 0 to 1, at which a digit is accepted; if None, the one chosen on validation images when the
        model was exported.
    threads : int, optional
        Processor threads for one call, 1 to 1,024; one per core if None.

    Attributes
    ----------
    classifier : Classifier
        The model and its metadata.
    threshold : float
        The lowest probability at which a digit is accepted.

    Raises
    ------
    UserError
        If the file does not exist or is not one of our models, or if a number is out of range.
    """

    def __init__(
        self, model: str | Path | None = None, *, threshold: float | None = None, threads: int | None = None
    ) -> None:
        if threshold is not None:
            threshold = number(threshold, Clause("names.threshold"), 0, 1, wrong="reading.threshold_out_of_range")
        self.classifier = Classifier(model, threads=threads)
        self.threshold = self.classifier.threshold if threshold is None else threshold
        digits = self.classifier.values == list(range(10))  # the other two networks know only these
        self.finder = Finder(threads=threads) if digits else None
        self.line_reader = LineReader(threads=threads) if digits else None

    @property
    def path(self) -> Path:
        """The model's file."""
        return self.classifier.path

    @property
    def threads(self) -> int | None:
        """The number of processor threads for one call; None means one per core."""
        return self.classifier.threads

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the model's file."""
        return self.classifier.metadata

    @property
    def classes(self) -> tuple[str, ...]:
        """The name of each class."""
        return self.classifier.classes

    @property
    def values(self) -> list[int | str]:
        """The value of each class: its digit, or its name if it is not a digit."""
        return self.classifier.values

    def classify(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Say which class each 28x28 image shows, as `Classifier.classify` does.

        Parameters
        ----------
        images : ndarray of uint8, shape (N, 28, 28)
            Ink 255 on 0, the centre of mass in the middle. N may be 0.

        Returns
        -------
        labels, probabilities : ndarray of int64, shape (N,); ndarray of float32, shape (N, classes)
            For each image, the most likely class, as an index into `classes` and `values`, and each class's probability.

        Raises
        ------
        UserError
            If the images have another shape or dtype.
        """
        return self.classifier.classify(images)

    def read(
        self,
        source: Source,
        *,
        table: bool = False,
        layout: Layout | None = None,
        raise_if_cancelled: Callable[[], None] = lambda: None,
        check: Callable[[], None] | None = None,
    ) -> Page:
        """Read the digits in a picture.

        Parameters
        ----------
        source : str, Path, bytes, PIL.Image.Image or ndarray
            A file, its content, or the pixels: see `mnistlab.pictures.decode`.
        table : bool
            Whether to look for the largest ruled table and read its cells: see `Page.table`. If there is no table, the whole
            picture is read.
        layout : Layout, optional
            The fields of a form, from `mnistlab.reading.sheets.layout.read_layout`: only they are read; see `Page.fields`.
        raise_if_cancelled : callable, optional
            Called without arguments between the steps of reading; an error that it raises ends the reading. A server uses it to
            stop reading for a client that has disconnected.
        check : callable, optional
            The former name of `raise_if_cancelled`, deprecated.

        Returns
        -------
        Page
            The digits in lines; no lines if the picture has no digits.

        Raises
        ------
        UserError
            If the source is not a picture or is damaged, if the layout's form is not found in it, or if both a table and
            a layout are asked for.
        """
        if table and layout is not None:
            raise UserError("reading.table_and_layout")
        if check is not None:
            warnings.warn("Reader.read(check=) is now raise_if_cancelled=.", DeprecationWarning, stacklevel=2)
            raise_if_cancelled = check
        picture = decode(source)
        raise_if_cancelled()
        if table or layout is not None:
            from mnistlab.reading.sheets.page import sheet_of

            if page := sheet_of(self, picture, layout, raise_if_cancelled):
                return page
        if self.finder is None or max(picture.shape[:2]) <= SMALL:
            written = Writing(connected_strokes(self.classifier, picture, raise_if_cancelled), [])
        else:
            written = writing_on_paper(self.finder, self.line_reader, self.classifier, picture, raise_if_cancelled)
        rows = (in_order(written, line) for line in lines_of([mark.level_box for mark in written.marks]))
        return Page(tuple(Line(tuple(map(self._told, row))) for row in rows), (picture.shape[1], picture.shape[0]))

    def read_pages(self, path: str | Path, *, raise_if_cancelled: Callable[[], None] = lambda: None) -> Iterator[Page]:
        """Read every page of a file: a TIFF or PDF may have several (PDF needs the extra ``pdf``); any other file has one.

        Parameters
        ----------
        path : str or Path
            The file, with at most 500 pages.
        raise_if_cancelled : callable, optional
            As in `read`.

        Returns
        -------
        iterator of Page
            The pages one by one, with their `number` and `count`; each page is read only when it is asked for.

        Raises
        ------
        UserError
            During iteration: as in `read`, and if a PDF has a password, if pypdfium2 is missing, or if a page is broken.
        """
        pages = every_page(read_bytes(Path(path)), printable(path))
        for at in range(len(pages)):
            page = self.read(pages.picture(at), raise_if_cancelled=raise_if_cancelled)
            yield replace(page, number=at + 1, count=len(pages))

    def read_many(
        self, paths: Iterable[str | Path], *, jobs: int | None = None
    ) -> Iterator[tuple[Path, Page | UserError]]:
        """Read the digits in many pictures, in several processes with one thread each.

        In a script, call this method below ``if __name__ == "__main__":``, because each process imports the script.

        Parameters
        ----------
        paths : iterable of str or Path
            Picture files.
        jobs : int, optional
            The number of processes, 1 to 1,024; 1 means this process. If None, one per core, or fewer for few pictures.

        Returns
        -------
        iterator of (Path, Page or UserError)
            Each file with what was read in it, or with the error that prevented the reading, in the order of `paths`;
            a TIFF or PDF with several pages appears once for each page. Only a few pictures are in progress at a time, so
            that memory use stays flat, however many pictures there are.

        Raises
        ------
        UserError
            If the number of jobs is out of range.
        MnistlabError
            During iteration, if one of the processes was killed.
        """
        from mnistlab.reading.many import Task, read_each

        tasks = [Task(Path(path)) for path in paths]
        outcomes = zip(tasks, read_each(self, tasks, jobs), strict=True)
        return ((task.path, page) for task, outcome in outcomes for page in outcome.pages)

    def _told(self, mark: Mark | Sign) -> Digit | Separator:
        """A mark in the form in which `read` returns it: a digit or a separator."""
        if isinstance(mark, Sign):
            return Separator(mark.kind, mark.sure, mark.box, mark.kind != "?")
        return self._digit(mark)

    def _digit(self, mark: Mark, box: Box | None = None) -> Digit:
        """A mark as the digit that `read` returns; `box`, if given, is the mark's box in the picture's coordinates."""
        label, probability = mark.label, mark.sure
        at, accepted = box or mark.box, probability >= self.threshold
        return Digit(self.values[label], probability, at, accepted, mark.image, mark.probabilities)

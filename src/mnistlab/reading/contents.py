"""Read all pages of a file of any kind. The result is, for each page, what was read or why the page could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import MnistlabError, UserError
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.pages import every_page
from mnistlab.reading.page import Page

if TYPE_CHECKING:
    from mnistlab.reading.reader import Reader

__all__ = ["Finish", "read_content"]

Finish: TypeAlias = "Callable[[Path, NDArray[np.uint8], Page], None]"
"""A picklable function; the process that has read a page passes it the file's path, the page's picture and what was read."""


def read_content(
    reader: Reader, content: bytes, name: str | Clause, path: Path | str, finish: Finish | None = None, **options: Any
) -> tuple[list[Page | UserError], MnistlabError | None]:
    """Read the pages of a file with this content; messages call the file `name`.

    Returns two things: a list that holds, for each page, what was read or the error that prevented the reading; and the last
    error that `finish` raised, or None if it raised none.
    """
    try:
        pages = every_page(content, name)
    except UserError as error:
        return [error], None
    results, failure = list[Page | UserError](), None
    for number in range(len(pages)):
        try:
            picture = pages.picture(number)
            page = replace(reader.read(picture, **options), number=number + 1, count=len(pages))
        except UserError as error:
            if "picture" in error.values:  # the reader was given an array, which has no name
                error.values["picture"] = name
            results.append(error)
            continue
        except MemoryError:
            results.append(UserError("pictures.out_of_memory", name=name))
            continue
        results.append(page)
        try:
            if finish is not None:
                finish(Path(path), picture, page)
        except MnistlabError as error:
            failure = error
    return results, failure

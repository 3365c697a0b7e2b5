"""Pictures that kill the process which reads them: they are too large for the memory, or they crash a library."""

from __future__ import annotations

from mnistlab.errors import UserError
from mnistlab.files import printable
from mnistlab.reading.sources import content_of, remove, write_to

__all__ = ["Deaths"]

MOST = 3
"""So many processes may die on one picture before it is given up; they may have been killed for another reason."""


class Deaths:
    """The pictures of a part on which processes have died, in a note beside the part's file.

    The note exists inside `with`, and a process that leaves it alive removes the note. The first attempt leaves it empty. Later
    ones find it, and note each picture before they read it; so it lists the pictures on which they died, and the one that the
    current process has begun last.

    Parameters
    ----------
    note
        The file's name or address.
    """

    def __init__(self, note: str) -> None:
        self.note = note
        try:
            self.noted = content_of(note).split()
            self.is_first_try = False
        except UserError as error:
            if error.key != "pictures.missing":
                raise
            self.noted, self.is_first_try = [], True
            write_to(note, b"")

    def may_be_read(self, number: int) -> bool:
        """Whether the picture, counted from 0, may be read, which is then noted; False for one on which `MOST` have died."""
        if self.noted.count(b"%d" % number) >= MOST:
            return False
        if not self.is_first_try:
            write_to(self.note, b" ".join([*self.noted, b"%d" % number]))
        return True

    def error(self, name: str) -> UserError:
        """The error for a picture that may not be read."""
        return UserError("reading.picture_kills", name=printable(name), times=MOST)

    def __enter__(self) -> Deaths:
        return self

    def __exit__(self, *_: object) -> None:
        remove(self.note)

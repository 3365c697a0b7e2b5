"""Pictures that kill the process reading them, because they do not fit into memory or because they crash a library."""

from __future__ import annotations

from mnistlab.errors import UserError
from mnistlab.files import printable
from mnistlab.reading.sources import content_of, remove, write_to

__all__ = ["Deaths"]

MOST = 3
"""A picture is not tried again after this many processes have died on it; one alone may have been killed for another reason."""


class Deaths:
    """Pictures, in one part of a job, on which processes have died; a note beside the part's file lists them.

    The note exists during the `with` block; a process that survives the block removes it. The first attempt at the part leaves
    the note empty. Later attempts, which find the note, add each picture to it before reading the picture, in place of the one
    that they added before. So the note lists the pictures on which processes died, and the one that this process began last.

    Parameters
    ----------
    note
        The note's name or address.
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
        """Whether picture `number`, counted from 0, may be read: not if `MOST` processes have died on it.

        From the second attempt on, a picture that may be read is noted.
        """
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

"""Pictures that kill the process reading them, because they do not fit into memory or because they crash a library."""

from __future__ import annotations

from mnistlab.errors import UserError
from mnistlab.files import printable
from mnistlab.reading.sources import content_of, remove, write_to

__all__ = ["Deaths"]

MOST = 3
"""After this many processes have died on a picture, it is not tried again; a single process may have died for another reason."""


class Deaths:
    """Pictures, in one part of a job, on which processes have died. A note beside the part's file lists the pictures' numbers.

    The note exists during the `with` block; a process that survives the block removes it. The first attempt at the part leaves
    the note empty. A later attempt finds the note and, before it reads a picture, adds that picture's number, in place of the
    number that it added before. So the note lists the pictures on which attempts after the first died, and the one begun last.

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

        From the second attempt at the part on, the number of a picture that may be read is added to the part's note.
        """
        if self.noted.count(b"%d" % number) >= MOST:
            return False
        if not self.is_first_try:
            write_to(self.note, b" ".join([*self.noted, b"%d" % number]))
        return True

    def error(self, name: str) -> UserError:
        """The error for a picture on which `MOST` processes have died."""
        return UserError("reading.picture_kills", name=printable(name), times=MOST)

    def __enter__(self) -> Deaths:
        return self

    def __exit__(self, *_: object) -> None:
        remove(self.note)

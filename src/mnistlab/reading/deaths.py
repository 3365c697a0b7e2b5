"""Pictures that kill the process which reads them: so large that the memory is not enough, or such that a library crashes."""

from __future__ import annotations

from mnistlab.errors import UserError
from mnistlab.files import printable
from mnistlab.reading.sources import content_of, remove, write_to

__all__ = ["Deaths"]

MOST = 3
"""So many processes may die at one picture before it is given up; they may have been killed for another reason."""


class Deaths:
    """At which pictures of a part processes have died, in a note beside the part's file.

    Inside `with` there is the note, and whoever leaves it alive removes it. The first try leaves an empty one. The next ones find
    it, and note each picture before they read it; so what is noted are the pictures at which they died, with the last of those
    that the process which reads now has begun.

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
        """Whether the picture, counted from 0, may be read, which is then noted; False for one at which `MOST` have died."""
        if self.noted.count(b"%d" % number) >= MOST:
            return False
        if not self.is_first_try:
            write_to(self.note, b" ".join([*self.noted, b"%d" % number]))
        return True

    def error(self, name: str) -> UserError:
        """What is said of a picture that may not be read."""
        return UserError("reading.picture_kills", name=printable(name), times=MOST)

    def __enter__(self) -> Deaths:
        return self

    def __exit__(self, *_: object) -> None:
        remove(self.note)

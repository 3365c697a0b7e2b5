"""The result of one of the doctor's checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mnistlab.messages.sentences import Clause, remedy_of

__all__ = ["Check", "Verdict"]

Verdict: TypeAlias = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing that was checked: its name, a verdict, what was seen, and what to do if the verdict is not "ok".

    The remedy is that of the message about what was seen, unless `remedy_key` names another message. In both
    cases, the remedy is worded for the command line.
    """

    subject: Clause
    verdict: Verdict
    seen: Clause
    remedy_key: str | None = None

    @property
    def name(self) -> str:
        """What was checked."""
        return str(self.subject)

    @property
    def detail(self) -> str:
        """What was seen, in words."""
        return str(self.seen)

    @property
    def remedy(self) -> str:
        """What to do about what was seen; "" if the verdict is "ok"."""
        return self.remedy_in("en")

    def remedy_in(self, language: str) -> str:
        """The remedy in one of `LANGUAGES`."""
        if self.verdict == "ok":
            return ""
        return remedy_of(self.remedy_key or self.seen.key, self.seen.values, for_command=True, language=language)

    def to_dict(self) -> dict[str, str]:
        """The check's fields as strings, for JSON."""
        return {"name": self.name, "verdict": self.verdict, "detail": self.detail, "remedy": self.remedy}

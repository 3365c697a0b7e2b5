"""Check the regular expressions that clients send: the server runs only those that take little time on any text."""

from __future__ import annotations

import re

__all__ = ["is_quick"]

MOST_REPEATS = 3
"""How many parts of a pattern may be repeated a varying number of times."""
TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[^)]?|\{\d*(,?)\d*\}|.", re.DOTALL)


def is_quick(pattern: str) -> bool:
    """Whether a pattern is sure to match fast: it may repeat only a few parts, none with repetitions or alternatives inside."""
    repeats, open_groups, last_varies = 0, [False], False
    for token in TOKEN.finditer(pattern):
        text = token[0]
        if text.startswith("("):
            open_groups.append(False)
        elif text == ")" and len(open_groups) > 1:
            last_varies = open_groups.pop()
            open_groups[-1] |= last_varies
            continue
        elif text == "|":
            open_groups[-1] = True
        elif text in "*+?" or (text.startswith("{") and token[1]):
            repeats += 1
            if last_varies:
                return False
            open_groups[-1] = True
        last_varies = False
    return repeats <= MOST_REPEATS

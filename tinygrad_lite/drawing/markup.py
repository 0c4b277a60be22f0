"""Words and tables in Graphviz's language, safe from what is in the words of others."""

from __future__ import annotations

import html

FONT = "Helvetica,Arial,sans-serif"
LONGEST = 40  # characters of a line; what is longer ends in …


def shortened(words: str, longest: int) -> str:
    """The words in one line of printable characters, cut off where they are too long."""
    words = printable(words)
    return words if len(words) <= longest else words[: longest - 1] + "…"


def printable(words: str) -> str:
    """The words with a space in the place of every line break and control character."""
    return "".join(c if c.isprintable() else " " for c in words)


def text_of(words: str, longest: int = LONGEST) -> str:
    """Words that were chosen by others, as text of an HTML-like label."""
    escaped = html.escape(shortened(words, longest))
    return escaped.replace("\\", "&#92;&#92;") or " "  # \N would be the node's id


def wrapped(words: str, width: int) -> list[str]:
    """The words in lines of at most ``width`` characters, broken at spaces."""
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) >= width and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def quoted(words: str) -> str:
    """Words as a quoted attribute, in which Graphviz finds neither an end nor an escape."""
    lines = map(printable, words.split("\n"))
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def table(rows: list[str], padding: int) -> str:
    """Rows of cells without borders, as a part of an HTML-like label."""
    body = "".join(f"<TR>{row}</TR>" for row in rows)
    return (
        f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}">{body}</TABLE>'
    )

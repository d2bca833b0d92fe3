"""Text on one line: line feeds and backslashes written with a backslash."""


def escape(text: str) -> str:
    """`text` on one line. `unescape` gives back exactly the same text."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def unescape(line: str) -> str:
    """What `escape` was given."""
    return line.replace("\\n", "\n").replace("\\\\", "\\")

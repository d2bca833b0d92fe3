"""Text on one line: line feeds and backslashes written with a backslash."""


def escape(text: str) -> str:
    """`text` on one line. `unescape` gives back exactly the same text."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def unescape(line: str) -> str:
    """What `escape` was given."""
    out = []
    index = 0
    while index < len(line):
        if line[index] == "\\" and index + 1 < len(line):
            out.append("\n" if line[index + 1] == "n" else line[index + 1])
            index += 2
        else:
            out.append(line[index])
            index += 1
    return "".join(out)

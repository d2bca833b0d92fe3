"""Text that fits."""


def truncate(text: str, width: int) -> str:
    """`text` where it fits `width` characters, else its beginning and `…`: never longer than `width`, which is positive."""
    if width < 1:
        raise ValueError("nothing fits there")
    if len(text) <= width:
        return text
    return text[: width - 1] + "…"

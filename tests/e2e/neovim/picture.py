"""What a Neovim shows, as a picture: follows the drawing events of its user interface and writes the screen as an SVG.

The events are those of `:help ui-linegrid`. A picture is text, so it can be kept, looked at and shown on a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

CELL = (8.4, 19)
"""Width and height of a character, in pixels, at the size of the text below."""
TEXT = "font-family=\"'JetBrains Mono','DejaVu Sans Mono',monospace\" font-size=\"14\""
Style = dict[str, Any]
Cell = tuple[str, int]
"""A character and the number of its style; the right half of a wide character is empty."""


class Screen:
    """One grid of characters with their styles."""

    def __init__(self) -> None:
        self.cells: list[list[Cell]] = []
        self.styles: dict[int, Style] = {0: {}}
        self.colours = (0xFFFFFF, 0)
        """Of text and of what is behind it, where a style names none."""
        self.cursor = (0, 0)

    def follow(self, batch: Iterable[Any]) -> None:
        """One `redraw` notification: a list of [event's name, its arguments, arguments of another such event, …]."""
        for name, *calls in batch:
            handler = getattr(self, f"_{name}", None)
            for call in calls if handler else ():
                handler(*call)

    def svg(self) -> str:
        width, height = CELL
        across, down = width * max(map(len, self.cells)), height * len(self.cells)
        rows = "\n".join(piece for row in range(len(self.cells)) for piece in self._row(row))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across:g} {down:g}" width="{across:g}" {TEXT}>\n'
            f'<rect width="100%" height="100%" fill="{_hex(self.colours[1])}"/>\n{rows}\n</svg>\n'
        )

    def _row(self, row: int) -> Iterator[str]:
        width, height = CELL
        for column, text, number in _runs(self.cells[row]):
            style = self.styles.get(number, {})
            ink, paper = (
                style.get(key, default) for key, default in zip(("foreground", "background"), self.colours, strict=True)
            )
            if style.get("reverse"):
                ink, paper = paper, ink
            x, y, length = column * width, row * height, len(text) * width
            if paper != self.colours[1]:
                yield f'<rect x="{x:g}" y="{y:g}" width="{length:g}" height="{height}" fill="{_hex(paper)}"/>'
            if text.strip():
                more = ' font-weight="bold"' if style.get("bold") else ""
                more += ' font-style="italic"' if style.get("italic") else ""
                more += ' text-decoration="underline"' if style.get("underline") or style.get("undercurl") else ""
                yield (
                    f'<text x="{x:g}" y="{y + height - 5:g}" textLength="{length:g}" xml:space="preserve"'
                    f' fill="{_hex(ink)}"{more}>{escape(text)}</text>'
                )
        if self.cursor[0] == row:
            x, y = self.cursor[1] * width, row * height
            yield f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height}" fill="{_hex(self.colours[0])}" opacity="0.5"/>'

    # ---- the events, under their own names ---------------------------------------------------------------------

    def _grid_resize(self, _grid: int, width: int, height: int) -> None:
        self.cells = [[(" ", 0)] * width for _ in range(height)]

    def _grid_clear(self, _grid: int) -> None:
        self.cells = [[(" ", 0)] * len(row) for row in self.cells]

    def _default_colors_set(self, ink: int, paper: int, *_: int) -> None:
        self.colours = (ink, paper)

    def _hl_attr_define(self, number: int, style: Style, *_: Any) -> None:
        self.styles[number] = style

    def _grid_cursor_goto(self, _grid: int, row: int, column: int) -> None:
        self.cursor = (row, column)

    def _grid_line(self, _grid: int, row: int, column: int, cells: list[list[Any]], *_: Any) -> None:
        number = 0
        for text, *more in cells:
            number = more[0] if more else number
            for _ in range(more[1] if len(more) > 1 else 1):
                self.cells[row][column] = (text, number)
                column += 1

    def _grid_scroll(self, _grid: int, top: int, bottom: int, left: int, right: int, rows: int, _columns: int) -> None:
        """The lines of an area move up by `rows` (down, where that is negative)."""
        before = [list(row) for row in self.cells]
        for row in range(max(top, top - rows), min(bottom, bottom - rows)):
            self.cells[row][left:right] = before[row + rows][left:right]


def _runs(cells: list[Cell]) -> Iterator[tuple[int, str, int]]:
    """Neighbours of one style together: where they begin, their text, the style."""
    start = 0
    for column in range(1, len(cells) + 1):
        if column == len(cells) or cells[column][1] != cells[start][1]:
            yield start, "".join(text or " " for text, _ in cells[start:column]), cells[start][1]
            start = column


def _hex(colour: int) -> str:
    return f"#{colour:06x}"

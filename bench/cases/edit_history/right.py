"""The lines of a text that is edited step by step."""


def lines_after(steps: list[str]) -> list[str]:
    """The lines that are left: `undo` takes the last line away, `redo` brings back what was undone last, and any other
    step adds itself as a line, after which what was undone before is forgotten. A step with nothing to do does nothing."""
    lines: list[str] = []
    undone: list[str] = []
    for step in steps:
        if step == "undo":
            if lines:
                undone.append(lines.pop())
        elif step == "redo":
            if undone:
                lines.append(undone.pop())
        else:
            lines.append(step)
            undone.clear()
    return lines

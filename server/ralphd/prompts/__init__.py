"""Prompts are files. Rendering is strict: a value a template does not know, or misses, is an error."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def _template(name: str) -> Template:
    source = resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    template: Template = _environment().from_string(source)
    return template


@cache
def _environment():  # type: ignore[no-untyped-def]
    import jinja2

    return jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        autoescape=False,  # noqa: S701 (prompts are text, not HTML)
    )


def render(name: str, **values: object) -> str:
    """The text of template `name` (a file beside this one). The same values give the same bytes."""
    text: str = _template(name).render(**values)
    return text.strip() + "\n"


def fenced(text: str, info: str = "") -> str:
    """`text` in a fence longer than any run of backticks in it, so that data cannot end its own block."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    mark = "`" * max(3, longest + 1)
    return f"{mark}{info}\n{text if text.endswith(chr(10)) else text + chr(10)}{mark}"

"""What an answer of the embedded model begins with."""

from __future__ import annotations

import pytest

from ralphd.phases.answer_start import answer_start, whole

DOCUMENTED = '@cache\ndef double(x: int) -> int:\n    """Twice.\n\n    Of x.\n    """\n'
METHOD = "    async def names(\n        self,\n    ) -> None:\n"


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        (DOCUMENTED + "    raise NotImplementedError\n", DOCUMENTED),
        (DOCUMENTED, DOCUMENTED),
        (METHOD + "        # TODO\n\n        pass\n", METHOD),
        ('def f():\n    """It says ```python."""\n    return 1\n', 'def f():\n    """It says ```python."""\n'),
        ("def f(): pass\n", ""),
        ('def f(): "a docstring"; return 1\n', ""),
        ('def f():\n    "a docstring"; return 1\n', ""),
        ("class A:\n    x = 1\n", ""),
        ("def f():\n    return 1\n\n\nx = f()\n", ""),
        ("def f(:\n", ""),
        ("", ""),
    ],
)
def test_the_head_of_one_function(target: str, kept: str) -> None:
    start = answer_start("code.py", target)
    fence, _, rest = start.partition("\n")
    assert rest == kept
    assert not kept or (fence.endswith("`python") and fence.strip("python") not in target.replace("```python", ""))


def test_another_language_has_none() -> None:
    assert answer_start("code.js", "function f() {\n  return 1;\n}\n") == ""


def test_a_model_that_begins_anew_is_taken_at_its_word() -> None:
    assert whole("```python\ndef f():\n", "    return 1\n```\n") == "```python\ndef f():\n    return 1\n```\n"
    again = "```python\ndef f():\n    return 2\n```\n"
    assert whole("```python\ndef f():\n", again) == again and whole("", again) == again

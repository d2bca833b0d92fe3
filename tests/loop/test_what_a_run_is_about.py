"""What starts a paid run and what its prompt holds: a finished function is left alone, big tests push nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.projects import code, write
from tests.support.service import drive

NUMBER = '''\
def number(text, default=0):
    """`text` as a whole number; `default` where it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    if default is None:
        raise ValueError("not implemented for None")
    return default
'''
TESTS = """\
from number import number


def test_number():
    assert number("3") == 3
    assert number("x", 7) == 7
"""


async def test_a_finished_function_costs_nothing(tmp_path: Path) -> None:
    """`except ValueError: pass` and the words "not implemented" do not make it a stub."""
    root = tmp_path / "project"
    write(root, {"number.py": NUMBER, "test_number.py": TESTS})
    run = await drive(
        root, {"artisan": [code("def number(text, default=0):\n    return 1")]}, path="number.py", at="try"
    )
    assert run.result.outcome == "no_change", run.result.reason
    assert run.gateway.requests == []


async def test_a_stub_is_written_although_its_tests_pass(tmp_path: Path) -> None:
    root = tmp_path / "project"
    write(
        root,
        {
            "number.py": 'def number(text):\n    """The number."""\n    raise NotImplementedError\n',
            "test_number.py": "def test_nothing():\n    assert True\n",
        },
    )
    run = await drive(
        root, {"artisan": [code("def number(text):\n    return int(text)")]}, path="number.py", at="raise"
    )
    assert len(run.gateway.requests) == 1


@pytest.mark.slow
async def test_big_tests_leave_room_for_the_context(tmp_path: Path) -> None:
    """Tests of far more than the budget: the file around the target, its imports and its callers are still there."""
    root = tmp_path / "project"
    many = "\n".join(f"    assert number({str(n)!r}) == {n}  # {'padding ' * 8}" for n in range(2000))
    write(
        root,
        {
            "number.py": "from limits import LIMIT\n\n\ndef number(text):\n    raise NotImplementedError\n\n\ndef beside():\n    return LIMIT\n",
            "limits.py": "LIMIT = 12345\n",
            "caller.py": "from number import number\n\n\ndef caller_of_it(text):\n    return number(text) + 1\n",
            "test_number.py": f"from number import number\n\n\ndef test_number():\n{many}\n",
        },
    )
    answer = code("def number(text):\n    return int(text)")
    config = {"context": {"max_tokens": 2000}}
    run = await drive(root, {"artisan": [answer]}, path="number.py", at="raise", config=config)
    prompt = "\n".join(message.content for message in run.gateway.requests[0].messages)
    assert "def beside" in prompt
    assert "caller_of_it" in prompt
    assert "LIMIT" in prompt
    assert "assert number('0') == 0" in prompt


async def test_never_is_kept_and_no_answer_is_not(tmp_path: Path, private_state: Path) -> None:
    """A question that nobody answered is asked again at the next run; one answered "Never" is not."""
    root = tmp_path / "project"
    write(
        root,
        {
            "number.py": NUMBER,
            "test_number.py": TESTS,
            "ralph.config.yaml": "testing: {command: [python, -m, pytest]}\n",
        },
    )
    asked = []
    for answer in (None, None, "never", "never"):
        run = await drive(root, {}, path="number.py", at="try", argv=(), answer=answer)
        assert run.result.outcome == "untrusted"
        asked.append(len(run.asked))
    assert asked == [1, 1, 1, 0]

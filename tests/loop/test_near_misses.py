"""A small model's candidate that misses by one small change is mended by trying, and what that is worth is said."""

from pathlib import Path

import pytest

from tests.support.projects import write
from tests.support.service import drive

CLAMP = {
    "clamp.py": '''\
        def inside(x, low, high):
            """Whether x lies between low and high, both included."""
            raise NotImplementedError
        ''',
    "test_clamp.py": """\
        import pytest
        from clamp import inside

        @pytest.mark.parametrize("x, low, high, wanted", [(5, 1, 9, True), (0, 1, 9, False), (10, 1, 9, False), (1, 1, 9, True)])
        def test_inside(x, low, high, wanted):
            assert inside(x, low, high) is wanted
        """,
}
MISSED = "```python\ndef inside(x, low, high):\n    return x > low and x < high\n```\n"


@pytest.mark.slow
async def test_it_is_found_without_a_model_and_needs_proof(tmp_path: Path) -> None:
    write(tmp_path, CLAMP)
    run = await drive(tmp_path, {"artisan": [MISSED]}, path="clamp.py", at="raise", local=True)
    assert run.result.edits, run.result.reason
    assert "x >= low and x < high" in run.result.edits["clamp.py"]
    assert any(
        "`>` → `>=`" in sentence and "found by trying small changes" in sentence for sentence in run.result.mended
    )
    assert run.result.iterations == 1 and run.result.outcome == "proposed_suspect", run.result.reason
    assert "one small change was found by trying: `>` → `>=` at line 2" in run.result.reason


async def test_the_first_sample_of_a_small_model_is_its_likeliest(tmp_path: Path) -> None:
    write(tmp_path, CLAMP)
    wrong = "```python\ndef inside(x, low, high):\n    return None\n```\n"
    right = "```python\ndef inside(x, low, high):\n    return low <= x <= high\n```\n"
    run = await drive(tmp_path, {"artisan": [wrong, right]}, path="clamp.py", at="raise", local=True)
    assert [request.temperature for request in run.gateway.requests] == [0.0, 0.7]

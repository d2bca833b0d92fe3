"""Properties of reading an answer, for files of every language, line end and indentation.

What a prompt of ours asks for, made from a real edit, gives back that edit; whatever is applied keeps every byte outside
the located places; an answer that is cut anywhere is no edit, or the whole edit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.context.target import Target, definitions
from ralphd.core.edits import unified
from ralphd.core.text import BOM
from ralphd.phases.answer_reader import AnswerReader, Candidate, Rejected

quick = settings(max_examples=60, deadline=None)


@dataclass(frozen=True)
class Sample:
    """A file whose definition `name` has the body line `old`; `new` are body lines that may stand for it, and
    `whole` tells that the definition's text is this many lines."""

    path: str
    name: str
    text: str
    old: str
    new: tuple[str, ...]


SAMPLES = [
    Sample(
        "src/cart.py",
        "Cart.total",
        'import os\n\nRATE = 2\n\n\nclass Cart:\n    """A cart."""\n\n    # All of it.\n    @property\n    def total(self) -> int:\n        """Sum.\n\n'
        '        More.\n        """\n        raise NotImplementedError\n\n    def other(self):\n        return os.sep\n\n\ndef last():\n    return RATE\n',
        "        raise NotImplementedError",
        ("        x = 1", "        if x:", "            x = [", "                2,", "            ]", "        return x"),
    ),
    Sample(
        "a.ts",
        "Box.get",
        "import { z } from 'zod'\n\nexport class Box {\n  constructor(private v: number) {}\n\n  /** Gets. */\n  get(): number {\n    throw new Error('no')\n  }\n\n"
        "  keep() {\n    return z\n  }\n}\n",
        "    throw new Error('no')",
        ("    const q = this.v", "    if (q) {", "      return q", "    }", "    return 0"),
    ),
    Sample(
        "c.go",
        "Total",
        'package cart\n\nimport "fmt"\n\n// Total sums.\nfunc Total(xs []int) int {\n\tpanic("not implemented")\n}\n\nfunc Show() { fmt.Println(1) }\n',
        '\tpanic("not implemented")',
        ("\ts := 0", "\tfor _, x := range xs {", "\t\ts += x", "\t}", "\treturn s"),
    ),
    Sample(
        "l.rs",
        "B.get",
        "use std::fmt;\n\npub struct B {\n    v: i32,\n}\n\nimpl B {\n    /// The value.\n    #[inline]\n    pub fn get(&self) -> i32 {\n        todo!()\n    }\n\n"
        "    pub fn set(&mut self, v: i32) {\n        self.v = v;\n    }\n}\n",
        "        todo!()",
        ("        let x = self.v;", "        if x > 0 {", "            return x;", "        }", "        0"),
    ),
    Sample(
        "A.java",
        "A.size",
        "package p;\n\nimport java.util.List;\n\npublic class A {\n    /** Doc. */\n    @Override\n    public int size(List<Integer> xs) {\n        return 0;\n    }\n\n"
        "    int n;\n}\n",
        "        return 0;",
        ("        int s = 0;", "        for (int x : xs) {", "            s += x;", "        }", "        return s;"),
    ),
    Sample(
        "a.rb",
        "M.A.f",
        'require "set"\n\nmodule M\n  class A\n    # doc\n    def f(x)\n      raise NotImplementedError\n    end\n\n    def g\n      1\n    end\n  end\nend\n',
        "      raise NotImplementedError",
        ("      if x", "        x + 1", "      end", "      x"),
    ),
]  # fmt: skip
FORMS = st.sampled_from(["region", "whole", "blocks"])
LINE_ENDS = st.sampled_from(["\n", "\r\n"])
MARKS = st.sampled_from(["", BOM])
PROSE = st.sampled_from(
    [
        ("", ""),
        ("Here is what I did:\n\n1. I read it.\n2. I wrote it.\n\n", "\n\nThat is all; tell me if it is wrong."),
        ("<think>\nFirst try:\n```\nwrong = 1\n```\nNo.\n</think>\n\n", ""),
        ("## Plan\n\n- sum\n- return\n\n", "\n\n```bash\nmake test\n```"),
    ]
)


def edited(sample: Sample, count: int, eol: str, mark: str) -> tuple[str, str]:
    """The file before and after a real edit of the sample's definition."""
    lines = sample.new[:count]
    if count < len(sample.new):
        lines = sample.new[-1:]
    after = sample.text.replace(sample.old, "\n".join(lines))
    return mark + sample.text.replace("\n", eol), mark + after.replace("\n", eol)


def reader_of(sample: Sample, before: str, *, whole: bool) -> AnswerReader:
    files = {sample.path: before, "other.py": "X = 1\n"}
    found = [d for d in definitions(sample.path, before) if d.name == sample.name]
    target = (
        Target(sample.path, (0, len(before)), "file")
        if whole
        else Target(sample.path, found[-1].span, "definition", sample.name)
    )
    return AnswerReader(target, before, frozenset(files), files.get, locked=("tests/**",))


def answer_of(sample: Sample, after: str, before: str, form: str, prose: tuple[str, str], dedent: bool) -> str:
    """The answer that the prompt for `form` asks for, in "\\n" and without a mark, as models write."""
    plain, old = (t.removeprefix(BOM).replace("\r\n", "\n") for t in (after, before))
    if form == "whole":
        body = f"{sample.path}\n```\n{plain}```"
    elif form == "region":
        found = [d for d in definitions(sample.path, plain) if d.name == sample.name][-1]
        region = plain[slice(*found.span)]
        if dedent:
            base = re.match(r"[ \t]*", region)
            assert base is not None
            region = "\n".join(line.removeprefix(base[0]) for line in region.split("\n"))
        body = f"```\n{region}\n```"
    else:
        a, b = old.split("\n"), plain.split("\n")
        first = next(i for i in range(len(a)) if a[i] != b[i])
        tail = next(i for i in range(len(a)) if a[-1 - i] != b[-1 - i])
        was, now = a[first - 1 : len(a) - tail + 1], b[first - 1 : len(b) - tail + 1]
        block = "\n".join(["<<<<<<< SEARCH", *was, "=======", *now, ">>>>>>> REPLACE"])
        body = f"{sample.path}\n{block}\n\nEND OF EDITS"
    return prose[0] + body + prose[1] + "\n"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.path)
@quick
@given(FORMS, st.integers(1, 6), LINE_ENDS, MARKS, PROSE, st.booleans())
def test_an_answer_that_was_asked_for_gives_back_its_edit(
    sample: Sample, form: str, count: int, eol: str, mark: str, prose: tuple[str, str], dedent: bool
) -> None:
    before, after = edited(sample, count, eol, mark)
    answer = answer_of(sample, after, before, form, prose, dedent)
    for whole in {form != "region", False}:
        found = reader_of(sample, before, whole=whole).read(answer)
        assert isinstance(found, Candidate), (found, answer)
        assert found.texts == {sample.path: after}, unified("f", after, found.texts.get(sample.path, ""))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.path)
@settings(max_examples=8, deadline=None)
@given(FORMS, st.integers(1, 6), PROSE)
def test_an_answer_that_is_cut_anywhere_is_no_edit_or_the_whole_edit(
    sample: Sample, form: str, count: int, prose: tuple[str, str]
) -> None:
    before, after = edited(sample, count, "\n", "")
    answer = answer_of(sample, after, before, form, prose, True)
    reader = reader_of(sample, before, whole=form != "region")
    for end in range(len(answer)):
        found = reader.read(answer[:end])
        assert isinstance(found, Rejected) or found.texts == {sample.path: after}, answer[:end]


def test_two_files_cut_anywhere_are_both_or_none_but_between_them() -> None:
    """Whole files each have their own end; a cut exactly between two cannot be seen."""
    answer = "One:\n\na.py\n```python\nx = 2\n```\n\nb.md\n````markdown\n# T\n\n```\npip\n```\n````\n\nDone.\n"
    files = {"a.py": "x = 1\n", "b.md": "# T\n"}
    reader = AnswerReader(Target("a.py", (0, 6), "file"), files["a.py"], frozenset(files), files.get, locked=())
    whole = reader.read(answer)
    assert isinstance(whole, Candidate) and set(whole.texts) == {"a.py", "b.md"}
    between = answer.index("b.md")
    for end in range(len(answer)):
        found = reader.read(answer[:end])
        both = isinstance(found, Candidate) and found.texts == whole.texts
        assert isinstance(found, Rejected) or both or answer[:end].strip() in answer[: between + 2].strip(), answer[
            :end
        ]


def test_a_patch_cut_anywhere_is_no_edit_or_the_whole_edit() -> None:
    hunk = " def f():\n-    return 1\n+    return 2\n"
    files = {"a.py": "def f():\n    return 1\n", "b.py": "def f():\n    return 1\n"}
    headed = "".join(f"--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,2 @@\n{hunk}" for path in files)
    updates = "".join(f"*** Update File: {path}\n@@\n{hunk}" for path in files)
    reader = AnswerReader(Target("a.py", (0, 24), "file"), files["a.py"], frozenset(files), files.get, locked=())
    for answer in (f"Both:\n\n```diff\n{headed}```\n", f"Both:\n\n*** Begin Patch\n{updates}*** End Patch\n"):
        whole = reader.read(answer)
        assert isinstance(whole, Candidate) and whole.texts == dict.fromkeys(files, "def f():\n    return 2\n")
        for end in range(len(answer)):
            found = reader.read(answer[:end])
            assert isinstance(found, Rejected) or found.texts == whole.texts, answer[:end]


MARKED = st.lists(
    st.sampled_from(
        ["a = 1", "b = 2", "", "a.py", "b.py", "`b.py`:", "```", "```python", "````", "~~~", "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE",
         "<<<<<<< SEARCH:", "<<<<<<< HEAD", "  <<<<<<< SEARCH", "END OF EDITS", "**END OF EDITS**", "<think>", "</think>", "```diff", "--- a/a.py", "+++ b/a.py", "@@ -1,1 +1,1 @@", " a = 1", "-a = 1", "+a = 3",
         "*** Begin Patch", "*** Update File: a.py", "*** End Patch", "# ... rest of the code ...",
         "def f():", "    return 1", "    return 2", "I think so.", "- one", "## Two"]
    ),
    max_size=24,
).map("\n".join)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(MARKED, st.booleans())
def test_any_answer_is_a_candidate_or_a_refusal_and_parses(answer: str, complete: bool) -> None:
    """Nothing raises; what comes out of parts of answers thrown together is never code that no longer parses."""
    files = {"a.py": "a = 1\n\n\ndef f():\n    return 1\n", "b.py": "b = 2\n"}
    target = Target("a.py", (0, len(files["a.py"])), "file")
    found = AnswerReader(target, files["a.py"], frozenset(files), files.get, locked=()).read(answer, complete=complete)
    if isinstance(found, Candidate):
        for path, text in found.texts.items():
            if path.endswith(".py"):
                compile(text, path, "exec")

"""Definitions of Cython files are found where they stand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.context.cython_source import as_python
from ralphd.context.target import definitions, find_target
from ralphd.retrieval.symbols import SourceFile

SOURCE = """\
cimport cython
from libc.math cimport sqrt
# é
cdef extern from "math.h":
    double cos(double x)

ctypedef unsigned int size
cdef int LIMIT = 3, OTHER
cdef struct Point:
    double x

cdef double half(double x) nogil:
    return x / 2

cpdef inline int double_it(
    int x, int (*f)(int) = NULL
) except -1:
    cdef int i = 0
    cdef double[:] view
    for i in range(x):
        pass
    return 0

cdef class Cart:
    cdef int n
    cdef int total(self, int[:] prices):
        return 0

    def plain(self):
        return self.n

    property old:
        def __get__(self):
            return <object>self.n

DEF SIZE = 4
IF SIZE > 3:
    cdef (int, double) pair():
        return 1, 2.0
ELSE:
    cdef double[:, ::1] view():
        return None

cdef char* name_of(const char *s) except NULL:
    for i from 0 <= i < 10:
        take(&s[i])
    return <char*>new Name(s)

def after(x):
    return x
"""


def test_each_definition() -> None:
    data = SOURCE.encode()
    read = as_python(data)
    assert len(read) == len(data) and read.count(b"\n") == data.count(b"\n")
    assert as_python(b"def f():\n    return cdef\n") == b"def f():\n    return cdef\n"
    names = [found.name for found in definitions("a.pyx", SOURCE)]
    assert names == ["Point", "half", "double_it", "Cart", "Cart.total", "Cart.plain", "Cart.old", "Cart.old.__get__",
                     "pair", "view", "name_of", "after"]  # fmt: skip
    at = SOURCE.index("return 0")
    target = find_target("a.pyx", SOURCE, (at, at))
    assert target.name == "double_it" and target.text(SOURCE).startswith(
        "cpdef inline int double_it(\n    int x, int (*f)"
    )
    file = SourceFile("a.pyx", SOURCE)
    assert file.rows(file.symbols["LIMIT"].start, file.symbols["LIMIT"].last) == "cdef int LIMIT = 3, OTHER"
    assert {binding.local for binding in file.bindings} == {"cython", "sqrt"}
    assert file.signature(file.symbols["half"]) == "cdef double half(double x) nogil:"


@given(
    st.lists(
        st.sampled_from(["cdef ", "int ", "f(", ")", ":", "\n", "  ", "class ", "x = 3", "é", "cimport ", "(", ","])
    )
)
@settings(max_examples=50)
def test_nothing_moves(parts: list[str]) -> None:
    data = "".join(parts).encode()
    read = as_python(data)
    assert len(read) == len(data)
    assert [n for n, byte in enumerate(read) if byte == 10] == [n for n, byte in enumerate(data) if byte == 10]

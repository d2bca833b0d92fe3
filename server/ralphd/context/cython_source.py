"""Cython's own statements written as Python's, byte for byte in their place, so that Python's grammar finds what they define.

`cdef int f(int x) nogil:` is read as `def f():` with blanks behind it, `cdef class Cart:` as a class, `cdef int LIMIT = 3` as
`LIMIT = 3`, `cdef:` as a block, and a declaration that defines nothing as `pass`. Casts, addresses and `new` are left out. Pure;
Python's own code stays as it is.
"""

from __future__ import annotations

import re

_BEGINS = re.compile(rb"^[ \t]*(?:cdef|cpdef|ctypedef|cimport|from[ \t]+[\w.]+[ \t]+cimport)\b", re.MULTILINE)
_FUNCTION = re.compile(
    rb"^([ \t]*)cp?def[ \t](?![ \t]*(?:class|struct|enum|union|extern|packed)\b)"
    rb"(?:\([^()\n]{0,200}\)[ \t]*)?(?:[^\n(=:#\[]|\[[^\]\n]{0,100}\]){0,200}?(\w+)[ \t]*\([^()]{0,2000}(?:\([^()]{0,200}\)[^()]{0,2000}){0,20}\)[^\n:#]{0,200}(?=:[ \t]*(?:#[^\n]*)?$)",
    re.MULTILINE,
)
_HOLDER = re.compile(
    rb"^([ \t]*)(?:cdef|cpdef|ctypedef)[ \t]+(?:public[ \t]+|packed[ \t]+)*"
    rb"(?:class|struct|union|enum)[ \t]+(?:class[ \t]+)?(\w+(?:\([^()\n]*\))?)[^\n:]*(?=:)",
    re.MULTILINE,
)
_BLOCK = re.compile(rb"^([ \t]*)cdef\b[^\n:=()]*(?=:[ \t]*(?:#[^\n]*)?$)", re.MULTILINE)
_PROPERTY = re.compile(rb"^([ \t]*)property[ \t]+(\w+)[ \t]*(?=:[ \t]*$)", re.MULTILINE)
_VALUE = re.compile(rb"^([ \t]*)(?:cp?def|DEF)[ \t][^\n=(:#]{0,200}?(\w+)[ \t]*(?==[^=\n])", re.MULTILINE)
_IMPORT = re.compile(rb"^([ \t]*(?:from[ \t]+[\w.]+[ \t]+)?)cimport\b", re.MULTILINE)
_CONDITION = re.compile(rb"^([ \t]*)(?:IF|ELIF)[ \t][^\n]{1,300}?(?=:[ \t]*$)", re.MULTILINE)
_OTHERWISE = re.compile(rb"^([ \t]*)ELSE(?=:[ \t]*$)", re.MULTILINE)
_OTHER = re.compile(rb"^([ \t]*)(?:cdef|cpdef|ctypedef)\b[^\n]*", re.MULTILINE)

_BEFORE = rb"((?:[=(,\[{:+*/%|^-]|\b(?:return|yield|in|not|and|or|if|else|lambda))[ \t]*)"
_CAST = re.compile(
    _BEFORE + rb"<[ \t]*[A-Za-z_][\w. \t]{0,80}(?:\[[^\]\n]{0,80}\])?[ \t]*\*{0,3}\??>(?=[ \t]*[\w(&\"'\[<-])"
)
_ADDRESS = re.compile(_BEFORE + rb"&(?=[A-Za-z_])")
_NEW = re.compile(_BEFORE + rb"new[ \t](?=[ \t]*[A-Za-z_])")
_FROM = re.compile(rb"^([ \t]*for[ \t]+\w{1,80}[ \t]+)from(?=[ \t])", re.MULTILINE)


def as_python(source: bytes) -> bytes:
    """The source with as many bytes and the same line ends."""
    if not _BEGINS.search(source):
        return source
    for pattern, written in (
        (_FUNCTION, b"def %s()"),
        (_HOLDER, b"class %s"),
        (_PROPERTY, b"class %s"),
        (_BLOCK, b"if 1"),
        (_CONDITION, b"if 1"),
        (_OTHERWISE, b"else"),
        (_VALUE, b"%s"),
        (_IMPORT, b"import"),
        (_OTHER, b"pass"),
        (_CAST, b""),
        (_CAST, b""),
        (_ADDRESS, b""),
        (_NEW, b""),
        (_FROM, b"in"),
    ):
        source = pattern.sub(lambda match, written=written: _in_place(match, written), source)  # type: ignore[misc]
    return source


def _in_place(match: re.Match[bytes], written: bytes) -> bytes:
    """`written`, which may name what the match defines, on the match's first line; blanks for the rest."""
    text = match[1] + (written % match[2] if b"%s" in written else written)
    rest = match[0][len(text) :]
    return text + re.sub(rb"[^\r\n]", b" ", rest)

"""Which bytes saving a text writes, and what a file's bytes say."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralphd.core.encodings import decoded, encoded_like


@pytest.mark.parametrize("name", ["latin-1", "cp1252", "iso8859-15", "cp1251", "koi8-r", "shift_jis", "utf-8"])
def test_a_text_keeps_the_encoding_of_its_file(name: str) -> None:
    """No declaration: an editor opened it with the language's encoding, and the person has typed since."""
    letters = {"cp1251": "Привет", "koi8-r": "Привет", "shift_jis": "日本語", "utf-8": "é日本🙂"}
    word = letters.get(name, "naïve café" + ("" if name == "latin-1" else " €"))
    disk = f"# {word}\nx = 1\n".encode(name)
    typed = f"# {word}\nx = 2\ny = '{word}'\n"
    assert encoded_like(typed, disk) == typed.encode(name)


@pytest.mark.parametrize("first", ["# -*- coding: latin-1 -*-", "#!/usr/bin/python\n# vim: set fileencoding=latin-1 :"])
@pytest.mark.parametrize("on_disk", [True, False])
def test_a_declaration_counts_where_the_bytes_do_not_decide(first: str, on_disk: bool) -> None:
    text = f"{first}\nNAME = 'é'\n"
    disk = f"{first}\nNAME = ''\n".encode() if on_disk else None
    assert encoded_like(text, disk) == text.encode("latin-1")
    assert decoded(text.encode("latin-1")) == text


@pytest.mark.parametrize("declared", ["no-such", "rot13", "base64", "undefined", "x" * 500])
def test_a_declaration_of_nothing_is_none(declared: str) -> None:
    text = f"# coding: {declared}\nNAME = 'é'\n"
    assert encoded_like(text, None) == text.encode()
    assert decoded(text.encode()) == text


def test_what_the_encoding_does_not_have_is_utf_8() -> None:
    assert encoded_like("# café €€ 日本\n", "# café\n".encode("latin-1")) == "# café €€ 日本\n".encode()
    assert encoded_like("lone \ud800", None) == b"lone \xed\xa0\x80"


@pytest.mark.parametrize(
    ("bom", "name"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
@pytest.mark.parametrize("kept", [True, False])
def test_a_byte_order_mark_stays(bom: bytes, name: str, kept: bool) -> None:
    """Whether the client shows the mark as a character or not."""
    text = "\ufeffé" if kept else "é"
    assert encoded_like(text, bom + "e".encode(name)) == bom + "é".encode(name)


@given(st.text(), st.binary())
def test_every_text_becomes_bytes(text: str, disk: bytes) -> None:
    assert isinstance(encoded_like(text, disk), bytes)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_utf_8_survives(text: str) -> None:
    if "coding" not in text:
        assert encoded_like(text, text.encode()) == text.encode() and decoded(text.encode()) == text

"""Which addresses of a model's server can be asked at all, and what is said of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralphd.core.addresses import address_problem


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8000/v1",
        "https://api.openai.com/v1/",
        "http://[::1]:8000/v1",
        "http://127.0.0.1",
        "https://my-model.example.:443/a/b?api-version=1",
        "https://bücher.example/v1",
    ],
)
def test_what_can_be_asked(address: str) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://localhost:99999/v1", "1 to 65535"),
        ("http://localhost:-1/v1", "1 to 65535"),
        ("http://localhost:80a/v1", "1 to 65535"),
        ("http://localhost:0/v1", "port 0"),
        ("http://[::1:8000/v1", "brackets"),
        ("http://::1]:8000/v1", "brackets"),
        ("localhost:8000/v1", "http://"),
        ("ftp://localhost/v1", "http://"),
        ("http:///v1", "no host"),
        ("http://", "no host"),
        ("", "http://"),
        ("http://local host/v1", "space"),
        ("http://localhost/v1\n", "control character"),
        ("http://a..b/v1", "cannot exist"),
        ("http://" + "a" * 64 + ".example/v1", "cannot exist"),
        ("http://x/" + "a" * 5000, "longer"),
        ("https://me:sk-live-0123456789@gateway.example/v1", "api_key"),
        ("https://sk-live-0123456789@gateway.example/v1", "api_key"),
        ("http://good.example\\@evil.example/v1", "api_key"),
        ("http://good.example\\.evil.example/v1", "backslash"),
        ("http://localhost/v1#part", "#"),
    ],
)
def test_what_cannot(address: str, said: str) -> None:
    problem = address_problem(address)
    assert problem is not None and said in problem
    assert "sk-live" not in problem


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: "http://" + text))
def test_nothing_raises(address: str) -> None:
    address_problem(address)

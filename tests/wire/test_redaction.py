"""What is masked: shapes of keys, exact values, places where secrets stand."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from ralphd.model_host.child.redaction import MASK, RedactingStream, Redactor
from tests.support import growth
from tests.wire.conftest import CANARIES

_X = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xR"
SHAPES = {
    "openai": f"sk-proj-{_X}",
    "openai old": f"sk-{_X}",
    "anthropic": f"sk-ant-api03-{_X}",
    "openrouter": "sk-or-v1-" + "0123456789abcdef" * 4,
    "google": "AIza" + _X + "abc",
    "groq": f"gsk_{_X}",
    "xai": f"xai-{_X}",
    "huggingface": f"hf_{_X}",
    "replicate": f"r8_{_X}",
    "perplexity": f"pplx-{_X}",
    "fireworks": f"fw_{_X[:22]}",
    "together": f"tgp_v1_{_X}",
    "cerebras": f"csk-{_X}",
    "nvidia": f"nvapi-{_X}",
    "anyscale": f"esecret_{_X}",
    "databricks": "dapi" + "0123456789abcdef" * 2,
    "voyage": f"pa-{_X}",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": f"ghp_{_X}",
    "github fine": f"github_pat_{_X}",
    "gitlab": f"glpat-{_X[:20]}",
    "slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "stripe": "sk_" + f"live_{_X[:24]}",
    "npm": f"npm_{_X}0123",
    "sendgrid": "SG." + f"{_X[:22]}.{_X}abcdefghijk",
    "discord": "MTIzNDU2Nzg5MDEyMzQ1Njc4.G1xYzA.abcdefghijklmnopqrstuvwxyz1",
    "vault": f"hvs.{_X}",
    "azure openai": f"{_X}{_X[:20]}JQQJ99{_X[:26]}",
    "azure storage": "AccountKey=" + "aB3/" * 22,
    "telegram": f"123456789:{_X}abc",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
}


@pytest.mark.row("G2")
@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("frame", ["{}", "'{}'", "key={}.", '{{"a": "{}"}}', "https://h/p?x={}&y=1"])
def test_shapes(name: str, frame: str) -> None:
    masked = Redactor().text(frame.format(SHAPES[name]))
    assert SHAPES[name] not in masked and MASK in masked


@pytest.mark.row("G2")
@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef0123456789",
        "authorization: Basic dXNlcjpwYXNzd29yZA==",
        '{"api-key": "0123456789abcdef0123"}',
        '{\\"x-goog-api-key\\": \\"0123456789abcdef0123\\"}',
        "AZURE_API_KEY=0123456789abcdef0123",
        "api_key='0123456789abcdef0123'",
        "MISTRAL_API_KEY: 0123456789abcdef0123",
        "password = 0123456789abcdef0123",
        "https://generativelanguage.googleapis.com/v1?key=0123456789abcdef0123&alt=sse",
        "https://user:0123456789abcdef0123@host/path",
        "redis://:0123456789abcdef0123@cache:6379/0",
        "https://x.blob/?sv=1&sig=0123456789abcdef0123",
        "client_secret: 0123456789abcdef0123",
        "the key is sk-proj-aB3dE6gH9jK2mN5pQ8sT\nE         0123456789abcdef0123",
        "-----BEGIN RSA PRIVATE KEY-----\n0123456789abcdef0123\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_places(text: str) -> None:
    masked = Redactor().text(text)
    assert "0123456789abcdef0123" not in masked and "dXNlcjpw" not in masked and "abcdef0123456789" not in masked
    assert MASK in masked


@pytest.mark.parametrize("secret", sorted(CANARIES.values()))
def test_exact_values_in_any_spelling(secret: str) -> None:
    """As a test of a project prints it: for an address, a page, a shell, PowerShell, PHP."""
    for value in (secret, f"{secret}/a+b&c (d)'e é"):
        redactor = Redactor([value])
        for text in (
            *(quote(value, safe=left) for left in ("", "/", "!*'()~")),
            quote_plus(value),
            re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
            *(html.escape(value, quote=quoted) for quoted in (True, False)),
            *(repr(value), repr(value.encode()), json.dumps(value), json.dumps(value, ensure_ascii=False)),
            json.dumps(value).replace("/", "\\/"),
            base64.b64encode(value.encode("utf-16-le")).decode(),
        ):
            assert MASK in redactor.keys(f"<{text}>"), text


@pytest.mark.parametrize("secret", sorted(CANARIES.values()))
def test_exact_values_in_what_a_log_holds(secret: str) -> None:
    redactor = Redactor([secret])
    for text in (secret, quote(secret, safe=""), json.dumps({"k": secret}), base64.b64encode(secret.encode()).decode()):
        assert secret not in redactor.text(f"<{text}>") and MASK in redactor.text(f"<{text}>")
    odd = 'quote"and\\slash-0123'
    assert odd not in Redactor([odd]).text(json.dumps(odd)) and MASK in Redactor([odd]).text(
        json.dumps(json.dumps(odd))
    )


@pytest.mark.row("G2")
@pytest.mark.parametrize(
    "line",
    [
        'MISTRAL_API_KEY = "{}"',
        "COHERE_API_KEY={}12345678",
        'aws_secret_access_key: "wJalrXUtnFEMI/{}"',
        '{{"azure_key": "{}"}}',
        "headers = {{'x-api-key': '{}'}}",
    ],
)
def test_keys_without_a_form_are_known_by_their_name_in_prompts_too(line: str) -> None:
    assert _X not in Redactor().keys(line.format(_X))


def test_code_that_speaks_of_keys_stays_in_prompts() -> None:
    for code in (
        "api_key = make_the_key_of_the_thing_number_2(x)",
        "token = request.headers.get('authorization_token_number_1')",
        "password_hash = 'short-one-1'",
        "signature = inspect.signature(function_with_a_name_of_forty_letters_1)",
        "SECRET_KEY = settings.SECRET_KEY_OF_THE_ENVIRONMENT_1",
        "sha = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'",
    ):
        assert Redactor(["another-secret"]).keys(code) == code


_TYPED = "Zx9-Qw3rTy7uIoP1aSdF5gHjK_lZxCv"


@pytest.mark.row("G2")
@pytest.mark.parametrize("cut", [1, 9, len(_TYPED) - 1])
@pytest.mark.parametrize("between", ["\n", "\r\n", '"\n    "', "\\\n  ", "\nE       ", "' +\n  '", "\\n", "\n\n| "])
def test_a_known_value_over_two_lines(cut: int, between: str) -> None:
    masked = Redactor([_TYPED]).keys(f"x = '{_TYPED[:cut]}{between}{_TYPED[cut:]}' # y\nz\n")
    assert masked == f"x = '{MASK}' # y\nz\n"


@pytest.mark.row("G2")
@pytest.mark.parametrize("before", range(4))
def test_a_known_value_inside_of_what_is_encoded(before: int) -> None:
    data = b"me:x"[:before] + _TYPED.encode() + b", and more"
    for text in (data.hex(), data.hex().upper(), data.hex(":"), base64.encodebytes(b"." * 48 + data).decode()):
        assert MASK in Redactor([_TYPED]).keys(text), text
    assert MASK in Redactor([_TYPED]).keys(base64.urlsafe_b64encode(data).decode())


@pytest.mark.row("G2")
def test_nested_values_and_names() -> None:
    masked = Redactor(["my-own-secret"]).value(
        {"a": [{"api_key": "short"}, "x my-own-secret y"], "token": "abc", "prompt_tokens": 12, "text": "plain"}
    )
    assert masked == {
        "a": [{"api_key": MASK}, f"x {MASK} y"],
        "token": MASK,
        "prompt_tokens": 12,
        "text": "plain",
    }


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens=4096, total_tokens: 12345678",
        "def key_of(self, token_count): return sorted(keys)",
        "the answer is 42; task-0123456789abcdefghij done; risk-assessment-of-everything-here",
        "https://example.com/path?page=2&keyboard=dvorak",
        "a sha256 of 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert Redactor(["another-secret"]).text(text) == text


def test_masking_twice_changes_nothing() -> None:
    redactor = Redactor(["my-own-secret"])
    once = redactor.text("Authorization: Bearer my-own-secret api_key=0123456789abcdef")
    assert redactor.text(once) == once


def test_a_stream_masks_over_its_chunks() -> None:
    raw = io.StringIO()
    stream = RedactingStream(raw, Redactor(["my-own-secret"]))
    for part in ("the key is my-o", "wn-sec", "ret!\nnext", " line\n"):
        stream.write(part)
    stream.flush()
    assert raw.getvalue() == f"the key is {MASK}!\nnext line\n"


_WORST = {
    "names": "a_",
    "names with dashes": "api-key-",
    "a name and spaces": "token" + " " * 50,
    "equals": "token = ",
    "schemes": "a.",
    "half an address": "a://b:",
    "users": "://a:a",
    "tokens": "-eyJ",
    "tokens with dots": "eyJaaaaaaaaaa.",
    "key heads": "sk-",
    "key heads that fail": "-sk-a ",
    "private keys": "-----BEGIN ",
    "private keys without an end": "-----BEGIN PRIVATE KEY-----",
    "ends": "-----END A",
    "bearers": "bearer ",
    "a bearer and spaces": "bearer" + " " * 50,
    "queries": "?key=",
    "queries side by side": "&key",
    "quotes": '\\"',
    "one letter": "a",
    "spaces": " ",
    "words": "secret signature authorization ",
    "google": "AIza-",
    "line ends": "\n",
    "line ends of JSON": "\\n",
    "aws": "aws",
    "aws and names": "aws secret ",
    "long runs": "key=" + "a1" * 20 + "(",
    "masks": f"{MASK}\n",
}


_SAMPLE = {"names", "key heads", "spaces", "line ends", "one letter", "masks", "private keys"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in _SAMPLE else pytest.mark.slow) for name in sorted(_WORST)]
)
def test_no_text_takes_longer_than_its_length(name: str) -> None:
    """A megabyte of each pattern's worst case, twice."""
    text = (_WORST[name] * (1_000_000 // len(_WORST[name]) + 1))[:1_000_000]
    redactor = Redactor(["my-own-secret", "aaaaaaaaaaaaaaaaaaaaab"])
    growth.within(3000, lambda: (redactor.text(text), redactor.value({text: "x"})))


def test_a_text_of_any_length_is_cut_and_no_secret_with_it() -> None:
    secret = "sk-proj-0123456789abcdefghij"
    text = ("x" * 99 + " ") * 20_000
    long = text[: 2_000_000 - 10] + secret + text * 2
    masked = Redactor().text(long)
    assert len(masked) < 2_100_000 and "characters were left out" in masked
    assert "sk-proj" not in masked

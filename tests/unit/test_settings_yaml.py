"""How values are read: numbers as YAML 1.2 and JSON have them, text where text is meant, and errors that say the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralphd.settings.load import Layer, resolve
from ralphd.settings.provenance import Configuration
from ralphd.settings.yaml_text import read, text_at


def of(text: str, **environ: str) -> Configuration:
    return resolve([Layer("user", text=text, path="/home/me/config.yaml")], environ)


def usd(written: str) -> float:
    found = of(f"budget: {{usd_per_run: {written}}}\n")
    assert found.problems == (), written
    return found.settings.budget.usd_per_run


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-05", 1e-05),
        ("1E-5", 1e-05),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("+1", 1.0),
        ("+.5e1", 5.0),
        ("2.", 2.0),
        ("0o17", 15.0),
        ("0x1F", 31.0),
        ("010", 10.0),
        ("0", 0.0),
        ("5e-324", 5e-324),
        ("${LIMIT:-0.25}", 0.25),
        ("!!float 3", 3.0),
    ],
)
def test_a_number(written: str, value: float) -> None:
    assert usd(written) == value


@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False) | st.integers(0, 10**18))
def test_every_number_that_json_can_write(number: float) -> None:
    assert usd(json.dumps(number)) == float(number)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1_000", "marks between the digits"),
        ("'1'", "without quotes"),
        (".inf", "finite"),
        ("-.INF", "finite"),
        (".NaN", "finite"),
        ("inf", "number"),
        ("nan", "number"),
        ("1e999", "finite"),
        ("9" * 400, "finite"),
        ("1:30", "number"),
        ("0b11", "number"),
        ("2024-10-21", "number"),
        ("true", "number"),
        ("-1", "at least 0"),
        ("1,5", "marks between"),
        ("!dollars 3", "tag"),
        ("${NOWHERE}", "NOWHERE is not set"),
        ("${SOME_KEY}", "looks like a key"),
        ("[1]", "number"),
    ],
)
def test_what_is_no_limit_stops_a_run(written: str, said: str) -> None:
    for layer in ("user", "command_line", "repository", "editor"):
        found = resolve([Layer(layer, text=f"budget:\n  usd_per_run: {written}\n", path="f")], {"SOME_KEY": "1"})  # type: ignore[arg-type]
        stopping = [problem for problem in found.problems if problem.stops_run]
        assert stopping and stopping[0].line == 1, (layer, found.problems)
        assert layer in ("repository", "editor") or said in stopping[0].message


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "NO"])
def test_the_flags_of_yaml_1_1_are_text(word: str) -> None:
    (problem,) = of(f"sandbox: {{network: {word}}}\n").problems
    assert problem.stops_run and "true or false. In YAML 1.2" in problem.message
    assert of(f"models: {{default: {{provider: {word}}}}}\n").settings.models.artisan.provider == word


def test_whole_numbers_may_be_written_as_json_has_them() -> None:
    assert of("litellm: {retry_attempts: 2.0}\nloop: {max_iterations: 1e1}\n").settings.loop.max_iterations == 10
    assert of("loop: {max_iterations: 1.5}\n").problems[0].stops_run


@pytest.mark.parametrize(
    "written", ["2024-10-21", "007", "1.10", "true", "1e3", "12:30:45", "~x", "0x1F", "2024-10-21T10:00:00Z"]
)
def test_where_text_is_meant_it_is_the_text_as_written(written: str) -> None:
    found = of(f"models: {{artisan: {{model: {written}, api_version: {written}, fallback: [{written}, gpt]}}}}\n")
    assert found.problems == ()
    artisan = found.settings.models.artisan
    assert (artisan.model, artisan.api_version, artisan.fallback[0]) == (written, written, written)
    assert of(f"testing: {{command: [pytest, {written}]}}\n").settings.testing.command == ("pytest", written)


@pytest.mark.parametrize(
    "text",
    [
        "api_key: ${TEAM}",
        "{api_key: ${TEAM}}",
        "{model: x, api_key: ${TEAM}, max_tokens: 5}",
        "{api_key: '${TEAM}'}",
        '{api_key: "${TEAM}"}',
        "{ api_key: ${TEAM} }",
        '{"api_key":"${TEAM}"}',
    ],
)
def test_a_variable_may_stand_in_braces_without_quotes(text: str) -> None:
    found = of(f"models:\n  artisan:\n    {text}\n")
    assert found.problems == ()
    key = found.settings.models.artisan.api_key
    assert key is not None and key.env == "TEAM"


def test_a_default_may_hold_yamls_own_signs() -> None:
    found = of("models: {artisan: {api_base: ${BASE:-http://localhost:1/v1}, model: ${M:-a,b#c}}}\n")
    assert found.problems == ()
    artisan = found.settings.models.artisan
    assert (artisan.api_base, artisan.model) == ("http://localhost:1/v1", "a,b#c")


def test_a_literal_key_is_found_again_as_it_is_written() -> None:
    text = "models:\n  default: &d {api_key: 0123456789012345678901234567890}\n  critic: {<<: *d, model: x}\n"
    found = of(text)
    assert found.problems == ()
    key = found.settings.models.critic.api_key
    assert key is not None and key.pointer is not None
    assert text_at(text, key.pointer) == "0123456789012345678901234567890"
    assert text_at(text, "/models/nobody/api_key") is None
    assert text_at("[a, b]", "/0") is None and text_at("a: [b]", "/a/0") == "b" and text_at("{", "/a") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("loop:\n\tmax_iterations: 3\n", "a tab stands where YAML allows only spaces"),
        ("loop: {max_iterations: @}\n", "found character `@` that cannot start any token"),
        ("loop: `x`\n", "found character ``` that cannot start any token"),
        ("a: [1, 2\n", "but got `<stream end>`"),
        ("a: b: c\n", "mapping values are not allowed here"),
        ('a: "x\\q"\n', "unknown escape character `q`"),
        ("a: *sk-live-0123456789\n", "found undefined alias."),
        ("a: 'never closed\n", "end of stream"),
    ],
)
def test_what_is_not_yaml_is_said_in_words_that_help(text: str, said: str) -> None:
    (problem,) = of(text).problems
    assert said in problem.message and problem.stops_run
    assert "something else" not in problem.message and "sk-live" not in problem.message and "  " not in problem.message


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=10), st.sampled_from([None, 2, "\t"]))  # fmt: skip
def test_json_is_read_as_json(value: Any, indent: Any) -> None:
    node, problems = read(Layer("user", text=json.dumps({"top": value}, indent=indent)))
    assert problems == [] and node is not None
    assert plain(node) == {"top": value}


def plain(node: Any) -> Any:
    if isinstance(node.value, dict):
        return {name: plain(item) for name, item in node.value.items()}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


@pytest.mark.parametrize(
    "address",
    ["http://localhost:99999/v1", "http://[::1:8000/v1", "localhost:8000/v1", "ftp://localhost", "https://me:sk-live@gateway.example", "http://", "http://local host/v1"],
)  # fmt: skip
def test_an_address_that_cannot_be_asked_is_a_problem_at_its_line(address: str) -> None:
    found = of(f"models:\n  artisan:\n    model: openai/x\n    api_base: '{address}'\n")
    (problem,) = found.problems
    assert (problem.line, problem.start_col, problem.stops_run) == (3, 14, True)
    assert "`models.artisan.api_base` is no address of a model's server" in problem.message
    assert "sk-live" not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "{",
        "- ",
        "? ",
        "${a:-",
        "a: ${a:-",
        "!a ",
        "&a ",
        "'",
        ": ",
        "#",
        "\n",
        "a: [x]\n",
        "k: &k {<<: *k}\n",
        "{a: ",
    ],
)
def test_a_text_that_is_dear_to_read_is_read_or_refused_at_once(text: str) -> None:
    """What took minutes would show here as a test that hangs: each of these is 100,000 characters of one thing."""
    found = resolve([Layer("repository", text=(text * 100_000)[:100_000], path="f")], {"a": ""})
    assert len(found.problems) <= 101


def test_more_faults_than_anybody_reads_stop_the_run() -> None:
    lines = "".join(f"unknown_{number}: 1\n" for number in range(5000))
    found = resolve([Layer("repository", text=lines + "budget: {usd_per_run: x}\n", path="f")], {})
    assert len(found.problems) == 101
    assert "too many faults" in found.stopping[0].message

"""Who may set a key: each key of the schema by itself, a repository against the person, and what is in force then."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest

from ralphd.settings import export
from ralphd.settings.export import Key
from ralphd.settings.load import Configuration, Layer, resolve
from ralphd.settings.schema import KeyRef
from ralphd.settings.scopes import Asked, Free, PersonOnly, TightenOnly

KEYS = {key.path: key for key in export.all_keys()}
TEXTS = {
    "api_base": "http://localhost:1/v1",
    "aliases": {"fast": "openai/x"},
    "prices": {"openai/x": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2}},
    "command": ["pytest", "-x"],
    "fast_command": ["pytest", "-x"],
    "extra_body": {"top_k": 20},
    "context_window": 32768,
    "tokens_per_run": 1000,
    "tokens_per_day": 1000,
}


def tree(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def other(key: Key) -> Any:
    """A valid value that is not the default."""
    name = key.path.rpartition(".")[2]
    if name in TEXTS:
        return TEXTS[name]
    kind, default = key.field.annotation, key.default
    if KeyRef in (kind, *get_args(kind)):
        return {"x": "${NAME}"} if "Mapping" in str(kind) else "${NAME}"
    if isinstance(default, bool):
        return not default
    if isinstance(default, (int, float)):
        return default / 2 if isinstance(default, float) else default - 1 if default > 1 else 2
    if isinstance(default, tuple):
        return ["one"]
    if get_origin(kind) is Literal:
        return next(word for word in get_args(kind) if word != default)
    return 7 if int in get_args(kind) or name in ("max_tokens", "temperature") else "text"


def in_force(configuration: Configuration, path: str) -> Any:
    value: Any = configuration.settings
    for part in path.split("."):
        value = getattr(value, part)
    return list(value) if isinstance(value, tuple) else value


def of(path: str, wanted: Any, mine: Any = None, *, agreed: bool = True) -> tuple[Any, set[str]]:
    layers = [] if mine is None else [Layer("user", data=tree(path, mine))]
    layers.append(Layer("repository", data=tree(path, wanted)))
    found = resolve(layers, {}, agreed=lambda digest: agreed)
    assert not [p for p in found.problems if p.severity == "error"], found.problems
    return in_force(found, path), {problem.code for problem in found.problems}


def test_every_key_has_one_mark_and_the_four_kinds_are_there() -> None:
    assert {type(key.mark) for key in KEYS.values()} == {PersonOnly, TightenOnly, Free, Asked}
    assert all(
        sum(isinstance(m, (PersonOnly, TightenOnly, Free, Asked)) for m in k.field.metadata) <= 1 for k in KEYS.values()
    )


@pytest.mark.parametrize("path", [p for p, key in KEYS.items() if isinstance(key.mark, PersonOnly)])
def test_person_only(path: str) -> None:
    value, codes = of(path, other(KEYS[path]))
    assert value == in_force(resolve([], {}), path)
    assert codes == {"user-only"}
    mine = resolve([Layer("user", text="", path="f"), Layer("user", data=tree(path, other(KEYS[path])))], {})
    if path != "litellm.redact_api_keys":
        assert in_force(mine, path) != in_force(resolve([], {}), path)


@pytest.mark.parametrize("path", [p for p, key in KEYS.items() if isinstance(key.mark, TightenOnly)])
def test_tighten_only(path: str) -> None:
    mark, default = KEYS[path].mark, KEYS[path].default
    assert isinstance(mark, TightenOnly)
    if mark.how == "lower":
        mine = 2 * other(KEYS[path]) if default is None else default  # without a default there is no limit to loosen
        stricter, laxer = other(KEYS[path]), mine * 2
    elif mark.how == "choose":
        mine, stricter, laxer = mark.order[1], mark.order[0], mark.order[-1]
        if len(mark.order) == 2:
            assert of(path, laxer, stricter)[0] == stricter
            return
    elif mark.how == "add":
        assert of(path, ["more/"], ["mine/"])[0] == ["mine/", "more/"]
        assert of(path, [], ["mine/"]) == (["mine/"], {"loosening"})
        return
    else:
        mine, stricter, laxer = ["mine.md"], ["docs/rules.md"], ["docs/../../rules.md"]
    assert of(path, stricter, mine) == (stricter, set())
    assert of(path, mine, mine) == (mine, set())
    assert of(path, laxer, mine) == (mine, {"loosening"})
    # The person may do both.
    assert in_force(resolve([Layer("user", data=tree(path, laxer))], {}), path) == laxer


@pytest.mark.parametrize("outside", ["/etc/passwd", "~/rules.md", "../rules.md", "a/../../b", "C:/x", "..\\rules.md"])
def test_rules_files_of_a_repository_lie_in_it(outside: str) -> None:
    default = in_force(resolve([], {}), "context.rules_files")
    assert of("context.rules_files", ["docs/rules.md", outside]) == (default, {"loosening"})


@pytest.mark.parametrize("path", [p for p, key in KEYS.items() if isinstance(key.mark, Free)])
def test_free(path: str) -> None:
    assert of(path, other(KEYS[path])) == (other(KEYS[path]), set())


@pytest.mark.parametrize("path", [p for p, key in KEYS.items() if key.mark == Asked()])
def test_asked_counts_once_the_person_agreed(path: str) -> None:
    wanted = other(KEYS[path])
    assert of(path, wanted, agreed=True)[0] == wanted
    assert of(path, wanted, agreed=False)[0] == in_force(resolve([], {}), path)
    assert in_force(resolve([Layer("user", data=tree(path, wanted))], {}, agreed=lambda digest: False), path) == wanted


def test_commands_are_asked_when_they_run() -> None:
    assert {p for p, key in KEYS.items() if key.mark == Asked("command")} == {"testing.command", "testing.fast_command"}

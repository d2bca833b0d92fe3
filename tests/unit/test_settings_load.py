"""Layers, scopes, expansion and problems: what a person writes, what is in force, what they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ralphd.settings.load import Configuration, Layer, Problem, resolve
from ralphd.settings.schema import KeyRef, Settings

SECRET = "sk-live-0123456789abcdef"


def user(text: str, path: str | None = "/home/me/config.yaml") -> Layer:
    return Layer("user", text=text, path=path)


def repo(text: str) -> Layer:
    return Layer("repository", text=text, path="/repo/ralph.config.yaml")


def of(*layers: Layer, **environ: str) -> Configuration:
    """As resolved for a person who agreed to the repository's models."""
    return resolve(layers, environ, agreed=lambda digest: True)


def only(resolved: Configuration) -> Problem:
    (problem,) = resolved.problems
    return problem


def test_nothing_set_is_the_defaults_with_their_provenance() -> None:
    resolved = of()
    assert resolved.settings == Settings()
    assert resolved.problems == ()
    assert resolved.settings.models.artisan.model is None
    assert resolved.settings.loop.max_iterations == 5
    assert resolved.settings.models.critic.temperature == 0.5
    assert resolved.source("loop.max_iterations").scope == "default"


def test_later_layers_win_key_by_key_and_provenance_names_file_and_line() -> None:
    resolved = of(
        user("loop:\n  max_iterations: 3\n  stuck_after: 4\n"),
        repo("# a comment\nloop:\n  max_iterations: 2\n"),
        Layer("editor", data={"loop": {"librarian": "never", "max_wall_s": None}}),
        Layer("command_line", data={"loop": {"max_iterations": 9}}),
    )
    loop = resolved.settings.loop
    assert (loop.max_iterations, loop.stuck_after, loop.librarian, loop.max_wall_s) == (9, 4, "never", 900.0)
    assert resolved.source("loop.max_iterations").scope == "command_line"
    assert str(resolved.source("loop.stuck_after")) == "user /home/me/config.yaml:3"
    assert resolved.source("loop.librarian").scope == "editor"
    assert not resolved.source("loop.librarian").trusted


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("lop: {}\n", "loop"),
        ("loop: {max_iteration: 3}\n", "loop.max_iterations"),
        ("loop: {maxIterations: 3}\n", "loop.max_iterations"),
        ("max_iterations: 3\n", "loop.max_iterations"),
        ("models: {artizan: gpt-4o}\n", "models.artisan"),
        ("models: {artisan: {modle: gpt-4o}}\n", "models.artisan.model"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_name(text: str, nearest: str) -> None:
    resolved = of(user(text))
    problem = only(resolved)
    assert (problem.code, problem.severity) == ("unknown-key", "error")
    assert f"Did you mean `{nearest}`?" in problem.message
    assert resolved.settings == Settings()


def test_positions_are_those_of_the_key_or_the_value_by_the_editors_line_rules() -> None:
    text = "\ufeffloop:\r\n  # \u2028# an editor sees one line here\x85#\r\n  max_iterations: nine\r\n  typo: 1\r\n"
    resolved = of(user(text))
    value, key = resolved.problems
    assert (value.code, value.line, value.start_col, value.end_col) == ("wrong-value", 2, 18, 22)
    assert (key.code, key.line, key.start_col, key.end_col) == ("unknown-key", 3, 2, 6)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("loop: {max_iterations: many}", "loop.max_iterations", "whole number"),
        ("loop: {max_iterations: true}", "loop.max_iterations", "whole number"),
        ("loop: {max_iterations: 0}", "loop.max_iterations", "at least 1"),
        ("loop: {max_wall_s: .inf}", "loop.max_wall_s", "finite"),
        ("loop: {critic: sometimes}", "loop.critic", "`after`, `beside` or `never`"),
        ("loop: fast", "loop", "mapping"),
        ("budget:\n  usd_per_run:\n", "budget.usd_per_run", "has no value"),
        ("budget: {usd_per_day: ~}", "budget.usd_per_day", "has no value"),
        ("budget: {usd_per_run: .nan}", "budget.usd_per_run", "finite"),
        ("budget: {usd_per_run: .inf}", "budget.usd_per_run", "finite"),
        ("budget: {usd_per_run: -1}", "budget.usd_per_run", "at least 0"),
        ("sandbox: {network: 1}", "sandbox.network", "true or false"),
        ('testing: {command: "pytest \'unclosed"}', "testing.command", "quotes match"),
        ("testing: {command: []}", "testing.command", "empty"),
        ("testing: {command: '  '}", "testing.command", "empty"),
        ("testing: {locked: tests}", "testing.locked", "list"),
        ("models: {artisan: {model: [4]}}", "models.artisan.model", "in quotes"),
        ("models: {artisan: {model: 'two words'}}", "models.artisan.model", "character"),
        ("models: [a, b]", "models", "mapping"),
        ("prices: {x: {input_usd_per_mtok: 1}}", "prices.x", "`output_usd_per_mtok`"),
        ("review: 2026-01-01", "review", "`pending`, `apply` or `preview`"),
        ("aliases: {fast: {a: b}}", "aliases.fast", "in quotes"),
    ],
)
def test_a_wrong_value_is_reported_and_the_lower_layer_stays(text: str, key: str, words: str) -> None:
    resolved = of(user(text + "\n"))
    problem = only(resolved)
    assert (problem.code, problem.severity, problem.key) == ("wrong-value", "error", key)
    assert words in problem.message
    assert resolved.settings == Settings()


def test_a_wrong_item_of_a_list_is_pointed_at() -> None:
    problem = only(of(user("models:\n  artisan:\n    fallback:\n      - gpt-4o\n      - [7]\n")))
    assert (problem.line, problem.start_col, problem.end_col) == (4, 8, 11)


@pytest.mark.parametrize(
    "text",
    [
        "loop: [1, 2\n",
        "loop: {max_iterations: 3\n  budget: }\n",
        "\tloop: 1\n",
        "a: *nowhere\n",
        "loop: !!python/object/apply:os.system ['true']\n",
        "loop: \x00\n",
        "one: 1\n---\ntwo: 2\n",
        "&a [*a]\n",
        "just text\n",
        "x" * 1_000_001,
        "[" * 500,
    ],
)
def test_what_is_no_yaml_is_one_problem_and_the_other_layers_load(text: str) -> None:
    resolved = of(user("loop: {max_iterations: 3}\n"), repo(text))
    problem = only(resolved)
    assert problem.severity == "error"
    assert problem.path == "/repo/ralph.config.yaml"
    assert resolved.settings.loop.max_iterations == 3


def test_a_bomb_of_aliases_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "grows too big" in only(of(user("\n".join(lines)))).message


def test_a_syntax_error_points_at_its_place_and_never_quotes_a_key() -> None:
    problem = only(of(user(f"loop: {{}}\napi_keys:\n  openai: *{SECRET}\n")))
    assert (problem.code, problem.line) == ("syntax", 2)
    assert SECRET not in repr(problem)
    hint = only(of(user("models: {artisan: {model: ${NAME:-it's}}}\n")))
    assert "in quotes" in hint.message


def test_a_key_given_twice_is_an_error() -> None:
    problem = only(of(user("loop:\n  stuck_after: 3\n  stuck_after: 4\n")))
    assert (problem.code, problem.severity, problem.line) == ("duplicate-key", "error", 2)


def test_anchors_and_merge_keys_work() -> None:
    text = "models:\n  artisan: &base {model: gpt-4o, temperature: 0.1}\n  critic: {<<: *base, temperature: 0.2}\n"
    resolved = of(user(text))
    assert resolved.problems == ()
    critic = resolved.settings.models.critic
    assert (critic.model, critic.temperature) == ("gpt-4o", 0.2)


# models


def test_a_bare_name_stands_for_all_roles_and_default_gives_way_to_the_role() -> None:
    assert {role.model for role in _roles(of(user("models: local\n")))} == {"local"}
    resolved = of(
        user("models:\n  default: {model: gpt-4o, timeout_s: 30}\n  critic: gpt-4.1-mini\n  chaos: {candidates: 2}\n")
    )
    models = resolved.settings.models
    assert (models.artisan.model, models.artisan.timeout_s, models.artisan.temperature) == ("gpt-4o", 30.0, 0.7)
    assert (models.critic.model, models.critic.timeout_s) == ("gpt-4.1-mini", 30.0)
    assert (models.chaos.model, models.chaos.candidates) == ("gpt-4o", 2)
    assert resolved.problems == ()


def test_a_default_of_a_later_layer_beats_the_role_of_an_earlier_one() -> None:
    resolved = of(user("models: {artisan: gpt-4o}\n"), Layer("command_line", data={"models": "local"}))
    assert {role.model for role in _roles(resolved)} == {"local"}


def test_a_new_model_drops_the_provider_of_another_but_not_at_ones_own_endpoint() -> None:
    mine = "models: {artisan: {provider: anthropic, model: claude-opus-5}}\n"
    assert of(user(mine), repo("models: {artisan: gpt-4o}\n")).settings.models.artisan.provider is None
    mine = "models: {artisan: {provider: openai, model: a, api_base: http://localhost:1}}\n"
    artisan = of(user(mine), repo("models: {artisan: {model: b}}\n")).settings.models.artisan
    assert (artisan.model, artisan.provider, artisan.api_base) == ("b", "openai", "http://localhost:1")


def test_retired_names_and_aliases_become_names_that_can_be_asked_with_one_notice_each() -> None:
    resolved = of(
        user(
            "aliases: {mine: claude}\nmodels:\n  default: {model: claude-3-opus-20240229, fallback: [gpt, mine, o1]}\n"
        )
    )
    models = resolved.settings.models
    assert models.chaos.model == "claude-opus-5-5"
    assert models.chaos.fallback == ("gpt-6.1-sol", "claude-sonnet-5-5", "o3")
    assert [(p.code, p.severity, p.line) for p in resolved.problems] == [("retired-model", "info", 2)] * 2
    first, second = resolved.problems
    assert "claude-3-opus-20240229" in first.message
    assert second.start_col == "  default: {model: claude-3-opus-20240229, fallback: [gpt, mine, o1]}".index("o1")


def test_at_ones_own_endpoint_names_are_left_alone() -> None:
    text = "models: {artisan: {model: gpt-4, api_base: 'http://localhost:1', fallback: [gpt-4-turbo]}}\n"
    artisan = of(user(text)).settings.models.artisan
    assert (artisan.model, artisan.fallback) == ("gpt-4", ("gpt-4-turbo",))


def _roles(resolved: Configuration) -> list[Any]:
    models = resolved.settings.models
    return [models.librarian, models.artisan, models.critic, models.chaos]


# scope


@pytest.mark.parametrize(
    ("text", "key", "severity"),
    [
        ("api_keys: {openai: '${OPENAI_KEY}'}", "api_keys", "info"),
        ("models: {artisan: {api_base: 'https://evil.example'}}", "models.artisan.api_base", "warning"),
        ("models: {default: {api_base: 'https://evil.example'}}", "models.default.api_base", "warning"),
        ("models: {critic: {api_key: '${HOME}'}}", "models.critic.api_key", "warning"),
        ("models: {critic: {headers: {X-A: '${HOME}'}}}", "models.critic.headers", "warning"),
        ("models: {chaos: {prompt: ../../etc/passwd}}", "models.chaos.prompt", "warning"),
        ("prices: {gpt-4o: {input_usd_per_mtok: 0, output_usd_per_mtok: 0}}", "prices", "warning"),
        ("budget: {ceiling_usd_per_mtok: {input: 0}}", "budget.ceiling_usd_per_mtok.input", "warning"),
        ("sandbox: {mode: none}", "sandbox.mode", "warning"),
        ("sandbox: {network: true}", "sandbox.network", "warning"),
        ("sandbox: {read_only: [/etc]}", "sandbox.read_only", "warning"),
        ("sandbox: {memory_mb: 999999}", "sandbox.memory_mb", "warning"),
        ("litellm: {log_file: ../../.bashrc}", "litellm.log_file", "info"),
        ("litellm: {cache: {url: 'redis://evil.example'}}", "litellm.cache.url", "warning"),
    ],
)
def test_what_is_the_persons_alone_is_ignored_elsewhere_with_a_notice_at_the_key(
    text: str, key: str, severity: str
) -> None:
    resolved = of(repo(text + "\n"), HOME="/h")
    problem = only(resolved)
    assert (problem.code, problem.key, problem.severity) == ("user-only", key, severity)
    assert text[problem.start_col : problem.end_col] == key.rpartition(".")[2]
    assert resolved.settings == Settings()
    # An editor's workspace settings count the same, the person's own settings do not.
    data = _data(text)
    assert only(of(Layer("editor", data=data))).code == "user-only"
    assert not [p for p in of(user(text + "\n"), HOME="/h").problems if p.code == "user-only"]


def _data(text: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def test_a_repository_lowers_the_budget_but_does_not_raise_it() -> None:
    mine = user("budget: {usd_per_run: 2, usd_per_day: 5, unpriced: refuse}\n")
    resolved = of(mine, repo("budget: {usd_per_run: 0.5, usd_per_day: 50, unpriced: ceiling, confirm_above_usd: 0}\n"))
    budget = resolved.settings.budget
    assert (budget.usd_per_run, budget.usd_per_day, budget.unpriced, budget.confirm_above_usd) == (0.5, 5, "refuse", 0)
    assert {p.key for p in resolved.problems} == {"budget.usd_per_day", "budget.unpriced"}
    assert {p.code for p in resolved.problems} == {"loosening"}
    assert of(repo("budget: {unpriced: refuse}\n")).settings.budget.unpriced == "refuse"
    # Measured by the person's own word, not by what another untrusted layer said before.
    again = of(mine, repo("budget: {usd_per_run: 0.5}\n"), Layer("editor", data={"budget": {"usd_per_run": 2}}))
    assert again.settings.budget.usd_per_run == 2
    assert (
        of(
            repo("budget: {usd_per_run: 9}\n"), Layer("user", data={"budget": {"usd_per_run": 9}})
        ).settings.budget.usd_per_run
        == 9
    )


def test_a_repository_adds_to_locks_and_exclusions_but_frees_none() -> None:
    mine = user("testing: {locked: [spec/**]}\ncontext: {exclude: [private/]}\n")
    resolved = of(mine, repo("testing: {locked: []}\ncontext: {exclude: [private/, big/]}\n"))
    assert resolved.settings.testing.locked == ("spec/**",)
    assert resolved.settings.context.exclude == ("private/", "big/")
    assert only(resolved).key == "testing.locked"
    assert of(user("testing: {locked: []}\n")).settings.testing.locked == ()


@pytest.mark.parametrize(
    "text",
    [
        "models: {artisan: 'huggingface/https://evil.example'}",
        "models: {artisan: {fallback: [gpt-4o, 'huggingface/https://evil.example']}}",
        "models: {artisan: {provider: 'https://evil.example'}}",
        "aliases: {claude: 'huggingface/https://evil.example'}",
    ],
)
def test_an_address_in_a_models_name_is_an_endpoint_by_another_door(text: str) -> None:
    resolved = of(repo(text + "\n"))
    assert only(resolved).code == "endpoint-in-name"
    assert resolved.settings == Settings()
    assert of(user(text + "\n")).problems == ()


def test_a_repositorys_command_is_accepted_and_its_source_says_that_consent_is_needed() -> None:
    resolved = of(repo("testing: {command: \"python -m pytest '-k a b'\"}\n"))
    assert resolved.settings.testing.command == ("python", "-m", "pytest", "-k a b")
    assert not resolved.source("testing.command").trusted
    assert of(user("testing: {command: [npm, test]}\n")).source("testing.command").trusted


# variables and keys


@pytest.mark.row("T6")
def test_variables_are_expanded_in_user_scope_only() -> None:
    text = "models: {artisan: {model: '${WHICH}', timeout_s: '${WAIT:-7}'}}\nsandbox: {network: '${NET:-true}'}\n"
    resolved = of(user(text), WHICH="ollama/qwen")
    artisan = resolved.settings.models.artisan
    assert (artisan.model, artisan.timeout_s, resolved.settings.sandbox.network) == ("ollama/qwen", 7, True)
    text = "models: {artisan: {model: '${WHICH}'}}\ntesting: {command: 'echo ${HOME}'}\n"
    resolved = of(repo(text), WHICH="ollama/qwen", HOME="/home/me")
    assert resolved.settings.models.artisan.model == "${WHICH}"
    assert resolved.settings.testing.command == ("echo", "${HOME}")
    assert [p.code for p in resolved.problems] == ["not-expanded"] * 2


def test_an_unset_variable_leaves_the_lower_value_and_is_named() -> None:
    resolved = of(user("models: {artisan: {model: '${NOWHERE}'}}\ntesting: {locked: ['${EMPTY}/x']}\n"), EMPTY="")
    assert resolved.settings == Settings()
    assert [p.code for p in resolved.problems] == ["unset-variable"] * 2
    assert "NOWHERE" in resolved.problems[0].message


def test_a_key_variable_is_never_expanded_into_another_setting() -> None:
    resolved = of(user("models: {artisan: {api_base: 'https://x.example/${OPENAI_API_KEY}'}}\n"), OPENAI_API_KEY=SECRET)
    assert only(resolved).code == "not-expanded"
    assert SECRET not in repr(resolved)
    assert resolved.settings.models.artisan.api_base is None


def test_keys_are_references_and_no_literal_survives() -> None:
    text = f"""
api_keys:
  openai: ${{OPENAI_KEY}}
  anthropic: {SECRET}
  weird/na~me: {SECRET}
models:
  default:
    api_key: ${{TEAM:-{SECRET}}}
    headers: {{Authorization: "Bearer ${{TOKEN}}", X-Plain: "${{PLAIN}}"}}
litellm: {{cache: {{type: redis, url: "redis://:{SECRET}@cache"}}}}
"""
    layer = user(text)
    resolved = of(layer, OPENAI_KEY=SECRET, TEAM=SECRET, TOKEN=SECRET)
    file = "/home/me/config.yaml"
    keys = resolved.settings.api_keys
    assert resolved.problems == ()
    assert keys["openai"] == KeyRef(env="OPENAI_KEY")
    assert keys["anthropic"] == KeyRef(file=file, pointer="/api_keys/anthropic")
    assert keys["weird/na~me"] == KeyRef(file=file, pointer="/api_keys/weird~1na~0me")
    artisan = resolved.settings.models.artisan
    assert artisan.api_key == KeyRef(env="TEAM", default=True, file=file, pointer="/models/default/api_key")
    assert artisan.headers["Authorization"] == KeyRef(file=file, pointer="/models/default/headers/Authorization")
    assert artisan.headers["X-Plain"] == KeyRef(env="PLAIN")
    assert resolved.settings.litellm.cache.url == KeyRef(file=file, pointer="/litellm/cache/url")
    assert SECRET not in repr(resolved) + repr(layer) + resolved.settings.model_dump_json()


def test_a_literal_key_that_cannot_be_found_again_is_refused() -> None:
    resolved = of(Layer("user", data={"api_keys": {"openai": SECRET, "azure": "${AZURE}"}}))
    assert only(resolved).code == "literal-key"
    assert dict(resolved.settings.api_keys) == {"azure": KeyRef(env="AZURE")}
    assert SECRET not in repr(resolved)


def test_a_literal_key_in_a_repository_is_a_leak_and_is_said() -> None:
    resolved = of(repo(f"api_keys:\n  openai: {SECRET}\n"))
    assert [(p.code, p.severity) for p in resolved.problems] == [
        ("user-only", "info"),
        ("key-in-repository", "warning"),
    ]
    assert SECRET not in repr(resolved)


@pytest.mark.parametrize("text", ["api_keys: {openai: [x]}", "api_keys: {openai: ''}"])
def test_a_key_that_is_no_text_is_refused(text: str) -> None:
    assert only(of(user(text))).code == "wrong-value"


@pytest.mark.parametrize(
    "place", ["loop: {max_iterations: X}", "review: X", "models: {artisan: {model: 'X Y'}}", "sandbox: X"]
)
def test_no_problem_quotes_a_value(place: str) -> None:
    assert SECRET not in str(only(of(user(place.replace("X", SECRET)))))


def test_redaction_stays_on() -> None:
    resolved = of(user("litellm: {redact_api_keys: false}\n"))
    assert resolved.settings.litellm.redact_api_keys is True
    assert (only(resolved).code, only(resolved).severity) == ("not-honoured", "info")


def test_the_extensions_own_settings_in_a_pull_are_no_mistake() -> None:
    data = {"server": {"path": "x"}, "trace": {"server": "off"}, "typo": 1}
    assert [p.key for p in of(Layer("editor", data=data)).problems] == ["typo"]


# the seed


SEED = Path(__file__).with_name("test_settings_seed.yaml").read_text("utf-8")


@pytest.mark.parametrize("layer", [user(SEED), repo(SEED)], ids=["user", "repository"])
def test_the_original_configuration_loads_unchanged_with_notices_only(layer: Layer) -> None:
    resolved = of(layer)
    assert {p.severity for p in resolved.problems} == {"info"}
    models = resolved.settings.models
    assert (models.librarian.model, models.librarian.max_tokens) == ("gemini/gemini-3.8-flash", 100_000)
    assert (models.artisan.model, models.artisan.provider) == ("claude-sonnet-5-5", "anthropic")
    assert models.artisan.fallback == ("gpt-4o", "gemini/gemini-3.8-flash")
    assert (models.critic.model, models.critic.temperature) == ("gpt-4.1-mini", 0.5)
    assert (models.chaos.model, models.chaos.max_tokens) == ("gpt-4o", 4096)
    assert resolved.settings.litellm.retry_delay_ms == 2000
    named = {"openai", "anthropic", "google", "azure"} if layer.trusted else set()
    assert set(resolved.settings.api_keys) == named


@pytest.mark.parametrize(
    "written",
    [
        "$MY_KEY",
        "'${MY_KEY'",
        "env:MY_KEY",
        "os.environ/MY_KEY",
        "'%MY_KEY%'",
        "'{env:MY_KEY}'",
        "'${env:MY_KEY}'",
        "$env:MY_KEY",
        "'{{MY_KEY}}'",
    ],
)
def test_a_variable_as_other_tools_write_it_is_no_key(written: str) -> None:
    """Sent as it is, it would be a wrong key, and the provider's refusal would say nothing of why."""
    for text in (
        f"api_keys: {{openai: {written}}}\n",
        f"models: {{default: {{model: openai/x, api_base: http://h, api_key: {written}}}}}\n",
    ):
        problem = only(of(user(text)))
        assert problem.severity == "error" and "write ${MY_KEY}" in problem.message


@pytest.mark.parametrize(
    "key", ["sk-proj-abc_DEF", "AKIAabc", "none", "my key", "env-1234", "0123456789abcdef", "$ecret1"]
)
def test_a_key_as_it_is_stays_one(key: str) -> None:
    assert of(user(f"api_keys: {{openai: {key}}}\n")).problems == ()


def test_a_small_model_may_try_more_often_where_nobody_set_a_number() -> None:
    layers = (user("models: local\n"), user("loop: {max_iterations: 5}\n"), repo("loop: {max_iterations: 3}\n"))
    found = [[of(layer).settings_for(local).loop.max_iterations for local in (False, True)] for layer in layers]
    assert found == [[5, 12], [5, 5], [3, 3]]

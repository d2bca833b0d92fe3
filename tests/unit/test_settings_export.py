"""What is written from the schema is in step with it, and the shipped example and manual load."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ralphd.settings import export, model_names
from ralphd.settings.load import Layer, resolve, show, show_json
from ralphd.settings.reading import known_keys
from ralphd.settings.schema import Settings

jsonschema = importlib.import_module("jsonschema")
SEED = Path(__file__).with_name("test_settings_seed.yaml").read_text("utf-8")
ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "ralph.config.yaml").read_text("utf-8")
MANUAL = (ROOT / "docs" / "configuration.md").read_text("utf-8")


def faults(text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(export.json_schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_the_written_files_are_in_step() -> None:
    again = "run `python -m ralphd.settings.export`"
    assert export.SCHEMA_FILE.read_text("utf-8") == export.schema_text(), again
    assert export.with_generated(MANUAL) == MANUAL, again
    package = (ROOT / "vscode-extension" / "package.json").read_text("utf-8")
    assert export.with_settings(package) == package, again


def test_every_key_has_manual_text() -> None:
    assert all(len(key.text) > 10 for key in export.all_keys())


def test_the_schema_is_valid_and_takes_what_the_loader_takes() -> None:
    jsonschema.Draft7Validator.check_schema(export.json_schema())
    assert faults(SEED) == []
    assert faults(EXAMPLE) == []
    assert faults("models: local") == []
    assert faults("models: {default: gpt, artisan: {temperature: '${T:-0.5}'}, critic: null}\nloop: null") == []
    assert faults("testing: {command: pytest}\nsandbox: {network: '${NET}'}") == []
    assert (
        faults("testing: {command: [pytest, -q]}\nprices: {m: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}}") == []
    )


@pytest.mark.parametrize(
    "text", ["lop: 1", "loop: {max_iterations: 0}", "review: maybe", "models: {artisan: {modle: x}}"]
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    assert faults(text)
    assert resolve([Layer("user", text=text, path="f")], {}).problems


def test_the_example_is_this_repositorys_own_configuration_without_a_problem() -> None:
    resolved = resolve([Layer("repository", text=EXAMPLE, path="ralph.config.yaml")], {})
    assert resolved.problems == ()
    assert resolved.settings.testing.command is not None


def test_the_example_names_every_key_and_all_of_it_loads_when_it_is_uncommented() -> None:
    """Commented parts rot unseen; each top-level block of them is read as a person's own file here."""
    lines = [re.sub(r"^(\s*)# ?(?=[a-z_/]+[\w./-]*:|  )", r"\1", line) for line in EXAMPLE.splitlines()]
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    problems: list[Any] = []
    seen: set[str] = set()
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        if not block.strip():
            continue
        layer = Layer("user", text=block, path="f")
        problems += resolve([layer], {"TEAM": "x"}).problems
        seen |= set(re.findall(r"[a-z_]+(?=:)", block))
    assert problems == []
    assert {key.rpartition(".")[2] for key in known_keys()} - seen == set()


def test_code_blocks_and_short_names_of_the_manual_are_true() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", MANUAL, flags=re.DOTALL):
        assert resolve([Layer("user", text=block, path="f")], {}).problems == ()
    for name, model in model_names.ALIASES.items():
        row = next(line for line in MANUAL.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1])
        assert model in row or name == "local"


def test_the_starting_config_does_nothing_and_uncommented_as_a_whole_it_is_the_defaults() -> None:
    text = export.starting_config()
    assert yaml.safe_load(text) is None
    whole = "\n".join(line[2:] for line in text.splitlines() if re.match(r"# +[a-z_]+:( |$)", line))
    resolved = resolve([Layer("user", text=whole.replace("models: claude", "models:"), path="f")], {})
    assert resolved.problems == ()
    assert resolved.settings == Settings()
    written = {key for key, source in resolved.provenance.items() if source.scope == "user"}
    assert {"loop.max_iterations", "budget.ceiling_usd_per_mtok.output", "litellm.cache.type", "review"} <= written


def test_vs_codes_settings_page_can_edit_each_setting_and_a_workspace_only_what_is_free() -> None:
    package = json.loads((ROOT / "vscode-extension" / "package.json").read_text("utf-8"))
    sections = package["contributes"]["configuration"]
    assert sum(len(section["properties"]) for section in sections) <= 25
    properties: dict[str, Any] = export.package_json_configuration()["properties"]
    renderable = ("string", "boolean", "number", "integer", ["integer", "null"], ["number", "null"])
    for name, piece in properties.items():
        assert piece["type"] in renderable and "anyOf" not in piece, name
        assert jsonschema.Draft7Validator(piece).is_valid(piece["default"]), name
        layer: Any = piece["default"] or None
        for part in reversed(name.split(".")[1:]):
            layer = {part: layer}
        assert resolve([Layer("user", data=layer)], {}).problems == (), name
    assert "ralph.models.default" in properties
    machine = {name for name, piece in properties.items() if piece["scope"] == "machine"}
    assert set(properties) - machine == {"ralph.testing.command"}


SHOWN = """\
api_keys: {openai: "${OPENAI_KEY}", anthropic: sk-literal-key}
models: {artisan: {api_base: "https://host.example/v1?k=sk-query", api_key: "${T:-sk-default}"}, default: x}
"""


def test_show_prints_value_and_source_and_masks_secrets() -> None:
    resolved = resolve(
        [Layer("user", text=SHOWN, path="/u.yaml"), Layer("repository", text="typo: 1\n", path="/r.yaml")], {}
    )
    text = show(resolved)
    assert re.search(r"^api_keys\.openai: \$\{OPENAI_KEY\} +# user /u\.yaml:1$", text, re.MULTILINE)
    assert re.search(r"^loop\.max_iterations: 5 +# default$", text, re.MULTILINE)
    assert "host.example/v1" in text
    assert "# /r.yaml:1:1: error: There is no setting `typo`." in text
    assert "sk-" not in text
    data = show_json(resolved)
    assert "sk-" not in str(data)
    assert data["settings"]["models.artisan.model"] == {"value": "x", "scope": "user", "file": "/u.yaml", "line": 2}
    assert data["problems"][0]["code"] == "unknown-key"
    shown = {name.partition(".")[0] for name in data["settings"]}
    assert shown == set(Settings.model_fields) - {"aliases", "prices"}


def test_the_schema_alone_imports_nothing_heavy_but_pydantic() -> None:
    code = (
        "import sys; import ralphd.settings.schema; import ralphd.settings.trust; "
        "print(sorted({'yaml', 'litellm', 'pygls', 'lsprotocol', 'jinja2', 'asyncio'} & set(sys.modules)))"
    )
    env = {"PYTHONPATH": str(Path(export.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_extension_offers_the_same_settings() -> None:
    package = (ROOT / "vscode-extension" / "package.json").read_text(encoding="utf-8")
    assert export.with_settings(package) == package, "run `python -m ralphd.settings.export`"

"""The settings in force: layers merged, later ones winning, each value with its source and each fault with its place.

Reads no environment of its own and, but for finding the repository's file, no disk. A bad value never stops the rest:
what the lower layers say stays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ralphd.core.paths import within
from ralphd.core.run import ROLES
from ralphd.settings import model_names
from ralphd.settings.layers import Key, Leaf, entry_type, read_layer, sections
from ralphd.settings.project import CONFIG_NAME
from ralphd.settings.provenance import Layer, Problem, Resolved, Source
from ralphd.settings.schema import Section, Settings, Tightens
from ralphd.settings.show import show, show_json

__all__ = [
    "Layer",
    "Problem",
    "Resolved",
    "Source",
    "find_repository_config",
    "resolve",
    "show",
    "show_json",
    "user_config_path",
]


def resolve(layers: Sequence[Layer], environ: Mapping[str, str]) -> Resolved:
    """Merge `layers`, lowest first, over the defaults. Never raises for what a person wrote."""
    merge = _Merge()
    for key, value in defaults(Settings()):
        merge.values[key] = merge.trusted[key] = value
        merge.sources[key] = Source("default")
    for layer in layers:
        leaves, problems = read_layer(layer, environ)
        merge.problems += problems
        for leaf in leaves:
            merge.apply(leaf, layer)
    merge.rename_models()
    merge.keep_masking()
    settings = Settings.model_validate(_nested(merge.values))
    provenance = {".".join(key): source for key, source in sorted(merge.sources.items())}
    return Resolved(settings, provenance, _once_each(merge.problems))


def _once_each(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """In the order of the text; what `models.default` brings to four roles is said once."""
    seen = {(one.path, one.line, one.start_col, one.code, one.message): one for one in reversed(problems)}
    return tuple(sorted(seen.values(), key=lambda one: (one.path or "", one.line, one.start_col)))


def find_repository_config(start_dir: str, root: str) -> str | None:
    """The nearest `ralph.config.yaml` from `start_dir` upwards, at most to `root`; one that links out of it is none."""
    real_root = os.path.realpath(root)
    for top, start in ((os.path.abspath(root), os.path.abspath(start_dir)), (real_root, os.path.realpath(start_dir))):
        if not within(start, top):
            continue
        folder = start
        while True:
            path = os.path.join(folder, CONFIG_NAME)
            if os.path.isfile(path) and within(os.path.realpath(path), real_root):
                return path
            if folder == top:
                return None
            folder = os.path.dirname(folder)
    return None


def user_config_path(environ: Mapping[str, str], platform_dir: str) -> str:
    """Of the person's file. `platform_dir`: what `platformdirs.user_config_dir("ralphd")` says, where XDG is silent."""
    xdg = environ.get("XDG_CONFIG_HOME", "")
    folder = os.path.join(xdg, "ralphd") if os.path.isabs(xdg) else platform_dir
    return os.path.join(folder, "config.yaml")


def defaults(section: Section, prefix: Key = ()) -> list[tuple[Key, Any]]:
    """Every leaf of `section` that has a value, by its path."""
    out: list[tuple[Key, Any]] = []
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        if sections(info) is not None:
            out += defaults(value, (*prefix, name))
        elif entry_type(info) is None and value is not None:
            out.append(((*prefix, name), value))
    return out


@dataclass
class _Merge:
    values: dict[Key, Any] = field(default_factory=dict)
    trusted: dict[Key, Any] = field(default_factory=dict)
    """What the person's own layers say so far: the measure of what a repository may tighten."""
    sources: dict[Key, Source] = field(default_factory=dict)
    origin: dict[Key, tuple[Layer, Leaf]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def apply(self, leaf: Leaf, layer: Layer) -> None:
        if leaf.reset:
            if (*leaf.key[:-1], "api_base") not in self.values:
                for held in (self.values, self.trusted, self.sources, self.origin):
                    held.pop(leaf.key, None)
            return
        value = leaf.value
        if layer.trusted:
            self.trusted[leaf.key] = value
        elif leaf.tightens is not None:
            value = self.tightened(leaf, leaf.tightens, layer)
            if value is None:
                return
        self.values[leaf.key] = value
        self.sources[leaf.key] = Source(
            layer.scope, layer.path, leaf.line if layer.path and layer.text is not None else None
        )
        self.origin[leaf.key] = (layer, leaf)

    def tightened(self, leaf: Leaf, tightens: Tightens, layer: Layer) -> Any:
        """What of a repository's word on a limit counts; None: nothing."""
        mine, dotted = self.trusted[leaf.key], ".".join(leaf.key)
        match tightens.how:
            case "lower" if leaf.value > mine:
                self.loosening(
                    leaf, layer, f"`{dotted}` is ignored here: a repository can only lower it, and yours is {mine:g}."
                )
                return None
            case "word" if leaf.value not in (mine, tightens.word):
                self.loosening(
                    leaf, layer, f"`{dotted}` is ignored here: a repository can only set it to `{tightens.word}`."
                )
                return None
            case "union":
                missing = [item for item in mine if item not in leaf.value]
                if missing:
                    self.loosening(leaf, layer, f"`{dotted}` is added to yours here, which stay: {', '.join(missing)}.")
                return tuple(dict.fromkeys((*mine, *leaf.value)))
        return leaf.value

    def loosening(self, leaf: Leaf, layer: Layer, message: str) -> None:
        self.problems.append(Problem.at(layer.path, leaf.place, "warning", "loosening", message, ".".join(leaf.key)))

    def rename_models(self) -> None:
        """Aliases and retired names to the names that are asked for, with a notice where a retired one stands."""
        aliases = {key[1]: value for key, value in self.values.items() if key[0] == "aliases"}
        for role in ROLES:
            provider = self.values.get(("models", role, "provider"))
            own = ("models", role, "api_base") in self.values
            model = ("models", role, "model")
            if model in self.values:
                self.values[model] = self.renamed(model, self.values[model], provider, aliases, own, None)
            chain = ("models", role, "fallback")
            self.values[chain] = tuple(
                self.renamed(chain, name, None, aliases, own, index) for index, name in enumerate(self.values[chain])
            )

    def renamed(
        self, key: Key, name: str, provider: str | None, aliases: Mapping[str, str], own: bool, index: int | None
    ) -> str:
        found = model_names.current(name, provider, aliases, own_endpoint=own)
        if found.retired is not None and key in self.origin:
            layer, leaf = self.origin[key]
            place = leaf.items[index] if index is not None and index < len(leaf.items) else leaf.place
            message = f"{found.retired} is no longer offered; {found.model} is asked instead."
            self.problems.append(Problem.at(layer.path, place, "info", "retired-model", message, ".".join(key)))
        return found.model

    def keep_masking(self) -> None:
        key = ("litellm", "redact_api_keys")
        if self.values[key] is False:
            layer, leaf = self.origin[key]
            message = "Keys are masked in every log all the same: `redact_api_keys: false` is not honoured."
            self.problems.append(Problem.at(layer.path, leaf.place, "info", "not-honoured", message, ".".join(key)))
            self.values[key] = True


def _nested(values: Mapping[Key, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        at = out
        for part in key[:-1]:
            at = at.setdefault(part, {})
        at[key[-1]] = value
    return out

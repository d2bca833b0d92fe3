"""The settings in force: layers merged, later ones winning, each value with its source and each fault with its place.

One pass: each layer is read and its values are validated (`reading.py`), they are merged here with their provenance, and
the result is put together without a second look. Reads no environment of its own and no disk. A bad value never hides
the others: what the lower layers say stays, and `Configuration.stopping` says which faults no run may start with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ralphd.core.run import ROLES
from ralphd.settings import model_names
from ralphd.settings.consents import SettingsConsent
from ralphd.settings.problems import Place, Problem, Severity
from ralphd.settings.provenance import Configuration, Layer, Source
from ralphd.settings.reading import Key, Leaf, entry_type, read_layer, section_of
from ralphd.settings.schema import Section, Settings
from ralphd.settings.scopes import Asked, TightenOnly, tightened
from ralphd.settings.show import show, show_json

SectionT = TypeVar("SectionT", bound=Section)

__all__ = ["Configuration", "Layer", "Problem", "Source", "resolve", "show", "show_json"]


def resolve(
    layers: Sequence[Layer],
    environ: Mapping[str, str],
    *,
    root: str = "",
    agreed: Callable[[str], bool] = lambda digest: False,
) -> Configuration:
    """Merge `layers`, lowest first, over the defaults. Never raises for what a person wrote.

    `agreed` says whether the person agreed to what a repository at `root` asks for, by the digest of the consent.
    """
    readings = [(layer, *read_layer(layer, environ)) for layer in layers]
    written = [(layer, leaves) for layer, leaves, _ in readings]
    merge = _Merge(root, agreed).all(written)
    problems = [problem for *_, found in readings for problem in found]
    return Configuration(
        _assembled(Settings(), merge.values, ()),
        {".".join(key): source for key, source in sorted(merge.sources.items())},
        _once_each([*problems, *merge.problems]),
        tuple(consent for consent in merge.asked if merge.changed_by(consent, written)),
    )


def _once_each(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """In the order of the text; what `models.default` brings to four roles is said once."""
    seen = {(one.path, one.line, one.start_col, one.code, one.message): one for one in reversed(problems)}
    return tuple(sorted(seen.values(), key=lambda one: (one.path or "", one.line, one.start_col)))


def _leaves(section: Section, prefix: Key = ()) -> list[tuple[Key, Any]]:
    """Every leaf of `section` that has a value, by its path."""
    out: list[tuple[Key, Any]] = []
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        if section_of(info) is not None:
            out += _leaves(value, (*prefix, name))
        elif entry_type(info) is None and value is not None:
            out.append(((*prefix, name), value))
    return out


def _assembled(defaults: SectionT, values: Mapping[Key, Any], prefix: Key) -> SectionT:
    """A section of the merged values, all of which are valid. A leaf without a value is unset: None."""
    found: dict[str, Any] = {}
    for name, info in type(defaults).model_fields.items():
        key = (*prefix, name)
        if section_of(info) is not None:
            found[name] = _assembled(getattr(defaults, name), values, key)
        elif entry_type(info) is not None:
            found[name] = {at[-1]: value for at, value in values.items() if at[:-1] == key}
        else:
            found[name] = values.get(key)
    return type(defaults).model_construct(**found)


class _Merge:
    def __init__(self, root: str, agreed: Callable[[str], bool]) -> None:
        self.root, self.agreed = root, agreed
        self.values: dict[Key, Any] = dict(_leaves(Settings()))
        self.trusted: dict[Key, Any] = dict(self.values)
        """What the person's own layers say so far: the measure of what a repository may tighten."""
        self.sources: dict[Key, Source] = dict.fromkeys(self.values, Source("default"))
        self.origin: dict[Key, tuple[Layer, Leaf]] = {}
        self.problems: list[Problem] = []
        self.asked: list[SettingsConsent] = []

    def all(self, written: Sequence[tuple[Layer, Sequence[Leaf]]]) -> _Merge:
        """Put the leaves of each layer over those of the layers before it, then settle the models' names."""
        for layer, leaves in written:
            for leaf in leaves if layer.trusted else self.counted(leaves, layer):
                self.apply(leaf, layer)
        self.rename_models()
        self.keep_masking()
        return self

    def counted(self, leaves: Sequence[Leaf], layer: Layer) -> Sequence[Leaf]:
        """The leaves without those that need a consent which the person has not given."""
        wanted = [leaf for leaf in leaves if isinstance(leaf.mark, Asked) and leaf.mark.question == "settings"]
        given = {".".join(leaf.key): leaf.value for leaf in wanted if not leaf.reset}
        if not given:
            return leaves
        consent = SettingsConsent.of(self.root, layer.path or layer.in_words, given)
        if self.agreed(consent.digest):
            return leaves
        self.asked.append(consent)
        return [leaf for leaf in leaves if leaf not in wanted]

    def changed_by(self, consent: SettingsConsent, written: Sequence[tuple[Layer, Sequence[Leaf]]]) -> bool:
        """Would other settings be in force if the person agreed? Where not, there is nothing to ask."""
        agreed = _Merge(self.root, lambda digest: digest == consent.digest or self.agreed(digest)).all(written)
        return agreed.values != self.values

    def apply(self, leaf: Leaf, layer: Layer) -> None:
        if leaf.reset:
            if (*leaf.key[:-1], "api_base") not in self.values:
                for held in (self.values, self.trusted, self.sources, self.origin):
                    held.pop(leaf.key, None)
            return
        value = leaf.value
        if layer.trusted:
            self.trusted[leaf.key] = value
        elif isinstance(leaf.mark, TightenOnly):
            value, told = tightened(leaf.mark, self.trusted.get(leaf.key), value)
            if told:
                self.problem(leaf.key, layer, leaf.place, "warning", "loosening", f"`{'.'.join(leaf.key)}` {told}")
            if value is None:
                return
        self.values[leaf.key] = value
        line = leaf.line if layer.path and layer.text is not None else None
        self.sources[leaf.key] = Source(layer.scope, layer.path, line)
        self.origin[leaf.key] = (layer, leaf)

    def problem(self, key: Key, layer: Layer, place: Place, severity: Severity, code: str, message: str) -> None:
        self.problems.append(layer.problem(place, severity, code, message, ".".join(key)))

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
                self.renamed(chain, item, None, aliases, own, index)
                if isinstance(item, str)
                else item.model_copy(
                    update={
                        "model": self.renamed(
                            chain, item.model, item.provider, aliases, item.api_base is not None, index
                        )
                    }
                )
                for index, item in enumerate(self.values[chain])
            )

    def renamed(
        self, key: Key, name: str, provider: str | None, aliases: Mapping[str, str], own: bool, index: int | None
    ) -> str:
        found = model_names.current(name, provider, aliases, own_endpoint=own)
        if found.retired is not None and key in self.origin:
            layer, leaf = self.origin[key]
            place = leaf.items[index] if index is not None and index < len(leaf.items) else leaf.place
            message = f"{found.retired} is no longer offered; {found.model} is asked instead."
            told = layer.problem(place, "info", "retired-model", message, ".".join(key), instead=found.model)
            self.problems.append(told)
        return found.model

    def keep_masking(self) -> None:
        key = ("litellm", "redact_api_keys")
        if self.values[key] is False:
            layer, leaf = self.origin[key]
            message = "Keys are masked in every log all the same: `redact_api_keys: false` is not honoured."
            self.problem(key, layer, leaf.place, "info", "not-honoured", message)
            self.values[key] = True

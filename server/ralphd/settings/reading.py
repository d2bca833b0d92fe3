"""One layer read against the schema: valid leaves, and a problem for everything else. Knows nothing of other layers.

A leaf is validated here, once; merging and assembling take it as it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ralphd.core.run import ROLES
from ralphd.settings import variables, yaml_text
from ralphd.settings.messages import explain, nearest_choice
from ralphd.settings.problems import Place, Problem, Severity
from ralphd.settings.provenance import LIMITS, Layer
from ralphd.settings.schema import BackupModel, KeyRef, ModelsSettings, RoleModel, Section, Settings
from ralphd.settings.scopes import Asked, Free, Mark, PersonOnly, TightenOnly
from ralphd.settings.value_kinds import Name
from ralphd.settings.yaml_text import Node

Key = tuple[str, ...]
MOST_PROBLEMS = 100
"""Of one layer; looking for the nearest name of thousands of unknown keys would take seconds."""
_CLIENT_KEYS = ("server", "trace")
"""`ralph.server.*`, `ralph.trace.*`: the editor extension's own; a pull of the section `ralph` brings them along."""


@dataclass(frozen=True)
class Leaf:
    """One valid value. `reset`: take away what lower layers set, unless an endpoint of the person's own is in force."""

    key: Key
    value: Any
    mark: Mark
    place: Place
    line: int = 0
    """Of the key."""
    items: tuple[Place, ...] = ()
    """Of the items, where the value is a list."""
    reset: bool = False


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, if it holds one."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) and kind is not KeyRef else None


def entry_type(field: FieldInfo) -> Any:
    """What the entries of a field are that maps people's own names; None for other fields."""
    if get_origin(field.annotation) is Mapping:
        return get_args(field.annotation)[1]
    return None


def _may_be_none(field: FieldInfo) -> bool:
    """Whether no value means something of its own: no limit, no command."""
    return type(None) in get_args(field.annotation)


def is_secret(field: FieldInfo) -> bool:
    return entry_type(field) is KeyRef or KeyRef in (field.annotation, *get_args(field.annotation))


def mark_of(field: FieldInfo) -> Mark | None:
    """Who may set the field; None for a section whose own fields say it."""
    return next((item for item in field.metadata if isinstance(item, (PersonOnly, TightenOnly, Free, Asked))), None)


def known_keys(model: type[Section] = Settings, prefix: str = "") -> Iterator[str]:
    """Every key of the schema with dots, sections included."""
    for name, field in model.model_fields.items():
        yield prefix + name
        section = section_of(field)
        if section is not None:
            yield from known_keys(section, f"{prefix}{name}.")


def read_layer(layer: Layer, environ: Mapping[str, str]) -> tuple[list[Leaf], list[Problem]]:
    root, problems = yaml_text.read(layer)
    reader = _Layer(layer, environ, problems)
    if root is not None and isinstance(root.value, dict):
        reader.section(Settings, root.value, (), None)
    if reader.given_up:
        message = "There are too many faults here to look at each; not all of these settings are read."
        return reader.leaves, [layer.unread("unreadable", message), *reader.problems[:MOST_PROBLEMS]]
    return reader.leaves, reader.problems


@cache
def _adapter(model: type[Section], name: str) -> TypeAdapter[Any]:
    """Validates what a field holds, or one entry of it where it maps names."""
    field = model.model_fields[name]
    kind: Any = entry_type(field) or field.rebuild_annotation()
    return TypeAdapter(kind)


class _Layer:
    def __init__(self, layer: Layer, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self.layer = layer
        self.environ = environ
        self.problems = problems
        self.leaves: list[Leaf] = []
        self.given_up = False
        """More than `MOST_PROBLEMS` were found, and the rest of the layer was not looked at."""

    def problem(
        self,
        place: Place,
        severity: Severity,
        code: str,
        message: str,
        key: Key,
        *,
        limit: bool = False,
        instead: str = "",
    ) -> None:
        found = self.layer.problem(place, severity, code, message, ".".join(key), limit=limit, instead=instead)
        self.problems.append(found)

    def section(self, model: type[Section], nodes: Mapping[str, Node], key: Key, outer: Mark | None) -> None:
        """Each entry of a section. `outer` is the mark of a section around it, which counts for all of its fields."""
        for name, node in nodes.items():
            if len(self.problems) >= MOST_PROBLEMS:
                self.given_up = True
                return
            field = model.model_fields.get(name)
            here = (*key, name)
            if field is None:
                self.unknown(model, name, node, key)
            elif node.value is not None:
                self.field(model, name, field, node, here, mark_of(field) or outer)
            elif self.is_missing(field, here):
                message = f"`{'.'.join(here)}` has no value. Write one, or take the line away."
                self.problem(node.key_place, "error", "wrong-value", message, here)

    def is_missing(self, field: FieldInfo, key: Key) -> bool:
        """Whether a person wrote a limit without its value, and was not told what is wrong with it yet."""
        limit = self.layer.text is not None and key[0] in LIMITS
        needed = section_of(field) is None and not _may_be_none(field)
        return limit and needed and not any(problem.key == ".".join(key) for problem in self.problems)

    def field(self, model: type[Section], name: str, field: FieldInfo, node: Node, key: Key, mark: Mark | None) -> None:
        if key == ("models",):
            return self.models(node)
        section = section_of(field)
        if name == "fallback" and isinstance(node.value, list) and any(isinstance(i.value, dict) for i in node.value):
            return self.fallbacks(node, key, mark)
        if isinstance(mark, PersonOnly) and not self.layer.trusted and section is None:
            return self.ignored(node, key, mark)
        if section is not None or entry_type(field) is not None:
            if not isinstance(node.value, dict):
                return self.problem(node.place, "error", "wrong-value", f"`{'.'.join(key)}` must be a mapping.", key)
            if section is not None:
                return self.section(section, node.value, key, mark)
            for entry, item in node.value.items():
                if item.value is not None:
                    self.leaf(model, name, item, (*key, entry), mark)
            return None
        return self.leaf(model, name, node, key, mark)

    def fallbacks(self, node: Node, key: Key, mark: Mark | None) -> None:
        """A list in which models are written out. An item that cannot be read is left out whole: without its address
        or its key it would be another model."""
        if not self.layer.trusted:
            return self.ignored(node, key, PersonOnly())
        assert mark is not None
        found: list[Any] = []
        for number, item in enumerate(node.value):
            before = len(self.problems)
            value = self.backup(item, (*key, str(number))) if isinstance(item.value, dict) else self.plain(item, key)
            if not isinstance(item.value, dict) and value is not _UNSET:
                checked = self.checked(TypeAdapter(Name), item, value)
                if isinstance(checked, ValidationError):
                    self.wrong(checked, item, key)
                value = checked
            if len(self.problems) == before:
                found.append(value)
        items = tuple(item.place for item in node.value)
        self.leaves.append(Leaf(key, tuple(found), mark, node.place, node.key_place.line, items))
        return None

    def backup(self, node: Node, key: Key) -> BackupModel | None:
        """One model that is written out, read as a section; None where something in it is wrong."""
        before = len(self.problems)
        outer, self.leaves = self.leaves, []
        self.section(BackupModel, node.value, key, None)
        inner, self.leaves = self.leaves, outer
        values: dict[str, Any] = {}
        for leaf in inner:
            name, *entry = leaf.key[len(key) :]
            if entry:
                values.setdefault(name, {})[entry[0]] = leaf.value
            else:
                values[name] = leaf.value
        if "model" not in values and len(self.problems) == before:
            self.problem(node.place, "error", "wrong-value", f"`{'.'.join(key)}` names no model.", key)
        return BackupModel(**values) if len(self.problems) == before else None

    def unknown(self, model: type[Section], name: str, node: Node, key: Key) -> None:
        if not key and self.layer.path is None and name in _CLIENT_KEYS:
            return
        names = [*model.model_fields, *(("default",) if model is ModelsSettings else ())]
        plain = name.replace("_", "").replace("-", "").lower()
        folded = {candidate.replace("_", "").lower(): candidate for candidate in names}
        close = difflib.get_close_matches(plain[:100], folded, 1, 0.6)
        nearest = ".".join((*key, folded[close[0]])) if close else ""
        if not nearest or folded[close[0]].replace("_", "") != plain:
            elsewhere = [known for known in known_keys() if known.rpartition(".")[2] == name]
            nearest = elsewhere[0] if len(elsewhere) == 1 else nearest
        hint = f" Did you mean `{nearest}`?" if nearest else f" Known here: {', '.join(names)}."
        # A misspelt limit is a limit that does not hold.
        limit = nearest.split(".")[0] in LIMITS
        message = f"There is no setting `{'.'.join((*key, name))}`.{hint}"
        here = nearest.rpartition(".")[0] == ".".join(key)
        instead = nearest.rpartition(".")[2] if here else ""
        self.problem(node.key_place, "error", "unknown-key", message, (*key, name), limit=limit, instead=instead)

    def ignored(self, node: Node, key: Key, mark: PersonOnly) -> None:
        """A key of the person's where a workspace may have written it. A literal secret there is a leak of its own."""
        what = "a repository's file" if self.layer.scope == "repository" else "a workspace's settings"
        if key[-1] in ("api_key", "api_keys"):
            message = f"A key stands here in {what} and is ignored. Take it out, revoke it, use your own settings."
            for item in node.value.values() if isinstance(node.value, dict) else [node]:
                if isinstance(item.value, (str, int)) and not variables.VARIABLE.search(str(item.value)):
                    self.problem(item.place, "warning", "key-in-repository", message, key)
        message = f"`{'.'.join(key)}` is ignored in {what}: only your own settings can set it."
        self.problem(node.key_place, mark.severity, "user-only", message, key)

    def models(self, node: Node) -> None:
        """`models:` is a name, or a mapping of roles in which `default` stands for all four."""
        nodes = {"default": node} if isinstance(node.value, str) else node.value
        if not isinstance(nodes, dict):
            message = "`models` must be a model's name, or a mapping of roles."
            return self.problem(node.place, "error", "wrong-value", message, ("models",))
        for name, role in nodes.items():
            if name != "default" and name not in ROLES:
                self.unknown(ModelsSettings, name, role, ("models",))
        units = {name: self.role(name, nodes[name]) for name in ("default", *ROLES) if name in nodes}
        for name in ROLES:
            for unit in (units.get("default", []), units.get(name, [])):
                given = {leaf.key[0]: leaf for leaf in unit}
                if "model" in given and "provider" not in given:
                    # A provider named for another model is no provider of this one.
                    model = given["model"]
                    self.leaves.append(Leaf(("models", name, "provider"), None, model.mark, model.place, reset=True))
                self.leaves += [replace(leaf, key=("models", name, *leaf.key)) for leaf in unit]
        return None

    def role(self, name: str, node: Node) -> list[Leaf]:
        """The leaves of one role as it is written, their keys without `models.<role>`."""
        key = ("models", name)
        nodes = {"model": node} if isinstance(node.value, str) else node.value
        if nodes is None:
            return []
        if not isinstance(nodes, dict):
            message = f"`models.{name}` must be a model's name or a mapping."
            self.problem(node.place, "error", "wrong-value", message, key)
            return []
        outer, self.leaves = self.leaves, []
        self.section(RoleModel, nodes, key, None)
        inner, self.leaves = self.leaves, outer
        return [replace(leaf, key=leaf.key[2:]) for leaf in inner]

    def leaf(self, model: type[Section], name: str, node: Node, key: Key, mark: Mark | None) -> None:
        field = model.model_fields[name]
        assert mark is not None, key
        if entry_type(field) is not None and not key[-1].isprintable():
            message = f"A name in `{'.'.join(key[:-1])}` holds control characters."
            return self.problem(node.key_place, "error", "wrong-value", message, key[:-1])
        value = self.secret(node, key) if is_secret(field) else self.plain(node, key)
        if value is _UNSET:
            return None
        checked = value if is_secret(field) else self.checked(_adapter(model, name), node, value)
        if isinstance(checked, ValidationError):
            return self.wrong(checked, node, key)
        if self.names_an_endpoint(checked, node, key):
            return None
        items = tuple(item.place for item in node.value) if isinstance(node.value, list) else ()
        self.leaves.append(Leaf(key, checked, mark, node.place, node.key_place.line, items))
        return None

    def checked(self, adapter: TypeAdapter[Any], node: Node, value: Any) -> Any:
        """The value as the schema takes it, or what is wrong with it."""
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            # Where text is meant, `2024-10` or `007` is text as it is written. Where a number is meant, the text that
            # came out of a variable may be one.
            as_text = isinstance(node.value, (dict, list)) or node.written is not None
            other = _written(node, value) if as_text else yaml_text.scalar(value) if value != node.value else value
            try:
                return error if other == value else adapter.validate_python(other)
            except ValidationError:
                return error

    def wrong(self, error: ValidationError, node: Node, key: Key) -> None:
        first = error.errors(include_url=False, include_input=False, include_context=True)[0]
        at = node
        for part in first["loc"]:
            inner: dict[Any, Node] = at.value if isinstance(at.value, dict) else {}
            if isinstance(at.value, list):
                inner = dict(enumerate(at.value))
            at = inner.get(part, at)
        message = f"`{'.'.join(key)}` {explain(first, at.value)}"
        self.problem(at.place, "error", "wrong-value", message, key, instead=nearest_choice(first, at.value))

    def names_an_endpoint(self, value: Any, node: Node, key: Key) -> bool:
        """Some providers take an address as part of a model's name; that is an `api_base` by another door."""
        if self.layer.trusted or not (key[0] == "aliases" or key[-1] in ("model", "provider", "fallback")):
            return False
        names = [value] if isinstance(value, str) else value
        at = next((number for number, name in enumerate(names) if "://" in name), None)
        if at is None:
            return False
        place = node.value[at].place if isinstance(node.value, list) else node.place
        message = f"`{'.'.join(key)}` is ignored here: only your own settings can have an address in a model's name."
        self.problem(place, "warning", "endpoint-in-name", message, key)
        return True

    def plain(self, node: Node, key: Key) -> Any:
        """The node's value with `${NAME}` expanded, in user scope only; _UNSET where a variable is missing."""
        if isinstance(node.value, dict):
            parts = {name: self.plain(item, key) for name, item in node.value.items()}
            return _UNSET if any(part is _UNSET for part in parts.values()) else parts
        if isinstance(node.value, list):
            listed = [self.plain(item, key) for item in node.value]
            return _UNSET if any(part is _UNSET for part in listed) else listed
        if not isinstance(node.value, str) or not variables.VARIABLE.search(node.value):
            return node.value
        dotted = ".".join(key)
        if not self.layer.trusted:
            message = f"Variables are not expanded here: `{dotted}` is taken as it is written."
            self.problem(node.place, "info", "not-expanded", message, key)
            return node.value
        secret = next((m[1] for m in variables.VARIABLE.finditer(node.value) if variables.names_a_secret(m[1])), None)
        if secret is not None:
            message = (
                f"`{dotted}` cannot be read: {secret} looks like a key, and those are only looked up for "
                "`api_key`, `api_keys`, `headers` and `litellm.cache.url`."
            )
            self.problem(node.place, "error", "not-expanded", message, key)
            return _UNSET
        unset = variables.missing(node.value, self.environ)
        if unset is not None:
            message = (
                f"`{dotted}` cannot be read: the environment variable {unset} is not set. "
                f"Set it, or write ${{{unset}:-default}}."
            )
            self.problem(node.place, "error", "unset-variable", message, key)
            return _UNSET
        return variables.expanded(node.value, self.environ)

    def secret(self, node: Node, key: Key) -> Any:
        """Where the secret is to be found. Its text goes no further than this method."""
        dotted = ".".join(key)
        text = node.value if isinstance(node.value, str) else node.written
        if text is None or not text.strip():
            self.problem(node.place, "error", "wrong-value", f"`{dotted}` must be text, best as ${{NAME}}.", key)
            return _UNSET
        whole = variables.VARIABLE.fullmatch(text.strip())
        if whole and whole[2] is None:
            return KeyRef(env=whole[1])
        if whole is None and (meant := variables.almost(text)):
            message = (
                f"`{dotted}` is taken as it is written. For the value of the variable {meant}, write ${{{meant}}}."
            )
            self.problem(node.place, "error", "wrong-value", message, key)
            return _UNSET
        if self.layer.text is None or self.layer.path is None:
            message = f"`{dotted}` is ignored: write ${{NAME}} and set the variable, or put the key into your own file."
            self.problem(node.place, "warning", "literal-key", message, key)
            return _UNSET
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in key)
        return KeyRef(env=whole[1] if whole else None, default=whole is not None, file=self.layer.path, pointer=pointer)


def _written(node: Node, value: Any) -> Any:
    """`value`, which came of `node`, with its numbers, true and false as they are written."""
    if isinstance(node.value, dict):
        return {name: _written(item, value[name]) for name, item in node.value.items()}
    if isinstance(node.value, list):
        return [_written(item, part) for item, part in zip(node.value, value, strict=True)]
    return node.written if node.written is not None else value


_UNSET: Final = object()

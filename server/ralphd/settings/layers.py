"""One layer read against the schema: valid leaves, and a problem for everything else. Knows nothing of other layers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from ralphd.core.run import ROLES
from ralphd.settings import tree
from ralphd.settings.messages import explain
from ralphd.settings.provenance import Layer, Place, Problem, Severity
from ralphd.settings.schema import KeyRef, Models, RoleModel, Section, Settings, Tightens, UserOnly
from ralphd.settings.tree import Node

Key = tuple[str, ...]
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_VARIABLE = re.compile(r"(?:^|_)(?:\w*KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
_CLIENT_KEYS = ("server", "trace")
"""`ralph.server.*`, `ralph.trace.*`: the editor extension's own; a pull of the section `ralph` brings them along."""


@dataclass(frozen=True)
class Leaf:
    """One valid value. `reset`: take away what lower layers set, unless an endpoint of the person's own is in force."""

    key: Key
    value: Any
    place: Place
    line: int = 0
    """Of the key."""
    items: tuple[Place, ...] = ()
    tightens: Tightens | None = None
    reset: bool = False


def sections(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, if it holds one."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) and kind is not KeyRef else None


def entry_type(field: FieldInfo) -> Any:
    """What the entries of a field are that maps people's own names; None for other fields."""
    if get_origin(field.annotation) is Mapping:
        return get_args(field.annotation)[1]
    return None


def is_secret(field: FieldInfo) -> bool:
    return entry_type(field) is KeyRef or KeyRef in (field.annotation, *get_args(field.annotation))


def marker(field: FieldInfo, kind: type[Any]) -> Any:
    return next((item for item in field.metadata if isinstance(item, kind)), None)


def known_keys(model: type[Section] = Settings, prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        section = sections(field)
        if section is not None:
            yield from known_keys(section, f"{prefix}{name}.")


def read_layer(layer: Layer, environ: Mapping[str, str]) -> tuple[list[Leaf], list[Problem]]:
    root, problems = tree.read(layer)
    reader = _Layer(layer, environ, problems)
    if root is not None and isinstance(root.value, dict):
        reader.section(Settings, root.value, (), None)
    return reader.leaves, reader.problems


class _Layer:
    def __init__(self, layer: Layer, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self.layer = layer
        self.environ = environ
        self.problems = problems
        self.leaves: list[Leaf] = []

    def problem(self, place: Place, severity: Severity, code: str, message: str, key: Key) -> None:
        self.problems.append(Problem.at(self.layer.path, place, severity, code, message, ".".join(key)))

    def section(self, model: type[Section], nodes: Mapping[str, Node], key: Key, guard: UserOnly | None) -> None:
        for name, node in nodes.items():
            field = model.model_fields.get(name)
            here = (*key, name)
            if field is None:
                self.unknown(model, name, node, key)
            elif node.value is not None:
                self.field(model, name, field, node, here, marker(field, UserOnly) or guard)

    def field(
        self, model: type[Section], name: str, field: FieldInfo, node: Node, key: Key, guard: UserOnly | None
    ) -> None:
        if key == ("models",):
            return self.models(node)
        if guard is not None and not self.layer.trusted and (is_secret(field) or sections(field) is None):
            return self.ignored(field, node, key, guard)
        section = sections(field)
        if section is not None or entry_type(field) is not None:
            if not isinstance(node.value, dict):
                return self.problem(node.place, "error", "wrong-value", f"`{'.'.join(key)}` must be a mapping.", key)
            if section is not None:
                return self.section(section, node.value, key, guard)
            for entry, item in node.value.items():
                if item.value is not None:
                    self.leaf(model, name, field, item, (*key, entry), entry)
            return None
        return self.leaf(model, name, field, node, key, None)

    def unknown(self, model: type[Section], name: str, node: Node, key: Key) -> None:
        if not key and self.layer.path is None and name in _CLIENT_KEYS:
            return
        names = [*model.model_fields, *(("default",) if model is Models else ())]
        folded = {candidate.replace("_", "").lower(): candidate for candidate in names}
        close = difflib.get_close_matches(name.replace("_", "").replace("-", "").lower(), folded, 1, 0.6)
        nearest = ".".join((*key, folded[close[0]])) if close else ""
        if not nearest or folded[close[0]].replace("_", "") != name.replace("_", "").replace("-", "").lower():
            elsewhere = [known for known in known_keys() if known.rpartition(".")[2] == name]
            nearest = elsewhere[0] if len(elsewhere) == 1 else nearest
        hint = f" Did you mean `{nearest}`?" if nearest else f" Known here: {', '.join(names)}."
        self.problem(
            node.key_place,
            "error",
            "unknown-key",
            f"There is no setting `{'.'.join((*key, name))}`.{hint}",
            (*key, name),
        )

    def ignored(self, field: FieldInfo, node: Node, key: Key, guard: UserOnly) -> None:
        """A key of user scope where a workspace may have written it. A literal secret there is a leak of its own."""
        what = "a repository's file" if self.layer.scope == "repository" else "a workspace's settings"
        dotted = ".".join(key)
        if key[-1] in ("api_key", "api_keys"):
            items = list(node.value.values()) if isinstance(node.value, dict) else [node]
            for item in items:
                if isinstance(item.value, (str, int)) and not VARIABLE.search(str(item.value)):
                    self.problem(
                        item.place, "warning", "key-in-repository",
                        f"A key stands here in {what} and is ignored. Take it out, revoke it, use your own settings.",
                        key,
                    )  # fmt: skip
        self.problem(
            node.key_place, guard.severity, "user-only",
            f"`{dotted}` is ignored in {what}: only your own settings can set it.", key,
        )  # fmt: skip

    def models(self, node: Node) -> None:
        nodes = {"default": node} if isinstance(node.value, str) else node.value
        if not isinstance(nodes, dict):
            return self.problem(
                node.place,
                "error",
                "wrong-value",
                "`models` must be a model's name, or a mapping of roles.",
                ("models",),
            )
        for name, role in nodes.items():
            if name != "default" and name not in ROLES:
                self.unknown(Models, name, role, ("models",))
        units = {name: self.role(name, nodes[name]) for name in ("default", *ROLES) if name in nodes}
        for name in ROLES:
            for unit in (units.get("default", []), units.get(name, [])):
                given = {leaf.key[0]: leaf for leaf in unit}
                if "model" in given and "provider" not in given:
                    # A provider named for another model is no provider of this one.
                    self.leaves.append(Leaf(("models", name, "provider"), None, given["model"].place, reset=True))
                self.leaves += [replace(leaf, key=("models", name, *leaf.key)) for leaf in unit]
        return None

    def role(self, name: str, node: Node) -> list[Leaf]:
        """The leaves of one role as it is written, their keys without `models.<role>`."""
        key = ("models", name)
        nodes = {"model": node} if isinstance(node.value, str) else node.value
        if nodes is None:
            return []
        if not isinstance(nodes, dict):
            self.problem(
                node.place, "error", "wrong-value", f"`models.{name}` must be a model's name or a mapping.", key
            )
            return []
        outer, self.leaves = self.leaves, []
        self.section(RoleModel, nodes, key, None)
        inner, self.leaves = self.leaves, outer
        return [replace(leaf, key=leaf.key[2:]) for leaf in inner]

    def leaf(self, model: type[Section], name: str, field: FieldInfo, node: Node, key: Key, entry: str | None) -> None:
        if entry is not None and not entry.isprintable():
            return self.problem(
                node.key_place,
                "error",
                "wrong-value",
                f"A name in `{'.'.join(key[:-1])}` holds control characters.",
                key[:-1],
            )
        if is_secret(field):
            value: Any = self.secret(node, key)
        else:
            value = self.plain(node, key)
            if value is not _UNSET and isinstance(value, str) and self.names_an_endpoint(value, node, key):
                return None
        if value is _UNSET:
            return None
        checked = self.checked(model, name, value, entry)
        if isinstance(checked, ValidationError) and isinstance(node.value, str) and value != node.value:
            # A number or a flag that came out of the environment as text.
            checked = self.checked(model, name, tree.scalar(value), entry)
        if isinstance(checked, ValidationError):
            return self.wrong(checked, node, key)
        items = tuple(item.place for item in node.value) if isinstance(node.value, list) else ()
        if key[-1] == "fallback" and any(
            self.names_an_endpoint(text, node.value[index] if items else node, key)
            for index, text in enumerate(checked)
        ):
            return None
        self.leaves.append(Leaf(key, checked, node.place, node.key_place.line, items, marker(field, Tightens)))
        return None

    def checked(self, model: type[Section], name: str, value: Any, entry: str | None) -> Any:
        """The value as the schema takes it, or what is wrong with it."""
        try:
            if entry is None:
                return getattr(model.model_validate({name: value}), name)
            return getattr(model.model_validate({name: {entry: value}}), name)[entry]
        except ValidationError as error:
            return error

    def wrong(self, error: ValidationError, node: Node, key: Key) -> None:
        first = error.errors(include_url=False, include_input=False, include_context=True)[0]
        at = node
        for part in first["loc"]:
            inner: dict[Any, Node] = at.value if isinstance(at.value, dict) else {}
            if isinstance(at.value, list):
                inner = dict(enumerate(at.value))
            at = inner.get(part, at)
        self.problem(at.place, "error", "wrong-value", f"`{'.'.join(key)}` {explain(first)}", key)

    def names_an_endpoint(self, value: str, node: Node, key: Key) -> bool:
        """Some providers take an address as part of a model's name; that is an `api_base` by another door."""
        if (
            self.layer.trusted
            or "://" not in value
            or not (key[0] == "aliases" or key[-1] in ("model", "provider", "fallback"))
        ):
            return False
        self.problem(
            node.place, "warning", "endpoint-in-name",
            f"`{'.'.join(key)}` is ignored here: only your own settings can have an address in a model's name.", key,
        )  # fmt: skip
        return True

    def plain(self, node: Node, key: Key) -> Any:
        """The node's value with `${NAME}` expanded, in user scope only; _UNSET where a variable is missing."""
        if isinstance(node.value, dict):
            parts = {name: self.plain(item, key) for name, item in node.value.items()}
            return _UNSET if any(part is _UNSET for part in parts.values()) else parts
        if isinstance(node.value, list):
            listed = [self.plain(item, key) for item in node.value]
            return _UNSET if any(part is _UNSET for part in listed) else listed
        if not isinstance(node.value, str) or not VARIABLE.search(node.value):
            return node.value
        dotted = ".".join(key)
        if not self.layer.trusted:
            message = f"Variables are not expanded here: `{dotted}` is taken as it is written."
            self.problem(node.place, "info", "not-expanded", message, key)
            return node.value
        for match in VARIABLE.finditer(node.value):
            if _SECRET_VARIABLE.search(match[1]):
                message = (
                    f"`{dotted}` is ignored: {match[1]} looks like a key, and those are only looked up for "
                    "`api_key`, `api_keys`, `headers` and `litellm.cache.url`."
                )
                self.problem(node.place, "warning", "not-expanded", message, key)
                return _UNSET
            if not self.environ.get(match[1]) and match[2] is None:
                message = (
                    f"`{dotted}` is ignored: the environment variable {match[1]} is not set. "
                    f"Set it, or write ${{{match[1]}:-default}}."
                )
                self.problem(node.place, "warning", "unset-variable", message, key)
                return _UNSET
        return VARIABLE.sub(lambda found: self.environ.get(found[1]) or found[2] or "", node.value)

    def secret(self, node: Node, key: Key) -> Any:
        """Where the secret is to be found. Its text goes no further than this method."""
        dotted = ".".join(key)
        if not isinstance(node.value, str) or not node.value.strip():
            self.problem(node.place, "error", "wrong-value", f"`{dotted}` must be text, best as ${{NAME}}.", key)
            return _UNSET
        whole = VARIABLE.fullmatch(node.value.strip())
        if whole and whole[2] is None:
            return KeyRef(env=whole[1])
        if self.layer.text is None or self.layer.path is None:
            message = f"`{dotted}` is ignored: write ${{NAME}} and set the variable, or put the key into your own file."
            self.problem(node.place, "warning", "literal-key", message, key)
            return _UNSET
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in key)
        return KeyRef(env=whole[1] if whole else None, default=whole is not None, file=self.layer.path, pointer=pointer)


_UNSET: Final = object()

"""The files a run may look at, as the shadow copy holds them. Secrets and binary files are not context."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol

from ralphd.context.javascript_imports import JAVASCRIPT, Resolver
from ralphd.context.javascript_imports import named_in as specifiers_in
from ralphd.context.names import BY_NAMES, NONE, Definers, Names, names_in
from ralphd.context.python_modules import Modules
from ralphd.core.encodings import decoded
from ralphd.core.python_source import NOT_UNDERSTOOD
from ralphd.core.text import is_binary

SECRET_PATTERNS = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.pvk", "*.ppk", "*.gpg",
    "id_rsa*", "id_dsa*", "id_ed25519*", "id_ecdsa*", "*.keystore", "*.jks", "*.jceks", "*.keytab", "*.kdbx", "*.ovpn",
    ".netrc", "_netrc", ".npmrc", ".pypirc", ".htpasswd", ".pgpass", ".my.cnf", ".mylogin.cnf", ".git-credentials",
    ".dockercfg", ".dockerconfigjson", ".s3cfg", ".boto", ".terraformrc", "terraform.tfstate*", "*.tfvars", "*.tfvars.json",
    "kubeconfig*", "*.kubeconfig", ".vault-token", ".vault_pass*", "vault_pass*", "vault-pass*", "wp-config.php",
    "local.settings.json", "service-account*.json", "service_account*.json", "serviceaccount*.json", "client_secret*.json",
    "credentials", "credentials.*", "*.credentials", ".credentials*", "secrets", "secrets.*", ".secrets*", "*.secret",
    "*.secrets", "secret.json", "secret.toml", "secret.txt", "secret.yaml", "secret.yml", "*-secret.yaml", "*-secret.yml",
    "*-secrets.yaml", "*-secrets.yml", "password.txt", "passwords.txt", "passwd.txt", "apikey.txt", "api_key.txt",
    "api-key.txt", "token", "*.token", "token.txt", "*_history",
)  # fmt: skip
"""Lower-case names of files; one star stands in a name at most."""
SECRET_FOLDERS = frozenset({".ssh", ".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".docker"})

PARSED_CHARACTERS = 100_000
"""A bigger file's imports are found by a search instead: parsing a megabyte can take five seconds."""


class Tree(Protocol):
    """Read-only view of a snapshot. Paths are relative, with forward slashes, sorted."""

    def paths(self) -> list[str]: ...

    def text(self, path: str) -> str | None:
        """The file as text; None where it is missing, binary, too big or not UTF-8. For what is shown or edited: a
        run's record keeps each text that was asked for here."""

    def scan(self, path: str) -> str | None:
        """As `text`, for analyses that look through many files; the record keeps none of it."""


_NAMES = frozenset(p for p in SECRET_PATTERNS if "*" not in p)
_BEGINNINGS = tuple(p[:-1] for p in SECRET_PATTERNS if p.endswith("*"))
_ENDINGS = tuple(p[1:] for p in SECRET_PATTERNS if p.startswith("*"))
_PARTED = tuple((*p.split("*"),) for p in SECRET_PATTERNS if "*" in p[1:-1])


def is_secret(path: str) -> bool:
    """By the names of the file and of its folders. Asked of each file of a project, so without a pattern matcher."""
    lower = path.lower()
    name = lower.rpartition("/")[2]
    if name in _NAMES or name.startswith(_BEGINNINGS) or name.endswith(_ENDINGS):
        return True
    if any(name.startswith(head) and name.endswith(tail) for head, tail in _PARTED):
        return True
    return (lower.startswith(".") or "/." in lower) and not SECRET_FOLDERS.isdisjoint(lower.split("/")[:-1])


def decode(data: bytes | None, limit: int = 1_000_000) -> str | None:
    if data is None or len(data) > limit or is_binary(data):
        return None
    try:
        return decoded(data)
    except UnicodeError:
        return None


class MemoryTree:
    """A tree of texts: for tests, untitled buffers and layers over another tree."""

    def __init__(self, texts: Mapping[str, str], under: Tree | None = None) -> None:
        self._texts, self._under = dict(texts), under

    def paths(self) -> list[str]:
        return sorted({*self._texts, *(self._under.paths() if self._under else ())})

    def text(self, path: str) -> str | None:
        if path in self._texts:
            return self._texts[path]
        return self._under.text(path) if self._under else None

    def scan(self, path: str) -> str | None:
        return self.text(path)


Named = list[tuple[int, str, list[str]]]
"""What a file's imports name, as they stand there: (dots before a relative module, module, names of it). For a script the
module is the specifier. The same for equal bytes, wherever the file is."""


Content = Named | Names
"""What is known of a content: its imports, where they say which files they mean; else the names that it defines and uses."""


def nothing_in(path: str) -> Content:
    """Of a file that cannot be read."""
    return NONE if path.endswith(BY_NAMES) else []


def content_of(path: str, text: str) -> Content:
    if path.endswith(BY_NAMES):
        return NONE if is_secret(path) else names_in(path, text)
    return named_in(path, text)


def named_in(path: str, text: str) -> Named:
    """What the imports of a Python file or a script name (also inside functions)."""
    if not path.endswith(".py"):
        return [(0, specifier, []) for specifier in sorted(specifiers_in(text))]
    try:
        if len(text) > PARSED_CHARACTERS:
            raise ValueError("too big")
        tree = ast.parse(text)
    except NOT_UNDERSTOOD:
        # Blanks only: `\s` would match line ends, and a megabyte of empty lines would then take hours.
        found = sorted(set(re.findall(r"^[ \t]*(?:from|import)[ \t]+([\w.]+)", text, re.MULTILINE)))
        return [(0, module, []) for module in found]
    named: Named = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named.append((node.level, node.module or "", [alias.name for alias in node.names]))
    return named


def _dotted(path: str, named: Named) -> Iterator[str]:
    """The dotted names that a Python file imports; relative ones resolved against its folder."""
    package = path.split("/")[:-1]
    for level, module, names in named:
        base = module
        if level:
            up = package[: len(package) - level + 1]
            base = ".".join([*up, *([module] if module else [])])
        yield base
        yield from (f"{base}.{name}" if base else name for name in names)


BY_IMPORTS = (".py", *JAVASCRIPT)
NOTHING: frozenset[str] = frozenset()
"""What most files of a big project import of it; one object for all of them."""


class ImportGraph:
    """Which files of a tree use which, directly. Python, JavaScript and TypeScript: those that they import. Other languages:
    those that define the names that they use. Building it reads each of them once."""

    imports: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, imports: Mapping[str, Iterable[str]]) -> ImportGraph:
        """A graph that is known already, by file what it imports."""
        graph = cls.__new__(cls)
        graph.imports = {path: frozenset(used) for path, used in imports.items()}
        return graph

    @staticmethod
    def follows(path: str) -> bool:
        """Whether it is known of this file which others it uses."""
        return path.endswith((*BY_IMPORTS, *BY_NAMES))

    @staticmethod
    def proves(path: str) -> bool:
        """Whether what uses this file is known from imports: names lead to more files than are used, and to fewer."""
        return path.endswith(BY_IMPORTS)

    def __init__(
        self,
        tree: Tree,
        paths: Iterable[str] | None = None,
        *,
        content: Callable[[str], Content] | None = None,
        known: Mapping[str, frozenset[str]] | None = None,
        defined: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`content`: what is known of a file's content already; else each file is read. `known`: the files that a file uses,
        where that is known already, and `defined`: what those define by which names lead to them."""
        content = content or (lambda path: content_of(path, text) if (text := tree.scan(path)) else nothing_in(path))
        every = list(paths if paths is not None else tree.paths())
        fresh = [p for p in every if p not in (known or {})]
        self.imports = {
            **(known or {}),
            **_python([p for p in fresh if p.endswith(".py")], every, content),
            **_scripts([p for p in fresh if p.endswith(JAVASCRIPT)], every, content, tree),
            **_by_names([p for p in fresh if p.endswith(BY_NAMES)], content, defined),
        }

    def closure(self, paths: Iterable[str]) -> set[str]:
        """`paths` and every file that they import, directly or through others."""
        seen = set(paths)
        todo = list(seen)
        while todo:
            fresh = self.imports.get(todo.pop(), NOTHING) - seen
            seen |= fresh
            todo += fresh
        return seen

    def reaches(self, target: str) -> set[str]:
        """Every file that imports `target`, directly or through others; `target` itself too."""
        users: dict[str, set[str]] = {}
        for path, used in self.imports.items():
            for other in used:
                users.setdefault(other, set()).add(path)
        seen, todo = {target}, [target]
        while todo:
            for user in users.get(todo.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    todo.append(user)
        return seen


def _python(fresh: Sequence[str], every: Sequence[str], content: Callable[[str], Content]) -> dict[str, frozenset[str]]:
    dotted = {path: list(_dotted(path, _imports(content(path)))) for path in fresh}
    modules = Modules(
        [p for p in every if p.endswith(".py")] if dotted else [], (name for names in dotted.values() for name in names)
    )
    found = {}
    for path, names in dotted.items():
        used = {file for name in names for file in modules.files(name)}
        used |= {posixpath.join(posixpath.dirname(path), "conftest.py"), "conftest.py"} & modules.paths
        found[path] = frozenset(used - {path}) or NOTHING
    return found


def _scripts(
    fresh: Sequence[str], every: Sequence[str], content: Callable[[str], Content], tree: Tree
) -> dict[str, frozenset[str]]:
    scripts = [p for p in every if p.endswith(JAVASCRIPT)] if fresh else []
    packages = [p for p in every if posixpath.basename(p) == "package.json"] if fresh else []
    resolver = Resolver(scripts, packages, tree.scan)
    found = {}
    for path in fresh:
        reached = {f for _, specifier, _ in _imports(content(path)) for f in resolver.files(path, specifier)}
        found[path] = frozenset(reached - {path}) or NOTHING
    return found


def _by_names(
    fresh: Sequence[str], content: Callable[[str], Content], defined: Mapping[str, Iterable[str]] | None
) -> dict[str, frozenset[str]]:
    """`defined`: the names of the files that are not `fresh`."""
    names = {path: _names(content(path)) for path in fresh}
    wanted = frozenset().union(*(one.references for one in names.values())) if defined else None
    new = ((path, one.defines) for path, one in names.items())
    definers = Definers(chain(new, (defined or {}).items()), wanted)
    return {path: definers.used_by(path, one) or NOTHING for path, one in names.items()}


def _imports(content: Content) -> Named:
    return content if isinstance(content, list) else []


def _names(content: Content) -> Names:
    return content if isinstance(content, Names) else NONE

"""The files a run may look at, as the shadow copy holds them. Secrets and binary files are not context."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ralphd.context.javascript_imports import JAVASCRIPT, Resolver
from ralphd.context.javascript_imports import named_in as specifiers_in
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


_FOLLOWED = (".py", *JAVASCRIPT)
NOTHING: frozenset[str] = frozenset()
"""What most files of a big project import of it; one object for all of them."""


class ImportGraph:
    """Which files of a tree import which, directly: Python, JavaScript and TypeScript. Building it reads each of them once."""

    imports: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, imports: Mapping[str, Iterable[str]]) -> ImportGraph:
        """A graph that is known already, by file what it imports."""
        graph = cls.__new__(cls)
        graph.imports = {path: frozenset(used) for path, used in imports.items()}
        return graph

    @staticmethod
    def follows(path: str) -> bool:
        """Whether the imports of this file are followed."""
        return path.endswith(_FOLLOWED)

    def __init__(
        self,
        tree: Tree,
        paths: Iterable[str] | None = None,
        *,
        named: Callable[[str], Named] | None = None,
        known: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        """`named`: what a file's imports name, where that is known already; else each file is read. `known`: the files that
        a file imports, where that is known already."""
        named = named or (lambda path: named_in(path, text) if (text := tree.scan(path)) else [])
        every = list(paths if paths is not None else tree.paths())
        found = dict(known or {})
        fresh = [p for p in every if p not in found]
        dotted = {path: list(_dotted(path, named(path))) for path in fresh if path.endswith(".py")}
        python = [p for p in every if p.endswith(".py")] if dotted else []
        modules = Modules(python, (name for names in dotted.values() for name in names))
        for path, names in dotted.items():
            used = {file for name in names for file in modules.files(name)}
            folder = posixpath.dirname(path)
            used |= {posixpath.join(folder, "conftest.py"), "conftest.py"} & modules.paths
            found[path] = frozenset(used - {path}) or NOTHING
        fresh = [p for p in fresh if p.endswith(JAVASCRIPT)]
        scripts = [p for p in every if p.endswith(JAVASCRIPT)] if fresh else []
        packages = [p for p in every if posixpath.basename(p) == "package.json"] if fresh else []
        resolver = Resolver(scripts, packages, tree.scan)
        for path in fresh:
            reached = {f for _, specifier, _ in named(path) for f in resolver.files(path, specifier)}
            found[path] = frozenset(reached - {path}) or NOTHING
        self.imports = found

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

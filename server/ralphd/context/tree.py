"""The files a run may look at, as the shadow copy holds them. Secrets and binary files are not context."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from ralphd.core.encodings import decoded
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


class Readable(Collection[str]):
    """The files of a tree that may be looked at: all but secret ones. A name is judged when it is asked about: of a hundred
    thousand files few ever are."""

    def __init__(self, tree: Tree, barred: Collection[str] = ()) -> None:
        self._every, self._barred = frozenset(tree.paths()), frozenset(barred)

    def __contains__(self, path: object) -> bool:
        return path in self._every and path not in self._barred and not is_secret(str(path))

    def __iter__(self) -> Iterator[str]:
        return (path for path in self._every if path in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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

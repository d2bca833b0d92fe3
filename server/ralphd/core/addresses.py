"""Addresses of model servers: the one check of an `api_base`, used when settings are read and before a request is made, and
what `OLLAMA_HOST` means."""

from __future__ import annotations

from urllib.parse import urlsplit

_LONGEST = 4096


def address_problem(address: str) -> str | None:
    """Why `address` cannot be asked over HTTP, as a sentence for a person; None where it can. Opens no connection.

    The sentence never quotes the address: people paste keys into it.
    """
    if len(address) > _LONGEST:
        return "The address is longer than 4,096 characters."
    if any(character.isspace() or not character.isprintable() for character in address):
        return "The address holds a space or a control character."
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"The address cannot be read: {_reason(str(error))}."
    if parts.scheme not in ("http", "https"):
        return "The address must begin with http:// or https://."
    if "@" in parts.netloc:
        return "The address holds a user or a password. A key goes into `api_key`."
    if "\\" in address or "#" in address:
        return "The address holds a backslash or a `#`, which no address of a server has."
    if not host:
        return "The address names no host."
    if port == 0:
        return "The address cannot be read: port 0 is no port."
    if not _is_host(host):
        return "The address names a host that cannot exist."
    return None


def ollama_address(value: str) -> str:
    """What `OLLAMA_HOST` means to a client: a scheme, a host and a port are each optional, and an address to listen at
    on all interfaces is asked at this machine's own."""
    scheme, _, rest = value.rpartition("://")
    host, slash, path = rest.partition("/")
    if host.startswith("[") or ":" not in host:
        name, port = (host, "") if not host.startswith("[") or "]:" not in host else host.rsplit(":", 1)
    else:
        name, port = host.rsplit(":", 1)
    if name in ("", "0.0.0.0", "[::]"):  # noqa: S104 - read, not listened at
        name = "127.0.0.1"
    if not port and not scheme:
        port = "11434"
    return f"{scheme or 'http'}://{name}{':' if port else ''}{port}{slash}{path}"


def _is_host(host: str) -> bool:
    if ":" in host:
        return True  # an IPv6 address: urlsplit has checked it
    try:
        name = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return False
    labels = name.removesuffix(".").split(".")
    return len(name) <= 253 and all(0 < len(label) <= 63 for label in labels)


def _reason(said: str) -> str:
    """urllib's words for the two usual mistakes, in plainer ones."""
    if "IPv6" in said or "bracket" in said.lower():
        return "an IPv6 address stands in brackets, as in http://[::1]:8000/v1"
    if "ort" in said:
        return "a port is a number from 1 to 65535"
    return said[:1].lower() + said[1:]

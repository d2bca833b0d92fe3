"""Why no connection to a server could be made, as a sentence that names the cause: DNS, nobody there, TLS, a proxy."""

from __future__ import annotations

import re
import socket
import ssl

import httpx

from ralphd.errors import ModelError, TimedOut, Unreachable

_CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED[^:]{0,40}: ([^(\[\n]{1,200})|certificate verify failed: ([^(\n]{1,200})"
)
_DNS = re.compile(
    r"Name or service not known|nodename nor servname|getaddrinfo failed|No address associated|name resolution"
)

_TLS = re.compile(r"\[SSL|SSL:|SSL_|TLSV?1|WRONG_VERSION_NUMBER|SSL routines")
_CONTEXT = re.compile(r"ssl:<[^>]{0,200}>|ssl:default")
"""How the HTTP library names the settings of TLS in every message, also where TLS has no part in it."""


def connection_fault(error: Exception, where: str, connect_s: float) -> ModelError | None:
    """The fault of a request that brought no response; None where a connection was there and what follows decides."""
    chain = _chain(error)
    said = _CONTEXT.sub("", " ".join(str(part) for part in chain)[:2000])
    kinds = " ".join(type(part).__name__ for part in chain)
    if "ProxyError" in kinds or "ProxyConnection" in kinds:
        return Unreachable(
            f"The proxy did not let the request through to {where}: {_short(str(chain[-1]))}",
            "Check HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(error, httpx.ConnectTimeout):
        return TimedOut(f"No connection to {where} within {connect_s:g} s.", "Check the network, a proxy and api_base.")
    if (certificate := _CERTIFICATE.search(said)) is not None:
        why = (certificate[1] or certificate[2]).strip()
        return Unreachable(
            f"The certificate of {where} was not accepted: {why}.",
            "For a private certificate authority set SSL_CERT_FILE to its file; otherwise check api_base.",
        )
    if any(isinstance(part, ssl.SSLError) for part in chain) or _TLS.search(said):
        return Unreachable(f"No TLS connection to {where}: {_short(said)}", "Does it speak https? Check api_base.")
    if any(isinstance(part, socket.gaierror) for part in chain) or _DNS.search(said):
        return Unreachable(f"The name in {where} is not known to DNS.", "Check api_base and the network.")
    if isinstance(error, httpx.ConnectError):
        return Unreachable(
            f"Nothing answers at {where}.", "Is the server running? Check api_base, the network and a proxy."
        )
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it."""
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and len(found) < 8:
        found.append(at)
        at = at.__cause__ or at.__context__
    return found


def _short(said: str) -> str:
    return " ".join(said.split())[:200] + "."

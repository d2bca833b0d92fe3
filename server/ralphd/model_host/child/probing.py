"""Whether something listens at a model's address: a TCP connection that is closed at once, never a request."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

from ralphd.core.addresses import address_problem

_LIMIT_S = 3.0


async def listening(address: str | None) -> str | None:
    """None where a connection can be made, else what is wrong, as half a sentence."""
    if address is None:
        return "its address is not known"
    if (problem := address_problem(address)) is not None:
        return problem
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_LIMIT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except socket.gaierror:
        return f"the name {parts.hostname} is not known to DNS"
    except (OSError, TimeoutError, UnicodeError):
        return f"nothing answers at {parts.hostname}:{port}"
    writer.close()
    return None

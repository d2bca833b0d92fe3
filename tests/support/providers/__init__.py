"""Model providers on loopback: real HTTP servers that speak the providers' wire formats, streamed and not, with faults on
demand.

Knows nothing of ralphd or litellm: the formats are written down here a second time, on purpose. One file a format;
`openai_compatible.py` has the servers that speak OpenAI's with words of their own.
"""

from tests.support.providers.formats import COMPATIBLE, FORMATS, WIRES, boundaries, stream_bytes
from tests.support.providers.replies import Break, Fault, Recorded, Reply, Wire, broken
from tests.support.providers.server import Provider

__all__ = [
    "COMPATIBLE",
    "FORMATS",
    "WIRES",
    "Break",
    "Fault",
    "Provider",
    "Recorded",
    "Reply",
    "Wire",
    "boundaries",
    "broken",
    "stream_bytes",
]

"""Refusals of a request: errors whose message a person reads."""

from __future__ import annotations

from typing import Any

from pygls.exceptions import JsonRpcException

CONTENT_MODIFIED, REQUEST_FAILED = -32801, -32803


def failed(message: str, data: Any = None) -> JsonRpcException:
    return JsonRpcException(message=message, code=REQUEST_FAILED, data=data)


def outdated(message: str) -> JsonRpcException:
    """What the request is about was edited since the client made it."""
    return JsonRpcException(message=message, code=CONTENT_MODIFIED)

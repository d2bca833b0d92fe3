"""Values deep in nested settings."""


def value_at(settings: dict[str, object], path: str, default: str) -> object:
    """The value at a path such as `server.port`; `default` where a part of it is missing, or where something that is no
    dictionary stands in the middle of it."""
    found: object = settings
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            return default
        found = found[part]
    return found

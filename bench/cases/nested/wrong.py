"""Values deep in nested settings."""


def value_at(settings: dict[str, object], path: str, default: str) -> object:
    """The value at a path such as `server.port`; `default` where a part of it is missing, or where something that is no
    dictionary stands in the middle of it."""
    found: object = settings
    for part in path.split("."):
        try:
            found = found[part]  # type: ignore[index]
        except KeyError:
            return default
    return found

"""The query part of an address."""


def parse_query(query: str) -> dict[str, list[str]]:
    """The values of each name, in their order: `a=1&b=2&a=3` gives 1 and 3 for `a`. The name ends at the first `=`; without
    one the value is empty. Empty parts between two `&` count for nothing."""
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.rpartition("=") if "=" in part else (part, "", "")
            values.setdefault(name, []).append(value)
    return values

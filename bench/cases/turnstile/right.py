"""A turnstile at the entrance of a station."""


def passed(actions: list[str]) -> int:
    """How many people came through: a `coin` opens it, a `push` of the open one lets one person through and closes it.
    A coin put into the open one is lost, and a push of the closed one does nothing. Other actions are a ValueError."""
    opened = False
    count = 0
    for action in actions:
        if action == "coin":
            opened = True
        elif action != "push":
            raise ValueError(f"no action: {action!r}")
        elif opened:
            opened = False
            count += 1
    return count

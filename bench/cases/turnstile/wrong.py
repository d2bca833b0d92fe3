"""A turnstile at the entrance of a station."""


def passed(actions: list[str]) -> int:
    """How many people came through: a `coin` opens it, a `push` of the open one lets one person through and closes it.
    A coin put into the open one is lost, and a push of the closed one does nothing. Other actions are a ValueError."""
    coins = 0
    count = 0
    for action in actions:
        if action == "coin":
            coins += 1
        elif action != "push":
            raise ValueError(f"no action: {action!r}")
        elif coins:
            coins -= 1
            count += 1
    return count

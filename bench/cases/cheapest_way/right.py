"""The price of a journey."""


def cheapest(prices: dict[str, dict[str, int]], start: str, end: str) -> int | None:
    """The lowest sum of prices on a way from `start` to `end`; 0 where they are the same place, None where no way leads
    there. Prices are not negative."""
    known: dict[str, int] = {}
    waiting = {start: 0}
    while waiting:
        place = min(waiting, key=lambda name: waiting[name])
        price = waiting.pop(place)
        if place == end:
            return price
        known[place] = price
        for other, more in prices.get(place, {}).items():
            if other not in known:
                waiting[other] = min(price + more, waiting.get(other, price + more))
    return None

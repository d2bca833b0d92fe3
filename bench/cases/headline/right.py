"""Headlines."""


def headline(text: str) -> str:
    """Each word with a capital first letter and small letters after it. Words are what spaces separate, so an apostrophe or
    a hyphen begins none; the spaces stay as they are."""
    return " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" "))

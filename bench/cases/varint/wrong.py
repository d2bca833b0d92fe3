"""Numbers as bytes of seven bits, the lowest first; the high bit says that more follow."""


def encode_varint(number: int) -> bytes:
    """The bytes of a non-negative number; ValueError for a negative one."""
    if number < 0:
        raise ValueError("a varint is not negative")
    out = bytearray()
    while number > 128:
        out.append(number % 128 + 128)
        number //= 128
    out.append(number)
    return bytes(out)


def decode_varint(data: bytes) -> int:
    """The number that `encode_varint` made `data` of; ValueError where bytes are missing or left over."""
    number = 0
    for index, byte in enumerate(data):
        number += (byte % 128) << (7 * index)
        if byte < 128:
            if index + 1 < len(data):
                raise ValueError("bytes are left over")
            return number
    raise ValueError("bytes are missing")

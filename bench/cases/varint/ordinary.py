import pytest
from varint import decode_varint, encode_varint


@pytest.mark.parametrize("number", [0, 1, 127, 300, 20000, 10**12])
def test_round_trip(number):
    assert decode_varint(encode_varint(number)) == number


def test_bytes():
    assert encode_varint(300) == b"\xac\x02"


def test_missing_bytes():
    with pytest.raises(ValueError):
        decode_varint(b"\xac")

"""Deterministic CBOR (encoding.md, 1), strictly: a value has exactly one encoding, and any other is refused.

Maps are dicts, arrays lists, byte strings bytes. What no structure holds (tags, floats, undefined) is read as `Foreign`, since only the versions
that are known are known not to hold it.
"""

import struct
from dataclasses import dataclass

from .faults import Truncated, Unreadable, must

DEPTH = 24
UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
CONSTANTS = {20: False, 21: True, 22: None}


@dataclass(frozen=True)
class Foreign:
    """A tag, a float or another simple value."""

    head: bytes


def decode(data):
    """The value that the whole of `data` encodes."""
    value, end = _item(data, 0, 0, strict=True)
    must(end == len(data), "bytes after the value")
    must(encode(value) == data, "it is not the encoding of what it says")
    return value


def outline(data):
    """What holds for all versions: heads in their shortest form, definite lengths, bounded nesting. Gives the value, whatever it is of."""
    return _item(data, 0, 0, strict=False)[0]


def encode(value):
    match value:
        case None | False | True:
            return bytes([0xE0 + {False: 20, True: 21, None: 22}[value]])
        case int():
            return _head(UNSIGNED, value) if value >= 0 else _head(NEGATIVE, -1 - value)
        case bytes():
            return _head(BYTES, len(value)) + value
        case str():
            text = value.encode("utf-8")
            return _head(TEXT, len(text)) + text
        case list() | tuple():
            return _head(ARRAY, len(value)) + b"".join(map(encode, value))
        case dict():
            entries = sorted((encode(key), encode(entry)) for key, entry in value.items())
            return _head(MAP, len(entries)) + b"".join(key + entry for key, entry in entries)
    raise Unreadable(f"no structure holds {value!r}")


def _head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    for code, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if argument < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | code]) + struct.pack(form, argument)
    raise Unreadable("a number of more than 64 bits")


def _read_head(data, at):
    """Major type, argument, and where what follows begins; the argument of a float is None."""
    must(at < len(data), "cut", Truncated)
    major, code = data[at] >> 5, data[at] & 31
    at += 1
    if code < 24:
        return major, code, at
    must(code < 28, "a reserved head, or an indefinite length")
    size = 1 << code - 24
    must(at + size <= len(data), "cut in a head", Truncated)
    argument = int.from_bytes(data[at : at + size], "big")
    if major == SIMPLE:
        must(code > 24 or argument >= 32, "a simple value in two bytes where one does")
        return major, argument if code == 24 else None, at + size
    least = 24 if size == 1 else 1 << 4 * size
    must(argument >= least, "a head that is not the shortest")
    return major, argument, at + size


def _item(data, at, depth, strict):
    start = at
    major, argument, at = _read_head(data, at)
    if major in (ARRAY, MAP, TAG):
        must(depth < DEPTH, "nested too deep")
    match major:
        case 0:
            return argument, at
        case 1:
            return -1 - argument, at
        case 2 | 3:
            must(argument <= len(data) - at, "a string is cut", Truncated)
            return _string(major, data[at : at + argument], strict), at + argument
        case 4:
            return _array(data, at, argument, depth, strict)
        case 5:
            return _map(data, at, argument, depth, strict)
        case 6:
            _, at = _item(data, at, depth + 1, strict)
        case 7 if argument in CONSTANTS:
            return CONSTANTS[argument], at
    must(not strict, "a tag, a float or an unassigned value")
    return Foreign(data[start:at]), at


def _string(major, data, strict):
    if major == BYTES:
        return data
    try:
        return data.decode("utf-8", "strict" if strict else "surrogateescape")
    except UnicodeDecodeError as error:
        raise Unreadable("no UTF-8") from error


def _array(data, at, count, depth, strict):
    must(count <= len(data) - at, "an array is cut", Truncated)
    items = []
    for _ in range(count):
        item, at = _item(data, at, depth + 1, strict)
        items.append(item)
    return items, at


def _map(data, at, count, depth, strict):
    must(2 * count <= len(data) - at, "a map is cut", Truncated)
    entries, before = {}, b""
    for _ in range(count):
        key_at = at
        key, at = _item(data, at, depth + 1, strict)
        must(not strict or before < data[key_at:at], "keys of a map do not ascend")
        before = data[key_at:at]
        must(not isinstance(key, (list, dict)), "a key of a map that is no simple one")
        entries[key], at = _item(data, at, depth + 1, strict)
    return entries, at

"""Structures by the CDDL of all texts, and the versions that they begin with (encoding.md, 1 and 4)."""

import functools
import pathlib
import re
import unicodedata

from cddl_verifier import Validator, schema_diagnostics

from . import cbor
from .faults import NewerSoftware, Unreadable, must

TEXTS = pathlib.Path(__file__).resolve().parents[3] / "spec" / "text"
KIB, MIB = 1 << 10, 1 << 20

# Most bytes, as the comments beside the rules say.
BOUNDS = {
    "charter": MIB,
    "card": 16 * KIB,
    "signed-charter": 2 * MIB,
    "region-history": 64 * MIB,
    "bundle": 512 * MIB,
    "packed-bundle": 512 * MIB,
    "receipt": 4096,
    "credential": 16_384,
    "certificate": 32_768,
    "disclosure": 1054,
    "presentation": 33_792,
    "proof": 512,
    "block": 4 * MIB,
    "record": 65_536,
    "status-proof": 12_288,
    "with-status": 32_768 + 12_288 + 16,
    "renewal": 4096,
    "renewed-certificate": 32_768,
}

# Structures that have a version, a scheme counting as one, and which is known.
VERSIONS = dict.fromkeys(
    ["block", "bundle", "card", "catalogue", "certificate", "charter", "delta", "directory", "federation", "payload", "receipt",
     "recognition", "region-history", "renewal", "rest-part", "seal", "signed-charter", "statement", "status-proof", "with-status"], 1,
) | {"packed-bundle": 2, "presentation": 3, "renewed-certificate": 2, "renewed-receipt": 2}  # fmt: skip

# Where versions stand in structures that hold others, by the way to them.
INNER = {
    "certificate": [("receipt", 3)],
    "receipt": [("seal", 8)],
    "renewed-certificate": [("renewed-receipt", 3)],
    "renewed-receipt": [("renewal", 8)],
    "renewal": [("rest-part", 3), ("seal", 4)],
    "status-proof": [("seal", 8)],
    "handover": [("rest-part", 1), ("seal", 2)],
    "block": [("rest-part", 2)],
    "bundle": [("rest-part", 5), ("seal", 6)],
    "delta": [("rest-part", 6), ("seal", 7)],
    "card": [],
    "signed-charter": [("charter", 1)],
}

# Numbers of vectors that no text has a name for.
PLAIN = "int64 = int\nuint32 = 0..4294967295\nuint16 = 0..65535\noptional-uint = uint / null\n"


@functools.cache
def validator():
    blocks = (re.findall(r"```cddl\n(.*?)```", path.read_text("utf-8"), re.S) for path in sorted(TEXTS.glob("*.md")))
    cddl = PLAIN + "\n".join(block for of_text in blocks for block in of_text)
    defects = list(schema_diagnostics(cddl))
    assert not defects, defects
    return Validator(cddl)


def check_shape(rule, data):
    found = validator().validate(data, rule)
    if not found.valid:
        raise Unreadable(f"no {rule}: {found.errors[:3]}")


def read(rule, data, bound=None):
    """The value of a structure, by its rule; what the prose asks besides is for who reads it."""
    must(len(data) <= (bound or BOUNDS.get(rule, 512 * MIB)), "longer than the bound")
    judge_version(rule, cbor.outline(data))
    value = cbor.decode(data)
    check_shape(rule, data)
    check_plain(value)
    return value


def judge_version(rule, value):
    if not isinstance(value, list):
        return
    if rule in VERSIONS and value and value[0] != VERSIONS[rule] and type(value[0]) is int and value[0] >= 0:
        raise NewerSoftware(f"{rule} of version {value[0]}")
    for inner, at in INNER.get(rule, []):
        if at < len(value):
            judge_version(inner, value[at])


def check_plain(value):
    """What CDDL does not say of numbers and texts, wherever they stand (encoding.md, 3)."""
    match value:
        case bool() | None | bytes():
            return
        case int():
            must(value >= -(1 << 63), "a number below those of 64 bits")
        case str():
            must(all(unicodedata.category(letter) != "Cc" for letter in value), "a control character")
        case list():
            for item in value:
                check_plain(item)
        case dict():
            for key, item in value.items():
                check_plain(key)
                check_plain(item)


def check_path(path):
    must(len(path) % 32 == 0, "a path of parts of hashes")


def ascending(items, what):
    """Each once, in order."""
    must(all(before < after for before, after in zip(items, items[1:])), f"{what} do not ascend")


def check_signed(number):
    """Numbers that may be negative have 64 bits with their sign."""
    must(-(1 << 63) <= number < 1 << 63, "a signed number of more than 64 bits")


def check_day(day):
    """Days of the years 1 to 9999."""
    must(-719_162 <= day <= 2_932_896, "a day that is not of the years 1 to 9999")

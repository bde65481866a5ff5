"""Evidence of double signing, as an encoding (evidence.md)."""

from . import cbor
from .faults import must


def check(value):
    """Two different statements for one place, the lesser encoding first."""
    kind, (first, _), (second, _) = value
    must(cbor.encode(first) < cbor.encode(second), "one statement twice, or the greater first")
    must(_place(kind, first) == _place(kind, second), "statements for two places")


def _place(kind, statement):
    region, (height, round_, *others) = statement[4], statement
    return region, height, round_, others[0] if kind == 1 else None

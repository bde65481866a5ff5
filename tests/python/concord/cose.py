"""COSE_Sign1 in the profile of keys.md, 4."""

from typing import NamedTuple

from . import cbor, ed25519
from .faults import NewerSoftware, must
from .structures import check_shape

ALGORITHM, KID, TYPE, DISCLOSURES = 1, 4, 16, 17
ED25519 = -19


class Sign1(NamedTuple):
    """A message that one key signs."""

    protected: bytes
    kid: bytes
    type: str
    payload: bytes
    signature: bytes

    @property
    def bare(self):
        """The message with an empty unprotected header."""
        return cbor.encode([self.protected, {}, self.payload, self.signature])

    def verifies(self, key):
        signed = cbor.encode(["Signature1", self.protected, b"", self.payload])
        return self.kid == ed25519.kid(key) and ed25519.verify(key, signed, self.signature)


def judge_algorithm(value):
    """Whether the algorithm is one that is known, as far as there is one to judge."""
    if not isinstance(value, list) or not value or not isinstance(value[0], bytes):
        return
    protected = cbor.outline(value[0])
    if isinstance(protected, dict) and type(protected.get(ALGORITHM)) is int and protected[ALGORITHM] != ED25519:
        raise NewerSoftware(f"algorithm {protected[ALGORITHM]}")


def read_sign1(data):
    """A message without disclosures."""
    return read_disclosing(data, "sign1")[0]


def read_disclosing(data, rule):
    """A message by its rule, and the disclosures in its unprotected header (certificates.md, 2)."""
    judge_algorithm(cbor.outline(data))
    value = cbor.decode(data)
    check_shape(rule, data)
    protected, unprotected, payload, signature = value
    headers = cbor.decode(protected)
    must(set(headers) == {ALGORITHM, KID, TYPE}, "other protected headers")
    return Sign1(protected, headers[KID], headers[TYPE], payload, signature), unprotected.get(DISCLOSURES, [])

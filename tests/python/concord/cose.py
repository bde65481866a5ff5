"""COSE_Sign1 in the profile of keys.md, 4."""

from typing import NamedTuple

from . import cbor, ed25519
from .faults import NewerSoftware, must
from .structures import check_shape

ALGORITHM, KID, TYPE = 1, 4, 16
ED25519 = -19


class Sign1(NamedTuple):
    """A message that one key signs."""

    protected: bytes
    kid: bytes
    type: str
    payload: bytes
    signature: bytes

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
    judge_algorithm(cbor.outline(data))
    value = cbor.decode(data)
    check_shape("sign1", data)
    protected, _, payload, signature = value
    headers = cbor.decode(protected)
    must(set(headers) == {ALGORITHM, KID, TYPE}, "other protected headers")
    return Sign1(protected, headers[KID], headers[TYPE], payload, signature)

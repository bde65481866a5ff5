"""Ed25519 by the rules of ZIP-215 (keys.md, 1).

The group is libsodium's, by PyNaCl; its own verification is not used, as it refuses what ZIP-215 accepts.
"""

import hashlib

from nacl import bindings as sodium
from nacl.exceptions import RuntimeError as SodiumError

from .digest import sha256
from .faults import must

ORDER = (1 << 252) + 27742317777372353535851937790883648493
IDENTITY = bytes([1]) + bytes(31)


def check_key(key):
    """A canonical encoding of a point of full order."""
    must(len(key) == 32 and sodium.crypto_core_ed25519_is_valid_point(key), "no public key of full order in its one encoding")


def kid(key):
    return sha256(key)[:8]


def verify(key, data, signature):
    """[8][S]B = [8]R + [8][k]A"""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(r + key + data).digest(), "little") % ORDER
    try:
        difference = sodium.crypto_core_ed25519_sub(_times_base(s), r)
    except SodiumError:
        return False  # R is no point.
    difference = sodium.crypto_core_ed25519_sub(difference, _times(k, key))
    for _ in range(3):
        difference = sodium.crypto_core_ed25519_add(difference, difference)
    return difference == IDENTITY


def _times_base(scalar):
    return sodium.crypto_scalarmult_ed25519_base_noclamp(scalar.to_bytes(32, "little")) if scalar else IDENTITY


def _times(scalar, point):
    return sodium.crypto_scalarmult_ed25519_noclamp(scalar.to_bytes(32, "little"), point) if scalar else IDENTITY

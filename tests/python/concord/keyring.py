"""Keyrings and the signatures of an authority (keys.md, 3; charter.md, 3)."""

from . import ed25519
from .faults import Refused, must
from .structures import ascending


def check(keyring):
    threshold, keys = keyring
    for key in keys:
        ed25519.check_key(key)
    ascending(keys, "keys of a keyring")
    must(threshold <= len(keys), "a threshold above the number of keys")


def check_signatures(keyring, signatures, data):
    """The signatures of a document of the ceremony; gives how many are missing."""
    threshold, keys = keyring
    signers = [key for key, _ in signatures]
    if len(signers) > threshold or signers != sorted(set(signers)) or not set(signers) <= set(keys):
        raise Refused("signatures", "too many, out of order, or of a key that is not of the keyring")
    if not all(ed25519.verify(key, data, signature) for key, signature in signatures):
        raise Refused("signatures", "one does not verify")
    return threshold - len(signers)

"""BLS12-381 with small signatures and proofs of possession (keys.md, 2). Curve and hashing are those of arkworks."""

import functools

from py_arkworks_bls12381 import GT, G1Point, G2Point

from .faults import must

SUITE = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_"
# e(s, G2) = e(H(m), k) if e(s, G2) e(H(m), -k) = 1; the generator is that of the suite.
GENERATOR = G2Point()


def _point(group, data):
    """A compressed point of the subgroup in its one encoding, and not infinity; else None."""
    try:
        point = group.from_compressed_bytes(data)
    except (ValueError, TypeError):
        return None
    return point if bytes(point.to_compressed_bytes()) == data and point.is_in_subgroup() and point != group.identity() else None


@functools.cache
def _key(data):
    return _point(G2Point, data)


def check_key(data):
    must(_key(data) is not None, "no public key of the subgroup in its one encoding")


def _verifies(point, data, domain, signature):
    found = _point(G1Point, signature)
    return found is not None and GT.pairing_check([found, G1Point.hash_to_curve(data, domain)], [GENERATOR, -point])


def verify(keys, data, signature):
    """Whether it is the sum of the shares of these keys, each of which counts once."""
    points = [_key(key) for key in keys]
    if not points or None in points or len(set(keys)) < len(keys):
        return False
    return _verifies(functools.reduce(lambda total, point: total + point, points), data, SUITE, signature)


@functools.cache
def possesses(key, proof):
    """Whether the proof of possession is this key's."""
    return _key(key) is not None and _verifies(_key(key), key, POSSESSION, proof)

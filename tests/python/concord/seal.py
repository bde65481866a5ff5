"""Headers and seals (blocks.md)."""

from typing import NamedTuple

from . import bls, cbor
from .digest import message, tag


class Header(NamedTuple):
    """A block header, with its fields as they stand in the encoding."""

    height: int
    time: int
    records_root: bytes
    rest: bytes

    @property
    def hash(self):
        return tag("block", cbor.encode(list(self)))


def rest_digest(rest_part):
    return tag("rest", cbor.encode(rest_part))


def quorum(regions):
    return 2 * regions // 3 + 1


def regions_digest(members):
    return tag("regions", cbor.encode([list(member) for member in members]))


def is_sealed(header, seal, members, chain_id):
    """Whether more than two thirds of the members sealed it, in the round that the seal names."""
    _, round_, bitmap, signature = seal
    if len(bitmap) != (len(members) + 7) // 8:
        return False
    bits = "".join(f"{byte:08b}" for byte in bitmap)
    signers = [member for member, bit in zip(members, bits) if bit == "1"]
    if "1" in bits[len(members) :] or len(signers) < quorum(len(members)):
        return False
    shared = message("seal", chain_id, header.height.to_bytes(8, "big"), round_.to_bytes(4, "big"), header.hash)
    return bls.verify([member.seal_key for member in signers], shared, signature)

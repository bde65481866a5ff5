"""Status sets (status.md)."""

from . import cbor, tree
from .faults import Unreadable, must

PLACES = 4096
EMPTY, FULL, RAW, RICE, COMPLEMENT = 0x00, 0x01, 0x02, 0x10, 0x20
PARAMETERS = range(12)
SETS = ["revoked", "annulled", "suspended", "superseded", "annotated"]
PRECEDENCE = ["annulled", "revoked", "superseded", "suspended"]


class ChunkFault(Unreadable):
    """A chunk that is not in its one encoding."""


def decode_chunk(data):
    """The places in the set; only the one encoding of them is accepted."""
    try:
        must(1 <= len(data) <= 513, "a chunk of no byte or of more than 513")
        places = _places(data[0], data[1:])
        must(encode_chunk(places) == data, "a chunk in another than its one encoding")
    except Unreadable as error:
        raise ChunkFault(str(error)) from error
    return places


def _places(mode, body):
    if mode == EMPTY:
        return set()
    if mode == FULL:
        return set(range(PLACES))
    if mode == RAW:
        must(len(body) == PLACES // 8, "a raw chunk of another length")
        return {place for place in range(PLACES) if body[place // 8] >> 7 - place % 8 & 1}
    must(mode & 0x0F in PARAMETERS and mode & 0xF0 in (RICE, COMPLEMENT), "an unknown mode")
    listed = _rice_places(body, mode & 0x0F)
    return listed if mode & 0xF0 == RICE else set(range(PLACES)) - listed


def _rice_places(body, parameter):
    bits, at, last, places = "".join(f"{byte:08b}" for byte in body), 0, -1, set()
    while (zero := bits.find("0", at)) >= 0:
        end = zero + 1 + parameter
        must(end <= len(bits), "a gap is cut")
        last += 1 + ((zero - at) << parameter | int(bits[zero + 1 : end] or "0", 2))
        must(last < PLACES, "a place past the end")
        places.add(last)
        at = end
    return places


def _rice_bits(places, parameter):
    before, bits = -1, []
    for place in sorted(places):
        gap = place - before - 1
        low = f"{gap & (1 << parameter) - 1:0{parameter}b}" if parameter else ""
        bits.append("1" * (gap >> parameter) + "0" + low)
        before = place
    return "".join(bits)


def encode_chunk(places):
    """The shortest of all encodings, of equally short ones that with the lowest first byte."""
    if not places:
        return bytes([EMPTY])
    if len(places) == PLACES:
        return bytes([FULL])
    raw = sum(1 << PLACES - 1 - place for place in places)
    offers = [bytes([RAW]) + raw.to_bytes(PLACES // 8, "big")]
    for mode, listed in ((RICE, places), (COMPLEMENT, set(range(PLACES)) - places)):
        for parameter in PARAMETERS:
            bits = _rice_bits(listed, parameter)
            bits += "1" * (-len(bits) % 8)
            offers.append(bytes([mode + parameter]) + int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return min(offers, key=lambda offer: (len(offer), offer[0]))


class Status:
    """The status of a series, whole (series-status)."""

    def __init__(self, value):
        self.next, *sets = value
        self.chunks = dict(zip(SETS, sets))
        self.places = {}
        for name, chunks in self.chunks.items():
            self.places[name] = [decode_chunk(chunk) for chunk in chunks]
            must(not chunks or self.places[name][-1], "a last chunk that is empty")
            for chunk, places in enumerate(self.places[name]):
                must(all(PLACES * chunk + place < self.next for place in places), "a status of a number not issued")

    def has(self, name, number):
        chunk, place = divmod(number, PLACES)
        places = self.places[name]
        return chunk < len(places) and place in places[chunk]

    def standing(self, number):
        """The set of highest precedence that the number is in."""
        return next((name for name in PRECEDENCE if self.has(name, number)), None)

    def leaf(self, series):
        """What is hashed as its leaf (series-leaf)."""
        roots = [[len(chunks), tree.root([tree.leaf(chunk) for chunk in chunks])] if chunks else None for chunks in self.chunks.values()]
        return cbor.encode([series, self.next, *roots])

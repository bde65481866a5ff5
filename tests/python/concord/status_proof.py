"""Status proofs, and what they stand beside (status-proof.md)."""

from . import cbor, status, tree
from .bundle import order_of
from .faults import Refused, must
from .seal import Header, rest_digest
from .structures import BOUNDS, check_path, read

CREDENTIAL, CERTIFICATE = 0, 1


class StatusProof:
    """A status proof that can be read."""

    def __init__(self, data):
        _, id_, self.next, self.sets, self.in_section, self.section, self.in_state, self.head, self.seal = read("status-proof", data)
        self.series, self.number = id_
        order_of(self.section)
        for place in (self.in_section, self.in_state):
            check_path(place[2])
        self.places = {}
        for name, shown in zip(status.SETS, self.sets):
            check_shown(shown)
            self.places[name] = status.decode_chunk(shown[1]) if shown and len(shown) == 3 else set()
        check_head(self.head)

    @property
    def height(self):
        return self.head[0]

    @property
    def time(self):
        return self.head[1]

    def has(self, name, number):
        return number % status.PLACES in self.places[name]

    def standing(self, number):
        return next((name for name in status.PRECEDENCE if self.has(name, number)), None)

    def header(self):
        """The header to which it leads."""
        leaf = tree.leaf(cbor.encode([self.series, self.next, *map(self._set_root, self.sets)]))
        root = _root(leaf, self.in_section)
        state_root = _root(tree.leaf(cbor.encode([self.section, root])), self.in_state)
        height, time, records_root, parent, proposer, bodies_root, history_root, now, following = self.head
        rest_part = [1, parent, proposer, bodies_root, state_root, history_root, now, following or now]
        return Header(height, time, records_root, rest_digest(rest_part))

    def _set_root(self, shown):
        chunk = self.number // status.PLACES
        if shown is None:
            return None
        if len(shown) == 2:
            if not 1 <= shown[0] <= chunk:
                raise Refused("path", "a set that does not end before the number")
            return shown
        return [shown[0], _root(tree.leaf(shown[1]), [chunk, shown[0], shown[2]])]


def check_shown(shown):
    if shown and len(shown) == 3:
        check_path(shown[2])
        status.decode_chunk(shown[1])


def check_head(head):
    must(head[8] != head[7], "the same regions named twice")


def check_place(place):
    check_path(place[2])


def _root(leaf, place):
    index, size, path = place
    try:
        return tree.root_of_path(leaf, index, size, tree.hashes(path))
    except Refused as error:
        raise Refused("path", str(error)) from error


def read_with_status(data):
    """What it is of, whether that is a certificate, and the proof, none of them decoded."""
    _, kind, of, proof = read("with-status", data)
    must(kind == CERTIFICATE or len(of) <= BOUNDS["credential"], "a credential that is too long")
    return of, kind == CERTIFICATE, proof

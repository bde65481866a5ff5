"""RFC 9162 trees (trees.md)."""

from .digest import sha256
from .faults import Refused


def leaf(data):
    return sha256(b"\0", data)


def node(left, right):
    return sha256(b"\1", left, right)


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def hashes(path):
    """The hashes of a path that is one byte string; a last one that is cut makes the length wrong."""
    return [path[at : at + 32] for at in range(0, len(path), 32)]


def root_of_path(found, index, size, path):
    """The root to which `path`, a list of hashes, leads from the leaf `found`; refused before anything is hashed."""
    if index >= size:
        raise Refused("OutOfRange")
    if len(path) != path_length(index, size) or any(len(sibling) != 32 for sibling in path):
        raise Refused("WrongLength")
    siblings, at, last = iter(path), index, size - 1
    while last:
        if at % 2:
            found = node(next(siblings), found)
        elif at < last:
            found = node(found, next(siblings))
        at, last = at // 2, last // 2
    return found


def path_length(index, size):
    at, last, length = index, size - 1, 0
    while last:
        length += at % 2 == 1 or at < last
        at, last = at // 2, last // 2
    return length


def check_consistency(old_size, old_root, new_size, new_root, path):
    """That the tree of `new_size` leaves begins with that of `old_size` (RFC 9162 2.1.4.2)."""
    if old_size > new_size:
        raise Refused("OutOfRange")
    if old_size in (0, new_size):
        _check_trivial(old_size, old_root, new_root, path)
        return
    if any(len(sibling) != 32 for sibling in path):
        raise Refused("WrongLength")
    siblings = [old_root, *path] if old_size & old_size - 1 == 0 else list(path)
    at, last = old_size - 1, new_size - 1
    while at % 2:
        at, last = at // 2, last // 2
    if len(siblings) != 1 + _consistency_length(at, last):
        raise Refused("WrongLength")
    old, new = _climb(siblings, at, last)
    if (old, new) != (old_root, new_root):
        raise Refused("OtherRoot")


def _check_trivial(old_size, old_root, new_root, path):
    if path:
        raise Refused("WrongLength")
    if old_root != (sha256() if old_size == 0 else new_root):
        raise Refused("OtherRoot")


def _consistency_length(at, last):
    length = 0
    while last:
        length += at % 2 == 1 or at < last
        at, last = at // 2, last // 2
    return length


def _climb(siblings, at, last):
    old = new = siblings[0]
    rest = iter(siblings[1:])
    while last:
        if at % 2 or at == last:
            while at and not at % 2:
                at, last = at // 2, last // 2
            sibling = next(rest)
            old, new = node(sibling, old), node(sibling, new)
        else:
            new = node(new, next(rest))
        at, last = at // 2, last // 2
    return old, new

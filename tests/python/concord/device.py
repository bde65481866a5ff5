"""What a device holds, and what may take its place (bundles.md, 3)."""

from typing import NamedTuple

from . import delta, tree
from .bundle import STATE, Bundle, unpack
from .faults import Refused, Unreadable
from .seal import Header, regions_digest, rest_digest

MOST_UNATTENDED_MS = 366 * 86_400_000


class Terms(NamedTuple):
    """On what terms a device takes what it is offered."""

    chain_id: bytes
    now: int
    checkpoint: tuple | None = None
    go_back: bool = False


def take(held, data, terms):
    """The state that a device holds afterwards; whatever is refused leaves it with what it has."""
    kind, value = unpack(data)
    if kind == STATE:
        bundle = Bundle(value, terms.chain_id)
        since = _judge_state(held, bundle, terms)
    elif held is None:
        raise Refused("kind", "a delta, and nothing is held")
    else:
        bundle = _judge_delta(held, value, terms)
        since = held.time
    if since is not None and max(terms.now, bundle.time) - since > MOST_UNATTENDED_MS:
        raise Refused("checkpoint needed")
    return bundle


def _judge_state(held, bundle, terms):
    """Gives the time from which on the 366 days count, if they do."""
    if held is not None and bundle.height < held.height:
        if not terms.go_back:
            raise Refused("older")
        if bundle.rest_part[6] != regions_digest(held.members(bundle.height)):
            raise Refused("fork", "other regions")
        return None
    if held is not None and bundle.height == held.height:
        if bundle.header.hash != held.header.hash:
            raise Refused("fork")
        return None
    if terms.checkpoint is not None:
        return _shown(bundle, *terms.checkpoint, "checkpoint not shown")
    if held is not None:
        return _shown(bundle, held.height, held.header.hash, "not shown")
    return bundle.charter.genesis


def _shown(bundle, height, block_hash, not_shown):
    """The time of a block that the bundle is or continues."""
    if bundle.height == height:
        if bundle.header.hash != block_hash:
            raise Refused("fork")
        return bundle.time
    anchor = next((anchor for anchor in bundle.anchors if anchor[0][0] == height), None)
    if anchor is None:
        raise Refused(not_shown)
    header = Header(*anchor[0])
    if header.hash != block_hash or not passes(bundle, header, *anchor[1:]):
        raise Refused("fork")
    return header.time


def passes(bundle, header, rest_part, path):
    """Whether a bundle passes a block, so that nobody else sealed for it."""
    try:
        root = tree.root_of_path(header.hash, header.height - 1, bundle.height - 1, tree.hashes(path))
    except Refused:
        return False
    sets = [regions_digest(bundle.members(height)) for height in (header.height, header.height + 1)]
    return header.rest == rest_digest(rest_part) and root == bundle.rest_part[5] and rest_part[6:8] == sets


def _judge_delta(held, value, terms):
    _, (height, block_hash), path, selection, *_ = value
    if (height, block_hash) != (held.height, held.header.hash):
        raise Refused("does not fit")
    if selection != held.selection:
        raise Refused("other selection")
    try:
        made = delta.apply(value, held.value)
    except Unreadable as error:
        raise Refused("unreadable", str(error)) from error
    bundle = Bundle(made, terms.chain_id)
    if not passes(bundle, held.header, held.rest_part, path):
        raise Refused("fork")
    return bundle

"""Charters, cards, signed charters, fingerprints (charter.md)."""

import functools
import re
from typing import NamedTuple

from . import bls, cbor, ed25519, keyring
from .digest import message, sha256, tag
from .faults import Refused, must
from .structures import TEXTS, ascending, read

BASE58 = "[123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz]{46,54}"
WORDS = TEXTS.parent / "src" / "charter" / "english.txt"
WORDS_DIGEST = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"


class Member(NamedTuple):
    """A region as it votes and seals."""

    region: str
    consensus_key: bytes
    seal_key: bytes


class Charter(NamedTuple):
    """A charter that checks."""

    chain: str
    chain_id: bytes
    genesis: int
    regions: list

    @property
    def members(self):
        return [Member(one[0], one[3], one[4]) for one in self.regions]


def check_region(region):
    """What a charter-region is wherever it stands, as an encoding."""
    _, _, authority, consensus_key, seal_key, *_ = region
    keyring.check(authority)
    ed25519.check_key(consensus_key)
    bls.check_key(seal_key)


def chain_id(data):
    return tag("charter", data)


def read_charter(data):
    _, chain, genesis, regions, _ = read_plain(data)
    return Charter(chain, chain_id(data), genesis, regions)


def read_plain(data):
    value = read("charter", data)
    _, _, _, regions, (heartbeat,) = value
    for region in regions:
        check_region(region)
    codes, consensus_keys, seal_keys = ([one[at] for one in regions] for at in (0, 3, 4))
    distinct = len(regions) == len(set(consensus_keys)) == len(set(seal_keys))
    if not regions or codes != sorted(set(codes)) or not distinct:
        raise Refused("regions")
    if not all(bls.possesses(one[4], one[5]) for one in regions):
        raise Refused("possession")
    if not 1_000 <= heartbeat <= 3_600_000:
        raise Refused("heartbeat")
    return value


def read_card(data):
    """Gives how many signatures are missing."""
    _, region, signatures = read("card", data)
    check_region(region)
    _, labels, authority, _, seal_key, possession, peer_id, addresses = region
    languages = [language for language, _ in labels]
    if not labels or len(languages) != len(set(languages)):
        raise Refused("names")
    if not bls.possesses(seal_key, possession):
        raise Refused("possession")
    if not re.fullmatch(BASE58, peer_id):
        raise Refused("peer-id")
    places = [address for (address,) in addresses]
    if not places or len(places) != len(set(places)) or not all(map(_is_address, places)):
        raise Refused("addresses")
    return keyring.check_signatures(authority, signatures, message("card", cbor.encode(region)))


def _is_address(text):
    return text.startswith("/") and not text.endswith("/") and "/p2p/" not in text


def read_signed_charter(data):
    """Gives how many signatures are missing, by region; regions that lack none are left out."""
    _, charter, signed = read("signed-charter", data)
    encoded = cbor.encode(charter)
    read_charter(encoded)
    authorities = {region[0]: region[2] for region in charter[3]}
    if [region for region, _ in signed] != sorted({region for region, _ in signed}):
        raise Refused("order")
    if not {region for region, _ in signed} <= set(authorities):
        raise Refused("stranger")
    missing = {region: authority[0] for region, authority in authorities.items()}
    for region, signatures in signed:
        signed_message = message("charter-signature", chain_id(encoded), region.encode())
        missing[region] = keyring.check_signatures(authorities[region], signatures, signed_message)
    return {region: count for region, count in missing.items() if count}


@functools.cache
def _words():
    data = WORDS.read_bytes()
    must(sha256(data).hex() == WORDS_DIGEST, "another list of words")
    return data.decode().split()


def fingerprint(chain):
    first = int.from_bytes(chain, "big") >> 256 - 132
    return " ".join(_words()[first >> 11 * place & 2047] for place in reversed(range(12)))

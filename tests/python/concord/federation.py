"""The federation's section, its regions at a height, handovers (federation.md)."""

from . import bls, catalogue, charter, ed25519, keyring
from .charter import Member
from .faults import Refused
from .seal import Header, is_sealed, regions_digest, rest_digest
from .structures import ascending, read

CHANGES = {
    1: charter.check_region,
    7: lambda domain: keyring.check(domain[2]),
    8: catalogue.check_definition,
    9: lambda replacement: keyring.check(replacement[1]),
}


def check_change(change):
    kind, body = change
    CHANGES.get(kind, lambda _: None)(body)


class Federation:
    """Section `federation`."""

    def __init__(self, data):
        _, regions, domains, _, _, _, proposals, scheduled, evidence = read("federation", data)
        ascending([region[0] for region in regions], "regions")
        ascending([domain[0] for domain in domains], "domain authorities")
        ascending([place for place, _, _ in evidence], "pieces of evidence")
        for region in regions:
            self._check(region)
        for domain in domains:
            keyring.check(domain[2])
        for change in [proposal[2] for proposal in proposals] + [change for _, change in scheduled]:
            check_change(change)
        self.regions = {region[0]: region for region in regions}

    @staticmethod
    def _check(region):
        _, _, authority, rotation, _, _, _, terms, *_ = region
        keyring.check(authority)
        if rotation:
            keyring.check(rotation[0])
        for _, _, consensus_key, seal_key in terms:
            ed25519.check_key(consensus_key)
            bls.check_key(seal_key)

    def members(self, height):
        """The region set at a height (2)."""
        return [
            Member(code, consensus_key, seal_key)
            for code, region in self.regions.items()
            for since, until, consensus_key, seal_key in region[7]
            if since <= height and (until is None or height < until)
        ]


class Regions:
    """Regions as they are followed from the charter on, by handovers (8)."""

    def __init__(self, chain_id, members):
        self.chain_id = chain_id
        self.members = members
        self.since = 1

    def take_over(self, handover, following):
        """The set `following`, from the height after the handover's on."""
        header, rest_part, seal = handover
        header = Header(*header)
        if header.height == 0 or header.height < self.since or header.rest != rest_digest(rest_part):
            raise Refused("order")
        now, later = rest_part[6:8]
        if now == later or now != regions_digest(self.members) or later != regions_digest(following):
            raise Refused("regions")
        if not is_sealed(header, seal, self.members, self.chain_id):
            raise Refused("seal")
        self.members, self.since = following, header.height + 1


def check_member(member):
    _, consensus_key, seal_key = member
    ed25519.check_key(consensus_key)
    bls.check_key(seal_key)


def follow_history(data, chain_id, members):
    """The last set of a region-history, from the charter's members on."""
    _, _, changes = read("region-history", data)
    regions = Regions(chain_id, members)
    for handover, following in changes:
        for member in following:
            check_member(member)
        ascending([member[0] for member in following], "regions")
    for handover, following in changes:
        regions.take_over(handover, [Member(*member) for member in following])
    return regions.members

"""Trust bundles (bundles.md). Everything that a bundle's format is stands here; what is in its sections, elsewhere."""

from . import cbor, tree
from .catalogue import Catalogue
from .charter import read_charter, chain_id
from .digest import tag
from .faults import NewerSoftware, Refused, Unreadable, must
from .federation import Federation, Regions
from .offices import Directories
from .recognition import Recognition
from .seal import Header, is_sealed, regions_digest, rest_digest
from .status import Status
from .structures import read

# The order of state.md.
ORDER = ["catalogue", "charter", "directory", "federation", "recognition", "status"]


class Bundle:
    """A bundle that was opened by a device that trusts a chain."""

    def __init__(self, data, trusted):
        _, self.handovers, header, self.rest_part, self.seal, roots, sections = _or("unreadable", read, "bundle", data)
        self.header = Header(*header)
        self._open(trusted, roots, sections)

    @property
    def height(self):
        return self.header.height

    @property
    def time(self):
        return self.header.time

    def _open(self, trusted, roots, sections):
        carried = dict(reversed(sections))
        _or("unreadable", lambda: [_order(name) for name, _ in sections])
        must_carry(carried, "charter")
        if chain_id(carried["charter"]) != trusted:
            raise Refused("other chain")
        try:
            self.charter = read_charter(carried["charter"])
        except (Unreadable, Refused) as error:
            raise Refused("charter", str(error)) from error
        must_carry(carried, "federation")
        self.federation = _or("unreadable", Federation, carried["federation"])
        self._follow()
        self._check_roots(roots)
        must_carry(carried, "recognition")
        must_carry(carried, "catalogue")
        self.recognition = _or("unreadable", Recognition, carried["recognition"])
        self.catalogue = _or("unreadable", Catalogue, carried["catalogue"])
        self._check_sections(dict(roots), sections)
        directories = {name.split("/")[1]: body for name, body in sections if name.startswith("directory/")}
        self.directories = _or("section", Directories, directories)

    def _follow(self):
        """Orders 5 to 8: from the charter's regions to those at this height and the next."""
        regions = Regions(self.charter.chain_id, self.charter.members)
        header, (now, following) = self.header, self.rest_part[6:8]
        for handover in self.handovers:
            if handover[0][0] >= header.height:
                raise Refused("handover", "not below the bundle's height")
            self._take_over(regions, handover)
        if header.rest != rest_digest(self.rest_part) or now != regions_digest(regions.members):
            raise Refused("header")
        if not is_sealed(header, self.seal, regions.members, self.charter.chain_id):
            raise Refused("seal")
        if following != now:
            if following != regions_digest(self.federation.members(header.height + 1)):
                raise Refused("header", "other regions next")
            self._take_over(regions, [list(header), self.rest_part, self.seal])
        self.last_members = regions.members

    def _take_over(self, regions, handover):
        try:
            regions.take_over(handover, self.federation.members(handover[0][0] + 1))
        except Refused as error:
            raise Refused("handover", str(error)) from error

    def _check_roots(self, roots):
        order = [_or("state root", _order, name) for name, _ in roots]
        if order != sorted(set(order)) or tree.root([tree.leaf(cbor.encode(entry)) for entry in roots]) != self.rest_part[4]:
            raise Refused("state root")

    def _check_sections(self, roots, sections):
        order = [_order(name) for name, _ in sections]
        if order != sorted(set(order)):
            raise Refused("section", "out of order")
        self.status = {}
        for name, body in sections:
            if name not in roots or roots[name] != self._section_root(name, body):
                raise Refused("section", name)

    def _section_root(self, name, body):
        if not name.startswith("status/"):
            return tag("section", body)
        series = [one for one, _ in body]
        if series != sorted(set(series)):
            raise Refused("section", "series out of order")
        statuses = {one: _or("unreadable", Status, value) for one, value in body}
        self.status |= statuses
        return tree.root([tree.leaf(status.leaf(one)) for one, status in statuses.items()])

    def members(self, height):
        """The regions in force at a height, as the bundle knows them; above its own, the last that it knows."""
        return self.federation.members(height) if height <= self.height else self.last_members


def must_carry(carried, name):
    if name not in carried:
        raise Refused("missing", name)


def _or(reason, check, *arguments):
    """What the check gives; what cannot be read is refused for the reason."""
    try:
        return check(*arguments)
    except NewerSoftware:
        raise
    except Unreadable as error:
        raise Refused(reason, str(error)) from error


def _order(name):
    """The place of a section among those of a state (state.md)."""
    kind, *of = name.split("/")
    parts = {"directory": 1, "status": 2}.get(kind, 0)
    must(kind in ORDER and len(of) == parts, "a section that no state has")
    return ORDER.index(kind), *of

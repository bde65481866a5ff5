"""Trust bundles: the file and the state in it (bundles.md, 1 and 2). What is in its sections: elsewhere; what a device holds: `device`."""

import io

import zstandard

from . import cbor, tree
from .catalogue import Catalogue
from .charter import chain_id, read_charter
from .digest import tag
from .faults import NewerSoftware, Refused, Truncated, Unreadable, must
from .federation import Federation, Regions
from .offices import Directories
from .recognition import Recognition
from .seal import Header, is_sealed, regions_digest, rest_digest
from .status import ChunkFault, Status
from .structures import MIB, ascending, check_path, read

STATE, DELTA = 1, 2
KINDS = {STATE: "bundle", DELTA: "delta"}
FRAME_MAGIC = bytes.fromhex("28b52ffd")
# The order of state.md.
ORDER = ["catalogue", "charter", "directory", "federation", "recognition", "status"]
ALWAYS = ["catalogue", "charter", "federation", "recognition"]


def unpack(data):
    """The kind of a file, and its content as a value."""
    _, kind, size, check, frame = _or("unreadable", read, "packed-bundle", data)
    if check != tag("bundle", kind.to_bytes(8, "big"), size.to_bytes(8, "big"), frame):
        raise Refused("damaged")
    if size > min(4 * MIB + 1024 * len(frame), 512 * MIB):
        raise Refused("bomb", "more than a frame of this length may hold")
    return kind, _or("unreadable", _read_content, kind, _unpack_frame(frame, size))


def _unpack_frame(frame, size):
    try:
        parameters = zstandard.get_frame_parameters(frame)
        if parameters.window_size > 8 * MIB:
            raise Refused("window")
        if not frame.startswith(FRAME_MAGIC) or parameters.dict_id:
            raise Refused("frame", "no frame, or one with a dictionary")
        decompressor = zstandard.ZstdDecompressor(max_window_size=8 * MIB)
        with decompressor.stream_reader(io.BytesIO(frame)) as reader:
            if len(reader.read(size + 1)) > size:
                raise Refused("bomb", "more than it says")
        # It is small enough; where it ends, the reader does not tell.
        whole = decompressor.decompressobj()
        content = whole.decompress(frame)
    except zstandard.ZstdError as error:
        raise Refused("frame", str(error)) from error
    if len(content) != size or not whole.eof or whole.unused_data:
        raise Refused("frame", "not whole, or something follows it")
    return content


def _read_content(kind, content):
    value = read(KINDS[kind], content)
    for name, body in value[-1]:
        order_of(name)
        must(isinstance(body, list) == name.startswith("status/"), "a document for a status section, or the other way round")
    for path in [anchor[2] for anchor in value[2]] if kind == STATE else [value[2]]:
        check_path(path)
    for _, status in [entry for name, body in value[-1] if kind == STATE and isinstance(body, list) for entry in body]:
        Status(status)
    return value


class Bundle:
    """A state that was checked by a device that trusts a chain."""

    def __init__(self, value, trusted):
        self.value = value
        _, self.selection, self.anchors, self.handovers, header, self.rest_part, self.seal, roots, sections = value
        self.header = Header(*header)
        self._open(trusted, roots, sections)

    @classmethod
    def of(cls, data, trusted):
        """The state in a file."""
        kind, value = unpack(data)
        if kind != STATE:
            raise Refused("kind")
        return cls(value, trusted)

    @property
    def height(self):
        return self.header.height

    @property
    def time(self):
        return self.header.time

    def _open(self, trusted, roots, sections):
        carried = dict(reversed(sections))
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
        self.directories = _or("unreadable", Directories, directories)
        self._check_selection([name for name, _ in roots], carried)

    def _follow(self):
        """Orders 4 to 7: from the charter's regions to those at this height and the next."""
        regions = Regions(self.charter.chain_id, self.charter.members)
        header, (now, following) = self.header, self.rest_part[6:8]
        self.sets = [(1, regions.members)]
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

    def _take_over(self, regions, handover):
        try:
            regions.take_over(handover, self.federation.members(handover[0][0] + 1))
        except Refused as error:
            raise Refused("handover", str(error)) from error
        self.sets.append((regions.since, regions.members))

    def _check_roots(self, roots):
        order = [_or("state root", order_of, name) for name, _ in roots]
        if order != sorted(set(order)) or tree.root([tree.leaf(cbor.encode(entry)) for entry in roots]) != self.rest_part[4]:
            raise Refused("state root")

    def _check_sections(self, roots, sections):
        order = [order_of(name) for name, _ in sections]
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
        statuses = {one: Status(value) for one, value in body}
        self.status |= statuses
        return tree.root([tree.leaf(status.leaf(one)) for one, status in statuses.items()])

    def _check_selection(self, names, carried):
        for chosen in self.selection:
            _or("selection", ascending, chosen or [], "what is selected")
        taken = selected(self.selection, names, self.directories)
        for name in taken:
            must_carry(carried, name)
        if set(carried) != taken:
            raise Refused("section", "one that the selection does not take")

    def members(self, height):
        """The regions in force at a height, as the bundle knows them; above its own, the last set taken over."""
        return next((members for since, members in reversed(self.sets) if since <= height), self.sets[0][1])

    def lacking_directory(self, region):
        """A region, this one first, that is or was a member and whose directory it does not carry."""
        lacking = self.federation.regions.keys() - self.directories.regions
        return region if region in lacking else min(lacking, default=None)


def selected(selection, names, offices):
    """Of these sections, those that a selection takes, and the directories to which successions lead."""
    types, regions = selection

    def takes(chosen, name):
        return chosen is None or name in chosen

    status = [name.split("/")[1:] for name in names if name.startswith("status/")]
    status = [(kind, region) for kind, region in status if takes(types, kind) and takes(regions, region)]
    taken = set(ALWAYS) | {f"status/{kind}/{region}" for kind, region in status}
    directories = [name.split("/")[1] for name in names if name.startswith("directory/")]
    with_status = {region for _, region in status}
    chosen, reached = {one for one in directories if takes(regions, one) and (types is None or one in with_status)}, set()
    while chosen - reached:
        reached |= chosen
        chosen = offices.successors(reached) & set(directories)
    return taken | {f"directory/{one}" for one in reached}


def must_carry(carried, name):
    if name not in carried:
        raise Refused("missing", name)


def _or(reason, check, *arguments):
    """What the check gives; what cannot be read is refused for the reason."""
    try:
        return check(*arguments)
    except NewerSoftware:
        raise
    except Truncated as error:
        raise Refused("truncated", str(error)) from error
    except ChunkFault as error:
        raise Refused("status chunk", str(error)) from error
    except Unreadable as error:
        raise Refused(reason, str(error)) from error


def order_of(name):
    """The place of a section among those of a state (state.md)."""
    kind, *of = name.split("/")
    parts = {"directory": 1, "status": 2}.get(kind, 0)
    must(kind in ORDER and len(of) == parts, "a section that no state has")
    return ORDER.index(kind), *of

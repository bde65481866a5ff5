"""What changes between two states (bundles.md, 4)."""

from . import status
from .bundle import order_of
from .faults import Refused, must
from .status import EMPTY, PLACES

MOST_NEW_CHUNKS = 1 << 20
PARAMETERS = range(64)


def apply(delta, state):
    """The state that a delta makes of the one held, as a value; nothing of it is checked yet."""
    _, _, _, selection, handovers, header, rest_part, seal, root_changes, section_changes = delta
    roots = dict(state[7])
    for name, root in root_changes:
        roots[name] = root
    roots = {name: root for name, root in roots.items() if root is not None}
    sections, growth = {name: body for name, body in state[8] if name in roots}, _Growth()
    for name, change in section_changes:
        sections[name] = _changed_status(sections.get(name, []), change, growth) if isinstance(change, list) else change
    of_state = [sorted(part.items(), key=lambda entry: order_of(entry[0])) for part in (roots, sections)]
    roots, sections = ([list(entry) for entry in part] for part in of_state)
    return [1, selection, [], [*state[3], *handovers], header, rest_part, seal, roots, sections]


class _Growth:
    """All sets together grow by a bounded number of chunks."""

    def __init__(self):
        self.chunks = 0

    def add(self, count):
        self.chunks += count
        if self.chunks > MOST_NEW_CHUNKS:
            raise Refused("too much")


def _changed_status(entries, changes, growth):
    series = dict(entries)
    for one, following, sets in changes:
        _, *before = series.get(one, [0, [], [], [], [], []])
        series[one] = [following, *(_changed_set(*pair, growth) for pair in zip(before, sets, strict=True))]
    return [list(entry) for entry in sorted(series.items())]


def _changed_set(chunks, change, growth):
    if change is None:
        return chunks
    whole, added, removed = change
    must(whole or added or removed, "a change of nothing")
    chunks, at = list(chunks), -1
    for skip, chunk in whole:
        at = skip if at < 0 else at + skip
        _grow(chunks, at, growth)
        chunks[at] = chunk
    for numbers, change_places in ((added, set.add), (removed, set.discard)):
        _change_numbers(chunks, decode_numbers(numbers), change_places, growth)
    while chunks and chunks[-1] == bytes([EMPTY]):
        chunks.pop()
    return chunks


def _grow(chunks, at, growth):
    missing = at + 1 - len(chunks)
    if missing > 0:
        growth.add(missing)
        chunks.extend([bytes([EMPTY])] * missing)


def _change_numbers(chunks, numbers, change_places, growth):
    by_chunk = {}
    for number in numbers:
        by_chunk.setdefault(number // PLACES, []).append(number % PLACES)
    for at, places in by_chunk.items():
        _grow(chunks, at, growth)
        found = status.decode_chunk(chunks[at])
        for place in places:
            change_places(found, place)
        chunks[at] = status.encode_chunk(found)


def decode_numbers(data):
    """Ascending numbers, each once, in their one encoding."""
    if not data:
        return []
    parameter, bits = data[0], "".join(f"{byte:08b}" for byte in data[1:])
    must(parameter in PARAMETERS, "a parameter that there is not")
    at, last, gaps = 0, -1, []
    while (zero := bits.find("0", at)) >= 0:
        end = zero + 1 + parameter
        must(end <= len(bits), "a gap is cut")
        gaps.append((zero - at) << parameter | int(bits[zero + 1 : end] or "0", 2))
        at = end
    must(gaps and len(bits) - at < 8, "no number, or more filling than fills a byte")
    sizes = [(sum((gap >> k) + 1 + k for gap in gaps) + 7) // 8 for k in PARAMETERS]
    must(parameter == sizes.index(min(sizes)), "another parameter than the shortest")
    numbers = []
    for gap in gaps:
        last += gap + 1
        must(last < 1 << 64, "a number of more than 64 bits")
        numbers.append(last)
    return numbers

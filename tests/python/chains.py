"""Chains from a charter on, and the records in them: structures, digests, roots and ids. The rules of records are not checked."""

from concord import block, cbor, charter, structures, tree
from concord.digest import tag
from concord.faults import Unreadable

HEX = bytes.fromhex


def follow(of, bodies):
    """The last rest-part, or how the chain differs from what the texts say."""
    read = charter.read_charter(of)
    before, history, rest_part = read.chain_id, [], None
    for height, body in enumerate(bodies, 1):
        header, rest_part, _ = block.read_block(body)
        if [header.height, rest_part[1], rest_part[5]] != [height, before, tree.root(history)]:
            return f"block {height}: another height, parent or history"
        before = header.hash
        history.append(before)
    return rest_part


def states(vectors, _):
    for name, state in vectors.items():
        rest_part = follow(HEX(state["charter"]), [HEX(body) for body in state["blocks"]])
        yield name, rest_part if isinstance(rest_part, str) else differs(state["state_root"], rest_part[4])


def differs(stated, found):
    return None if stated == found.hex() else f"stated {stated}, found {found.hex()}"


def chain(vectors, file):
    found = follow(HEX(file["charter"]), [HEX(vector["block"]) for vector in vectors])
    yield "the chain", found if isinstance(found, str) else None
    for vector in vectors:
        header, rest_part, _ = block.read_block(HEX(vector["block"]))
        stated = [vector[name] for name in ("hash", "records_root", "rest_digest", "bodies_root", "state_root", "history_root")]
        parts = [header.hash, header.records_root, header.rest, *rest_part[3:6]]
        yield f"block {header.height}", None if stated == [part.hex() for part in parts] else "another digest"


def records(vectors, _):
    """Any record that is not malformed fits the CDDL; its id is that of its payload."""
    for vector in vectors:
        if vector["result"] != "MALFORMED":
            try:
                record = structures.read("record", HEX(vector["record"]))
                structures.read("payload", record[2])
            except Unreadable as error:
                yield vector["name"], str(error)
            else:
                yield vector["name"], differs(vector["id"], tag("record", record[2]))


CLASSES = [
    ("chains to a state", states, "records.json", "states"),
    ("a chain", chain, "blocks.json", "chain"),
    ("records: structures and ids", records, "records.json", "vectors"),
]

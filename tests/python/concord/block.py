"""Blocks as encodings, and what in them follows from what else (blocks.md, 1)."""

from . import cbor, tree
from .digest import tag
from .faults import must
from .seal import Header, rest_digest
from .structures import read

ISSUE = 21


def essence(record):
    """An issue by what it issues, any other record by its action's kind and its id."""
    payload = record[2]
    kind, body = cbor.decode(payload)[5]
    return cbor.encode([kind, *body] if kind == ISSUE else [kind, tag("record", payload)])


def read_block(data):
    """Its header, its rest-part and its records, as they hold together."""
    _, header, rest_part, records = read("block", data)
    header = Header(*header)
    bodies = [read("record", record) for record in records]
    must(header.rest == rest_digest(rest_part), "a header of another rest")
    must(header.records_root == tree.root([tree.leaf(essence(body)) for body in bodies]), "another records root")
    must(rest_part[3] == tree.root([tree.leaf(record) for record in records]), "another bodies root")
    return header, rest_part, records

#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["cbor2==6.3.0", "cddl-verifier==1.5.3"]
# ///
"""Checks spec/vectors against spec/text, by what the texts say and without any of this repository's code.

All CDDL blocks of the texts together validate every structure that a vector says is accepted. Then digests, trees, roots and ids are
computed anew: of blocks, of sections and their states, of handovers, of certificates. Signatures and the rules of records are not checked.

    pip install cbor2==6.3.0 cddl-verifier==1.5.3
    python3 spec/text/check.py
"""

import hashlib
import json
import pathlib
import re
import sys

import cbor2
from cddl_verifier import Validator, schema_diagnostics

TEXTS = pathlib.Path(__file__).resolve().parent
VECTORS = TEXTS.parent / "vectors"


def vectors(name):
    return json.loads((VECTORS / name).read_text("utf-8"))


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tag(text, *parts):
    """encoding.md, 2"""
    return sha256(b"concord/" + text.encode() + b"/v1", *parts)


def encode(value):
    return cbor2.dumps(value, canonical=True)


def leaf(data):
    """trees.md"""
    return sha256(b"\0", data)


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root(leaves[:split]), root(leaves[split:]))


def root_of_path(found, index, size, path):
    hashes = [path[at : at + 32] for at in range(0, len(path), 32)]
    at, last = index, size - 1
    while last:
        if at % 2:
            found = sha256(b"\1", hashes.pop(0), found)
        elif at < last:
            found = sha256(b"\1", found, hashes.pop(0))
        at, last = at // 2, last // 2
    assert not hashes, "a path that is too long"
    return found


class Structures:
    """Structures by the CDDL of all texts."""

    def __init__(self):
        blocks = (re.findall(r"```cddl\n(.*?)```", path.read_text("utf-8"), re.S) for path in sorted(TEXTS.glob("*.md")))
        cddl = "\n".join(block for of_text in blocks for block in of_text)
        defects = list(schema_diagnostics(cddl))
        assert not defects, defects
        self.validator, self.count = Validator(cddl), 0

    def check(self, rule, data, name):
        found = self.validator.validate(data, rule)
        assert found.valid, f"{name} is no {rule}: {found.errors}"
        self.count += 1
        return cbor2.loads(data)


def essence(record):
    """blocks.md, 1"""
    payload = record[2]
    kind, body = cbor2.loads(payload)[5]
    return encode([21, *body]) if kind == 21 else encode([kind, tag("record", payload)])


def check_chain(structures, charter, chain_id, blocks):
    """Follows blocks from a charter; gives the last rest-part."""
    structures.check("charter", charter, "charter")
    before, history, rest = tag("charter", charter), [], None
    assert before.hex() == chain_id
    for block in blocks:
        _, header, rest, records = structures.check("block", block, "block")
        bodies = [structures.check("record", record, "record") for record in records]
        assert header[3] == tag("rest", encode(rest))
        assert header[2] == root([leaf(essence(body)) for body in bodies])
        assert rest[3] == root([leaf(record) for record in records])
        assert (rest[1], rest[5]) == (before, root(history))
        before = tag("block", encode(header))
        history.append(before)
    return rest


def regions_digest(federation, height):
    """federation.md, 2"""
    members = [
        [entry[0], term[2], term[3]]
        for entry in federation[1]
        for term in entry[7]
        if term[0] <= height and (term[1] is None or height < term[1])
    ]
    return tag("regions", encode(members))


def check_bundle(structures, data, name):
    """bundles.md; the seals are not checked."""
    _, handovers, header, rest, _, roots, sections = structures.check("bundle", data, name)
    assert root([leaf(encode(entry)) for entry in roots]) == rest[4]
    roots, sections = dict(roots), dict(sections)
    for section, body in sections.items():
        if isinstance(body, bytes):
            structures.check(section.split("/")[0], body, section)
            assert roots[section] == tag("section", body)
            continue
        leaves = []
        for series, (following, *sets) in body:
            set_roots = [[len(chunks), root([leaf(chunk) for chunk in chunks])] if chunks else None for chunks in sets]
            leaves.append(leaf(encode([series, following, *set_roots])))
        assert roots[section] == root(leaves)
    federation = cbor2.loads(sections["federation"])
    for header, rest in [*((one[0], one[1]) for one in handovers), (header, rest)]:
        assert header[3] == tag("rest", encode(rest))
        assert rest[6:] == [regions_digest(federation, header[0]), regions_digest(federation, header[0] + 1)]


def check_certificate(structures, vector):
    """certificates.md"""
    _, credential, batch_path, receipt = structures.check("certificate", bytes.fromhex(vector["certificate"]), vector["name"])
    claims = cbor2.loads(structures.check("credential", credential, vector["name"])[2])
    structures.check("claims", encode(claims), vector["name"])
    if "leaf" not in vector:
        return
    _, (series, first, count), index, records, path, height, time, rest, _ = receipt
    number = int.from_bytes(claims[7][4:], "big")
    batch_root = root_of_path(leaf(credential), number - first, count, batch_path)
    records_root = root_of_path(leaf(encode([21, series, first, count, batch_root])), index, records, path)
    found = [leaf(credential), batch_root, tag("block", encode([height, time, records_root, rest]))]
    assert [digest.hex() for digest in found] == [vector[member] for member in ("leaf", "batch_root", "block_hash")]


def main():
    structures = Structures()
    records, blocks, certificates = vectors("records.json"), vectors("blocks.json"), vectors("certificates.json")
    chains = [*records["states"].values(), blocks | {"blocks": [block["block"] for block in blocks["chain"]]}]
    for chain in chains:
        charter, bodies = bytes.fromhex(chain["charter"]), [bytes.fromhex(block) for block in chain["blocks"]]
        rest = check_chain(structures, charter, chain["chain_id"], bodies)
        assert "state_root" not in chain or rest[4].hex() == chain["state_root"]
    for vector in records["vectors"]:
        if vector["result"] != "MALFORMED":
            record = structures.check("record", bytes.fromhex(vector["record"]), vector["name"])
            structures.check("payload", record[2], vector["name"])
            assert tag("record", record[2]).hex() == vector["id"]
    for name, bundle in certificates["bundles"].items():
        check_bundle(structures, bytes.fromhex(bundle["bundle"]), name)
    for vector in certificates["vectors"]:
        if "certificate" in vector and vector["verdict"] not in ("UNREADABLE", "NEEDS NEWER SOFTWARE"):
            check_certificate(structures, vector)
    others = vectors("structures.json")["vectors"]
    for kind, vector in [(one["type"], one) for one in others] + [("card", one) for one in vectors("charter.json")["cards"]]:
        if vector["result"] == "accept":
            structures.check(kind, bytes.fromhex(vector.get("hex") or vector["bytes"]), vector["name"])
    print(f"{structures.count} structures fit the texts; all digests, roots and ids are as the texts say")


if __name__ == "__main__":
    sys.exit(main())

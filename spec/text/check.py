#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["cbor2==6.3.0", "cddl-verifier==1.5.3", "zstandard==0.25.0"]
# ///
"""Checks spec/vectors against spec/text, by what the texts say and without any of this repository's code.

All CDDL blocks of the texts together validate every structure that a vector says is accepted. Then digests, trees, roots and ids are
computed anew: of blocks, of sections and their states, of handovers, of certificates; deltas are applied to what is held. Signatures and the rules of records are not checked.

    pip install cbor2==6.3.0 cddl-verifier==1.5.3 zstandard==0.25.0
    python3 spec/text/check.py
"""

import hashlib
import json
import pathlib
import re
import sys

import cbor2
import zstandard
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


def unpack(structures, data, name):
    """bundles.md, 1"""
    _, kind, size, check, frame = structures.check("packed-bundle", data, name)
    assert check == tag("bundle", kind.to_bytes(8, "big"), size.to_bytes(8, "big"), frame)
    content = zstandard.ZstdDecompressor().decompressobj().decompress(frame)
    assert len(content) == size
    return kind, content


def selected(selection, names):
    """bundles.md, 2"""
    types, regions = selection
    taken = {"catalogue", "charter", "federation", "recognition"}
    for name in names:
        kind, *rest = name.split("/")
        if kind == "status" and (types is None or rest[0] in types) and (regions is None or rest[1] in regions):
            taken |= {name, "directory/" + rest[1]}
        if kind == "directory" and types is None and (regions is None or rest[0] in regions):
            taken.add(name)
    return taken


def passes(bundle, federation, anchor):
    """bundles.md, 3"""
    header, rest, path = anchor
    assert header[3] == tag("rest", encode(rest))
    found = root_of_path(tag("block", encode(header)), header[0] - 1, bundle[4][0] - 1, path)
    assert found == bundle[5][5]
    assert rest[6:] == [regions_digest(federation, header[0]), regions_digest(federation, header[0] + 1)]


def check_bundle(structures, data, name):
    """bundles.md, 1 and 2; the seals are not checked."""
    kind, content = unpack(structures, data, name)
    assert kind == 1
    bundle = structures.check("bundle", content, name)
    _, selection, anchors, handovers, header, rest, _, roots, sections = bundle
    assert root([leaf(encode(entry)) for entry in roots]) == rest[4]
    roots, sections = dict(roots), dict(sections)
    assert set(sections) == selected(selection, roots)
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
    for anchor in anchors:
        passes(bundle, federation, anchor)
    return content


def numbers(coded):
    """bundles.md, 4"""
    if not coded:
        return []
    k, found, following = coded[0], [], 0
    bits = "".join(f"{byte:08b}" for byte in coded[1:])
    while "0" in bits:
        ones = bits.index("0")
        low, bits = bits[ones + 1 : ones + 1 + k], bits[ones + 1 + k :]
        if len(low) < k:
            break
        found.append(following + (ones << k) + int(low or "0", 2))
        following = found[-1] + 1
    return found


def rice(places, k):
    """status.md"""
    bits, following = "", 0
    for place in places:
        gap, following = place - following, place + 1
        bits += "1" * (gap >> k) + "0" + (f"{gap % (1 << k):0{k}b}" if k else "")
    bits += "1" * (-len(bits) % 8)
    return int("1" + bits, 2).to_bytes(len(bits) // 8 + 1, "big")[1:]


def chunk_of(places):
    """status.md: the shortest of all, then the lowest first byte"""
    others = [place for place in range(4096) if place not in places]
    if not places or not others:
        return bytes([0 if others else 1])
    raw = sum(1 << 4095 - place for place in places).to_bytes(512, "big")
    coded = [(0x10 + k, rice(sorted(places), k)) for k in range(12)] + [(0x20 + k, rice(others, k)) for k in range(12)]
    return min((bytes([mode]) + code for mode, code in [(2, raw), *coded]), key=lambda code: (len(code), code[0]))


def places_of(chunk):
    """status.md"""
    mode = chunk[0]
    if mode == 2:
        return {place for place in range(4096) if chunk[1 + place // 8] >> 7 - place % 8 & 1}
    if mode < 2:
        return set(range(4096 * mode))
    found = set(numbers(bytes([mode % 16]) + chunk[1:]))
    return found if mode < 0x20 else set(range(4096)) - found


def changed(chunks, change):
    """bundles.md, 4"""
    if change is None:
        return chunks
    whole, added, removed = change
    chunks, at = list(chunks), 0

    def reach(index):
        chunks.extend([b"\0"] * (index + 1 - len(chunks)))

    for skip, chunk in whole:
        at += skip
        reach(at)
        chunks[at], at = chunk, at + 1
    for coded, member in (added, True), (removed, False):
        for number in numbers(coded):
            reach(number // 4096)
            places = places_of(chunks[number // 4096])
            (places.add if member else places.discard)(number % 4096)
            chunks[number // 4096] = chunk_of(places)
    while chunks and chunks[-1] == b"\0":
        chunks.pop()
    return chunks


def continued(structures, held, data, name):
    """The content that a delta makes of the state held: bundles.md, 4"""
    _, content = unpack(structures, data, name)
    _, base, _, selection, handovers, header, rest, seal, new_roots, changes = structures.check("delta", content, name)
    state = cbor2.loads(held)
    assert (base, selection) == ([state[4][0], tag("block", encode(state[4]))], state[1])
    roots, sections = dict(state[7]), dict(state[8])
    for section, found in new_roots:
        roots[section] = found
    for section, change in changes:
        if isinstance(change, bytes):
            sections[section] = change
            continue
        series = dict(sections.get(section, []))
        for number, following, sets in change:
            _, *before = series.get(number, [0, [], [], [], [], []])
            series[number] = [following, *(changed(chunks, one) for chunks, one in zip(before, sets))]
        sections[section] = [[number, series[number]] for number in sorted(series)]
    order = lambda entry: entry[0].split("/")
    state[1:] = [selection, [], state[3] + handovers, header, rest, seal, sorted(map(list, roots.items()), key=order), sorted(map(list, sections.items()), key=order)]
    return encode(state)


def check_updates(structures, file):
    """What devices hold after they took a state or a delta."""
    files = {name: bytes.fromhex(data) for name, data in file["files"].items()}
    for vector in file["updates"]:
        if vector["result"] not in files:
            continue
        name, expected = vector["name"], check_bundle(structures, files[vector["result"]], vector["result"])
        kind, content = unpack(structures, files[vector["file"]], name)
        if kind == 2:
            _, held = unpack(structures, files[vector["held"]], name)
            assert continued(structures, held, files[vector["file"]], name) == expected
        else:
            state = cbor2.loads(check_bundle(structures, files[vector["file"]], name))
            state[2] = []
            assert encode(state) == expected


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
    check_updates(structures, vectors("bundles.json"))
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

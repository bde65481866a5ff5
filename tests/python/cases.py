"""Classes of vectors: how each is checked. A check yields, for each case, its name and how it differs, or None."""

import json

from concord import bls, block, catalogue, certificate, charter, cose, ed25519, evidence, federation, keyring, offices, recognition, seal
from concord import report, status, status_proof, structures, tree
from concord.bundle import Bundle, unpack
from concord.device import Terms, take
from concord.faults import NewerSoftware, Refused, Unreadable, must
from concord.verify import Asked, Policy, Verification

HEX = bytes.fromhex
NEWER = {"UnknownVersion", "UnknownSuite"}


def outcome(check, *arguments):
    """What an implementation must agree on: accepted, refused, or for newer software; and what was read, or why it was not."""
    try:
        return "accept", check(*arguments)
    except NewerSoftware as error:
        return "newer", error
    except (Unreadable, Refused) as error:
        return "refuse", error


def expected(result):
    return "accept" if result == "accept" else "newer" if result in NEWER else "refuse"


def same(stated, found):
    return None if stated == found else f"stated {stated!r}, found {found!r}"


def first(*differences):
    return next((difference for difference in differences if difference), None)


# keys.json


def keys(check):
    def checked(vectors, _):
        for vector in vectors:
            yield vector["name"], same(expected(vector["result"]), outcome(check, HEX(vector["key"]))[0])

    return checked


def signing(vectors, _):
    for vector in vectors:
        key, message = HEX(vector["key"]), HEX(vector["message"])
        verifies = ed25519.verify(key, message, HEX(vector["signature"]))
        yield vector["seed"], first(same(True, verifies), same(vector["kid"], ed25519.kid(key).hex()))


def seal_signing(vectors, _):
    for vector in vectors:
        key, message = HEX(vector["key"]), HEX(vector["message"])
        verifies = bls.verify([key], message, HEX(vector["share"]))
        yield vector["seed"], first(same(True, verifies), same(True, bls.possesses(key, HEX(vector["possession"]))))


def validity(check):
    def checked(vectors, _):
        for vector in vectors:
            yield vector["name"], same(vector["valid"], check(vector))

    return checked


def read_keyring(data):
    keyring.check(structures.read("keyring", data))


def keyrings(vectors, _):
    for vector in vectors:
        yield vector["name"], same(expected(vector["result"]), outcome(read_keyring, HEX(vector["hex"]))[0])


# trees.json


def leaves(vectors, file):
    for data, stated in zip(file["leaves"], vectors, strict=True):
        yield data, same(stated, tree.leaf(HEX(data)).hex())


def roots(vectors, file):
    hashes = [HEX(leaf) for leaf in file["leaf_hashes"]]
    for vector in vectors:
        yield str(vector["size"]), same(vector["root"], tree.root(hashes[: vector["size"]]).hex())


def reason(check, *arguments):
    try:
        return check(*arguments) or "accept"
    except Refused as error:
        return error.reason


def inclusion(vectors, _):
    for vector in vectors:
        path = [HEX(sibling) for sibling in vector["path"]]

        def check():
            root = tree.root_of_path(HEX(vector["leaf"]), vector["index"], vector["size"], path)
            return "accept" if root.hex() == vector["root"] else "OtherRoot"

        yield vector["name"], same(vector["result"], reason(check))


def consistency(vectors, _):
    for vector in vectors:
        path = [HEX(sibling) for sibling in vector["path"]]
        old, new = ((vector[f"{age}_size"], HEX(vector[f"{age}_root"])) for age in ("old", "new"))
        found = reason(tree.check_consistency, *old, *new, path)
        yield vector["name"], same(expected(vector["result"]), expected(found))


# status.json


def chunks(vectors, _):
    for vector in vectors:
        found, places = outcome(status.decode_chunk, HEX(vector["hex"]))
        difference = same(expected(vector["result"]), found)
        if not difference and found == "accept":
            stated = {start + at * step for start, count, step in vector["places"] for at in range(count)}
            difference = first(same(stated, places), same(vector["hex"], status.encode_chunk(stated).hex()))
        yield vector["name"], difference


def read_status(data):
    return status.Status(structures.read("series-status", data))


def series(vectors, _):
    for vector in vectors:
        found, read = outcome(read_status, HEX(vector["hex"]))
        difference = same(expected(vector["result"]), found)
        if not difference and found == "accept":
            leaf = read.leaf(vector["series"])
            difference = first(same(vector["leaf_bytes"], leaf.hex()), same(vector["leaf"], tree.leaf(leaf).hex()))
            # The sets are runs of numbers: [code, first, count].
            for code, start, count in vector["sets"]:
                has = [read.has(status.SETS[code - 1], number) for number in range(start, start + count)]
                difference = difference or same([True] * count, has)
        yield vector["name"], difference


# encoding.json and structures.json


def read_int(data):
    value = structures.read("int64", data)
    structures.check_signed(value)


def read_content(data):
    certificate.check_content(structures.read("content", data))


def read_frontier(data):
    size, peaks = structures.read("frontier", data)
    must(size.bit_count() == len(peaks), "as many peaks as bits set")


def read_region_set(data):
    members = structures.read("region-set", data)
    for member in members:
        federation.check_member(member)
    structures.ascending([member[0] for member in members], "regions")


def read_and(check, rule):
    return lambda data: check(structures.read(rule, data))


READERS = {
    "int": read_int,
    "content": read_content,
    "credential": certificate.Credential,
    "certificate": certificate.Certificate,
    "presentation": certificate.Presentation,
    "receipt": read_and(certificate.Receipt.of, "receipt"),
    "renewal": read_and(lambda value: structures.check_path(value[1]), "renewal"),
    "renewed-receipt": read_and(certificate.Receipt.of, "renewed-receipt"),
    "renewed-certificate": certificate.Certificate,
    "set-shown": read_and(status_proof.check_shown, "set-shown"),
    "tree-place": read_and(status_proof.check_place, "tree-place"),
    "state-head": read_and(status_proof.check_head, "state-head"),
    "status-proof": status_proof.StatusProof,
    "with-status": status_proof.read_with_status,
    "charter": charter.read_plain,
    "charter-region": read_and(charter.check_region, "charter-region"),
    "change": read_and(federation.check_change, "change"),
    "evidence": read_and(evidence.check, "evidence"),
    "federation": federation.Federation,
    "catalogue": catalogue.Catalogue,
    "directory": lambda data: offices.Directories({"110000": data}),
    "recognition": recognition.Recognition,
    "frontier": read_frontier,
    "region-set": read_region_set,
    "block": block.read_block,
}


def read_structure(kind, data, bound):
    must(len(data) <= bound, "longer than the bound")
    return READERS.get(kind, lambda bytes_: structures.read(kind, bytes_))(data)


def read_all(vectors, file):
    bounds = file["max_bytes"]
    for vector in vectors:
        kind = vector["type"]
        bound = bounds.get(kind, bounds["others"]) if isinstance(bounds, dict) else bounds
        found = outcome(read_structure, kind, HEX(vector["hex"]), bound)
        difference = same(expected(vector["result"]), found[0])
        yield f"{kind}: {vector['name']}", difference and f"{difference} ({found[1]})"


def histories(vectors, file):
    of = charter.read_charter(HEX(file["histories"]["charter"]))
    for vector in vectors:
        found, members = outcome(federation.follow_history, HEX(vector["history"]), of.chain_id, of.members)
        difference = same(expected(vector["result"]), found)
        if not difference and found == "accept" and vector["name"] != "no change":
            difference = same(file["histories"]["last_regions_digest"], seal.regions_digest(members).hex())
        yield vector["name"], difference


# charter.json and blocks.json


def cards(vectors, _):
    for vector in vectors:
        yield vector["name"], missing(vector, charter.read_card)


def signed_charters(vectors, _):
    for vector in vectors:
        yield vector["name"], missing(vector, charter.read_signed_charter)


def missing(vector, read):
    """These vectors do not tell a newer version from what else cannot be read."""
    found, count = outcome(read, HEX(vector["bytes"]))
    difference = same(vector["result"] == "accept", found == "accept")
    return difference or (same(vector["missing"], count) if found == "accept" else None)


def fingerprints(vectors, _):
    for vector in vectors:
        chain = charter.chain_id(HEX(vector["charter"]))
        yield vector["name"], first(same(vector["chain_id"], chain.hex()), same(vector["words"], charter.fingerprint(chain)))


def charters(vectors, _):
    for vector in vectors:
        found, _ = outcome(charter.read_charter, HEX(vector["charter"]))
        yield vector["name"], same(vector["result"] == "accept", found == "accept")


def blocks(vectors, _):
    for vector in vectors:
        found, why = outcome(block.read_block, HEX(vector["block"]))
        yield vector["name"], same(expected(vector["result"]), found)


def seals(vectors, file):
    of = charter.read_charter(HEX(file["charter"]))
    header = seal.Header(*structures.read("header", HEX(file["chain"][-1]["header"])))
    for vector in vectors:
        found = seal.is_sealed(header, structures.read("seal", HEX(vector["seal"])), of.members, of.chain_id)
        yield vector["name"], same(vector["result"] == "accept", found)


# certificates.json


def open_bundle(vector):
    return Bundle.of(HEX(vector["bundle"]), HEX(vector["chain_id"]))


def bundles(vectors, _):
    for name, vector in vectors.items():
        found, why = outcome(open_bundle, vector)
        yield name, same("accept", found) and str(why)


def refused_bundles(vectors, _):
    """The reason is the text's word."""
    for vector in vectors:
        found, why = outcome(open_bundle, vector)
        yield vector["name"], same(vector["result"], "accept" if found == "accept" else one_word(why))


def one_word(refused):
    return "".join(word.capitalize() for word in refused.reason.split()) if isinstance(refused, Refused) else str(refused)


def updates(vectors, file):
    """What a device holds afterwards is the content of the file named, or why it refuses."""
    files = {name: HEX(data) for name, data in file["files"].items()}
    chain = HEX(file["chain_id"])
    for vector in vectors:
        held = Bundle.of(files[vector["held"]], chain) if vector["held"] else None
        height, _, block = vector.get("checkpoint", "").partition(":")
        terms = Terms(chain, vector["now"], (int(height), HEX(block)) if block else None, vector.get("go_back", False))
        found, made = outcome(take, held, files[vector["file"]], terms)
        if found != "accept":
            yield vector["name"], same(vector["result"], one_word(made))
        elif vector["result"] not in files:
            yield vector["name"], f"stated {vector['result']}, and taken"
        else:
            stated = unpack(files[vector["result"]])[1]
            yield vector["name"], None if without_anchors(stated) == without_anchors(made.value) else "another content"


def without_anchors(value):
    return [*value[:2], [], *value[3:]]


def codes(vectors, _):
    for vector in vectors:
        if "code" in vector:
            data, stated = certificate.of_code(vector["code"])
            yield vector["name"], same(vector.get(stated), data.hex())


def places(vectors, _):
    """Where a certificate's path leads."""
    for vector in vectors:
        if "leaf" in vector:
            read = certificate.Certificate(HEX(vector["certificate"]))
            found = [read.credential.leaf, read.batch_root(), read.receipt.header(read.batch_root()).hash]
            yield vector["name"], same([vector[name] for name in ("leaf", "batch_root", "block_hash")], [one.hex() for one in found])


def verdicts(vectors, file):
    opened = {name: open_bundle(bundle) for name, bundle in file["bundles"].items()}
    for vector in vectors:
        policy = Policy(**{member: vector[member] for member in Policy._fields if member in vector})
        policy = policy._replace(asked=asked(policy.asked))
        kind = next(kind for kind in ("certificate", "credential", "with_status") if kind in vector)
        found = Verification(HEX(vector[kind]), kind, opened[vector["bundle"]], policy, vector["now"])
        stated = [vector[member] for member in ("verdict", "exit")] + [vector.get("data_from_ms")]
        yield vector["name"], first(same(stated, [found.verdict, found.exit, found.data_from]), other_report(vector["report"], found))


def asked(stated):
    """What the holder is asked."""
    return stated and Asked(HEX(stated["nonce"]), stated.get("audience"), stated["max_age_ms"])


def other_report(stated, found):
    """The stated report and the one found, byte for byte, but for the detail, which is free."""
    for check in json.loads(stated)["checks"]:
        if "detail" in check and "detail" in found.checks.get(check["name"], {}):
            found.checks[check["name"]]["detail"] = check["detail"]
    text = report.text(found)
    at = next((at for at, (one, other) in enumerate(zip(stated, text)) if one != other), min(len(stated), len(text)))
    return None if stated == text else f"at {at}: stated ..{stated[at - 60 : at + 60]}.., found ..{text[at - 60 : at + 60]}.."


def grounds(vectors, _):
    """Each verdict, and each ground of each check that the schema has, is in some vector."""
    schema = json.loads((structures.TEXTS / "report.schema.json").read_text("utf-8"))
    reports = [json.loads(vector["report"]) for vector in vectors]
    verdicts_seen = {one["verdict"] for one in reports}
    seen = {(check["name"], check["outcome"], check["ground"], check.get("what")) for one in reports for check in one["checks"]}
    unmet = {missed["unmet"]["condition"] for one in reports for check in one["checks"] for missed in check.get("declarations", [])}
    for verdict in schema["properties"]["verdict"]["enum"]:
        yield verdict, None if verdict in verdicts_seen else "no vector"
    for check in schema["$defs"]["check"]["oneOf"]:
        name, outcome_, ground, what = (check["properties"].get(member, {}) for member in ("name", "outcome", "ground", "what"))
        for part in what.get("enum", [None]):
            stated = (name.get("const"), outcome_["const"], ground["const"], part)
            found = [one for one in seen if all(part in (None, of) for part, of in zip(stated, one))]
            if ground["const"] != "nothing-read":
                yield f"{stated}", None if found else "no vector"
    for condition in ["version", "issued-before", "issued-after", "not-yet", "over", "too-old", "purpose"]:
        yield condition, None if condition in unmet else "no vector"


CLASSES = [
    ("Ed25519: keys", keys(ed25519.check_key), "keys.json", "ed25519_keys"),
    ("Ed25519: signing", signing, "keys.json", "ed25519_signing"),
    ("Ed25519: verifying", validity(lambda one: ed25519.verify(*map(HEX, (one["key"], one["message"], one["signature"])))), "keys.json", "ed25519_verify"),
    ("keyrings", keyrings, "keys.json", "keyrings"),
    ("BLS: keys", keys(bls.check_key), "keys.json", "seal_keys"),
    ("BLS: signing", seal_signing, "keys.json", "seal_signing"),
    ("BLS: shares", validity(lambda one: bls.verify([HEX(one["key"])], HEX(one["message"]), HEX(one["share"]))), "keys.json", "shares"),
    ("BLS: aggregates", validity(lambda one: bls.verify([*map(HEX, one["keys"])], HEX(one["message"]), HEX(one["signature"]))), "keys.json", "aggregates"),
    ("BLS: proofs of possession", validity(lambda one: bls.possesses(HEX(one["key"]), HEX(one["possession"]))), "keys.json", "possession"),
    ("trees: leaves", leaves, "trees.json", "leaf_hashes"),
    ("trees: roots", roots, "trees.json", "roots"),
    ("trees: inclusion", inclusion, "trees.json", "inclusion"),
    ("trees: consistency", consistency, "trees.json", "consistency"),
    ("status: chunks", chunks, "status.json", "chunks"),
    ("status: series", series, "status.json", "series"),
    ("encoding", read_all, "encoding.json", "vectors"),
    ("structures", read_all, "structures.json", "vectors"),
    ("histories of regions", histories, "structures.json", "histories", "vectors"),
    ("cards", cards, "charter.json", "cards"),
    ("signed charters", signed_charters, "charter.json", "signed_charters"),
    ("fingerprints", fingerprints, "charter.json", "fingerprints"),
    ("charters", charters, "blocks.json", "charters"),
    ("blocks: decoding", blocks, "blocks.json", "decoding"),
    ("seals", seals, "blocks.json", "seals"),
    ("bundles", bundles, "certificates.json", "bundles"),
    ("bundles: accepted or refused", refused_bundles, "certificates.json", "refused_bundles"),
    ("updates of bundles", updates, "bundles.json", "updates"),
    ("codes", codes, "certificates.json", "vectors"),
    ("certificates: leaf, batch root, block", places, "certificates.json", "vectors"),
    ("verdicts and reports", verdicts, "certificates.json", "vectors"),
    ("verdicts and grounds there are", grounds, "certificates.json", "vectors"),
]  # fmt: skip

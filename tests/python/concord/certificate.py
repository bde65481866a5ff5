"""Credentials, receipts, certificates, presentations, codes (certificates.md)."""

import re
from typing import NamedTuple

import base45

from . import cbor, cose, digest, ed25519, tree
from .faults import Refused, must
from .seal import Header, rest_digest
from .structures import BOUNDS, VERSIONS, ascending, check_day, check_path, check_plain, check_shape, check_signed, read

TYPE, PRESENTATION_TYPE = "concord-credential+cwt", "concord-presentation+cbor"
ISS, EXP, NBF, IAT, CTI, CNF, VCT, CONTENT = 1, 4, 5, 6, 7, 8, 11, -65537
ISSUED_ON, VALID_FROM, VALID_UNTIL, PROVENANCE, HOLDERS, SELECTIVE, OWN = 6, 7, 8, 9, 5, 15, 100
MOST_OWN_CLAIMS = 64
ISSUER = re.compile("([a-z0-9.-]{1,32})/([a-z0-9-]{1,12})/([A-Za-z0-9-]{1,18})")
TYPE_REF = re.compile("([a-z0-9.-]{1,48})/([1-9][0-9]{0,4})")


class Credential:
    """A credential that can be read."""

    def __init__(self, data):
        must(len(data) <= BOUNDS["credential"], "longer than the bound")
        self.bytes = data
        self.message, disclosures = cose.read_disclosing(data, "credential")
        must(self.message.type == TYPE, "a message of another type")
        claims = cbor.decode(self.message.payload)
        check_shape("claims", self.message.payload)
        check_plain(claims)
        self._read(claims)
        self.disclosed = read_disclosures(disclosures, self.content)

    def _read(self, claims):
        issuer, type_ref = ISSUER.fullmatch(claims[ISS]), TYPE_REF.fullmatch(claims[VCT])
        must(issuer, "an issuer that is none")
        must(type_ref and int(type_ref[2]) <= 65535, "a type that is none")
        self.chain, self.office = issuer[1], (issuer[2], issuer[3])
        self.type = (type_ref[1], int(type_ref[2]))
        self.expires, self.not_before, self.issued_at = claims.get(EXP), claims[NBF], claims[IAT]
        for seconds in (self.expires, self.not_before):
            check_signed(seconds or 0)
        self.series, self.number = int.from_bytes(claims[CTI][:4], "big"), int.from_bytes(claims[CTI][4:], "big")
        self.holder_key = claims.get(CNF)
        if self.holder_key is not None:
            ed25519.check_key(self.holder_key)
        self.content = claims[CONTENT]
        check_content(self.content)

    @property
    def leaf(self):
        return tree.leaf(self.message.bare)

    @property
    def own_claims(self):
        """The claims that are shown, by ascending key."""
        return dict(sorted((open_claims(self.content) | self.disclosed).items()))

    @property
    def hidden(self):
        """How many claims are not shown."""
        return len(self.content.get(SELECTIVE, [])) - len(self.disclosed)

    @property
    def began_at(self):
        """The second at which the legal day of issue began, in the office's zone (recognition.md, 3)."""
        return self.not_before + 86_400 * (self.content[ISSUED_ON] - self.content[VALID_FROM])


def open_claims(content):
    return {key: value for key, value in content.items() if key >= OWN}


def check_value(value):
    if isinstance(value, list):
        check_day(value[0])
    elif isinstance(value, int):
        check_signed(value)


def read_disclosures(disclosures, content):
    """The claims that are shown though they could be left out (2)."""
    found, digests = {}, set(content.get(SELECTIVE, []))
    for data in disclosures:
        _, value, key = read("disclosure", data)
        check_value(value)
        must(not found or max(found) < key, "disclosures whose keys do not ascend")
        must(key not in content, "a claim that stands in the content too")
        must(digest.tag("disclosure", data) in digests, "a disclosure whose digest is not in the content")
        found[key] = value
    return found


def check_content(content):
    for key in (ISSUED_ON, VALID_FROM, VALID_UNTIL):
        if content[key] is not None:
            check_day(content[key])
    own = open_claims(content)
    must(len(own) <= MOST_OWN_CLAIMS, "more than 64 claims of the type's own")
    ascending(content.get(SELECTIVE, []), "digests")
    for value in own.values():
        check_value(value)
    for holder in content[HOLDERS]:
        if holder[5] is not None:
            ed25519.check_key(holder[5])
    provenance = content.get(PROVENANCE)
    if provenance and len(provenance) == 2:
        check_day(provenance[1])


class Receipt(NamedTuple):
    """A receipt that can be read."""

    series: int
    first: int
    count: int
    index: int
    records: int
    path: bytes
    height: int
    time: int
    rest: bytes
    seal: list

    @classmethod
    def of(cls, value):
        _, issue, *others = value
        receipt = cls(*issue, *others)
        check_path(receipt.path)
        if receipt.renewal:
            check_path(receipt.renewal.path)
        return receipt

    @property
    def renewal(self):
        """What stands in place of a seal in a renewed receipt."""
        return Renewal(*self.seal[1:]) if len(self.seal) == 5 else None

    def header(self, batch_root):
        """The header to which it leads from a batch root."""
        if self.records > 41_943:
            raise Refused("path", "more records than a block holds")
        essence = cbor.encode([21, self.series, self.first, self.count, batch_root])
        records_root = tree.root_of_path(tree.leaf(essence), self.index, self.records, tree.hashes(self.path))
        return Header(self.height, self.time, records_root, self.rest)


class Renewal(NamedTuple):
    """A later block through which that of a receipt is seen."""

    path: bytes
    header_fields: list
    rest_part: list
    seal: list

    @property
    def header(self):
        return Header(*self.header_fields)

    def shows(self, block):
        """That its block is of this one's history."""
        header = self.header
        if header.height == 0 or header.rest != rest_digest(self.rest_part):
            raise Refused("history")
        try:
            root = tree.root_of_path(block.hash, block.height - 1, header.height - 1, tree.hashes(self.path))
        except Refused as error:
            raise Refused("history", str(error)) from error
        if root != self.rest_part[5]:
            raise Refused("history")


class Certificate:
    """A certificate that can be read, renewed or not."""

    def __init__(self, data, may_be_renewed=True):
        must(len(data) <= BOUNDS["certificate"], "longer than the bound")
        outline = cbor.outline(data)
        self.is_renewed = may_be_renewed and isinstance(outline, list) and outline[:1] == [2]
        value = read("renewed-certificate" if self.is_renewed else "certificate", data)
        _, credential, self.batch_path, receipt = value
        must(self.is_renewed or len(cbor.encode(receipt)) <= BOUNDS["receipt"], "a receipt longer than the bound")
        check_path(self.batch_path)
        self.credential, self.receipt = Credential(credential), Receipt.of(receipt)

    def batch_root(self):
        credential, receipt = self.credential, self.receipt
        place = credential.number - receipt.first
        if credential.series != receipt.series or not 0 <= place < receipt.count:
            raise Refused("batch", "the receipt of another batch")
        try:
            return tree.root_of_path(credential.leaf, place, receipt.count, tree.hashes(self.batch_path))
        except Refused as error:
            raise Refused("batch", str(error)) from error

    def header(self, height, time):
        """The header to be sealed and the seal, which is not checked, for who knows the block of this height and time (verification.md)."""
        receipt, batch_root = self.receipt, self.batch_root()
        if 1000 * self.credential.issued_at > receipt.time:
            raise Refused("signed-later")
        if receipt.height == 0:
            raise Refused("no-block")
        if order(receipt.height, height) != order(receipt.time, time):
            raise Refused("time")
        try:
            block = receipt.header(batch_root)
        except Refused as error:
            raise Refused("path", str(error)) from error
        return self._later(block, height, time) if receipt.renewal else (block, receipt.seal)

    def _later(self, block, height, time):
        """The header through which the block is seen."""
        renewal = self.receipt.renewal
        later = renewal.header
        if block.time >= later.time or order(later.height, height) != order(later.time, time):
            raise Refused("time")
        renewal.shows(block)
        return later, renewal.seal


class Presentation:
    """A certificate with its holder's statement, as it can be read (6)."""

    def __init__(self, data):
        _, certificate, proof = read("presentation", data)
        self.certificate = Certificate(certificate, may_be_renewed=False)
        must(len(proof) <= BOUNDS["proof"], "longer than the bound")
        self.proof = cose.read_sign1(proof)
        must(self.proof.type == PRESENTATION_TYPE, "a message of another type")
        _, shown, self.nonce, self.time, self.audience = read("statement", self.proof.payload)
        self.is_of_certificate = shown == digest.tag("presentation", certificate)


def of_file(data):
    """The certificate in a file, and the presentation if it is one: the first number tells."""
    value = cbor.outline(data)
    if isinstance(value, list) and value and type(value[0]) is int and value[0] == VERSIONS["presentation"]:
        presentation = Presentation(data)
        return presentation.certificate, presentation
    return Certificate(data), None


def order(one, other):
    """Whether it is less, equal or greater."""
    return (one > other) - (one < other)


def of_code(text):
    """The bytes in a code, and of what they are."""
    kinds = {"CC0:": "credential", "CC1:": "certificate", "CC3:": "with_status"}
    prefix, body = text[:4], text[4:]
    must(prefix in kinds, "no code")
    return base45.b45decode(body), kinds[prefix]

"""`verify`: the checks and the verdict (verification.md, 1 and 2). What a report says of them: `report`."""

from typing import NamedTuple

from . import recognition
from .certificate import ISSUED_ON, VALID_FROM, VALID_UNTIL, Credential, of_file, order
from .faults import NewerSoftware, Refused, Unreadable
from .seal import is_sealed
from .status_proof import StatusProof, read_with_status

NAMES = ["readable", "authentic", "recorded", "holder", "status-proof", "status", "in-force", "recognised"]
MOST_UNATTENDED_MS = 366 * 86_400_000
PASSED, FAILED, UNKNOWN, NOT_CHECKED = "passed", "failed", "unknown", "not-checked"
COLOURS = {
    "green": (0, ["VALID"]),
    "amber": (3, ["VALID ON DATA FROM", "NOT SHOWN RECORDED", "HOLDER NOT SHOWN", "UNKNOWN"]),
    "orange": (5, ["EXPIRED", "NOT YET VALID", "SUSPENDED", "SUPERSEDED", "NOT RECOGNISED"]),
    "red": (1, ["NOT GENUINE", "REVOKED", "ANNULLED"]),
    "grey": (4, ["UNREADABLE", "NEEDS NEWER SOFTWARE"]),
}


class Asked(NamedTuple):
    """What the holder is asked."""

    nonce: bytes
    audience: str | None
    max_age_ms: int


class Policy(NamedTuple):
    """What the verifier asks; each but whether `recorded` is required may be left out."""

    own_region: str | None = None
    max_age_ms: int | None = None
    purpose: str | None = None
    recorded_required: bool = True
    asked: Asked | None = None


class Ends(Exception):
    """No later check is made."""


class Verification:
    """One run of `verify`; afterwards it holds what its report says."""

    def __init__(self, presented, kind, bundle, policy, clock):
        self.bundle, self.policy, self.clock, self.now = bundle, policy, clock, max(clock, bundle.time)
        self.verdict = self.data_from = self.declaration = None
        self.checks = {}
        self.certificate = self.presentation = self.credential = self.receipt = self.series = None
        self.broken = None
        self.is_newer = self.is_sealed_by_others = self.is_unsure = self.is_without_holder = False
        self.sealed_header = self.proof_bytes = self.counting = self.proof = self.proof_check = None
        try:
            self._readable(presented, kind)
            self._judge_receipt()
            self._authentic()
            self._judge_proof()
            self._recorded()
            self._holder()
            self._status_proof()
            self._status()
            self._in_force()
            self._recognised()
            self._last()
        except Ends:
            pass

    @property
    def colour(self):
        return next(colour for colour, (_, verdicts) in COLOURS.items() if self.verdict in verdicts)

    @property
    def exit(self):
        return COLOURS[self.colour][0]

    @property
    def is_recorded(self):
        return self.receipt is not None and self.checks.get("recorded", {}).get("outcome") == PASSED

    def _note(self, name, outcome, ground, **facts):
        self.checks[name] = {"name": name, "outcome": outcome, "ground": ground, **facts}

    def _settle(self, verdict):
        """The first verdict stays."""
        self.verdict = self.verdict or verdict

    def _end(self, verdict, *check, **facts):
        self._note(*check, **facts)
        self._settle(verdict)
        raise Ends

    def _readable(self, presented, kind):
        is_certificate, proof = kind == "certificate", None
        try:
            if kind == "with_status":
                presented, is_certificate, proof = read_with_status(presented)
            if is_certificate:
                self.certificate, self.presentation = of_file(presented)
                self.credential, self.receipt = self.certificate.credential, self.certificate.receipt
            else:
                self.credential = Credential(presented)
        except NewerSoftware as error:
            self._end("NEEDS NEWER SOFTWARE", "readable", FAILED, "newer", detail=str(error))
        except Unreadable as error:
            self._end("UNREADABLE", "readable", FAILED, "malformed", detail=str(error))
        self.proof_bytes = proof
        self._note("readable", PASSED, self._kind() if is_certificate else "small-code")

    def _kind(self):
        if self.presentation:
            return "presentation"
        return "renewed-certificate" if self.certificate.is_renewed else "certificate"

    def _judge_receipt(self):
        """Recorded, first part: whether the receipt is broken, newer, or sealed by unknown regions."""
        if self.receipt is None:
            return
        bundle = self.bundle
        try:
            header, seal = self.certificate.header(bundle.height, bundle.time)
        except Refused as error:
            self.broken = error.reason
            return
        self.sealed_header, is_later = header, header.height > bundle.height
        if not is_sealed(header, seal, bundle.members(header.height), bundle.charter.chain_id):
            self.broken, self.is_sealed_by_others = None if is_later else "seal", is_later
        self.is_newer = self.broken is None and self.receipt.height > bundle.height

    def _authentic(self):
        bundle, credential = self.bundle, self.credential
        directories, may_be_newer = bundle.directories, self.receipt is None or self.is_newer
        check, facts = ("authentic", FAILED), {"series": credential.series}
        if credential.chain != bundle.charter.chain:
            self._end("NOT GENUINE", *check, "other-chain", named=credential.chain, chain=bundle.charter.chain)
        series = directories.series.get(credential.series)
        if series is None or series.office not in directories.offices:
            if (lacking := bundle.lacking_directory(credential.office[0])) is not None:
                self._end("UNKNOWN", "authentic", UNKNOWN, "series-not-carried", **facts, region=lacking)
            if may_be_newer:
                self._end("UNKNOWN", "authentic", UNKNOWN, "series-newer", **facts, height=bundle.height)
            self._end("NOT GENUINE", *check, "no-series", **facts)
        office, held = "/".join(credential.office), self._holds(series)
        if not held and not may_be_newer:
            self._end("NOT GENUINE", *check, "not-of-office", **facts, office=office)
        if credential.type != tuple(series.type):
            self._end("NOT GENUINE", *check, "other-type", **facts, of=_type(series.type), named=_type(credential.type))
        if not credential.message.verifies(series.key):
            self._end("NOT GENUINE", *check, "not-signed", **facts)
        if not held:
            self._end("UNKNOWN", "authentic", UNKNOWN, "office-newer", **facts, office=office, height=bundle.height)
        self.series = series
        self._note("authentic", PASSED, "signed", **facts, office=labels(self._office_name(series)))

    def _holds(self, series):
        directories = self.bundle.directories
        if self.receipt is None:
            return self.credential.office in [office for office, _ in directories.holders(series.office)]
        return self.credential.office == directories.holder(series.office, self.receipt.height)

    def _office_name(self, series):
        offices = self.bundle.directories.offices
        office = offices.get(self.credential.office, offices[series.office])
        return office.name(self.receipt.height) if self.receipt else office.names[-1][1]

    def _recorded(self):
        series, receipt = self.series, self.receipt
        if receipt is None:
            self._recorded_small_code()
            return
        check, facts = ("recorded", FAILED), {"series": series.id}
        if self.broken:
            self._end("NOT GENUINE", *check, "broken", what=self.broken)
        if receipt.height < series.since:
            self._end("NOT GENUINE", *check, "opened-later", **facts)
        if series.frozen is not None and receipt.height > series.frozen:
            self._end("NOT GENUINE", *check, "frozen-before", **facts)
        status, number = self.bundle.status.get(series.id), self.credential.number
        later = self.counting
        denied = later is not None and receipt.height <= later.height and number >= later.next
        if denied or receipt.height <= self.bundle.height and status and number >= status.next:
            self._end("NOT GENUINE", *check, "not-issued-then", **facts, number=number)
        if self.is_sealed_by_others:
            self._note("recorded", UNKNOWN, "regions-newer", block=self.sealed_header.height, height=self.bundle.height)
        elif receipt.renewal:
            later = self.sealed_header
            facts = {"block": receipt.height, "time_ms": receipt.time, "through": later.height, "through_ms": later.time}
            self._note("recorded", PASSED, "seen-through", **facts)
        else:
            self._note("recorded", PASSED, "sealed", block=receipt.height, time_ms=receipt.time)

    def _recorded_small_code(self):
        if self.series.frozen is not None:
            self._note("recorded", FAILED, "small-code-of-frozen", series=self.series.id)
        elif self.policy.recorded_required:
            self._note("recorded", UNKNOWN, "no-receipt")
        else:
            self._note("recorded", NOT_CHECKED, "not-required")

    def _holder(self):
        presentation, asked, key = self.presentation, self.policy.asked, self.credential.holder_key
        if presentation is None and asked is None:
            self._note("holder", NOT_CHECKED, "holder-not-asked")
        elif key is None:
            self._without_holder("no-holder-key")
        elif presentation is None:
            self._without_holder("not-presented")
        elif not presentation.proof.verifies(key):
            self._end("NOT GENUINE", "holder", FAILED, "holder-not-signed")
        elif not presentation.is_of_certificate:
            self._end("NOT GENUINE", "holder", FAILED, "presents-another")
        else:
            self._presented(presentation, asked)

    def _presented(self, presentation, asked):
        time = {"time_ms": presentation.time}
        audience = {} if presentation.audience is None else {"audience": presentation.audience}
        if asked is None:
            self._note("holder", NOT_CHECKED, "holder-signed", **time, **audience)
        elif presentation.nonce != asked.nonce:
            self._without_holder("other-nonce", **time)
        elif asked.audience is not None and presentation.audience != asked.audience:
            self._without_holder("other-audience", **audience)
        elif self.now - presentation.time > asked.max_age_ms:
            self._without_holder("presented-too-old", **time)
        elif presentation.time - self.now > asked.max_age_ms:
            self._without_holder("presented-ahead", **time)
        else:
            self._note("holder", PASSED, "holder-shown", **time, **audience)

    def _without_holder(self, ground, **facts):
        self.is_without_holder = True
        self._note("holder", FAILED, ground, **facts)

    def _judge_proof(self):
        """Whether the status proof counts, is left aside, or is worthless."""
        if self.proof_bytes is None:
            return
        try:
            proof = StatusProof(self.proof_bytes)
        except NewerSoftware as error:
            self.proof_check = (FAILED, "newer", {"detail": str(error)})
            return
        except Unreadable as error:
            self.proof_check = (FAILED, "status-unread", {"detail": str(error)})
            return
        self.proof_check = self._fault(proof)
        if self.proof_check is None:
            self.counting = proof
            self.proof_check = (PASSED, "status-shown", {"block": proof.height, "time_ms": proof.time})

    def _fault(self, proof):
        """Why it does not count."""
        bundle, credential = self.bundle, self.credential
        if (proof.series, proof.number) != (credential.series, credential.number):
            return FAILED, "status-broken", {"what": "other"}
        if proof.section != f"status/{self.series.type[0]}/{self.series.region}":
            return FAILED, "status-broken", {"what": "section"}
        facts = {"block": proof.height, "height": bundle.height}
        if proof.height <= bundle.height:
            return NOT_CHECKED, "status-not-newer", facts
        if order(proof.height, bundle.height) != order(proof.time, bundle.time):
            return FAILED, "status-broken", {"what": "time"}
        try:
            header = proof.header()
        except Refused:
            return FAILED, "status-broken", {"what": "path"}
        if not is_sealed(header, proof.seal, bundle.members(header.height), bundle.charter.chain_id):
            return UNKNOWN, "regions-newer", facts
        return None

    def _status_proof(self):
        if self.proof_check is None:
            return
        outcome, ground, facts = self.proof_check
        self._note("status-proof", outcome, ground, **facts)
        if self.counting:
            self.proof, self.now = self.counting, max(self.now, self.counting.time)
        if outcome in (FAILED, UNKNOWN):
            self.is_unsure = True

    def _status(self):
        status, number, facts = self.bundle.status.get(self.series.id), self.credential.number, {"height": self.bundle.height}
        if self.proof is not None:
            status, facts = self.proof, {"height": self.proof.height}
        if status is None:
            self.is_unsure = True
            self._note("status", UNKNOWN, "status-not-carried")
        elif number >= status.next:
            self._note("status", UNKNOWN, "no-status-yet", **facts)
        elif standing := status.standing(number):
            self._note("status", FAILED, standing, **facts)
            self._settle(standing.upper())
        elif status.has("annotated", number):
            self.is_unsure = True
            self._note("status", UNKNOWN, "annotated", **facts)
        else:
            self._note("status", PASSED, "clear", **facts)

    def _in_force(self):
        credential, seconds = self.credential, self.now // 1000
        facts = {"from": recognition.day_text(credential.content[VALID_FROM])}
        if credential.content[VALID_UNTIL] is not None:
            facts["until"] = recognition.day_text(credential.content[VALID_UNTIL])
        if not credential.not_before <= seconds:
            self._note("in-force", FAILED, "not-yet", **facts)
            self._settle("NOT YET VALID")
        elif credential.expires is not None and not seconds < credential.expires:
            self._note("in-force", FAILED, "over", **facts)
            self._settle("EXPIRED")
        else:
            self._note("in-force", PASSED, "in-force", **facts)

    def _recognised(self):
        region, credential = self.policy.own_region, self.credential
        if region is None:
            self._note("recognised", NOT_CHECKED, "no-region")
        elif not self.bundle.directories.reaches(credential.office, region):
            self._settle("NOT RECOGNISED")
            self._note("recognised", FAILED, "out-of-reach", office="/".join(credential.office), region=region)
        elif region == self.series.region:
            self._note("recognised", PASSED, "own-region")
        else:
            self._declared(region)

    def _declared(self, region):
        presented = recognition.Presented(
            source=self.series.region,
            type=self.credential.type,
            issued_on=self.credential.content[ISSUED_ON],
            issued_at=self.credential.began_at,
            time=self.now,
            purpose=self.policy.purpose,
        )
        declarations = self.bundle.recognition.about(region, presented)
        self.declaration = next((one for one in declarations if one.missed(presented) is None), None)
        if self.declaration:
            self._note("recognised", PASSED, "declared", region=region, declaration=self.declaration.number)
            return
        self._settle("NOT RECOGNISED")
        if not declarations:
            self._note("recognised", FAILED, "not-declared", region=region, source=presented.source, of=presented.type[0])
            return
        unmet = [{"declaration": one.number, "unmet": one.unmet(presented)} for one in declarations[:3]]
        self._note("recognised", FAILED, "not-covered", region=region, declarations=unmet)

    def _last(self):
        """What is said where nothing was said against it."""
        policy, proof = self.policy, self.proof
        if self.verdict is not None:
            return
        if self.is_unsure or self.is_sealed_by_others:
            self.verdict = "UNKNOWN"
        elif self.is_without_holder:
            self.verdict = "HOLDER NOT SHOWN"
        elif self.is_newer and not (proof and self.receipt.height <= proof.height):
            self.verdict, self.data_from = "VALID ON DATA FROM", self.receipt.time
        elif self.receipt is None and (policy.recorded_required or self.series.frozen is not None):
            self.verdict = "NOT SHOWN RECORDED"
        elif (old := self._too_old()) is not None:
            self.verdict, self.data_from = "VALID ON DATA FROM", old
        else:
            self.verdict = "VALID"

    def _too_old(self):
        """From when the data are that are older than they may be."""
        most = self.policy.max_age_ms
        if most is None:
            return None
        of_bundle = max(most, MOST_UNATTENDED_MS) if self.proof else most
        if self.now - self.bundle.time > of_bundle:
            return self.bundle.time
        return self.proof.time if self.proof and self.now - self.proof.time > most else None


def _type(type_ref):
    return "/".join(map(str, type_ref))


def labels(named):
    """Labels as a report gives them."""
    return [{"language": language, "text": text} for language, text in named]

"""`verify` (verification.md)."""

from typing import NamedTuple

from . import recognition
from .certificate import Certificate, Credential
from .faults import NewerSoftware, Refused, Unreadable
from .seal import is_sealed

NAMES = ["readable", "authentic", "recorded", "status", "in-force", "recognised"]
PASSED, FAILED, UNKNOWN, NOT_CHECKED = "passed", "failed", "unknown", "not-checked"
EXITS = {
    0: ["VALID"],
    3: ["VALID ON DATA FROM", "NOT SHOWN RECORDED", "UNKNOWN"],
    5: ["EXPIRED", "NOT YET VALID", "SUSPENDED", "SUPERSEDED", "NOT RECOGNISED"],
    1: ["NOT GENUINE", "REVOKED", "ANNULLED"],
    4: ["UNREADABLE", "NEEDS NEWER SOFTWARE"],
}
EXIT = {verdict: code for code, verdicts in EXITS.items() for verdict in verdicts}


class Policy(NamedTuple):
    """What the verifier asks; each may be left out."""

    own_region: str | None = None
    max_age_ms: int | None = None
    purpose: str | None = None


class Ends(Exception):
    """No later check is made."""


class Verification:
    """One run of `verify`; afterwards it holds what the report says."""

    def __init__(self, presented, is_certificate, bundle, policy, now):
        self.bundle, self.policy, self.now = bundle, policy, max(now, bundle.time)
        self.verdict, self.data_from, self.declaration = None, None, None
        self.outcomes = dict.fromkeys(NAMES, NOT_CHECKED)
        self.certificate = self.credential = self.receipt = None
        self.series = self.office = None
        self.is_newer = self.is_unsure = False
        try:
            self._readable(presented, is_certificate)
            self._judge_receipt()
            self._authentic()
            self._recorded()
            self._status()
            self._in_force()
            self._recognised()
            self._last()
        except Ends:
            pass

    @property
    def exit(self):
        return EXIT[self.verdict]

    def _settle(self, verdict):
        """The first verdict stays."""
        self.verdict = self.verdict or verdict

    def _end(self, check, outcome, verdict):
        self.outcomes[check] = outcome
        self._settle(verdict)
        raise Ends

    def _readable(self, presented, is_certificate):
        try:
            if is_certificate:
                self.certificate = Certificate(presented)
                self.credential, self.receipt = self.certificate.credential, self.certificate.receipt
            else:
                self.credential = Credential(presented)
        except NewerSoftware:
            self._end("readable", FAILED, "NEEDS NEWER SOFTWARE")
        except Unreadable:
            self._end("readable", FAILED, "UNREADABLE")
        self.outcomes["readable"] = PASSED

    def _judge_receipt(self):
        """Recorded, first part: whether the receipt is broken, newer, or sealed by unknown regions."""
        self.is_broken = self.is_sealed_by_others = False
        if self.receipt is None:
            return
        looks_newer = self.receipt.height > self.bundle.height and self.receipt.time > self.bundle.time
        try:
            header = self.certificate.header()
        except Refused:
            self.is_broken = True
            return
        members = self.bundle.members(header.height)
        if not is_sealed(header, self.receipt.seal, members, self.bundle.charter.chain_id):
            self.is_broken, self.is_sealed_by_others = not looks_newer, looks_newer
        self.is_newer = looks_newer and not self.is_broken

    def _is_past(self):
        return self.receipt is not None and self.receipt.height <= self.bundle.height

    def _authentic(self):
        bundle, credential = self.bundle, self.credential
        if credential.chain != bundle.charter.chain:
            self._end("authentic", FAILED, "NOT GENUINE")
        series = bundle.directories.series.get(credential.series)
        if series is None or series.office not in bundle.directories.offices:
            if self.receipt is None or self.is_newer:
                self._end("authentic", UNKNOWN, "UNKNOWN")
            self._end("authentic", FAILED, "NOT GENUINE")
        held = self._holds(series)
        if not held and self._is_past():
            self._end("authentic", FAILED, "NOT GENUINE")
        if credential.type != tuple(series.type) or not credential.message.verifies(series.key):
            self._end("authentic", FAILED, "NOT GENUINE")
        if not held:
            self._end("authentic", UNKNOWN, "UNKNOWN")
        self.series, self.office = series, bundle.directories.offices.get(credential.office)
        self.outcomes["authentic"] = PASSED

    def _holds(self, series):
        directories = self.bundle.directories
        if self.receipt is None:
            return self.credential.office in [office for office, _ in directories.holders(series.office)]
        return self.credential.office == directories.holder(series.office, self.receipt.height)

    def _recorded(self):
        series, receipt = self.series, self.receipt
        if receipt is None:
            self.outcomes["recorded"] = UNKNOWN if series.frozen is None else FAILED
            return
        status = self.bundle.status.get(series.id)
        held = [
            not self.is_broken,
            receipt.height >= series.since,
            series.frozen is None or receipt.height <= series.frozen,
            not self._is_past() or status is None or self.credential.number < status.next,
        ]
        if not all(held):
            self._end("recorded", FAILED, "NOT GENUINE")
        self.outcomes["recorded"] = UNKNOWN if self.is_sealed_by_others else PASSED

    def _status(self):
        status = self.bundle.status.get(self.series.id)
        standing = status and status.standing(self.credential.number)
        if standing:
            self.outcomes["status"] = FAILED
            self._settle(standing.upper())
        elif status is None or status.has("annotated", self.credential.number):
            self.outcomes["status"] = UNKNOWN
            self.is_unsure = True
        else:
            self.outcomes["status"] = PASSED

    def _in_force(self):
        credential, seconds = self.credential, self.now // 1000
        self.outcomes["in-force"] = PASSED
        if not credential.not_before <= seconds:
            self.outcomes["in-force"] = FAILED
            self._settle("NOT YET VALID")
        elif credential.expires is not None and not seconds < credential.expires:
            self.outcomes["in-force"] = FAILED
            self._settle("EXPIRED")

    def _recognised(self):
        region = self.policy.own_region
        if region is None:
            return
        self.outcomes["recognised"] = PASSED
        reaches = self.bundle.directories.reaches(self.credential.office, region)
        if reaches and region == self.series.region:
            return
        presented = recognition.Presented(
            source=self.series.region,
            type=self.credential.type,
            issued_on=self.credential.content[6],
            issued_at=self.credential.began_at,
            time=self.now,
            purpose=self.policy.purpose,
        )
        self.declaration = self.bundle.recognition.covering(region, presented) if reaches else None
        if self.declaration is None:
            self.outcomes["recognised"] = FAILED
            self._settle("NOT RECOGNISED")

    def _last(self):
        age = self.now - self.bundle.time
        if self.verdict is not None:
            return
        if self.is_unsure or self.is_sealed_by_others:
            self.verdict = "UNKNOWN"
        elif self.is_newer:
            self.verdict, self.data_from = "VALID ON DATA FROM", self.receipt.time
        elif self.receipt is not None and self.policy.max_age_ms is not None and age > self.policy.max_age_ms:
            self.verdict, self.data_from = "VALID ON DATA FROM", self.bundle.time
        else:
            self.verdict = "NOT SHOWN RECORDED" if self.receipt is None else "VALID"

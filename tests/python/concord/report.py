"""Reports as JSON (verification.md, 3; report.schema.json)."""

import json

from .certificate import HOLDERS, ISSUED_ON, VALID_FROM, VALID_UNTIL
from .recognition import day_text
from .verify import NAMES, NOT_CHECKED, labels

BEHIND_MS = 10_000
FAR_AHEAD_MS = 400 * 86_400_000
PRINTED_NUMBER, ISSUED_BY = 1, 3


def text(run):
    """The one line of JSON."""
    return json.dumps(report(run), ensure_ascii=False, separators=(",", ":"))


def report(run):
    found = {"verdict": run.verdict}
    if run.data_from is not None:
        found["data_from_ms"] = run.data_from
    found |= {"colour": run.colour, "exit": run.exit, "checks": _checks(run)}
    if run.declaration is not None:
        found["recognised"] = _recognised(run)
    found["data"] = _data(run)
    if run.credential is not None and run.verdict != "NOT GENUINE":
        found["subject"] = _subject(run)
    return found


def _checks(run):
    left_out = "nothing-to-check" if run.credential is None else "settled-before"
    names = [name for name in NAMES if name != "status-proof" or run.proof_bytes is not None]
    return [run.checks.get(name, {"name": name, "outcome": NOT_CHECKED, "ground": left_out}) for name in names]


def _data(run):
    bundle = run.bundle
    return {
        "chain": bundle.charter.chain,
        "chain_id": bundle.charter.chain_id.hex(),
        "height": bundle.height,
        "time_ms": bundle.time,
        "age_ms": run.now - bundle.time,
        "clock": _clock(run),
    }


def _clock(run):
    latest = max(run.bundle.time, run.sealed_header.time if run.is_recorded else 0, run.proof.time if run.proof else 0)
    if latest - run.clock > BEHIND_MS:
        return {"reading": "behind", "by_ms": latest - run.clock}
    if run.clock - latest > FAR_AHEAD_MS:
        return {"reading": "far-ahead", "by_ms": run.clock - latest}
    return {"reading": "plausible"}


def _labels_of(run, key):
    return labels(run.bundle.catalogue.claim_labels(run.credential.type, key))


def _recognised(run):
    declaration = run.declaration
    found = {"region": declaration.recogniser, "declaration": declaration.number}
    if declaration.local_type is not None:
        found["local_type"] = declaration.local_type
    here = {(claim, there): value for claim, there, value in declaration.values}
    mapped = [
        {"key": key, "labels": _labels_of(run, key), "there": there, "here": here[key, there]}
        for key, there in run.credential.own_claims.items()
        if isinstance(there, str) and here.get((key, there), there) != there
    ]
    found |= {"level": declaration.level, "claims": mapped}
    shown, may_differ = run.credential.own_claims, {claim for claim, _, _ in declaration.values}
    hidden = sorted(may_differ - set(shown)) if run.credential.hidden else []
    if hidden:
        found["hidden"] = [{"key": key, "labels": _labels_of(run, key)} for key in hidden]
    return found | {"purposes": declaration.purposes}


def _subject(run):
    credential, receipt = run.credential, run.receipt
    return {
        "credential": f"{credential.series}-{credential.number}",
        "issuer": "/".join((credential.chain, *credential.office)),
        "vct": "/".join(map(str, credential.type)),
        "recorded_height": receipt and receipt.height,
        "recorded_ms": receipt and receipt.time,
        "content": _content(run),
    }


def _content(run):
    content = run.credential.content
    found = {
        "printed_number": content[PRINTED_NUMBER],
        "holders": [name for _, name, *_ in content[HOLDERS]],
        "issued_by": content[ISSUED_BY][0],
        "issued_on": day_text(content[ISSUED_ON]),
        "valid_from": day_text(content[VALID_FROM]),
    }
    if content[VALID_UNTIL] is not None:
        found["valid_until"] = day_text(content[VALID_UNTIL])
    claims = run.credential.own_claims.items()
    found["claims"] = [{"key": key, "labels": _labels_of(run, key), "value": _value(value)} for key, value in claims]
    if run.credential.hidden:
        found["hidden"] = run.credential.hidden
    return found


def _value(value):
    return day_text(value[0]) if isinstance(value, list) else str(value)

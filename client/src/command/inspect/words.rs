//! What each kind of document says, as names and values.

use crate::command::status::proof::standing;
use crate::command::{card as cards, record as records, show};
use concord_spec::block::Header;
use concord_spec::bundle::{Delta, TrustBundle};
use concord_spec::catalogue::label;
use concord_spec::certificate::Certificate;
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::credential::SignedCredential;
use concord_spec::id::UnixMillis;
use concord_spec::presentation::Statement;
use concord_spec::receipt::Receipt;
use concord_spec::record::SignedRecord;
use concord_spec::renewal::{Renewal, RenewedCertificate};
use concord_spec::status_proof::StatusProof;

type Words = Vec<(String, String)>;

fn put(words: &mut Words, name: &str, value: impl std::fmt::Display) {
    words.push((name.to_owned(), value.to_string()));
}

pub(super) fn renewed(certificate: &RenewedCertificate) -> Words {
    let mut words = credential(&certificate.credential);
    put(&mut words, "bytes", certificate.to_bytes().len());
    let receipt = &certificate.receipt;
    put(
        &mut words,
        "recorded",
        format!("block {}, {}", receipt.height, show::time(receipt.time)),
    );
    words.extend(renewal(&receipt.seal));
    words
}

pub(super) fn renewal(renewal: &Renewal) -> Words {
    let mut words = Words::new();
    let through = format!("block {}, {}", renewal.header.height, show::time(renewal.header.time));
    put(&mut words, "seen through", through);
    put(&mut words, "history path", format!("{} hashes", renewal.path.0.len()));
    words
}

pub(super) fn status_proof(proof: &StatusProof) -> Words {
    let mut words = Words::new();
    put(&mut words, "status of", proof.credential);
    put(&mut words, "status", standing(proof));
    if proof.is_annotated() {
        put(&mut words, "annotated", "something was noted on it");
    }
    let at = format!("block {}, {}", proof.head.height, show::time(proof.head.time));
    put(&mut words, "status as of", at);
    put(&mut words, "section", &proof.section);
    put(&mut words, "proof bytes", proof.to_bytes().len());
    words
}

pub(super) fn certificate(certificate: &Certificate) -> Words {
    let mut words = credential(&certificate.credential);
    put(&mut words, "bytes", certificate.to_bytes().len());
    put(
        &mut words,
        "batch path",
        format!("{} hashes", certificate.batch_path.0.len()),
    );
    words.extend(receipt(&certificate.receipt));
    words
}

pub(super) fn credential(signed: &SignedCredential) -> Words {
    let credential = signed.credential();
    let content = &credential.content;
    let mut words = Words::new();
    put(&mut words, "credential", credential.id);
    put(&mut words, "issuer", &credential.issuer);
    put(&mut words, "type", &credential.vct);
    put(
        &mut words,
        "signed at",
        show::time(UnixMillis(credential.issued_at.saturating_mul(1_000))),
    );
    put(&mut words, "number", &content.printed_number);
    if let Some(identifier) = &content.identifier {
        put(&mut words, "identifier", identifier);
    }
    put(
        &mut words,
        "issued by",
        format!("{} ({})", content.issued_by.name, content.issued_by.code),
    );
    for holder in &content.holders {
        let latin = holder
            .latin_name
            .as_deref()
            .map(|latin| format!(" / {latin}"))
            .unwrap_or_default();
        let code = holder
            .code
            .as_deref()
            .map(|code| format!(", {code}"))
            .unwrap_or_default();
        put(&mut words, "holder", format!("{}{latin}{code}", holder.name));
    }
    put(&mut words, "issued on", content.issued_on);
    put(&mut words, "valid from", content.valid_from);
    put(&mut words, "valid until", content.validity);
    for (key, value) in signed.claims() {
        put(&mut words, &format!("claim {key}"), value);
    }
    if signed.hidden() > 0 {
        put(&mut words, "claims not shown", signed.hidden());
    }
    let may_be_left_out: Vec<String> = signed.disclosures().iter().map(|one| one.key().to_string()).collect();
    if !may_be_left_out.is_empty() {
        put(&mut words, "claims that may be left out", may_be_left_out.join(", "));
    }
    if let Some(key) = &credential.holder_key {
        put(&mut words, "holder key", key);
    }
    words
}

pub(super) fn statement(statement: &Statement) -> Words {
    let mut words = Words::new();
    put(&mut words, "presented at", show::time(statement.time));
    put(&mut words, "nonce", &statement.nonce);
    if let Some(audience) = &statement.audience {
        put(&mut words, "presented to", audience);
    }
    words
}

pub(super) fn receipt(receipt: &Receipt) -> Words {
    let mut words = Words::new();
    let essence = &receipt.essence;
    let last = essence.first.0.saturating_add(essence.count).saturating_sub(1);
    put(
        &mut words,
        "issue",
        format!("numbers {} to {last} of series {}", essence.first, essence.series),
    );
    put(
        &mut words,
        "block",
        format!("{}, record {} of {}", receipt.height, receipt.index, receipt.records),
    );
    put(&mut words, "block time", show::time(receipt.time));
    words
}

pub(super) fn record(record: &SignedRecord) -> Words {
    let mut words = Words::new();
    put(&mut words, "record", record.id());
    words.extend(records::told(record));
    put(&mut words, "signatures", record.envelope().signatures().len());
    words
}

pub(super) fn card(card: &Card) -> Words {
    let mut words = Words::new();
    put(&mut words, "region", &card.region().region);
    for (name, value) in cards::region(card.region()) {
        put(&mut words, name, value);
    }
    put(&mut words, "signatures", card.signatures().len());
    words
}

pub(super) fn charter(signed: &SignedCharter) -> Words {
    let charter = signed.charter();
    let mut words = Words::new();
    put(&mut words, "chain", &charter.chain);
    put(&mut words, "chain id", charter.chain_id());
    put(&mut words, "fingerprint", charter.fingerprint());
    put(&mut words, "genesis", show::time(charter.genesis));
    for region in &charter.regions {
        put(
            &mut words,
            "region",
            format!("{} {}", region.region, label(&region.labels, "zh")),
        );
    }
    put(
        &mut words,
        "heartbeat",
        format!("{} ms", charter.parameters.heartbeat_ms),
    );
    words
}

pub(super) fn delta(delta: &Delta) -> Words {
    let Header { height, time, .. } = delta.header;
    let mut words = Words::new();
    put(&mut words, "continues", delta.base);
    put(&mut words, "height", height);
    put(&mut words, "time", show::time(time));
    put(&mut words, "state root", delta.rest.state_root);
    for section in &delta.sections {
        put(&mut words, "section", &section.name);
    }
    words
}

pub(super) fn bundle(bundle: &TrustBundle) -> Words {
    let Header { height, time, .. } = bundle.header;
    let mut words = Words::new();
    put(&mut words, "height", height);
    put(&mut words, "time", show::time(time));
    put(&mut words, "state root", bundle.rest.state_root);
    for section in &bundle.sections {
        put(&mut words, "section", &section.name);
    }
    words
}

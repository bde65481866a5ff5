//! Real credentials of a series of the harness, and their certificates from what a node serves.

use std::collections::BTreeMap;

use concord_spec::certificate::Certificate;
use concord_spec::charter::Charter;
use concord_spec::content::{ClaimValue, Content, Holder, Named, Provenance, Role, Validity};
use concord_spec::credential::{Credential, Issuer, SignedCredential};
use concord_spec::day::Day;
use concord_spec::id::{CredentialId, Number};
use concord_spec::merkle;
use concord_spec::receipt::{HashPath, Receipt};
use concord_spec::record::{Action, Actor, Issue, SignedRecord};
use rand::Rng;

use crate::ledger::sealed_block;
use crate::office::{now_ms, recorded};
use crate::{Api, Book, HarnessError, Result, Submitted, claim};

/// The legal day of issue.
const ISSUED: &str = "2026-01-01";
/// How far the office's clocks are ahead of UTC, in minutes.
const ZONE: i16 = 480;

/// A credential with the record that issues it alone.
#[derive(Debug)]
pub struct Signed {
    /// The credential.
    pub credential: SignedCredential,
    /// The record.
    pub record: SignedRecord,
}

/// Signs the next credential of a series and the record that issues it.
///
/// # Errors
/// The book is not an office's.
pub fn sign(charter: &Charter, book: &mut Book) -> Result<Signed> {
    sign_dated(charter, book, ISSUED, None)
}

/// Signs the next credential of a series, valid from a day until another or without end, and the record that issues it.
///
/// # Errors
/// The book is not an office's, or a day is none.
pub fn sign_dated(charter: &Charter, book: &mut Book, from: &str, until: Option<&str>) -> Result<Signed> {
    let Actor::Office(office) = book.pen.actor().clone() else {
        return Err(HarnessError::bytes("an office", book.pen.actor()));
    };
    let number = Number(book.next);
    book.next = book.next.saturating_add(1);
    let content = content(number, from, until)?;
    let credential = Credential {
        issuer: Issuer {
            chain: charter.chain.clone(),
            office,
        },
        issued_at: now_ms() / 1_000,
        not_before: content.valid_from.begins_at(ZONE),
        expires: content.validity.last_day().map(|day| day.ends_at(ZONE)),
        id: CredentialId {
            series: book.series,
            number,
        },
        vct: book.of.clone(),
        holder_key: None,
        content,
    };
    let credential = SignedCredential::sign(credential, &book.key);
    let issue = Issue {
        series: book.series,
        first: number,
        count: 1,
        root: merkle::root(&[credential.leaf()]),
    };
    Ok(Signed {
        credential,
        record: book.pen.record(Action::Issue(issue)),
    })
}

/// Issues the next credential of a series, waits for its block and puts its certificate together.
///
/// # Errors
/// The ledger does not take it, or the block does not hold it.
pub fn certify(api: &Api, charter: &Charter, book: &mut Book) -> Result<Certificate> {
    let signed = sign(charter, book)?;
    let submitted = api.submit(signed.record.bytes())?;
    claim(matches!(submitted, Submitted::Accepted(_)), || {
        format!("an issue is taken: {submitted:?}")
    })?;
    certificate(api, signed)
}

/// Waits for the block of an issue and puts its certificate together.
///
/// # Errors
/// The record is not recorded, or the block does not hold it.
pub fn certificate(api: &Api, signed: Signed) -> Result<Certificate> {
    let state = recorded(api, &signed.record.id())?;
    let height = state
        .height
        .ok_or_else(|| HarnessError::bytes("a height", format!("{state:?}")))?;
    let (block, seal) = sealed_block(api, height)?;
    let position = block.position(&signed.record.id());
    let receipt = position.and_then(|position| Receipt::of_issue(&block, &seal, position));
    Ok(Certificate {
        credential: signed.credential,
        batch_path: HashPath(Vec::new()),
        receipt: receipt.ok_or_else(|| HarnessError::bytes("the record in its block", height))?,
    })
}

fn content(number: Number, from: &str, until: Option<&str>) -> Result<Content> {
    let day = |text: &str| text.parse::<Day>().map_err(|why| HarnessError::bytes("a day", why));
    Ok(Content {
        salt: rand::thread_rng().r#gen(),
        printed_number: format!("TEST-{number}"),
        identifier: None,
        issued_by: Named {
            name: "办证大厅".to_owned(),
            code: "11110000000000001X".to_owned(),
        },
        on_behalf_of: None,
        holders: vec![Holder {
            role: Role::Holder,
            name: "李明".to_owned(),
            latin_name: None,
            code_type: None,
            code: None,
            key: None,
        }],
        issued_on: day(ISSUED)?,
        valid_from: day(from)?,
        validity: until.map(day).transpose()?.map_or(Validity::NoEnd, Validity::Until),
        provenance: Provenance::Native,
        predecessor: None,
        copy: None,
        territory: None,
        languages: Vec::new(),
        attachments: Vec::new(),
        own: BTreeMap::from([(100, ClaimValue::Text("C1".to_owned()))]),
        selective: Vec::new(),
    })
}

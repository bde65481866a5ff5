//! Records that the ledger must refuse, over HTTP (issue: claim 8).

use std::time::Duration;

use concord_spec::digest::Digest;
use concord_spec::id::{Number, SeriesId, UnixMillis};
use concord_spec::key::ed25519::SecretKey;
use concord_spec::record::{Action, Issue, Payload, SignedRecord};
use concord_tests::office::{now_ms, recorded};
use concord_tests::{Book, Cluster, Office, Options, Result, Submitted, claim};

/// What must not change when a record is refused: of every node its height, last block and state.
fn roots(cluster: &Cluster) -> Result<Vec<(u64, String, String, u64)>> {
    let statuses = cluster.statuses()?;
    Ok(statuses
        .into_iter()
        .map(|s| (s.height, s.hash, s.state_root, s.pool.records))
        .collect())
}

fn issue_at(book: &mut Book, series: SeriesId, first: u64) -> Payload {
    let root = Digest([7; 32]);
    book.pen.payload(Action::Issue(Issue {
        series,
        first: Number(first),
        count: 1,
        root,
    }))
}

/// Records with the code that each must be refused with.
fn refused(book: &mut Book) -> Vec<(SignedRecord, &'static str)> {
    let keys: Vec<SecretKey> = book.pen.keys().to_vec();
    let all: Vec<&SecretKey> = keys.iter().collect();
    let two: Vec<&SecretKey> = all.iter().copied().take(2).collect();
    let one: Vec<&SecretKey> = all.iter().copied().take(1).collect();
    let stranger = SecretKey::from_seed([9; 32]);
    let with_stranger: Vec<&SecretKey> = one.iter().copied().chain([&stranger]).collect();
    let (series, next) = (book.series, book.next);
    let mut at = |series, first| issue_at(book, series, first);
    let good = at(series, next);
    let expired = Payload {
        not_after: UnixMillis(now_ms().saturating_sub(60_000)),
        ..at(series, next)
    };
    let far = Payload {
        not_after: UnixMillis(now_ms().saturating_add(31 * 24 * 3_600_000)),
        ..at(series, next)
    };
    let other_chain = Payload {
        chain_id: Digest([1; 32]),
        ..at(series, next)
    };
    vec![
        (SignedRecord::sign(good.clone(), &one), "TOO_FEW_SIGNATURES"),
        (SignedRecord::sign(good.clone(), &all), "TOO_MANY_SIGNATURES"),
        (SignedRecord::sign(good.clone(), &with_stranger), "UNKNOWN_KEY"),
        (SignedRecord::sign(expired, &two), "EXPIRED"),
        (SignedRecord::sign(far, &two), "NOT_AFTER_TOO_FAR"),
        (SignedRecord::sign(other_chain, &two), "WRONG_CHAIN"),
        (
            SignedRecord::sign(at(series, next.saturating_add(1)), &two),
            "NUMBER_GAP",
        ),
        (SignedRecord::sign(at(SeriesId(4_000_000), 0), &two), "UNKNOWN_SERIES"),
    ]
}

/// A record whose last byte, which is its last signature's, is another.
fn forged(record: &SignedRecord) -> Vec<u8> {
    let mut bytes = record.bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes
}

#[test]
fn each_refused_record_has_its_code_and_leaves_every_root_unchanged() -> Result {
    let cluster = Cluster::start(Options::default())?;
    let mut office = Office::register(&cluster, 0, 2, 3)?;
    let mut book = office.open_series(cluster.api(0)?, "desk 1")?;
    let height = cluster.height()?;
    cluster.await_height(height, Duration::from_secs(10))?;
    let before = roots(&cluster)?;
    for (index, (record, code)) in refused(&mut book).into_iter().enumerate() {
        let submitted = cluster.api(index % 4)?.submit(record.bytes())?;
        let is_refused = matches!(&submitted, Submitted::Refused { status: 400..=499, code: found, detail }
            if found == code && !detail.is_empty());
        claim(is_refused, || format!("it is refused as {code}: {submitted:?}"))?;
        let state = cluster.api(index % 4)?.record(&record.id(), Duration::ZERO)?;
        claim(state.is_none(), || {
            format!("a record refused at the door leaves no trace: {state:?}")
        })?;
    }
    let good = book.issue(1);
    let submitted = cluster.api(1)?.submit(&forged(&good))?;
    let is_forged = matches!(&submitted, Submitted::Refused { code, .. } if code == "FORGED_SIGNATURE");
    claim(is_forged, || {
        format!("it is refused as FORGED_SIGNATURE: {submitted:?}")
    })?;
    for garbage in [&b""[..], b"\xff", &[0x84; 300], b"not CBOR"] {
        let submitted = cluster.api(2)?.submit(garbage)?;
        let is_malformed = matches!(&submitted, Submitted::Refused { code, .. } if code == "MALFORMED");
        claim(is_malformed, || format!("it is refused as MALFORMED: {submitted:?}"))?;
    }
    let after = roots(&cluster)?;
    claim(before == after, || {
        format!("no root has changed: {before:?}, {after:?}")
    })?;
    // The same record with its true signature goes in: it was the forgery that was refused.
    claim(
        cluster.api(1)?.submit(good.bytes())? == Submitted::Accepted(good.id()),
        || "the true one is taken".to_owned(),
    )?;
    recorded(cluster.api(3)?, &good.id())?;
    claim(roots(&cluster)? != before, || {
        "the roots do change when a record goes in".to_owned()
    })?;
    cluster.finish()
}

#[test]
fn the_same_record_again_also_signed_by_others_of_its_keyring_is_one_record() -> Result {
    let cluster = Cluster::start(Options::default())?;
    let mut office = Office::register(&cluster, 0, 2, 3)?;
    let mut book = office.open_series(cluster.api(0)?, "desk 1")?;
    let action = book.next_issue(5);
    let payload = book.pen.payload(action);
    let keys: Vec<SecretKey> = book.pen.keys().to_vec();
    let pair = |a: usize, b: usize| {
        let chosen: Vec<&SecretKey> = keys
            .iter()
            .enumerate()
            .filter(|(i, _)| *i == a || *i == b)
            .map(|(_, k)| k)
            .collect();
        SignedRecord::sign(payload.clone(), &chosen)
    };
    let (first, again) = (pair(0, 1), pair(1, 2));
    claim(first.bytes() != again.bytes() && first.id() == again.id(), || {
        "two signings of one record".to_owned()
    })?;

    let api = cluster.api(0)?;
    let submitted = api.submit(first.bytes())?;
    claim(submitted == Submitted::Accepted(first.id()), || {
        format!("it is taken: {submitted:?}")
    })?;
    for record in [&first, &again] {
        let submitted = api.submit(record.bytes())?;
        let known = matches!(&submitted, Submitted::Known(state) if state.id == first.id());
        claim(known, || format!("it is known: {submitted:?}"))?;
    }
    for node in cluster.nodes() {
        recorded(node.api(), &first.id())?;
    }
    let before = roots(&cluster)?;
    for node in cluster.nodes() {
        for record in [&first, &again] {
            let submitted = node.api().submit(record.bytes())?;
            let known = matches!(&submitted, Submitted::Known(state) if state.state == "recorded");
            claim(known, || format!("it is known to be recorded: {submitted:?}"))?;
        }
        let next = node.api().series(book.series.0)?.next;
        claim(next == book.next.saturating_add(5), || {
            format!("its numbers are used once: next is {next}")
        })?;
    }
    claim(roots(&cluster)? == before, || "no root has changed".to_owned())?;
    cluster.finish()
}

//! Cards, signed charters, fingerprints (`spec/text/charter.md`).

use super::{Error, replaced, shortened, with_trailing};
use concord_spec::catalogue::Label;
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::charter::{Address, Charter, CharterRegion, Parameters};
use concord_spec::codec::to_vec;
use concord_spec::id::{ChainName, RegionId, UnixMillis};
use concord_spec::key::bls::SealSecretKey;
use concord_spec::key::{Keyring, SecretKey};
use serde_json::{Value, json};

/// `charter.json`
pub(super) fn file() -> Result<Value, Error> {
    Ok(json!({
        "about": "Cards and signed charters of regions of whose authority two of three keys sign. `result`: accept, or the CardError or SignedCharterError; `missing`: signatures still to come.",
        "cards": cards()?,
        "signed_charters": signed_charters()?,
        "fingerprints": fingerprints()?,
    }))
}

/// The `n`-th key of a region's authority, in ascending order of the keys.
fn authority(region: u8, n: usize) -> Result<SecretKey, Error> {
    let mut keys: Vec<SecretKey> = (1..=3).map(|n| SecretKey::from_seed([region * 16 + n; 32])).collect();
    keys.sort_by_key(SecretKey::public);
    Ok(keys.get(n).ok_or("an authority has three keys")?.clone())
}

fn region(number: u8) -> Result<CharterRegion, Error> {
    let keys = (0..3).map(|n| authority(number, n).map(|key| key.public()));
    let seal = SealSecretKey::from_seed([number; 32])?;
    Ok(CharterRegion {
        region: RegionId::new(format!("{number}0000"))?,
        labels: vec![Label {
            language: "zh".to_owned(),
            text: format!("地区{number}"),
        }],
        authority: Keyring::new(2, keys.collect::<Result<_, _>>()?)?,
        consensus_key: SecretKey::from_seed([100 + number; 32]).public(),
        seal_key: seal.public(),
        possession: seal.prove_possession(),
        peer_id: "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp".to_owned(),
        addresses: vec![Address {
            multiaddr: format!("/ip4/192.0.2.{number}/tcp/9000"),
        }],
    })
}

/// A card that these keys of the authority have signed.
fn card(number: u8, keys: &[usize]) -> Result<Card, Error> {
    let mut card = Card::new(region(number)?)?;
    for key in keys {
        card.sign(&authority(number, *key)?)?;
    }
    Ok(card)
}

fn refusal(name: &str, bytes: &[u8], result: &str) -> Value {
    json!({ "name": name, "bytes": hex::encode(bytes), "result": result })
}

fn accepted(name: &str, bytes: &[u8], missing: Value) -> Value {
    json!({ "name": name, "bytes": hex::encode(bytes), "result": "accept", "missing": missing })
}

/// A card with these signatures, whatever they are, in its bytes.
fn with_signatures(number: u8, signatures: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let count = u8::try_from(signatures.len())?;
    Ok([
        &[0x83, 0x01],
        &to_vec(&region(number)?)[..],
        &[0x80 | count],
        &signatures.concat(),
    ]
    .concat())
}

fn cards() -> Result<Vec<Value>, Error> {
    let whole = card(1, &[0, 2])?;
    let bytes = whole.to_bytes();
    let mut all = vec![
        accepted("signed by nobody yet", &card(1, &[])?.to_bytes(), json!(2)),
        accepted("signed by one of two", &card(1, &[1])?.to_bytes(), json!(1)),
        accepted("signed by two of three", &bytes, json!(0)),
        refusal("cut by a byte", &shortened(&bytes, 1), "Unreadable"),
        refusal("a byte follows", &with_trailing(&bytes), "Unreadable"),
        refusal(
            "version 2",
            &replaced(&bytes, &[0x83, 0x01], &[0x83, 0x02])?,
            "Unreadable",
        ),
        refusal(
            "another address than was signed",
            &replaced(&bytes, b"192.0.2.1/", b"192.0.2.9/")?,
            "Signatures",
        ),
        refusal(
            "another threshold than was signed",
            &replaced(&bytes, &to_vec(&whole.region().authority), &to_vec(&threshold(3)?))?,
            "Signatures",
        ),
        refusal(
            "the proof of possession of another key",
            &replaced(&bytes, &to_vec(&region(1)?.possession), &to_vec(&region(2)?.possession))?,
            "Possession",
        ),
        refusal(
            "a peer id with a 0",
            &replaced(&bytes, b"12D3Koo", b"12D3K0o")?,
            "PeerId",
        ),
        refusal(
            "an address that is a name",
            &replaced(&bytes, b"/ip4", b"host")?,
            "Addresses",
        ),
    ];
    let label = to_vec(&region(1)?.labels.into_iter().next().ok_or("a name")?);
    let nameless = replaced(&bytes, &[&[0x81], &label[..]].concat(), &[0x80])?;
    all.push(refusal("no name", &nameless, "Names"));
    all.extend(badly_signed_cards()?);
    Ok(all)
}

fn badly_signed_cards() -> Result<Vec<Value>, Error> {
    let signature = |number: u8, key: usize| -> Result<Vec<u8>, Error> {
        let card = card(number, &[key])?;
        Ok(to_vec(card.signatures().first().ok_or("a signature")?))
    };
    let of = |key: usize| signature(1, key);
    let stranger = signature(2, 0)?;
    Ok(vec![
        refusal(
            "signatures descend",
            &with_signatures(1, &[of(2)?, of(0)?])?,
            "Signatures",
        ),
        refusal("one key twice", &with_signatures(1, &[of(0)?, of(0)?])?, "Signatures"),
        refusal(
            "a key of another authority",
            &with_signatures(1, &[stranger])?,
            "Signatures",
        ),
        refusal(
            "three of two signatures",
            &with_signatures(1, &[of(0)?, of(1)?, of(2)?])?,
            "Signatures",
        ),
    ])
}

fn threshold(threshold: usize) -> Result<Keyring, Error> {
    Ok(Keyring::new(threshold, region(1)?.authority.keys().to_vec())?)
}

fn charter() -> Result<Charter, Error> {
    let cards = [1, 2].map(|number| card(number, &[0, 1]));
    let parameters = Parameters { heartbeat_ms: 60_000 };
    let cards = cards.into_iter().collect::<Result<_, _>>()?;
    Ok(Charter::assemble(
        ChainName::new("vectors")?,
        UnixMillis(1_764_000_000_000),
        parameters,
        cards,
    )?)
}

/// Signed by keys of regions.
fn signed(by: &[(u8, usize)]) -> Result<SignedCharter, Error> {
    let mut signed = SignedCharter::new(charter()?)?;
    for (number, key) in by {
        signed.sign(&region(*number)?.region, &authority(*number, *key)?)?;
    }
    Ok(signed)
}

/// The signatures of a region as they stand in a signed charter: its code and its list.
fn entry(number: u8, of: &SignedCharter) -> Result<Vec<u8>, Error> {
    let signatures = of.signatures(&region(number)?.region);
    let list: Vec<Vec<u8>> = signatures.iter().map(to_vec).collect();
    let count = u8::try_from(list.len())?;
    Ok([
        &[0x82],
        &to_vec(&region(number)?.region)[..],
        &[0x80 | count],
        &list.concat(),
    ]
    .concat())
}

/// A signed charter with these entries, whatever they are.
fn with_entries(entries: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let count = u8::try_from(entries.len())?;
    Ok([
        &[0x83, 0x01],
        &to_vec(&charter()?)[..],
        &[0x80 | count],
        &entries.concat(),
    ]
    .concat())
}

fn signed_charters() -> Result<Vec<Value>, Error> {
    let all_signed = signed(&[(1, 0), (1, 1), (2, 0), (2, 2)])?;
    let bytes = all_signed.to_bytes();
    let (one, two) = (entry(1, &all_signed)?, entry(2, &all_signed)?);
    let code = |number| region(number).map(|region| to_vec(&region.region));
    // The charter's bytes hold the codes too: the last is that of the signatures.
    let stranger = [&[0x82_u8][..], &code(4)?, two.get(7..).ok_or("too short")?].concat();
    let borrowed = [&[0x82_u8][..], &code(2)?, one.get(7..).ok_or("too short")?].concat();
    let none = [&[0x82_u8][..], &code(2)?, &[0x80]].concat();
    Ok(vec![
        accepted(
            "signed by nobody yet",
            &signed(&[])?.to_bytes(),
            json!({"10000": 2, "20000": 2}),
        ),
        accepted(
            "signed by one region, and by one of two of another",
            &signed(&[(1, 0), (1, 2), (2, 1)])?.to_bytes(),
            json!({"20000": 1}),
        ),
        accepted("signed by all regions", &bytes, json!({})),
        refusal("the charter alone", &to_vec(&charter()?), "Unreadable"),
        refusal("cut by a byte", &shortened(&bytes, 1), "Unreadable"),
        refusal("a byte follows", &with_trailing(&bytes), "Unreadable"),
        refusal(
            "version 2",
            &replaced(&bytes, &[0x83, 0x01], &[0x83, 0x02])?,
            "Unreadable",
        ),
        refusal(
            "another chain name than was signed",
            &replaced(&bytes, b"gvectors", b"gvektors")?,
            "Signatures",
        ),
        refusal("regions descend", &with_entries(&[two.clone(), one.clone()])?, "Order"),
        refusal("a region twice", &with_entries(&[one.clone(), one])?, "Order"),
        refusal("a region without a signature", &with_entries(&[none])?, "Order"),
        refusal(
            "a region that is not in the charter",
            &with_entries(&[stranger])?,
            "Stranger",
        ),
        refusal(
            "the signatures of another region",
            &with_entries(&[borrowed])?,
            "Signatures",
        ),
    ])
}

fn fingerprints() -> Result<Vec<Value>, Error> {
    let mut other = charter()?;
    other.parameters.heartbeat_ms = 1_000;
    let vector = |name: &str, charter: &Charter| {
        json!({
            "name": name,
            "charter": hex::encode(to_vec(charter)),
            "chain_id": charter.chain_id(),
            "words": charter.fingerprint().to_string(),
        })
    };
    Ok(vec![
        vector("a charter", &charter()?),
        vector("another heartbeat", &other),
    ])
}

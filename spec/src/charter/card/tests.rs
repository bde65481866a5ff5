use super::*;
use crate::catalogue::Label;
use crate::charter::Address;
use crate::codec::{Writer, to_vec};
use crate::key::Signature;
use crate::key::bls::SealSecretKey;

/// The `n`-th key of a region's authority.
pub(in crate::charter) fn authority(region: u8, n: u8) -> SecretKey {
    SecretKey::from_seed([region.wrapping_mul(16).wrapping_add(n); 32])
}

/// A region whose authority has three keys, `threshold` of which sign.
pub(in crate::charter) fn region(number: u8, threshold: usize) -> CharterRegion {
    let keys = (1..=3).map(|n| authority(number, n).public()).collect();
    let seal = SealSecretKey::from_seed([number; 32]).unwrap();
    CharterRegion {
        region: RegionId::new(format!("{number}0000")).unwrap(),
        labels: vec![label("zh", "某省"), label("en", "Some Province")],
        authority: Keyring::new(threshold, keys).unwrap(),
        consensus_key: SecretKey::from_seed([200 + number; 32]).public(),
        seal_key: seal.public(),
        possession: seal.prove_possession(),
        peer_id: "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp".to_owned(),
        addresses: vec![Address {
            multiaddr: "/ip4/192.0.2.1/tcp/9000".to_owned(),
        }],
    }
}

/// A card that two of three keys have signed.
pub(in crate::charter) fn card(number: u8) -> Card {
    let mut card = Card::new(region(number, 2)).unwrap();
    card.sign(&authority(number, 1)).unwrap();
    card.sign(&authority(number, 3)).unwrap();
    card
}

fn label(language: &str, text: &str) -> Label {
    Label {
        language: language.to_owned(),
        text: text.to_owned(),
    }
}

fn refused(change: impl FnOnce(&mut CharterRegion)) -> CardError {
    let mut region = region(1, 2);
    change(&mut region);
    Card::new(region).unwrap_err()
}

fn signatures_of(card: &Card, change: impl FnOnce(&mut Vec<KeySignature>)) -> Result<Card, CardError> {
    let Card { region, mut signatures } = card.clone();
    change(&mut signatures);
    Card::from_bytes(&Card { region, signatures }.to_bytes())
}

fn why(outcome: Result<Card, CardError>) -> SignatureError {
    match outcome {
        Err(CardError::Signatures { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_card_goes_from_hand_to_hand_until_enough_have_signed() {
    let mut card = Card::new(region(1, 2)).unwrap();
    assert_eq!(card.missing(), 2);
    card.sign(&authority(1, 3)).unwrap();
    let mut card = Card::from_bytes(&card.to_bytes()).unwrap();
    assert_eq!(card.missing(), 1);
    assert_eq!(
        card.clone().complete(),
        Err(CardError::Incomplete {
            region: RegionId::new("10000").unwrap(),
            missing: 1
        })
    );
    card.sign(&authority(1, 1)).unwrap();
    let card = Card::from_bytes(&card.to_bytes()).unwrap();
    assert_eq!(card.missing(), 0);
    assert!(card.signatures().is_sorted_by(|a, b| a.key < b.key));
    assert_eq!(card.complete(), Ok(region(1, 2)));
}

#[test]
fn only_keys_of_the_authority_sign_each_once_and_no_more_than_the_threshold() {
    let mut card = Card::new(region(1, 2)).unwrap();
    let (first, stranger) = (authority(1, 1), authority(2, 1));
    assert_eq!(
        card.sign(&stranger),
        Err(SigningError::NotOfAuthority(stranger.public()))
    );
    card.sign(&first).unwrap();
    assert_eq!(card.sign(&first), Err(SigningError::Already(first.public())));
    card.sign(&authority(1, 2)).unwrap();
    assert_eq!(card.sign(&authority(1, 3)), Err(SigningError::Enough));
    assert_eq!(card.signatures().len(), 2);
}

#[test]
fn a_card_that_was_altered_after_signing_is_refused() {
    let Card { signatures, .. } = card(1);
    let changes: [fn(&mut CharterRegion); 6] = [
        |region| region.labels[0].text.push('x'),
        |region| region.authority = Keyring::new(1, region.authority.keys().to_vec()).unwrap(),
        |region| region.consensus_key = authority(9, 1).public(),
        |region| {
            let seal = SealSecretKey::from_seed([9; 32]).unwrap();
            (region.seal_key, region.possession) = (seal.public(), seal.prove_possession());
        },
        |region| region.peer_id.replace_range(51.., "q"),
        |region| region.addresses[0].multiaddr.push('1'),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut region = region(1, 2);
        change(&mut region);
        let signatures = signatures[..region.authority.threshold()].to_vec();
        let altered = Card { region, signatures };
        assert_eq!(
            why(Card::from_bytes(&altered.to_bytes())),
            SignatureError::Forged,
            "{index}"
        );
    }
}

#[test]
fn signatures_of_others_twice_out_of_order_or_of_something_else_are_refused() {
    let card = card(1);
    let of = |key: SecretKey, message: &[u8]| KeySignature {
        key: key.public(),
        signature: key.sign(message),
    };
    let message = card.message();
    assert_eq!(
        why(signatures_of(&card, |all| all.reverse())),
        SignatureError::NotAscending
    );
    let twice = signatures_of(&card, |all| all[1] = all[0].clone());
    assert_eq!(why(twice), SignatureError::NotAscending);
    let stranger = signatures_of(&card, |all| *all = vec![of(authority(2, 1), &message)]);
    assert_eq!(why(stranger), SignatureError::UnknownKey);
    let third = signatures_of(&card, |all| {
        all.push(of(authority(1, 2), &message));
        all.sort_by_key(|one| one.key);
    });
    assert_eq!(why(third), SignatureError::TooMany);
    let untagged = signatures_of(&card, |all| {
        *all = vec![of(authority(1, 1), &to_vec(card.region()))];
    });
    assert_eq!(why(untagged), SignatureError::Forged);
    let changed = signatures_of(&card, |all| all[0].signature = Signature([0; 64]));
    assert_eq!(why(changed), SignatureError::Forged);
}

#[test]
fn what_no_charter_should_hold_is_no_card() {
    assert!(matches!(refused(|region| region.labels.clear()), CardError::Names(_)));
    assert!(matches!(
        refused(|region| region.labels[1].language = "zh".to_owned()),
        CardError::Names(_)
    ));
    assert!(matches!(
        refused(|region| region.labels[0].text = "x".repeat(129)),
        CardError::Unreadable(_)
    ));
    let other = SealSecretKey::from_seed([9; 32]).unwrap();
    assert!(matches!(
        refused(|region| region.possession = other.prove_possession()),
        CardError::Possession(_)
    ));
    for peer_id in ["peer", &"0".repeat(52), &"1".repeat(45), &"1".repeat(55)] {
        let error = refused(|region| region.peer_id = peer_id.to_owned());
        assert!(matches!(error, CardError::PeerId { .. }), "{peer_id}");
    }
    assert!(matches!(
        refused(|region| region.addresses.clear()),
        CardError::Addresses(_)
    ));
    for multiaddr in ["192.0.2.1:9000", "/ip4/192.0.2.1/tcp/1/p2p/12D3KooW", "/dns4/a/tcp/1/"] {
        let error = refused(|region| region.addresses[0].multiaddr = multiaddr.to_owned());
        assert!(matches!(error, CardError::Addresses(_)), "{multiaddr}");
    }
    let twice = refused(|region| region.addresses.push(region.addresses[0].clone()));
    assert!(matches!(twice, CardError::Addresses(_)));
}

#[test]
fn a_card_has_one_encoding() {
    let bytes = card(1).to_bytes();
    for end in 0..bytes.len() {
        assert!(
            matches!(Card::from_bytes(&bytes[..end]), Err(CardError::Unreadable(_))),
            "{end}"
        );
    }
    let unreadable = |bytes: &[u8]| match Card::from_bytes(bytes) {
        Err(CardError::Unreadable(error)) => error,
        other => panic!("{other:?}"),
    };
    let trailing = [&bytes[..], &[0]].concat();
    assert_eq!(unreadable(&trailing), CodecError::TrailingBytes { count: 1 });
    let long = [&bytes[..], &vec![0; MAX_CARD]].concat();
    assert!(matches!(unreadable(&long), CodecError::TooLong { max: MAX_CARD, .. }));
    // The head of the array and the version: in a longer form, of another length, of another version.
    let longer_form = [&[0x83, 0x18, 0x01], &bytes[2..]].concat();
    assert!(matches!(unreadable(&longer_form), CodecError::NotCanonical { .. }));
    let indefinite = [&[0x9f], &bytes[1..], &[0xff]].concat();
    assert!(matches!(unreadable(&indefinite), CodecError::NotCanonical { .. }));
    let newer = [&[0x83, 2], &bytes[2..]].concat();
    assert_eq!(
        unreadable(&newer),
        CodecError::UnknownVersion { what: "card", found: 2 }
    );
    let shorter = [&[0x82, 1], &to_vec(&region(1, 2))[..]].concat();
    assert!(matches!(
        unreadable(&shorter),
        CodecError::WrongLength { expected: 3, found: 2 }
    ));
    // More signatures than a keyring has keys are not even read.
    let mut claims = Writer::new();
    claims.array(3);
    claims.uint(1);
    claims.wire(&region(1, 2));
    claims.array(17);
    (0..17).for_each(|_| claims.uint(0));
    assert_eq!(
        unreadable(&claims.into_vec()),
        CodecError::OverBound { found: 17, max: 16 }
    );
}

#[test]
fn a_charter_is_made_of_complete_cards_in_any_order_one_of_each_region() {
    let assemble = |cards: Vec<Card>| {
        let parameters = Parameters { heartbeat_ms: 60_000 };
        Charter::assemble(ChainName::new("chain").unwrap(), UnixMillis(1), parameters, cards)
    };
    let charter = assemble(vec![card(3), card(1), card(2)]).unwrap();
    assert_eq!(charter.regions, [region(1, 2), region(2, 2), region(3, 2)]);
    assert_eq!(charter, assemble(vec![card(1), card(2), card(3)]).unwrap());
    assert_eq!(
        assemble(vec![card(1), card(2), card(1)]),
        Err(AssemblyError::Twice(RegionId::new("10000").unwrap()))
    );
    let unsigned = Card::new(region(2, 2)).unwrap();
    assert!(matches!(
        assemble(vec![card(1), unsigned]),
        Err(AssemblyError::Card(CardError::Incomplete { missing: 2, .. }))
    ));
    let shared = CharterRegion {
        consensus_key: region(1, 1).consensus_key,
        ..region(2, 1)
    };
    let mut shared = Card::new(shared).unwrap();
    shared.sign(&authority(2, 1)).unwrap();
    assert_eq!(
        assemble(vec![card(1), shared]),
        Err(AssemblyError::Charter(CharterError::Regions))
    );
}

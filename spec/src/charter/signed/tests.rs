use super::*;
use crate::charter::Parameters;
use crate::charter::card::tests::{authority, card};
use crate::id::{ChainName, UnixMillis};

fn charter(heartbeat_ms: u64) -> Charter {
    let parameters = Parameters { heartbeat_ms };
    let cards = vec![card(1), card(2), card(3)];
    Charter::assemble(ChainName::new("chain").unwrap(), UnixMillis(1), parameters, cards).unwrap()
}

fn id(number: u8) -> RegionId {
    RegionId::new(format!("{number}0000")).unwrap()
}

/// Signed by keys of regions.
fn signed(by: &[(u8, u8)]) -> SignedCharter {
    let mut signed = SignedCharter::new(charter(60_000)).unwrap();
    for (region, key) in by {
        signed.sign(&id(*region), &authority(*region, *key)).unwrap();
    }
    signed
}

const ALL: [(u8, u8); 6] = [(1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 3)];

fn changed(signed: &SignedCharter, change: impl FnOnce(&mut SignedCharter)) -> SignedCharterError {
    let mut signed = signed.clone();
    change(&mut signed);
    SignedCharter::from_bytes(&signed.to_bytes()).unwrap_err()
}

fn why(error: SignedCharterError) -> SignatureError {
    let SignedCharterError::Signatures { why, .. } = error else {
        panic!("{error:?}");
    };
    why
}

#[test]
fn a_region_has_signed_once_as_many_keys_have_as_its_keyring_demands() {
    let one = signed(&[(2, 1)]);
    assert!(!one.is_signed_by(&id(2)));
    assert_eq!(one.missing(), [(&id(1), 2), (&id(2), 1), (&id(3), 2)]);
    let two = signed(&[(2, 3), (2, 1)]);
    assert!(two.is_signed_by(&id(2)) && !two.is_signed_by(&id(1)));
    assert!(!two.is_signed_by(&id(4)), "a stranger has not signed");
    assert_eq!(two.missing(), [(&id(1), 2), (&id(3), 2)]);
    assert_eq!(SignedCharter::from_bytes(&two.to_bytes()), Ok(two));
    assert_eq!(signed(&ALL).missing(), []);
}

#[test]
fn the_chain_is_the_same_whoever_has_signed() {
    assert_eq!(signed(&[]).charter().chain_id(), signed(&ALL).charter().chain_id());
}

#[test]
fn only_keys_of_the_own_authority_sign_each_once_and_no_more_than_the_threshold() {
    let mut one = signed(&[(1, 1)]);
    let mut signing = |region: u8, key: &SecretKey| one.sign(&id(region), key).unwrap_err();
    let (first, stranger) = (authority(1, 1), authority(2, 1));
    assert_eq!(
        signing(1, &stranger),
        SigningError::NotOfAuthority(stranger.public()).into()
    );
    assert_eq!(signing(1, &first), SigningError::Already(first.public()).into());
    assert_eq!(signing(4, &authority(4, 1)), SignedCharterError::Stranger(id(4)));
    let third = signed(&ALL).sign(&id(1), &authority(1, 3)).unwrap_err();
    assert_eq!(third, SigningError::Enough.into());
}

#[test]
fn a_charter_that_was_altered_after_signing_is_refused() {
    let all = signed(&ALL);
    let changes: [fn(&mut Charter); 4] = [
        |charter| charter.chain = ChainName::new("other").unwrap(),
        |charter| charter.genesis = UnixMillis(2),
        |charter| charter.parameters.heartbeat_ms = 1_000,
        |charter| charter.regions[2].labels[0].text.push('x'),
    ];
    for change in changes {
        let error = changed(&all, |signed| change(&mut signed.charter));
        assert_eq!(why(error), SignatureError::Forged);
    }
    let removed = changed(&all, |signed| {
        signed.charter.regions.pop();
    });
    assert_eq!(why(removed), SignatureError::Forged);
    let swapped = changed(&all, |signed| {
        signed.charter.regions[0].authority = card(2).region().authority.clone()
    });
    assert_eq!(why(swapped), SignatureError::UnknownKey);
}

#[test]
fn strangers_disorder_and_signatures_of_another_region_are_refused() {
    let all = signed(&ALL);
    assert_eq!(changed(&all, |all| all.signed.reverse()), SignedCharterError::Order);
    let twice = changed(&all, |all| all.signed[1] = all.signed[0].clone());
    assert_eq!(twice, SignedCharterError::Order);
    let empty = changed(&all, |all| all.signed[1].signatures.clear());
    assert_eq!(empty, SignedCharterError::Order);
    let stranger = changed(&all, |all| all.signed[2].region = id(4));
    assert_eq!(stranger, SignedCharterError::Stranger(id(4)));
    let reversed = changed(&all, |all| all.signed[0].signatures.reverse());
    assert_eq!(why(reversed), SignatureError::NotAscending);
    let others = changed(&all, |all| all.signed[0].signatures = all.signed[1].signatures.clone());
    assert_eq!(why(others), SignatureError::UnknownKey);
    let third = changed(&all, |all| {
        let key = authority(1, 3);
        let signature = key.sign(&message(&all.charter, &id(1)));
        let signatures = &mut all.signed[0].signatures;
        signatures.push(KeySignature {
            key: key.public(),
            signature,
        });
        signatures.sort_by_key(|one| one.key);
    });
    assert_eq!(why(third), SignatureError::TooMany);
}

#[test]
fn a_key_of_two_regions_signs_for_one_of_them_only() {
    let mut charter = charter(60_000);
    charter.regions[1].authority = charter.regions[0].authority.clone();
    let mut shared = SignedCharter::new(charter).unwrap();
    shared.sign(&id(1), &authority(1, 1)).unwrap();
    shared.sign(&id(1), &authority(1, 2)).unwrap();
    let copied = changed(&shared, |shared| {
        let signatures = shared.signed[0].signatures.clone();
        shared.signed.push(RegionSignatures {
            region: id(2),
            signatures,
        });
    });
    assert_eq!(why(copied), SignatureError::Forged);
}

#[test]
fn copies_are_merged_in_any_order_to_the_same() {
    let copies = [
        signed(&[(1, 3), (2, 1)]),
        signed(&[(1, 2), (1, 3), (3, 1)]),
        signed(&[(1, 1)]),
        signed(&[(3, 2), (3, 3)]),
    ];
    let merge = |order: [usize; 4]| {
        let mut merged = signed(&[]);
        order.iter().for_each(|index| merged.merge(&copies[*index]).unwrap());
        merged
    };
    let merged = merge([0, 1, 2, 3]);
    for order in [[3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
        assert_eq!(merge(order), merged);
    }
    assert_eq!(merged.missing(), [(&id(2), 1)]);
    assert_eq!(SignedCharter::from_bytes(&merged.to_bytes()), Ok(merged.clone()));
    let other = SignedCharter::new(charter(30_000)).unwrap();
    assert!(matches!(
        merged.clone().merge(&other),
        Err(SignedCharterError::OtherCharter { .. })
    ));
}

#[test]
fn a_signed_charter_has_one_encoding_and_an_invalid_charter_in_it_is_refused() {
    let bytes = signed(&ALL).to_bytes();
    let unreadable = |bytes: &[u8]| match SignedCharter::from_bytes(bytes) {
        Err(SignedCharterError::Unreadable(error)) => error,
        other => panic!("{other:?}"),
    };
    for end in 0..bytes.len() {
        unreadable(&bytes[..end]);
    }
    let trailing = [&bytes[..], &[0]].concat();
    assert_eq!(unreadable(&trailing), CodecError::TrailingBytes { count: 1 });
    let long = [&bytes[..], &vec![0; MAX_SIGNED_CHARTER]].concat();
    assert!(matches!(unreadable(&long), CodecError::TooLong { .. }));
    let longer_form = [&[0x83, 0x18, 0x01], &bytes[2..]].concat();
    assert!(matches!(unreadable(&longer_form), CodecError::NotCanonical { .. }));
    let newer = [&[0x83, 2], &bytes[2..]].concat();
    assert!(matches!(
        unreadable(&newer),
        CodecError::UnknownVersion { found: 2, .. }
    ));
    // The unsigned charter is not taken for one that nobody has signed yet.
    unreadable(&codec::to_vec(&charter(60_000)));
    let heartbeat = changed(&signed(&[]), |signed| signed.charter.parameters.heartbeat_ms = 999);
    assert_eq!(heartbeat, SignedCharterError::Charter(CharterError::Heartbeat(999)));
}

use super::*;
use crate::codec::from_slice;
use crate::key::ed25519::SecretKey;

const CHAIN: Digest = Digest([7; 32]);
const MAX: usize = 1_024;

fn key() -> SecretKey {
    SecretKey::from_seed([1; 32])
}

fn region(text: &str) -> RegionId {
    text.parse().unwrap()
}

fn vote(target: Option<u8>) -> VoteStatement {
    VoteStatement {
        height: Height(5),
        round: 1,
        kind: VoteKind::Precommit,
        target: target.map(|byte| Digest([byte; 32])),
        region: region("330000"),
    }
}

fn proposal(value: u8, pol_round: Option<u32>) -> ProposalStatement {
    ProposalStatement {
        height: Height(5),
        round: 1,
        value: Digest([value; 32]),
        pol_round,
        region: region("330000"),
    }
}

fn signed_vote(statement: VoteStatement) -> Signed<VoteStatement> {
    let signature = key().sign(&statement.message(&CHAIN));
    Signed { statement, signature }
}

fn signed_proposal(statement: ProposalStatement) -> Signed<ProposalStatement> {
    let signature = key().sign(&statement.message(&CHAIN));
    Signed { statement, signature }
}

fn double_vote() -> Evidence {
    Evidence::votes(signed_vote(vote(Some(2))), signed_vote(vote(None))).unwrap()
}

fn double_proposal() -> Evidence {
    Evidence::proposals(signed_proposal(proposal(2, None)), signed_proposal(proposal(3, None))).unwrap()
}

#[test]
fn the_signed_messages_are_tag_chain_and_statement() {
    let message = vote(Some(2)).message(&CHAIN);
    let expected = [
        b"concord/vote/v1".as_slice(),
        &[7; 32],
        // [5, 1, 2, h'0202..', "330000"]
        &[0x85, 5, 1, 2, 0x58, 32],
        &[2; 32],
        b"\x66330000",
    ];
    assert_eq!(message, expected.concat());
    let message = proposal(2, None).message(&CHAIN);
    let expected = [
        b"concord/proposal/v1".as_slice(),
        &[7; 32],
        // [5, 1, h'0202..', null, "330000"]
        &[0x85, 5, 1, 0x58, 32],
        &[2; 32],
        b"\xf6\x66330000",
    ];
    assert_eq!(message, expected.concat());
}

#[test]
fn two_votes_or_two_proposals_for_one_place_are_evidence() {
    let polka = Evidence::proposals(
        signed_proposal(proposal(2, None)),
        signed_proposal(proposal(2, Some(0))),
    )
    .unwrap();
    for (evidence, step) in [
        (double_vote(), Step::Vote(VoteKind::Precommit)),
        (double_proposal(), Step::Propose),
        (polka, Step::Propose),
    ] {
        assert_eq!(evidence.check(&CHAIN, &key().public()), Ok(()));
        let place = Place {
            region: region("330000"),
            height: Height(5),
            round: 1,
            step,
        };
        assert_eq!(evidence.place(), place);
        let bytes = to_vec(&evidence);
        assert_eq!(from_slice::<Evidence>(&bytes, MAX), Ok(evidence));
        assert_eq!(from_slice::<Place>(&to_vec(&place), MAX), Ok(place));
    }
}

#[test]
fn a_pair_of_statements_has_one_order() {
    let (a, b) = (signed_vote(vote(Some(2))), signed_vote(vote(None)));
    assert_eq!(
        Evidence::votes(a.clone(), b.clone()),
        Evidence::votes(b.clone(), a.clone())
    );
    let (a, b) = (signed_proposal(proposal(2, None)), signed_proposal(proposal(3, None)));
    assert_eq!(Evidence::proposals(a.clone(), b.clone()), Evidence::proposals(b, a));
}

#[test]
fn a_pair_in_descending_order_is_refused() {
    for evidence in [double_vote(), double_proposal()] {
        let turned = Evidence(match evidence.0 {
            Pair::Votes(first, second) => Pair::Votes(second, first),
            Pair::Proposals(first, second) => Pair::Proposals(second, first),
        });
        let refused = from_slice::<Evidence>(&to_vec(&turned), MAX);
        assert!(matches!(refused, Err(CodecError::NotCanonical { .. })), "{refused:?}");
    }
}

#[test]
fn the_same_statement_twice_proves_nothing() {
    let mut again = signed_vote(vote(None));
    again.signature = key().sign(b"another");
    let once = signed_vote(vote(None));
    assert_eq!(Evidence::votes(once.clone(), again.clone()), Err(EvidenceError::Same));
    let bytes = to_vec(&Evidence(Pair::Votes(once, again)));
    assert_eq!(
        from_slice::<Evidence>(&bytes, MAX),
        Err(CodecError::Invalid { what: "evidence" })
    );
}

#[test]
fn statements_for_different_places_prove_nothing() {
    let here = signed_vote(vote(None));
    let there = [
        VoteStatement {
            height: Height(6),
            ..vote(Some(2))
        },
        VoteStatement {
            round: 2,
            ..vote(Some(2))
        },
        VoteStatement {
            kind: VoteKind::Prevote,
            ..vote(Some(2))
        },
        VoteStatement {
            region: region("310000"),
            ..vote(Some(2))
        },
    ];
    for other in there {
        let other = signed_vote(other);
        assert_eq!(
            Evidence::votes(here.clone(), other.clone()),
            Err(EvidenceError::OtherPlace)
        );
        let bytes = to_vec(&Evidence(Pair::Votes(here.clone(), other)));
        assert!(from_slice::<Evidence>(&bytes, MAX).is_err());
    }
    let here = signed_proposal(proposal(2, None));
    let there = [
        ProposalStatement {
            height: Height(6),
            ..proposal(3, None)
        },
        ProposalStatement {
            round: 2,
            ..proposal(3, None)
        },
        ProposalStatement {
            region: region("310000"),
            ..proposal(3, None)
        },
    ];
    for other in there {
        let other = signed_proposal(other);
        assert_eq!(Evidence::proposals(here.clone(), other), Err(EvidenceError::OtherPlace));
    }
}

#[test]
fn evidence_counts_for_its_chain_and_key_only() {
    let other_key = SecretKey::from_seed([2; 32]).public();
    for evidence in [double_vote(), double_proposal()] {
        let first = Err(EvidenceError::NotSigned { which: "first" });
        assert_eq!(evidence.check(&Digest([8; 32]), &key().public()), first);
        assert_eq!(evidence.check(&CHAIN, &other_key), first);
    }
}

#[test]
fn both_statements_must_be_signed() {
    let spoil = |signature: &mut Signature| signature.0[40] ^= 1;
    for which in ["first", "second"] {
        let mut evidence = double_vote();
        if let Pair::Votes(first, second) = &mut evidence.0 {
            spoil(if which == "first" {
                &mut first.signature
            } else {
                &mut second.signature
            });
        }
        let refused = Err(EvidenceError::NotSigned { which });
        assert_eq!(evidence.check(&CHAIN, &key().public()), refused);
        let mut evidence = double_proposal();
        if let Pair::Proposals(first, second) = &mut evidence.0 {
            spoil(if which == "first" {
                &mut first.signature
            } else {
                &mut second.signature
            });
        }
        assert_eq!(evidence.check(&CHAIN, &key().public()), refused);
    }
}

#[test]
fn a_vote_is_never_read_as_a_proposal() {
    let mut bytes = to_vec(&double_vote());
    for kind in [0, 2, 3] {
        bytes[1] = kind;
        assert!(from_slice::<Evidence>(&bytes, MAX).is_err(), "{kind}");
    }
}

#[test]
fn truncated_and_trailing_bytes_are_refused() {
    for evidence in [double_vote(), double_proposal()] {
        let bytes = to_vec(&evidence);
        for len in 0..bytes.len() {
            assert!(from_slice::<Evidence>(&bytes[..len], MAX).is_err(), "{len}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(
            from_slice::<Evidence>(&longer, MAX),
            Err(CodecError::TrailingBytes { count: 1 })
        );
        assert!(from_slice::<Evidence>(&bytes, bytes.len() - 1).is_err());
    }
}

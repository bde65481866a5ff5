use arc_malachitebft_app_channel::app::types::PeerId;
use arc_malachitebft_app_channel::app::types::core::{
    ExtendedCommitSignature, NilOrVal, PolkaSignature, RoundCertificate, RoundCertificateType, RoundSignature,
    SignedMessage, VoteType,
};
use arc_malachitebft_sync::{Request, Status, ValueRequest, ValueResponse};
use concord_spec::digest::Digest;

use super::super::context::{Proposal, Vote};
use super::super::value::SealShare;
use super::*;

fn region(code: &str) -> RegionAddress {
    RegionAddress(code.parse().unwrap())
}

fn hash() -> Digest {
    Digest([7; 32])
}

fn signature(byte: u8) -> VoteSignature {
    VoteSignature([byte; 64])
}

fn precommit(extended: bool) -> SignedMessage<ConcordContext, Vote> {
    let extension = extended.then(|| SignedMessage::new(SealShare([9; 48]), signature(8)));
    let vote = Vote {
        height: Height(300),
        round: Round::new(2),
        kind: VoteType::Precommit,
        value: NilOrVal::Val(hash()),
        voter: region("330000"),
        extension,
    };
    SignedMessage::new(vote, signature(1))
}

fn commit() -> ExtendedCommitCertificate<ConcordContext> {
    let extension = SignedMessage::new(SealShare([9; 48]), signature(8));
    ExtendedCommitCertificate {
        height: Height(300),
        round: Round::new(0),
        value_id: hash(),
        commit_signatures: vec![
            ExtendedCommitSignature::new(region("110000"), signature(1), Some(extension)),
            ExtendedCommitSignature::new(region("330000"), signature(2), None),
        ],
    }
}

fn polka() -> PolkaCertificate<ConcordContext> {
    PolkaCertificate {
        height: Height(3),
        round: Round::new(1),
        value_id: hash(),
        polka_signatures: vec![PolkaSignature::new(region("110000"), signature(1))],
    }
}

fn skip() -> RoundCertificate<ConcordContext> {
    let nil = RoundSignature::new(VoteType::Prevote, NilOrVal::Nil, region("110000"), signature(1));
    let val = RoundSignature::new(
        VoteType::Precommit,
        NilOrVal::Val(hash()),
        region("330000"),
        signature(1),
    );
    RoundCertificate {
        height: Height(3),
        round: Round::new(1),
        cert_type: RoundCertificateType::Skip,
        round_signatures: vec![nil, val],
    }
}

fn response(bodies: &[usize]) -> Response<ConcordContext> {
    let values = bodies
        .iter()
        .map(|len| RawDecidedValue::new(vec![5; *len].into(), commit()))
        .collect();
    Response::ValueResponse(ValueResponse::new(Height(300), values))
}

/// Encodes and decodes; then refuses every truncation, a byte more, and whatever a changed byte turns into unless that
/// is another message in its own one encoding.
fn has_one_encoding<T: Message + PartialEq + std::fmt::Debug>(message: &T) {
    let bytes = message.to_bytes();
    assert!(bytes.len() <= T::MAX);
    assert_eq!(&T::from_bytes(&bytes).unwrap(), message);
    for end in 0..bytes.len() {
        T::from_bytes(&bytes[..end]).unwrap_err();
    }
    T::from_bytes(&[&bytes[..], &[0]].concat()).unwrap_err();
    for at in 0..bytes.len() {
        for value in [0, bytes[at] ^ 1, bytes[at] ^ 0x80, 0xff, 0x1b, 0x9b, 0x5f] {
            let mut changed = bytes.to_vec();
            changed[at] = value;
            if let Ok(other) = T::from_bytes(&changed) {
                assert_eq!(other.to_bytes(), changed);
            }
        }
    }
}

#[test]
fn every_message_has_one_encoding() {
    let proposal = Proposal {
        height: Height(1),
        round: Round::new(0),
        value: BlockValue(hash()),
        pol_round: Round::Nil,
        proposer: region("440000"),
    };
    has_one_encoding(&SignedConsensusMsg::<ConcordContext>::Vote(precommit(false)));
    has_one_encoding(&SignedConsensusMsg::<ConcordContext>::Proposal(SignedMessage::new(
        proposal,
        signature(3),
    )));
    has_one_encoding(&LivenessMsg::<ConcordContext>::Vote(precommit(true)));
    has_one_encoding(&LivenessMsg::PolkaCertificate(polka()));
    has_one_encoding(&LivenessMsg::SkipRoundCertificate(skip()));
    has_one_encoding(&polka());
    has_one_encoding(&commit());
    has_one_encoding(&Request::<ConcordContext>::ValueRequest(ValueRequest::new(
        Height(1)..=Height(5),
    )));
    has_one_encoding(&response(&[0, 1, 30]));
    has_one_encoding(&Status::<ConcordContext> {
        peer_id: PeerId::from_bytes(&[[0, 36].as_slice(), [8; 36].as_slice()].concat()).unwrap(),
        tip_height: Height(500),
        history_min_height: Height(1),
    });
    has_one_encoding(&ProposedValue::<ConcordContext> {
        height: Height(4),
        round: Round::new(1),
        valid_round: Round::Nil,
        proposer: region("440000"),
        value: BlockValue(hash()),
        validity: Validity::Valid,
    });
    has_one_encoding(&ValidatorProof::<ConcordContext>::new(
        vec![1; 32],
        vec![2; 38],
        signature(4),
    ));
}

#[test]
fn every_part_has_one_encoding() {
    let id = StreamId::new(Bytes::from_static(b"stream"));
    let init = PartInit {
        height: Height(9),
        round: Round::new(1),
        valid_round: Round::new(0),
        proposer: region("a").0,
        sender: region("b").0,
    };
    for part in [
        ProposalPart::Init(init),
        ProposalPart::Data(Bytes::from_static(&[3; 40])),
        ProposalPart::Fin(signature(6)),
    ] {
        has_one_encoding(&part);
        has_one_encoding(&StreamMessage::new(id.clone(), 3, StreamContent::Data(part)));
    }
    has_one_encoding(&StreamMessage::new(id, 3, StreamContent::Fin));
}

#[test]
fn a_vote_keeps_its_extension_on_the_way() {
    let sent = SignedConsensusMsg::<ConcordContext>::Vote(precommit(true));
    let SignedConsensusMsg::Vote(got) = SignedConsensusMsg::from_bytes(&sent.to_bytes()).unwrap() else {
        panic!("a vote")
    };
    // Votes compare without their extensions, so compare those.
    assert_eq!(got.message.extension, precommit(true).message.extension);
    assert_eq!(precommit(true), precommit(false));
}

#[test]
fn what_exceeds_its_bound_is_refused() {
    let chunk = ProposalPart::Data(vec![0; MAX_CHUNK].into());
    assert_eq!(ProposalPart::from_bytes(&chunk.to_bytes()).unwrap(), chunk);
    let longer = ProposalPart::Data(vec![0; MAX_CHUNK + 1].into());
    assert!(matches!(
        ProposalPart::from_bytes(&longer.to_bytes()),
        Err(CodecError::OverBound { .. })
    ));
    let empty = ProposalPart::Data(Bytes::new());
    assert!(matches!(
        ProposalPart::from_bytes(&empty.to_bytes()),
        Err(CodecError::Invalid { .. })
    ));

    let mut crowd = commit();
    let one = crowd.commit_signatures[1].clone();
    crowd.commit_signatures = vec![one; MAX_REGIONS];
    ExtendedCommitCertificate::from_bytes(&crowd.to_bytes()).unwrap();
    crowd.commit_signatures.push(crowd.commit_signatures[0].clone());
    assert!(matches!(
        ExtendedCommitCertificate::from_bytes(&crowd.to_bytes()),
        Err(CodecError::OverBound { .. })
    ));

    let values = vec![0; MAX_RESPONSE_VALUES + 1];
    assert!(matches!(
        Response::from_bytes(&response(&values).to_bytes()),
        Err(CodecError::OverBound { .. })
    ));
}

#[test]
fn the_largest_certificate_of_extensions_fits_its_bound() {
    let mut largest = commit();
    let mut one = largest.commit_signatures[0].clone();
    one.address = region("abcdefghijkl");
    largest.commit_signatures = vec![one; MAX_REGIONS];
    largest.height = Height(u64::MAX);
    assert!(largest.to_bytes().len() <= MAX_CERTIFICATE);
}

#[test]
fn the_length_of_a_response_is_counted_right_without_encoding_bodies() {
    for bodies in [&[][..], &[0], &[23, 24, 255, 256], &[65_535, 65_536, 3]] {
        let message = response(bodies);
        assert_eq!(ConcordCodec.encoded_len(&message).unwrap(), message.to_bytes().len());
    }
}

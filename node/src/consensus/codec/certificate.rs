//! Certificates of votes: polka, round and commit.

use arc_malachitebft_app_channel::app::types::core::{
    ExtendedCommitSignature, PolkaSignature, RoundCertificate, RoundCertificateType, RoundSignature,
};

use super::vote::{
    kind_of, read_extension, read_target, read_vote, read_vote_kind, write_extension, write_target, write_vote,
};
use super::*;

impl Message for LivenessMsg<ConcordContext> {
    const MAX: usize = MAX_LIVENESS_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(VERSION);
        match self {
            Self::Vote(vote) => {
                w.uint(0);
                write_vote(w, vote);
            }
            Self::PolkaCertificate(certificate) => {
                w.uint(1);
                write_polka(w, certificate);
            }
            Self::SkipRoundCertificate(certificate) => {
                w.uint(2);
                write_round_certificate(w, certificate);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        let what = "liveness message";
        match read_kind(r, 3, what)? {
            0 => read_vote(r).map(Self::Vote),
            1 => read_polka(r).map(Self::PolkaCertificate),
            2 => read_round_certificate(r).map(Self::SkipRoundCertificate),
            kind => Err(unknown_kind(what, kind)),
        }
    }
}

impl Message for PolkaCertificate<ConcordContext> {
    const MAX: usize = MAX_LIVENESS_MESSAGE;

    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(VERSION);
        write_polka(w, self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(2, VERSION, "polka certificate")?;
        read_polka(r)
    }
}

impl Message for ExtendedCommitCertificate<ConcordContext> {
    const MAX: usize = MAX_CERTIFICATE;

    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(VERSION);
        write_commit(w, self);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(2, VERSION, "commit certificate")?;
        read_commit(r)
    }
}

/// `[height, round, block hash, [[region, signature], ..]]`.
fn write_polka(w: &mut Writer, certificate: &PolkaCertificate<ConcordContext>) {
    w.array(4);
    w.uint(certificate.height.0);
    write_round(w, certificate.round);
    w.wire(&certificate.value_id);
    w.array(certificate.polka_signatures.len());
    for vote in &certificate.polka_signatures {
        w.array(2);
        w.wire(&vote.address.0);
        w.bytes(&vote.signature.0);
    }
}

fn read_polka(r: &mut Reader<'_>) -> Result<PolkaCertificate<ConcordContext>, CodecError> {
    r.array(4)?;
    Ok(PolkaCertificate {
        height: read_height(r)?,
        round: read_round(r)?,
        value_id: r.wire()?,
        polka_signatures: read_items(r, MAX_REGIONS, |r| {
            r.array(2)?;
            Ok(PolkaSignature::new(read_address(r)?, read_signature(r)?))
        })?,
    })
}

/// `[height, round, 0 skip or 1 precommit, [[kind, block hash or null, region, signature], ..]]`.
fn write_round_certificate(w: &mut Writer, certificate: &RoundCertificate<ConcordContext>) {
    w.array(4);
    w.uint(certificate.height.0);
    write_round(w, certificate.round);
    w.uint(match certificate.cert_type {
        RoundCertificateType::Skip => 0,
        RoundCertificateType::Precommit => 1,
    });
    w.array(certificate.round_signatures.len());
    for vote in &certificate.round_signatures {
        w.array(4);
        w.uint(kind_of(vote.vote_type));
        write_target(w, &vote.value_id);
        w.wire(&vote.address.0);
        w.bytes(&vote.signature.0);
    }
}

fn read_round_certificate(r: &mut Reader<'_>) -> Result<RoundCertificate<ConcordContext>, CodecError> {
    r.array(4)?;
    Ok(RoundCertificate {
        height: read_height(r)?,
        round: read_round(r)?,
        cert_type: match r.uint()? {
            0 => RoundCertificateType::Skip,
            1 => RoundCertificateType::Precommit,
            kind => return Err(unknown_kind("round certificate", kind)),
        },
        round_signatures: read_items(r, 2 * MAX_REGIONS, |r| {
            r.array(4)?;
            Ok(RoundSignature::new(
                read_vote_kind(r)?,
                read_target(r)?,
                read_address(r)?,
                read_signature(r)?,
            ))
        })?,
    })
}

/// `[height, round, block hash, [[region, signature, extension or null], ..]]`.
pub(super) fn write_commit(w: &mut Writer, certificate: &ExtendedCommitCertificate<ConcordContext>) {
    w.array(4);
    w.uint(certificate.height.0);
    write_round(w, certificate.round);
    w.wire(&certificate.value_id);
    w.array(certificate.commit_signatures.len());
    for vote in &certificate.commit_signatures {
        w.array(3);
        w.wire(&vote.address.0);
        w.bytes(&vote.signature.0);
        write_extension(w, vote.extension.as_ref());
    }
}

pub(super) fn read_commit(r: &mut Reader<'_>) -> Result<ExtendedCommitCertificate<ConcordContext>, CodecError> {
    r.array(4)?;
    Ok(ExtendedCommitCertificate {
        height: read_height(r)?,
        round: read_round(r)?,
        value_id: r.wire()?,
        commit_signatures: read_items(r, MAX_REGIONS, |r| {
            r.array(3)?;
            Ok(ExtendedCommitSignature::new(
                read_address(r)?,
                read_signature(r)?,
                read_extension(r)?,
            ))
        })?,
    })
}

/// An array of at most `max` items. Memory grows with what is there, not with what the length claims.
pub(super) fn read_items<T>(
    r: &mut Reader<'_>,
    max: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let len = r.array_len(max)?;
    let mut items = Vec::new();
    for _ in 0..len {
        items.push(read(r)?);
    }
    Ok(items)
}

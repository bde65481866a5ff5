//! How large the certificates of a type can become, and the codes they are printed as (DESIGN 4.8): every bound of its
//! definition at its most. The key of a holder, which few have, adds 35 bytes.

use super::definition::{Claim, ClaimKind, TypeDefinition};
use super::row::HolderCodeType;
use crate::render::{Code, CodeKind, code_text};
use concord_spec::block::IssueEssence;
use concord_spec::catalogue::TypeRef;
use concord_spec::certificate::Certificate;
use concord_spec::content::{ClaimValue, Content, Holder, Named, Provenance, Role, Validity};
use concord_spec::credential::{Credential, Issuer, Salts, SignedCredential};
use concord_spec::day::Day;
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Height, Number, SeriesId, TypeId, TypeVersion, UnixMillis};
use concord_spec::key::{SealSignature, SecretKey};
use concord_spec::receipt::{HashPath, Receipt};
use concord_spec::seal::Seal;

/// Most bytes of a certificate that gets a full code: a telephone still reads it from paper.
pub const MAX_FULL_CODE: usize = 1_000;
/// Batches for which sizes are told, with so many records in their block.
pub const BATCHES: [(u64, u64); 2] = [(16, 1), (64, 16)];
/// Codes of GB 11643 and GB 32100 have 18 characters, whatever the bound.
const CHECKED_CODE: usize = 18;

/// The most that a certificate and its code take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Credentials in the batch.
    pub batch: u64,
    /// Records in the block.
    pub records: u64,
    /// Bytes of the credential.
    pub credential: usize,
    /// Bytes of the certificate.
    pub certificate: usize,
    /// Version of its code; none when no code holds it.
    pub code_version: Option<usize>,
}

impl Size {
    /// Whether certificates of this type get a full code in such batches.
    #[must_use]
    pub fn gets_full_code(&self) -> bool {
        self.certificate <= MAX_FULL_CODE && self.code_version.is_some()
    }
}

/// The most that certificates of a type take up, issued by `issuer` under the name `id` in a federation of `regions`. Heights and
/// numbers are taken to be of at most 32 bits.
#[must_use]
pub fn worst_case(definition: &TypeDefinition, id: TypeId, issuer: &Issuer, regions: usize) -> [Size; 2] {
    let credential = credential(definition, id, issuer.clone());
    // What it says has a size; who signs has none.
    let selective = definition.claims().iter().filter(|claim| claim.selective);
    let salts: Salts = selective.map(|claim| (claim.key, [0; 16])).collect();
    let credential = SignedCredential::sign_selective(credential, &salts, &SecretKey::from_seed([0; 32]));
    BATCHES.map(|(batch, records)| {
        let certificate = Certificate {
            credential: credential.clone(),
            batch_path: path(batch),
            receipt: receipt(batch, records, regions),
        };
        let bytes = certificate.to_bytes();
        let code = Code::draw(&code_text(CodeKind::Certificate, &bytes));
        Size {
            batch,
            records,
            credential: credential.bytes().len(),
            certificate: bytes.len(),
            code_version: code.ok().map(|code| code.version()),
        }
    })
}

/// The last day that a sheet may name.
const LAST_DAY: Day = Day::constant(2999, 12, 31);

fn text(bytes: usize) -> String {
    "X".repeat(bytes)
}

fn credential(definition: &TypeDefinition, id: TypeId, issuer: Issuer) -> Credential {
    let bounds = definition.bounds();
    let (day, office) = (LAST_DAY, issuer.office.code.to_string());
    let content = Content {
        salt: [0; 16],
        printed_number: text(bounds.printed_number),
        identifier: (bounds.identifier > 0).then(|| text(bounds.identifier)),
        issued_by: Named {
            name: text(bounds.office_name),
            code: office,
        },
        on_behalf_of: None,
        holders: vec![holder(definition)],
        issued_on: day,
        valid_from: day,
        validity: Validity::Until(day),
        provenance: Provenance::Native,
        predecessor: None,
        copy: None,
        territory: None,
        languages: Vec::new(),
        attachments: Vec::new(),
        own: definition
            .claims()
            .iter()
            .map(|claim| (claim.key, widest(claim)))
            .collect(),
        selective: Vec::new(),
    };
    Credential {
        issuer,
        issued_at: u64::from(u32::MAX),
        not_before: day.begins_at(0),
        expires: Some(day.ends_at(0)),
        id: CredentialId {
            series: SeriesId(u32::MAX),
            number: Number(u64::from(u32::MAX)),
        },
        vct: TypeRef {
            id,
            version: TypeVersion(definition.version()),
        },
        holder_key: None,
        content,
    }
}

/// A holder whose texts are at their longest.
fn holder(definition: &TypeDefinition) -> Holder {
    let bounds = definition.bounds();
    let code_types = definition.holder_codes();
    let code_type = code_types
        .iter()
        .map(|kind| kind.registered())
        .max_by_key(|word| word.len());
    let checked = |kind: &HolderCodeType| matches!(kind, HolderCodeType::ResidentId | HolderCodeType::SocialCredit);
    let code = if code_types.iter().all(checked) {
        bounds.holder_code.min(CHECKED_CODE)
    } else {
        bounds.holder_code
    };
    Holder {
        role: Role::Holder,
        name: text(bounds.holder_name),
        latin_name: (bounds.holder_latin_name > 0).then(|| text(bounds.holder_latin_name)),
        code_type: code_type.map(str::to_owned),
        code: Some(text(code)),
        key: None,
    }
}

/// The value of a claim that takes up the most.
fn widest(claim: &Claim) -> ClaimValue {
    match &claim.kind {
        ClaimKind::Text { max_bytes } => ClaimValue::Text(text(*max_bytes)),
        ClaimKind::Date => ClaimValue::Day(LAST_DAY),
        ClaimKind::Code(codes) => {
            let longest = codes.keys().max_by_key(|code| code.len());
            ClaimValue::Text(longest.cloned().unwrap_or_default())
        }
        ClaimKind::Integer { min, max } => {
            // CBOR writes -1 - n as n.
            let width = |number: i64| if number < 0 { !number } else { number };
            ClaimValue::Integer(if width(*min) > width(*max) { *min } else { *max })
        }
    }
}

/// A path in a tree of so many leaves, at its longest.
fn path(leaves: u64) -> HashPath {
    let depth = u64::BITS.saturating_sub(leaves.saturating_sub(1).leading_zeros());
    HashPath((0..depth).map(|_| Digest([0; 32])).collect())
}

fn receipt(batch: u64, records: u64, regions: usize) -> Receipt {
    Receipt {
        essence: IssueEssence {
            series: SeriesId(u32::MAX),
            first: Number(u64::from(u32::MAX)),
            count: batch,
        },
        index: records.saturating_sub(1),
        records,
        path: path(records),
        height: Height(u64::from(u32::MAX)),
        time: UnixMillis(1 << 41),
        rest: Digest([0; 32]),
        seal: Seal {
            round: u32::MAX,
            signers: vec![0; regions.div_ceil(8)],
            signature: SealSignature([0; 48]),
        },
    }
}

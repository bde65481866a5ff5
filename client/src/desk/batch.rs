//! Batches: credentials with consecutive numbers under one root (DESIGN 4.4).

use concord_spec::catalogue::TypeRef;
use concord_spec::certificate::Certificate;
use concord_spec::content::{Content, Validity};
use concord_spec::credential::{Credential, Issuer, SignedCredential};
use concord_spec::digest::Digest;
use concord_spec::id::{CredentialId, Number, SeriesId};
use concord_spec::key::SecretKey;
use concord_spec::merkle::Tree;
use concord_spec::receipt::{HashPath, Receipt, ReceiptError};
use concord_spec::record::{Issue, SignedRecord};
use concord_spec::seal::RegionSet;
use rand::RngCore;
use rand::rngs::OsRng;

/// What all credentials of a series have in common.
#[derive(Debug, Clone)]
pub struct SeriesDesk {
    /// Who issues.
    pub issuer: Issuer,
    /// The series.
    pub series: SeriesId,
    /// Type and version of its credentials.
    pub of: TypeRef,
    /// Minutes by which the office's clocks are ahead of UTC.
    pub utc_offset_minutes: i16,
    /// The series' key.
    pub key: SecretKey,
}

impl SeriesDesk {
    /// Signs one credential with a fresh salt. `issued_at` is in Unix seconds and must not be later than the block's time.
    #[must_use]
    pub fn credential(&self, number: Number, issued_at: u64, mut content: Content) -> SignedCredential {
        OsRng.fill_bytes(&mut content.salt);
        let expires = match content.validity {
            Validity::Until(day) => Some(day.ends_at(self.utc_offset_minutes)),
            Validity::NoEnd => None,
        };
        let credential = Credential {
            issuer: self.issuer.clone(),
            issued_at,
            not_before: content.valid_from.begins_at(self.utc_offset_minutes),
            expires,
            id: CredentialId {
                series: self.series,
                number,
            },
            vct: self.of.clone(),
            holder_key: None,
            content,
        };
        SignedCredential::sign(credential, &self.key)
    }

    /// Signs credentials with the numbers from `first` on; `None` when the numbers run out.
    #[must_use]
    pub fn batch(&self, first: Number, issued_at: u64, contents: Vec<Content>) -> Option<Batch> {
        let mut number = first;
        let mut credentials = Vec::with_capacity(contents.len());
        for content in contents {
            credentials.push(self.credential(number, issued_at, content));
            number = number.next()?;
        }
        Some(Batch::of(first, credentials))
    }
}

/// Credentials under one root.
#[derive(Debug, Clone)]
pub struct Batch {
    first: Number,
    credentials: Vec<SignedCredential>,
    tree: Tree,
}

impl Batch {
    /// The batch of these credentials, whose numbers follow one another from `first` on.
    #[must_use]
    pub fn of(first: Number, credentials: Vec<SignedCredential>) -> Self {
        let mut tree = Tree::new();
        credentials.iter().for_each(|credential| tree.push(credential.leaf()));
        Self {
            first,
            credentials,
            tree,
        }
    }

    /// Number of the first credential.
    #[must_use]
    pub fn first(&self) -> Number {
        self.first
    }

    /// The number after the last.
    #[must_use]
    pub fn end(&self) -> Number {
        Number(self.first.0.saturating_add(self.count()))
    }

    /// How many credentials.
    #[must_use]
    pub fn count(&self) -> u64 {
        u64::try_from(self.credentials.len()).unwrap_or(u64::MAX)
    }

    /// The credentials in order.
    #[must_use]
    pub fn credentials(&self) -> &[SignedCredential] {
        &self.credentials
    }

    /// Root of the batch's tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The issue that puts it on the ledger.
    #[must_use]
    pub fn issue(&self, series: SeriesId) -> Issue {
        Issue {
            series,
            first: self.first,
            count: self.count(),
            root: self.root(),
        }
    }

    /// Whether this record issues exactly these credentials.
    #[must_use]
    pub fn is_issued_by(&self, record: &SignedRecord) -> bool {
        let issue = record.payload().action.as_issue();
        issue.is_some_and(|issue| *issue == self.issue(issue.series))
    }

    /// Checks that the receipt proves this batch: its numbers, and a block that `regions` sealed.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self, receipt: &Receipt, chain_id: &Digest, regions: &RegionSet) -> Result<(), ReceiptError> {
        if receipt.essence.first != self.first || receipt.essence.count != self.count() {
            return Err(ReceiptError::Path("credential"));
        }
        receipt.verify(chain_id, &self.root(), regions)
    }

    /// The certificates, one a credential, in order.
    #[must_use]
    pub fn certificates(&self, receipt: &Receipt) -> Vec<Certificate> {
        let certificate = |(index, credential): (usize, &SignedCredential)| {
            Some(Certificate {
                credential: credential.clone(),
                batch_path: HashPath(self.tree.path(index)?),
                receipt: receipt.clone(),
            })
        };
        // Every credential is a leaf, so that none is left out.
        self.credentials.iter().enumerate().filter_map(certificate).collect()
    }
}

//! Batches: credentials with consecutive numbers under one root (DESIGN 4.4).

use super::content::Certified;
use concord_spec::catalogue::TypeRef;
use concord_spec::certificate::Certificate;
use concord_spec::content::Validity;
use concord_spec::credential::{Credential, Issuer, Salts, SignedCredential};
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
    /// Keys of the claims that holders may leave out: those that the type marks selective.
    pub selective: Vec<u64>,
    /// Minutes by which the office's clocks are ahead of UTC.
    pub utc_offset_minutes: i16,
    /// The series' key.
    pub key: SecretKey,
}

impl SeriesDesk {
    /// Signs one credential with fresh salts. `issued_at` is in Unix seconds and must not be later than the block's time.
    #[must_use]
    pub fn credential(&self, number: Number, issued_at: u64, certified: Certified) -> SignedCredential {
        let Certified {
            mut content,
            holder_key,
        } = certified;
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
            holder_key,
            content,
        };
        SignedCredential::sign_selective(credential, &self.salts(), &self.key)
    }

    /// Salts of one credential.
    fn salts(&self) -> Salts {
        let fresh = |key: &u64| {
            let mut salt = [0; 16];
            OsRng.fill_bytes(&mut salt);
            (*key, salt)
        };
        self.selective.iter().map(fresh).collect()
    }

    /// Signs credentials with the numbers from `first` on; `None` when the numbers run out.
    #[must_use]
    pub fn batch(&self, first: Number, issued_at: u64, rows: Vec<Certified>) -> Option<Batch> {
        let mut number = first;
        let mut credentials = Vec::with_capacity(rows.len());
        for row in rows {
            credentials.push(self.credential(number, issued_at, row));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::content::certified;
    use crate::desk::definition::TypeDefinition;
    use crate::desk::{content, sheet};
    use concord_spec::content::Named;
    use concord_spec::credential::Disclosure;
    use concord_spec::id::RegionId;

    const DEFINITION: &str = include_str!("../../samples/drivers-licence.type.toml");
    const SHEET: &str = include_str!("../../samples/drivers-licences.csv");

    /// The shipped sheet with the holder's key in a column of its own, and what its first two rows become.
    fn issued(holder: &SecretKey) -> (TypeDefinition, [SignedCredential; 2]) {
        let definition = TypeDefinition::parse(DEFINITION).unwrap();
        let key = holder.public().to_string();
        let lines = SHEET.lines().take(3).enumerate();
        let sheet: Vec<String> = lines
            .map(|(index, line)| format!("{line},{}", if index == 0 { "holder_key" } else { &key }))
            .collect();
        let rows = sheet::parse_sheet(sheet.join("\n").as_bytes(), &definition).unwrap();
        let region = RegionId::new("310000").unwrap();
        let mut of = content::in_region(&definition, &region).unwrap();
        of.claims.iter_mut().for_each(|claim| claim.selective = claim.key > 100);
        let issued_by = Named {
            name: "车辆管理所".to_owned(),
            code: "X".to_owned(),
        };
        let desk = SeriesDesk {
            issuer: "test/310000/X".parse().unwrap(),
            series: SeriesId(1),
            of: of.reference.clone(),
            selective: of
                .claims
                .iter()
                .filter(|claim| claim.selective)
                .map(|claim| claim.key)
                .collect(),
            utc_offset_minutes: 480,
            key: SecretKey::from_seed([3; 32]),
        };
        let number = |row: usize| Number(u64::try_from(row).unwrap());
        let sign = |row: usize| desk.credential(number(row), 0, certified(&rows[row], &issued_by, &of).unwrap());
        (definition, [sign(0), sign(1)])
    }

    #[test]
    fn a_sheet_names_the_holders_key_and_what_the_type_marks_can_be_left_out() {
        let holder = SecretKey::from_seed([4; 32]);
        let (definition, credentials) = issued(&holder);
        for credential in &credentials {
            assert_eq!(credential.credential().holder_key, Some(holder.public()));
            assert_eq!(credential.credential().content.own.keys().collect::<Vec<_>>(), [&100]);
            let kept = SignedCredential::from_bytes(credential.bytes()).unwrap();
            assert_eq!(kept.hidden(), 0);
            let required = definition
                .claims()
                .iter()
                .filter(|claim| claim.required && claim.key > 100);
            let shown: Vec<u64> = kept.disclosures().iter().map(Disclosure::key).collect();
            assert!(required.map(|claim| claim.key).all(|key| shown.contains(&key)));
            assert!(!shown.is_empty() && shown.iter().all(|key| *key > 100));
        }
    }

    #[test]
    fn no_salt_is_used_twice() {
        let (_, credentials) = issued(&SecretKey::from_seed([4; 32]));
        let digests = credentials
            .iter()
            .flat_map(|one| one.credential().content.selective.clone());
        let digests: Vec<Digest> = digests.collect();
        // The two rows have equal values among them, and each claim has its salt.
        let different: std::collections::BTreeSet<&Digest> = digests.iter().collect();
        assert_eq!(different.len(), digests.len());
    }
}

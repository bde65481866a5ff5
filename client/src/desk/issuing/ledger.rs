//! What issuing asks of the ledger: a node, or in tests the rules themselves.

use crate::transport::{Node, RecordAnswer, Submitted, TransportError};
use concord_spec::epochs::RegionHistory;
use concord_spec::id::{Number, SeriesId, UnixMillis};
use concord_spec::receipt::Receipt;
use concord_spec::record::{RecordId, SignedRecord};
use std::time::Duration;

/// The ledger as a desk needs it. Nothing it says about a receipt is believed without proof.
pub trait Ledger {
    /// Time of the last block.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn time(&self) -> Result<UnixMillis, TransportError>;

    /// The next number of a series.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn next_number(&self, series: SeriesId) -> Result<Number, TransportError>;

    /// Hands in records in order; one answer each.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn submit(&self, records: &[&SignedRecord]) -> Result<Vec<Submitted>, TransportError>;

    /// State of a record, after waiting up to `wait` while it is pending; `None` when it is not known.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn record(&self, id: &RecordId, wait: Duration) -> Result<Option<RecordAnswer>, TransportError>;

    /// Receipt of a recorded issue, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn receipt(&self, id: &RecordId) -> Result<Receipt, TransportError>;

    /// Every change of regions since the charter, not checked.
    ///
    /// # Errors
    /// See [`TransportError`].
    fn region_history(&self) -> Result<RegionHistory, TransportError>;

    /// Lets time pass after the ledger had no room.
    fn pause(&self, time: Duration);
}

impl Ledger for Node {
    fn time(&self) -> Result<UnixMillis, TransportError> {
        Ok(self.status()?.time_ms)
    }

    fn next_number(&self, series: SeriesId) -> Result<Number, TransportError> {
        let found = Self::series(self, series)?;
        let refused = || TransportError::Refused {
            status: 404,
            code: "UNKNOWN_SERIES".to_owned(),
            detail: format!("series {series} is not open"),
            retry_after: None,
        };
        found.map(|series| Number(series.next)).ok_or_else(refused)
    }

    fn submit(&self, records: &[&SignedRecord]) -> Result<Vec<Submitted>, TransportError> {
        self.submit_batch(records)
    }

    fn record(&self, id: &RecordId, wait: Duration) -> Result<Option<RecordAnswer>, TransportError> {
        Self::record(self, id, wait)
    }

    fn receipt(&self, id: &RecordId) -> Result<Receipt, TransportError> {
        Self::receipt(self, id)
    }

    fn region_history(&self) -> Result<RegionHistory, TransportError> {
        Self::region_history(self)
    }

    fn pause(&self, time: Duration) {
        // The node itself says for how long, in Retry-After.
        std::thread::sleep(time);
    }
}

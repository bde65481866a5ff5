//! The thread that writes the journal: everything that waits goes into one batch, with one sync.

use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::entry::{Entry, entries};
use super::{Index, JournalError, lock};
use crate::segments::{Segments, SegmentsError};

/// A batch takes no more commands at so many bytes; with the largest command it stays under a frame's 16 MiB.
const BATCH_BYTES: usize = 4 << 20;
/// Entries that can wait are written at so many bytes, if nothing else is.
const LATER_BYTES: usize = 64 << 10;

pub(super) enum Command {
    /// Entries that someone waits for.
    Now {
        bytes: Vec<u8>,
        written: Vec<([u8; 32], u64)>,
        reply: oneshot::Sender<Result<(), JournalError>>,
    },
    /// Entries that cost only work if they are lost.
    Later { bytes: Vec<u8> },
}

struct Writer {
    store: Arc<Segments>,
    index: Arc<Mutex<Index>>,
    segment_bytes: u64,
    batch: Vec<u8>,
    written: Vec<([u8; 32], u64)>,
    replies: Vec<oneshot::Sender<Result<(), JournalError>>>,
}

/// Starts the thread; it ends when the sender of `inbox` is dropped.
pub(super) fn start(
    store: Arc<Segments>,
    index: Arc<Mutex<Index>>,
    segment_bytes: u64,
    inbox: mpsc::Receiver<Command>,
) -> std::io::Result<JoinHandle<()>> {
    let writer = Writer {
        store,
        index,
        segment_bytes,
        batch: Vec::new(),
        written: Vec::new(),
        replies: Vec::new(),
    };
    std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run(&inbox))
}

impl Writer {
    fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        while let Ok(command) = inbox.recv() {
            self.take(command);
            while self.batch.len() < BATCH_BYTES {
                let Ok(command) = inbox.try_recv() else { break };
                self.take(command);
            }
            if !self.replies.is_empty() || self.batch.len() >= LATER_BYTES {
                self.write_and_answer();
            }
        }
        if !self.batch.is_empty() {
            self.write_and_answer();
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Now { bytes, written, reply } => {
                self.batch.extend_from_slice(&bytes);
                self.written.extend(written);
                self.replies.push(reply);
            }
            Command::Later { bytes } => self.batch.extend_from_slice(&bytes),
        }
    }

    fn write_and_answer(&mut self) {
        let result = self.write().and_then(|()| self.compact()).map_err(|e| {
            tracing::error!("the pool's journal: {e}");
            JournalError::Segments(Arc::new(e))
        });
        for reply in self.replies.drain(..) {
            // Whoever asked may have gone: then nobody is told, and nothing is lost.
            let _ = reply.send(result.clone());
        }
    }

    fn write(&mut self) -> Result<(), SegmentsError> {
        let number = self.store.next();
        let written = std::mem::take(&mut self.written);
        let batch = std::mem::take(&mut self.batch);
        self.store.append_synced(number, &[&batch])?;
        let mut index = lock(&self.index);
        for (id, sequence) in written {
            if let Some(living) = index.living.get_mut(&id).filter(|l| l.sequence == sequence) {
                living.batch = Some(number);
            }
        }
        Ok(())
    }

    /// Moves the living entries of the oldest segments to the end, while the files are too large for what lives.
    fn compact(&mut self) -> Result<(), SegmentsError> {
        loop {
            let living = lock(&self.index).bytes;
            let most = living.saturating_add(self.segment_bytes).saturating_mul(2);
            let starts = self.store.segment_starts();
            let [oldest, next, ..] = starts.as_slice() else {
                return Ok(());
            };
            if self.store.bytes() <= most {
                return Ok(());
            }
            let (oldest, next) = (*oldest, *next);
            for number in oldest..next {
                let Some(payload) = self.store.read(number)? else {
                    continue;
                };
                // Only batches of this software are here: they parsed when the journal was opened, or we wrote them.
                for entry in entries(&payload).unwrap_or_default() {
                    self.keep(entry, number);
                }
                if self.batch.len() >= BATCH_BYTES {
                    self.write()?;
                }
            }
            if !self.batch.is_empty() {
                self.write()?;
            }
            self.store.drop_segments_below(next)?;
        }
    }

    fn keep(&mut self, entry: Entry<'_>, number: u64) {
        let (id, sequence) = match entry {
            Entry::Admitted { id, sequence, .. } | Entry::Refused { id, sequence, .. } => (id, sequence),
            Entry::Included { .. } => return,
        };
        if lock(&self.index).is_at(&id, sequence, number) {
            entry.write(&mut self.batch);
            self.written.push((id, sequence));
        }
    }
}

//! Where blocks come from: a node, or a copy of its log; read ahead, in order, in windows of bounded size.

use super::log::{Log, Next};
use super::{AuditError, Difference, End};
use crate::transport::Node;
use concord_spec::block::MAX_BLOCK;
use concord_spec::codec::{self, CodecError, Reader, Wire, Writer};
use concord_spec::id::Height;
use concord_spec::seal::Seal;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A window ends with the block that reaches so many bytes, or so many blocks.
const WINDOW_BYTES: usize = 4 << 20;
const WINDOW_BLOCKS: usize = 128;
/// Requests to a node at a time, and answers that wait for each.
const REQUESTS: u64 = 6;
const ANSWERS: usize = 2;
/// Most bytes of a commit certificate in a log's entry, which says nothing that the seal does not.
const MAX_CERTIFICATE: usize = 256 << 10;
const MAX_SEAL: usize = 1_024;
const MAX_ENTRY: usize = MAX_BLOCK + MAX_CERTIFICATE + (64 << 10);

/// Where the blocks are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node's HTTP interface.
    Node(Node),
    /// A copy of a node's data directory, or of the log in it.
    Log(PathBuf),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(node) => f.write_str(node.base()),
            Self::Log(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A block and its seal as they were found.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) height: Height,
    form: Form,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// `[1, block, seal, certificate]` (spec/text/log.md, 3).
    Entry,
    /// `[block, seal]`.
    Answer,
}

/// A block's bytes and its seal.
pub(super) struct Sealed {
    pub(super) block: Vec<u8>,
    pub(super) seal: Seal,
}

struct Entry(Sealed, Vec<u8>);

impl Wire for Entry {
    fn encode(&self, w: &mut Writer) {
        w.array(4);
        w.uint(1);
        w.bytes(&self.0.block);
        w.wire(&self.0.seal);
        w.bytes(&self.1);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, 1, "log entry")?;
        let block = r.bytes(MAX_BLOCK)?.to_vec();
        let seal = r.wire()?;
        Ok(Self(Sealed { block, seal }, r.bytes(MAX_CERTIFICATE)?.to_vec()))
    }
}

struct Answer(Sealed);

impl Wire for Answer {
    fn encode(&self, w: &mut Writer) {
        w.array(2);
        w.bytes(&self.0.block);
        w.bytes(&codec::to_vec(&self.0.seal));
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.array(2)?;
        let block = r.bytes(MAX_BLOCK)?.to_vec();
        let seal = codec::from_slice(r.bytes(MAX_SEAL)?, MAX_SEAL)?;
        Ok(Self(Sealed { block, seal }))
    }
}

impl Raw {
    /// The block's bytes, and its seal.
    pub(super) fn open(&self) -> Result<Sealed, CodecError> {
        match self.form {
            Form::Entry => codec::from_slice(&self.bytes, MAX_ENTRY).map(|Entry(sealed, _)| sealed),
            Form::Answer => codec::from_slice(&self.bytes, MAX_ENTRY).map(|Answer(sealed)| sealed),
        }
    }
}

/// Why no more blocks come.
#[derive(Debug)]
pub(super) enum Last {
    End(End),
    Difference(Box<Difference>),
    Failed(AuditError),
}

/// Blocks one after the other; the last window says why it is the last.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) blocks: Vec<Raw>,
    pub(super) last: Option<Last>,
}

/// Reads from a height on, up to `to`, ahead of whoever takes the windows.
pub(super) fn read(source: &Source, from: Height, to: Option<Height>) -> Result<Receiver<Window>, AuditError> {
    let mut blocks: Box<dyn Blocks> = match source {
        Source::Log(dir) => Box::new(Log::open(dir, from.0)?),
        Source::Node(node) => Box::new(Fetched::start(node, from, to)?),
    };
    // One waits while the next is read.
    let (sender, windows) = sync_channel(1);
    thread::spawn(move || {
        let mut next = from;
        loop {
            let window = collect(blocks.as_mut(), &mut next, to);
            let over = window.last.is_some();
            // Nobody listens any more when the audit has ended.
            if sender.send(window).is_err() || over {
                return;
            }
        }
    });
    Ok(windows)
}

/// Blocks in order.
trait Blocks: Send {
    fn next(&mut self, height: Height) -> Result<Raw, Last>;
}

fn collect(blocks: &mut dyn Blocks, next: &mut Height, to: Option<Height>) -> Window {
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    while bytes < WINDOW_BYTES && found.len() < WINDOW_BLOCKS {
        let taken = match to {
            Some(to) if *next > to => Err(Last::End(End::Asked)),
            Some(_) | None => blocks.next(*next),
        };
        match taken {
            Ok(raw) => {
                bytes = bytes.saturating_add(raw.bytes.len());
                found.push(raw);
                *next = Height(next.0.saturating_add(1));
            }
            Err(last) => {
                return Window {
                    blocks: found,
                    last: Some(last),
                };
            }
        }
    }
    Window {
        blocks: found,
        last: None,
    }
}

impl Blocks for Log {
    fn next(&mut self, height: Height) -> Result<Raw, Last> {
        match self.step().map_err(Last::Failed)? {
            Next::Entry(number, bytes) => {
                debug_assert_eq!(number, height.0, "entries come in order");
                Ok(Raw {
                    height,
                    form: Form::Entry,
                    bytes,
                })
            }
            Next::End { torn: 0 } => Err(Last::End(End::LogEnds)),
            Next::End { torn } => Err(Last::End(End::TornTail { bytes: torn })),
            Next::Damaged(damage) => Err(Last::Difference(Box::new(Difference::of_log(damage)))),
        }
    }
}

/// Blocks of a node, several requests at a time: the i-th thread asks for every [`REQUESTS`]-th height from the i-th on.
struct Fetched {
    answers: Vec<Receiver<Result<Option<Vec<u8>>, AuditError>>>,
    from: Height,
    /// What the node says is its last block.
    told: Height,
}

impl Fetched {
    fn start(node: &Node, from: Height, to: Option<Height>) -> Result<Self, AuditError> {
        let told = node.status()?.height;
        let last = to.map_or(u64::MAX, |to| to.0);
        let answers = (0..REQUESTS).map(|index| {
            let (sender, answers) = sync_channel(ANSWERS);
            let (node, first) = (node.clone(), from.0.saturating_add(index));
            thread::spawn(move || fetch(&node, first, last, &sender));
            answers
        });
        Ok(Self {
            answers: answers.collect(),
            from,
            told,
        })
    }
}

/// Asks for every [`REQUESTS`]-th height until there is no such block, or nobody listens.
fn fetch(node: &Node, first: u64, last: u64, sender: &SyncSender<Result<Option<Vec<u8>>, AuditError>>) {
    let mut height = first;
    while height <= last {
        let answer = node.raw_block(Height(height)).map_err(AuditError::from);
        let over = !matches!(answer, Ok(Some(_)));
        if sender.send(answer).is_err() || over {
            return;
        }
        height = height.saturating_add(REQUESTS);
    }
}

impl Blocks for Fetched {
    fn next(&mut self, height: Height) -> Result<Raw, Last> {
        let index = height.0.saturating_sub(self.from.0) % REQUESTS;
        let answers = usize::try_from(index).ok().and_then(|index| self.answers.get(index));
        let answer = answers.and_then(|answers| answers.recv().ok());
        match answer.ok_or(Last::Failed(AuditError::Broken))?.map_err(Last::Failed)? {
            Some(bytes) => Ok(Raw {
                height,
                form: Form::Answer,
                bytes,
            }),
            None if height <= self.told => Err(Last::Difference(Box::new(Difference::missing(height, self.told)))),
            None => Err(Last::End(End::NodeTip)),
        }
    }
}

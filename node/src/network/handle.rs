//! What the rest of the node holds of the network: records out and in, bodies, who is connected, who was refused.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use libp2p::{
    Multiaddr, PeerId,
    gossipsub::{MessageAcceptance, MessageId},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    BodyAnswer, BodyError, Verdict,
    allow_list::{AllowList, ListedPeer, PeerRole},
    exchange::AnswerSlot,
    hello::{Hello, Refusal},
    swarm::{Command, Incoming},
    topics::MAX_RECORDS_MESSAGE,
};

/// A listed peer that is connected and keeps our chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// The peer.
    pub peer: PeerId,
    /// Its name on our allow-list.
    pub name: String,
    /// Why it is listed.
    pub role: PeerRole,
    /// The software it says it runs.
    pub software: String,
    /// The height that it last told, in its hello or its status.
    pub height: u64,
    /// Since when.
    pub since: SystemTime,
}

impl PeerStatus {
    pub(super) fn new(listed: &ListedPeer, hello: Hello) -> Self {
        Self {
            peer: listed.id,
            name: listed.name.clone(),
            role: listed.role,
            software: hello.software,
            height: hello.height,
            since: SystemTime::now(),
        }
    }
}

/// The network at a glance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkStatus {
    /// The addresses bound.
    pub listen_addresses: Vec<Multiaddr>,
    /// Peers connected, by the order in which they came.
    pub peers: Vec<PeerStatus>,
    /// Listed peers of another chain, one entry a peer; gone once it joins or leaves the list.
    pub refusals: Vec<Refusal>,
}

impl NetworkStatus {
    pub(super) fn joined(&mut self, status: PeerStatus) {
        self.refusals.retain(|refusal| refusal.peer != status.peer);
        if let Some(known) = self.peers.iter_mut().find(|peer| peer.peer == status.peer) {
            known.height = known.height.max(status.height);
        } else {
            self.peers.push(status);
        }
    }

    pub(super) fn left(&mut self, peer: &PeerId) {
        self.peers.retain(|status| status.peer != *peer);
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        self.refusals.retain(|known| known.peer != refusal.peer);
        self.refusals.push(refusal);
    }

    pub(super) fn refused_since(&self, peer: &PeerId, within: Duration) -> bool {
        self.refusals
            .iter()
            .any(|refusal| refusal.peer == *peer && refusal.at.elapsed().is_ok_and(|age| age < within))
    }

    pub(super) fn forget_unlisted(&mut self, list: &AllowList) {
        self.refusals.retain(|refusal| list.get(&refusal.peer).is_some());
    }

    pub(super) fn told_height(&mut self, peer: &PeerId, height: u64) -> bool {
        let known = self.peers.iter_mut().find(|status| status.peer == *peer);
        let Some(known) = known.filter(|known| known.height < height) else {
            return false;
        };
        known.height = height;
        true
    }
}

/// Records that a peer gossiped: they are forwarded to others only once they are judged.
#[derive(Debug)]
pub struct ReceivedRecords {
    /// The peer that handed them over, not always who published them.
    pub from: PeerId,
    /// 1 to 4,096 records, at most 1 MiB in all. Nothing about them is checked.
    pub records: Vec<Bytes>,
    id: MessageId,
    commander: mpsc::WeakSender<Command>,
}

impl ReceivedRecords {
    pub(super) fn new(incoming: Incoming, records: Vec<Bytes>, commander: mpsc::WeakSender<Command>) -> Self {
        Self {
            from: incoming.from,
            records,
            id: incoming.id,
            commander,
        }
    }

    /// Says what they are: `Accept` forwards them, `Ignore` and `Reject` do not. Dropping them without a word ignores them.
    pub async fn conclude(self, verdict: Verdict) {
        let acceptance = MessageAcceptance::from(verdict);
        let (id, from) = (self.id, self.from);
        send(&self.commander, Command::Conclude { id, from, acceptance }).await;
    }
}

/// A peer asks for the body of a block.
#[derive(Debug)]
pub struct BodyQuery {
    /// Who asks.
    pub from: PeerId,
    /// The body's hash.
    pub hash: [u8; 32],
    slot: AnswerSlot,
    commander: mpsc::WeakSender<Command>,
}

impl BodyQuery {
    pub(super) fn new(from: PeerId, hash: [u8; 32], slot: AnswerSlot, commander: mpsc::WeakSender<Command>) -> Self {
        Self {
            from,
            hash,
            slot,
            commander,
        }
    }

    /// Sends the body, or (`None`) that it is not here.
    pub async fn answer(self, body: Option<Bytes>) {
        let slot = self.slot;
        send(&self.commander, Command::AnswerBody { slot, body }).await;
    }
}

// A network that has stopped wants no more commands.
async fn send(commander: &mpsc::WeakSender<Command>, command: Command) {
    if let Some(commands) = commander.upgrade() {
        let _stopped = commands.send(command).await;
    }
}

impl From<Verdict> for MessageAcceptance {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Self::Accept,
            Verdict::Ignore => Self::Ignore,
            Verdict::Reject => Self::Reject,
        }
    }
}

/// The network has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network has stopped")]
pub struct Stopped;

/// The running network. Clones are handles of the same; it stops when `shutdown` is called or the last one is dropped.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) records: mpsc::Sender<Vec<Bytes>>,
    pub(super) status: Arc<watch::Sender<NetworkStatus>>,
    pub(super) own_height: Arc<watch::Sender<u64>>,
    pub(super) seen_height: Arc<watch::Sender<u64>>,
    pub(super) halted: Arc<watch::Sender<Option<String>>>,
    pub(super) peer: PeerId,
    pub(super) task: Arc<tokio::sync::Mutex<Option<JoinHandle<()>>>>,
}

impl NetworkHandle {
    /// Gossips records to all pools, several calls in one message where they come close together. Waits while the queue is full.
    /// A record longer than a message can be (1 MiB) is not sent.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn publish_records(&self, records: Vec<Bytes>) -> Result<(), Stopped> {
        self.records.send(records).await.map_err(|_| Stopped)
    }

    /// Asks a peer for the body with this hash: `None` when it does not have it. What comes back is at most
    /// 4 MiB and 64 KiB, and the caller must check that it has this hash.
    ///
    /// # Errors
    /// The peer is not connected, or it did not answer within 15 s, or not with an answer.
    pub async fn request_body(&self, hash: [u8; 32], from: PeerId) -> BodyAnswer {
        let (answer, body) = oneshot::channel();
        let to = from;
        let command = Command::Body { to, hash, answer };
        let sent = self.commands.send(command).await;
        sent.map_err(|_| BodyError::Stopped)?;
        body.await.map_err(|_| BodyError::Stopped)?
    }

    /// Puts another allow-list in force at once: peers no longer on it are disconnected, new ones dialled.
    ///
    /// # Errors
    /// The network has stopped.
    pub async fn update_peers(&self, list: AllowList) -> Result<(), Stopped> {
        let command = Command::Allow(Arc::new(list));
        self.commands.send(command).await.map_err(|_| Stopped)
    }

    /// Tells the height of the own log; it is said in hellos.
    pub fn set_height(&self, height: u64) {
        self.own_height.send_replace(height);
    }

    /// The greatest height that anybody is at, as far as we know: from peers' statuses, and from validly signed consensus messages
    /// (a vote for height h says that its signer is at h). Whoever holds back a block waits on this (DESIGN 5, heartbeats).
    #[must_use]
    pub fn seen_height(&self) -> watch::Receiver<u64> {
        self.seen_height.subscribe()
    }

    /// Why this node may publish no vote any more: the signing guard's explanation. The engine stops with it.
    #[must_use]
    pub fn halted(&self) -> Option<String> {
        self.halted.borrow().clone()
    }

    /// The network at a glance, and its changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<NetworkStatus> {
        self.status.subscribe()
    }

    /// Peers that are connected and keep our chain.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.status.borrow().peers.clone()
    }

    /// Listed peers of another chain.
    #[must_use]
    pub fn refusals(&self) -> Vec<Refusal> {
        self.status.borrow().refusals.clone()
    }

    /// The first address bound, with the port that the system chose if none was asked for.
    #[must_use]
    pub fn listen_addr(&self) -> Option<Multiaddr> {
        self.status.borrow().listen_addresses.first().cloned()
    }

    /// Our own peer id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// Closes every connection and waits until it is done.
    pub async fn shutdown(&self) {
        // An error says that it has stopped already.
        let _stopped = self.commands.send(Command::Shutdown).await;
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the network task ended badly");
        }
    }
}

/// How long records wait for company.
const LINGER: Duration = Duration::from_millis(5);

/// Packs records into messages of at most 1 MiB. One message costs about the same whether it carries one record or a thousand.
pub(super) async fn pack_records(mut records: mpsc::Receiver<Vec<Bytes>>, commander: mpsc::WeakSender<Command>) {
    while let Some(mut batch) = records.recv().await {
        tokio::time::sleep(LINGER).await;
        let mut bytes = size_of_all(&batch);
        while bytes < MAX_RECORDS_MESSAGE
            && let Ok(more) = records.try_recv()
        {
            bytes = bytes.saturating_add(size_of_all(&more));
            batch.extend(more);
        }
        let Some(commands) = commander.upgrade() else {
            return;
        };
        for body in messages(batch) {
            let topic = super::topics::Topic::Records;
            if commands.send(Command::Publish { topic, body }).await.is_err() {
                return;
            }
        }
    }
}

/// Bytes of a record in a message: its own and its length.
fn size_of(record: &Bytes) -> usize {
    record.len().saturating_add(5)
}

fn size_of_all(records: &[Bytes]) -> usize {
    records.iter().map(size_of).fold(0, usize::saturating_add)
}

fn messages(records: Vec<Bytes>) -> Vec<Bytes> {
    // The array's own head takes at most nine bytes.
    const ROOM: usize = MAX_RECORDS_MESSAGE - 9;
    let mut messages = Vec::new();
    let mut open: Vec<Bytes> = Vec::new();
    let mut bytes = 0_usize;
    for record in records {
        let size = size_of(&record);
        if size > ROOM {
            tracing::error!(bytes = record.len(), "record too long to gossip");
            continue;
        }
        if bytes.saturating_add(size) > ROOM || open.len() >= super::topics::MAX_RECORDS_PER_MESSAGE {
            messages.push(super::topics::encode_records(&open).into());
            open.clear();
            bytes = 0;
        }
        bytes = bytes.saturating_add(size);
        open.push(record);
    }
    if !open.is_empty() {
        messages.push(super::topics::encode_records(&open).into());
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::{super::topics::decode_records, *};

    #[test]
    fn records_are_packed_within_the_bounds_of_a_message() {
        let records: Vec<Bytes> = (0..9000_u32).map(|n| Bytes::from(n.to_be_bytes().repeat(60))).collect();
        let messages = messages(records.clone());
        assert!(messages.len() < 5);
        let mut got = Vec::new();
        for message in messages {
            assert!(message.len() <= MAX_RECORDS_MESSAGE);
            got.extend(decode_records(&message).unwrap());
        }
        assert_eq!(got, records);
    }

    #[test]
    fn a_record_too_long_to_send_does_not_hold_up_the_others() {
        let long = Bytes::from(vec![0; MAX_RECORDS_MESSAGE]);
        let short = Bytes::from_static(b"short");
        let messages = messages(vec![long, short.clone()]);
        assert_eq!(messages.len(), 1);
        assert_eq!(decode_records(&messages[0]).unwrap(), vec![short]);
    }
}

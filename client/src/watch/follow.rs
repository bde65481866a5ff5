//! Following nodes: each by a thread of its own, over and over, so that one that is gone does not hold up the others.

use crate::transport::{Node, TransportError};
use concord_spec::digest::Digest;
use concord_spec::id::Height;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// First and longest pause before a node that does not answer is asked again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a node tells.
#[derive(Debug)]
pub enum News {
    /// It has this block.
    Block {
        /// Which node, in the order given.
        node: usize,
        /// Height of its last block.
        height: Height,
    },
    /// It does not tell any more; it is asked again.
    Gone {
        /// Which node.
        node: usize,
        /// Why.
        error: TransportError,
    },
}

/// Nodes that are followed.
#[derive(Debug)]
pub struct Follower {
    news: Receiver<News>,
    /// Kept so that the channel stays open whatever the threads do.
    _open: Sender<News>,
}

impl Follower {
    /// Follows nodes of this chain.
    #[must_use]
    pub fn start(nodes: &[Node], chain_id: Digest) -> Self {
        let (sender, news) = channel();
        for (index, node) in nodes.iter().cloned().enumerate() {
            let sender = sender.clone();
            thread::spawn(move || follow(&node, index, &chain_id, &sender));
        }
        Self { news, _open: sender }
    }

    /// The next news; `None` when there are none for so long.
    #[must_use]
    pub fn next(&self, patience: Duration) -> Option<News> {
        // The channel never closes: this holds a sender itself.
        self.news.recv_timeout(patience).ok()
    }
}

/// Follows one node until nobody listens.
fn follow(node: &Node, index: usize, chain_id: &Digest, sender: &Sender<News>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut heard = false;
        let listening = |height: Height| {
            heard = true;
            sender.send(News::Block { node: index, height }).is_ok()
        };
        // The stream is open before the height is asked for, so that no block is missed between the two.
        let ended = node.events(chain_id, listening);
        let error = match ended {
            Ok(()) => return,
            Err(error) => error,
        };
        pause = if heard {
            FIRST_PAUSE
        } else {
            (pause * 2).min(LONGEST_PAUSE)
        };
        if sender.send(News::Gone { node: index, error }).is_err() {
            return;
        }
        thread::sleep(pause);
    }
}

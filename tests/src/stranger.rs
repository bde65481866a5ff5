//! Strangers at a node's network: a connection made as any libp2p program makes it, up to Yamux, and what the node does with it.

use std::future::poll_fn;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerExt, SubstreamBox};
use libp2p::core::transport::{DialOpts, PortUse};
use libp2p::core::{Endpoint, Transport, upgrade};
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, noise, tcp, yamux};

use crate::{HarnessError, Result};

/// The beginning of every negotiation (multistream-select 1.0), and a protocol that nodes speak.
const GREETING: &[u8] = b"\x13/multistream/1.0.0\n\x11/concord/hello/1\n";

/// Whether the stranger says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It makes the connection and waits.
    Silent,
    /// It opens a substream and proposes a protocol.
    Speaking,
}

/// How a node received a stranger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reception {
    /// Whether the handshake went as far as Yamux on the stranger's side.
    pub multiplexed: bool,
    /// Substreams that the node opened to the stranger.
    pub substreams_from_node: usize,
    /// Bytes that the node answered on the stranger's substream.
    pub bytes_heard: usize,
    /// When the node closed the connection, counted from the end of the stranger's handshake, or from its dialling when the
    /// node closed before that; `None` when it still stood when patience ended.
    pub closed_after: Option<Duration>,
}

/// Connects to `address` under `identity`, behaves in this manner and watches for at most `patience`.
///
/// # Errors
/// Nothing listens at `address`, or the harness cannot make a connection.
pub async fn knock(address: &Multiaddr, identity: &Keypair, manner: Manner, patience: Duration) -> Result<Reception> {
    let began = Instant::now();
    let noise = noise::Config::new(identity).map_err(|why| HarnessError::bytes("a peer key", why))?;
    let mut transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(upgrade::Version::V1)
        .authenticate(noise)
        .multiplex(yamux::Config::default())
        .boxed();
    let options = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let dialling = transport
        .dial(address.clone(), options)
        .map_err(|why| HarnessError::bytes("an address", why))?;
    match tokio::time::timeout(patience, dialling).await {
        Ok(Ok((_, connection))) => Ok(watch(connection, manner, patience).await),
        // Turned away before Yamux.
        Ok(Err(_)) => Ok(Reception {
            closed_after: Some(began.elapsed()),
            ..Reception::default()
        }),
        Err(_) => Ok(Reception::default()),
    }
}

async fn watch(mut connection: StreamMuxerBox, manner: Manner, patience: Duration) -> Reception {
    let began = Instant::now();
    let mut reception = Reception {
        multiplexed: true,
        ..Reception::default()
    };
    let substream = match manner {
        Manner::Silent => None,
        Manner::Speaking => poll_fn(|cx| connection.poll_outbound_unpin(cx)).await.ok(),
    };
    let mut heard = 0;
    let talking = Box::pin(talk(substream, &mut heard));
    let drive = async {
        while let Ok(_substream) = poll_fn(|cx| connection.poll_inbound_unpin(cx)).await {
            reception.substreams_from_node = reception.substreams_from_node.saturating_add(1);
        }
    };
    let both = async {
        // The connection must be driven for the substream to move; what is said ends before or with it.
        match select(Box::pin(drive), talking).await {
            Either::Left(((), _)) => {}
            Either::Right(((), drive)) => drive.await,
        }
    };
    if tokio::time::timeout(patience, both).await.is_ok() {
        reception.closed_after = Some(began.elapsed());
    }
    reception.bytes_heard = heard;
    reception
}

/// Says the greeting and listens until the substream ends, which it then keeps.
async fn talk(substream: Option<SubstreamBox>, heard: &mut usize) {
    let Some(mut substream) = substream else { return };
    if substream.write_all(GREETING).await.is_err() || substream.flush().await.is_err() {
        return;
    }
    let mut buffer = [0; 1_024];
    while let Ok(count @ 1..) = substream.read(&mut buffer).await {
        *heard = heard.saturating_add(count);
    }
}

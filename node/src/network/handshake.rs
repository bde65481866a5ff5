//! The way to an authenticated, multiplexed connection: TCP, Noise, Yamux, and how long each may take (DESIGN 5, "One network").

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::{
    PeerId, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    identity::Keypair,
    noise, tcp, yamux,
};
use tokio::time::{Sleep, sleep};

use super::NetworkError;

/// The whole handshake, TCP to Yamux: about six round trips.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(4);
/// Who dials speaks first, so its first byte is one round trip away; a socket that stays silent is closed.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Substreams of one connection at the same time.
const STREAMS_PER_CONNECTION: usize = 128;

/// The transport of our swarm.
pub(super) fn transport(keypair: &Keypair) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NetworkError> {
    let noise = noise::Config::new(keypair).map_err(|error| NetworkError::Identity(error.to_string()))?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_PER_CONNECTION);
    Ok(tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .map(|stream, point| Prompt::new(stream, point.is_listener()))
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux)
        .timeout(HANDSHAKE_TIMEOUT)
        .boxed())
}

/// A stream whose first byte must come in time.
#[derive(Debug)]
struct Prompt<S> {
    stream: S,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Prompt<S> {
    fn new(stream: S, must_speak_first: bool) -> Self {
        let deadline = must_speak_first.then(|| Box::pin(sleep(FIRST_BYTE_TIMEOUT)));
        Self { stream, deadline }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if read.is_ready() {
            this.deadline = None;
        } else if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_close(cx)
    }
}

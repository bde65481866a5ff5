//! Questions between two peers: hello, block sync, bodies by hash (DESIGN 5). Later: missing records, snapshots.
//! A message is its length (u32 big-endian) and that many bytes, bounded before anything is allocated.

use std::{io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{
    StreamProtocol,
    request_response::{self, ProtocolSupport},
};

use super::{NetworkError, hello, topics::ChainTag};

/// Bytes of a sync request, at most.
pub(super) const MAX_SYNC_REQUEST: usize = 4 * 1024;
/// Bytes of a sync response, at most: the engine's own bound (ENGINE-NOTES, "sync").
pub const MAX_SYNC_RESPONSE: usize = 10 * 1024 * 1024;
/// Bytes of a block's body, at most: 4 MiB of records (DESIGN 4.4) and what frames them.
pub const MAX_BODY: usize = 4 * 1024 * 1024 + 64 * 1024;
/// Bytes of a body's hash.
pub(super) const HASH_BYTES: usize = 32;

const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
const SYNC_TIMEOUT: Duration = Duration::from_secs(15);
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// Questions of one peer that may be open at once.
const STREAMS_PER_PEER: usize = 16;
/// Memory grows with what arrives, never with what a length claims.
const READ_STEP: usize = 64 * 1024;

/// One kind of question, as a behaviour.
pub(super) type Exchange = request_response::Behaviour<Bounded>;
/// What an exchange reports.
pub(super) type ExchangeEvent = request_response::Event<Bytes, Bytes>;
/// Where the answer to a question goes.
pub(super) type AnswerSlot = request_response::ResponseChannel<Bytes>;

/// Length-prefixed bytes with a bound each way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounded {
    max_request: usize,
    max_response: usize,
}

#[async_trait]
impl request_response::Codec for Bounded {
    type Protocol = StreamProtocol;
    type Request = Bytes;
    type Response = Bytes;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Bytes>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.max_request).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Bytes>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.max_response).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Bytes) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request, self.max_request).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Bytes) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response, self.max_response).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, max: usize) -> io::Result<Bytes> {
    let mut prefix = [0; 4];
    io.read_exact(&mut prefix).await?;
    let length = u32::from_be_bytes(prefix);
    if usize::try_from(length).map_or(true, |length| length > max) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than its bound"));
    }
    let mut bytes = Vec::with_capacity(READ_STEP.min(max));
    let got = io.take(u64::from(length)).read_to_end(&mut bytes).await?;
    if u32::try_from(got) == Ok(length) {
        Ok(bytes.into())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, bytes: &[u8], max: usize) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= max);
    let Some(length) = length else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "longer than its bound"));
    };
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await?;
    io.flush().await
}

/// Hello, whose name is the same on every chain.
pub(super) fn hello() -> Exchange {
    exchange(
        StreamProtocol::new(hello::PROTOCOL),
        (hello::MAX_BYTES, hello::MAX_BYTES),
        HELLO_TIMEOUT,
    )
}

/// The engine's value sync.
pub(super) fn sync(chain: &ChainTag) -> Result<Exchange, NetworkError> {
    let bounds = (MAX_SYNC_REQUEST, MAX_SYNC_RESPONSE);
    Ok(exchange(protocol(chain, "sync/1")?, bounds, SYNC_TIMEOUT))
}

/// Bodies by hash: the request is the hash; the response one byte (1: here it is, 0: not here), then the body.
pub(super) fn bodies(chain: &ChainTag) -> Result<Exchange, NetworkError> {
    let bounds = (HASH_BYTES, MAX_BODY + 1);
    Ok(exchange(protocol(chain, "body/1")?, bounds, BODY_TIMEOUT))
}

fn protocol(chain: &ChainTag, name: &str) -> Result<StreamProtocol, NetworkError> {
    StreamProtocol::try_from_owned(format!("/concord/{chain}/{name}"))
        .map_err(|error| NetworkError::Behaviour(error.to_string()))
}

fn exchange(protocol: StreamProtocol, (max_request, max_response): (usize, usize), timeout: Duration) -> Exchange {
    request_response::Behaviour::with_codec(
        Bounded {
            max_request,
            max_response,
        },
        [(protocol, ProtocolSupport::Full)],
        request_response::Config::default()
            .with_request_timeout(timeout)
            .with_max_concurrent_streams(STREAMS_PER_PEER),
    )
}

/// The answer to a body request.
pub(super) fn encode_body(body: Option<&[u8]>) -> Bytes {
    let Some(body) = body else {
        return Bytes::from_static(&[0]);
    };
    let mut bytes = Vec::with_capacity(body.len().saturating_add(1));
    bytes.push(1);
    bytes.extend_from_slice(body);
    bytes.into()
}

/// What an answer to a body request says; `None` when it is no such answer.
pub(super) fn decode_body(mut answer: Bytes) -> Option<Option<Bytes>> {
    match answer.first() {
        Some(0) if answer.len() == 1 => Some(None),
        Some(1) => Some(Some(answer.split_off(1))),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        let mut wire = Cursor::new(Vec::new());
        write(&mut wire, b"abc", 3).await.unwrap();
        wire.set_position(0);
        assert_eq!(read(&mut wire, 3).await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn a_length_over_the_bound_is_refused_before_its_bytes_come() {
        let mut wire = Cursor::new(u32::MAX.to_be_bytes().to_vec());
        let error = read(&mut wire, MAX_SYNC_RESPONSE).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = write(&mut Cursor::new(Vec::new()), b"abcd", 3).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn a_message_cut_short_is_no_message() {
        let mut wire = Cursor::new(vec![0, 0, 0, 4, 1, 2]);
        let error = read(&mut wire, 16).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_missing_body_and_an_empty_body_are_not_the_same() {
        assert_eq!(decode_body(encode_body(None)), Some(None));
        assert_eq!(decode_body(encode_body(Some(b""))), Some(Some(Bytes::new())));
        assert_eq!(decode_body(encode_body(Some(b"body"))), Some(Some("body".into())));
        assert_eq!(decode_body(Bytes::new()), None);
        assert_eq!(decode_body(Bytes::from_static(&[2, 3])), None);
    }
}

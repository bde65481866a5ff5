//! Messages of the engine's value sync: a catching-up node asks for decided blocks and gets whole bodies.

use arc_malachitebft_app_channel::app::types::PeerId;
use arc_malachitebft_sync::{Request, Status, ValueRequest, ValueResponse};

use super::super::value::MAX_BODY;
use super::certificate::{read_commit, read_items, write_commit};
use super::*;

impl Message for Status<ConcordContext> {
    const MAX: usize = MAX_STATUS;

    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.uint(VERSION);
        w.bytes(&self.peer_id.to_bytes());
        w.uint(self.tip_height.0);
        w.uint(self.history_min_height.0);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(4, VERSION, "status")?;
        let peer = PeerId::from_bytes(r.bytes(64)?).map_err(|_| CodecError::Invalid { what: "peer id" })?;
        Ok(Self {
            peer_id: peer,
            tip_height: read_height(r)?,
            history_min_height: read_height(r)?,
        })
    }
}

impl Message for Request<ConcordContext> {
    const MAX: usize = MAX_STATUS;

    fn write(&self, w: &mut Writer) {
        let Self::ValueRequest(request) = self;
        w.array(3);
        w.uint(VERSION);
        w.uint(request.range.start().0);
        w.uint(request.range.end().0);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(3, VERSION, "block request")?;
        Ok(Self::ValueRequest(ValueRequest::new(read_height(r)?..=read_height(r)?)))
    }
}

impl Message for Response<ConcordContext> {
    const MAX: usize = MAX_RESPONSE;

    fn write(&self, w: &mut Writer) {
        let Self::ValueResponse(response) = self;
        w.array(3);
        w.uint(VERSION);
        w.uint(response.start_height.0);
        w.array(response.values.len());
        for value in &response.values {
            w.array(2);
            w.bytes(&value.value_bytes);
            write_commit(w, &value.certificate);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CodecError> {
        r.versioned_array(3, VERSION, "block response")?;
        let start = read_height(r)?;
        let values = read_items(r, MAX_RESPONSE_VALUES, |r| {
            r.array(2)?;
            let body = Bytes::copy_from_slice(r.bytes(MAX_BODY)?);
            Ok(RawDecidedValue::new(body, read_commit(r)?))
        })?;
        Ok(Self::ValueResponse(ValueResponse::new(start, values)))
    }
}

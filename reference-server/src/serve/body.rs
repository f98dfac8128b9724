//! A request's body, whole or not at all.
//!
//! hyper bounds neither the length of a body nor the time that it may take.

use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use bytes::BytesMut;
use http_body_util::BodyExt;
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;

/// Reads a body of at most `bytes_max`, all of it within `deadline`.
///
/// One that says beforehand that it is longer is refused before any of it is read. Trailers are dropped.
pub(crate) async fn collect<B>(mut body: B, bytes_max: usize, deadline: Duration) -> Result<Bytes, Fault>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let too_large = || Fault::new(Code::MessageTooLarge).at_stage(Stage::Size).at(bytes_max);
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let whole = async {
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            // A peer that went away will not read this; one whose frames and declared length differ will.
            let frame = frame.map_err(|_| Fault::new(Code::FramingAmbiguous))?;
            if let Some(data) = frame.data_ref() {
                if data.len() > bytes_max - bytes.len() {
                    return Err(too_large());
                }
                bytes.extend_from_slice(data);
            }
        }
        Ok(bytes.freeze())
    };
    match tokio::time::timeout(deadline, whole).await {
        Ok(read) => read,
        Err(_) => Err(Code::BodyTimeout.into()), // [HTB-23]
    }
}

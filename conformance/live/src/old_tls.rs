//! A handshake of TLS 1.2, which nobody may answer.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::failure::{Done, Failure, Fault};
use crate::line::{Target, within};

/// An alert, or nothing, comes of a handshake of TLS 1.2. [HTB-1]
pub(crate) async fn refuses_tls_1_2(target: &Target) -> Done {
    let asked = "a TLS 1.2 handshake";
    let answer = within(asked, async {
        let mut socket = target.socket().await?;
        socket.write_all(&client_hello_1_2()).await.map_err(|error| error.to_string())?;
        let mut first = [0; 1];
        // Closed or reset is a refusal, too.
        Ok(socket.read(&mut first).await.ok().filter(|count| *count > 0).map(|_| first[0]))
    });
    const ALERT: u8 = 0x15;
    match answer.await? {
        None | Some(ALERT) => Ok(()),
        Some(kind) => {
            Err(Failure::new(Fault::Accepted, format!("{asked}: an alert must come, not a record of kind {kind}")))
        }
    }
}

/// A ClientHello of TLS 1.2 (RFC 5246) with what any server of that time takes.
fn client_hello_1_2() -> Vec<u8> {
    let suites: [u16; 6] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0x009e, 0x009f];
    let extension =
        |kind: u16, data: &[u8]| [&kind.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat();
    let extensions =
        [extension(10, &[0, 4, 0, 23, 0, 29]), extension(11, &[1, 0]), extension(13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3])]
            .concat();
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend((suites.len() as u16 * 2).to_be_bytes());
    suites.iter().for_each(|suite| body.extend(suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let length = (body.len() as u32).to_be_bytes();
    let hello = [&[1, length[1], length[2], length[3]][..], &body].concat();
    [&[0x16, 3, 1][..], &(hello.len() as u16).to_be_bytes(), &hello].concat()
}

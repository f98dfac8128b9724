//! TLS 1.3 and nothing older.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::scene::{Scene, patient, within};

/// The hello of a client that speaks up to TLS 1.2, as RFC 5246 has it.
fn hello_1_2() -> Vec<u8> {
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 23][..], // groups: secp256r1
        &[0, 11, 0, 2, 1, 0],            // point formats: uncompressed
        &[0, 13, 0, 4, 0, 2, 4, 3],      // signatures: ecdsa_secp256r1_sha256
    ]
    .concat();
    let body = [
        &[3, 3][..],                     // the greatest version: 1.2
        &[7; 32],                        // random
        &[0],                            // no session
        &[0, 4, 0xc0, 0x2b, 0xc0, 0x2f], // ECDHE with AES-128-GCM
        &[1, 0],                         // no compression
        &(extensions.len() as u16).to_be_bytes(),
        &extensions,
    ]
    .concat();
    let handshake = [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat();
    [&[22, 3, 1][..], &(handshake.len() as u16).to_be_bytes(), &handshake].concat()
}

#[tokio::test]
async fn a_client_without_tls_1_3_is_refused() {
    let scene = Scene::start(patient()).await;
    let mut tcp = TcpStream::connect(scene.addr()).await.unwrap();
    tcp.write_all(&hello_1_2()).await.unwrap();
    let mut seen = Vec::new();
    within(tcp.read_to_end(&mut seen)).await.unwrap();
    assert_eq!(seen, [21, 3, 3, 0, 2, 2, 70], "a fatal alert: protocol_version");
}

#[tokio::test]
async fn a_client_with_tls_1_3_is_served() {
    let scene = Scene::start(patient()).await;
    let tcp = TcpStream::connect(scene.addr()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let tls = within(scene.connector(b"http/1.1").connect(name, tcp)).await.unwrap();
    assert_eq!(tls.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    scene.connect().await.exchange("POST /echo", "", b"hello").await.accepts("hello");
}

#[tokio::test]
async fn plain_http_is_not_spoken() {
    let scene = Scene::start(patient()).await;
    let mut tcp = TcpStream::connect(scene.addr()).await.unwrap();
    tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut seen = Vec::new();
    // A reset is an end as well.
    let _ = within(tcp.read_to_end(&mut seen)).await;
    assert!(!seen.starts_with(b"HTTP"), "{seen:?}");
}

//! F14: what is written down while people pay, at the most talkative level, holds no secret.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use axum::body::Bytes;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, HOST};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::PURSER_PROOF;
use purser_protocol::code::Code;
use tokio_rustls::TlsConnector;

use crate::line::{Answer, Ask, HOST_NAME, connect, connector};
use crate::town::{TEA, Town, within};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Keeps every line that any test of this process causes to be logged.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = tracing_subscriber::fmt().with_writer(|| Lines).with_ansi(false);
        lines.with_max_level(tracing::Level::TRACE).try_init().unwrap();
    });
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(needle: &[u8]) -> bool {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn f14_no_secret_no_key_no_proof_and_no_redemption_is_logged() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (payer, second) = (town.payer(50_000).await, town.payer(50_000).await);
    let ask = Ask::get("/tea");
    let offered = shop.offered(&ask).await;
    let (bought, late) = (town.pay(&payer, &offered).await, town.pay(&second, &offered).await);
    let damaged = bought.credential().replacen("Payment ey", "Payment e", 1);

    // What goes well, what does not, over both protocols; with the issuer there, and not.
    let h2 = connector(&purser_server::pem::certificates(&town.dir.join("roots.pem")).unwrap(), b"h2");
    town.road.close();
    let credentials = [bought.credential(), late.credential(), damaged, offered.shows(late.receipt.clone(), [9; 32])];
    let mut answers = Vec::new();
    for credential in &credentials {
        answers.push(shop.ask(&ask, Some(credential)).await);
        answers.push(over_h2(shop.addr, &h2, credential).await);
    }
    town.road.turned_away().await;
    town.road.open();
    assert_eq!((answers[0].status, &answers[1].body[..]), (200, TEA.as_bytes()), "one offer over either protocol");
    answers[4].refuses(Code::CredentialMalformed);
    answers[6].refuses(Code::SecretMismatch);
    let proof = payer.key.proof("GET https://issuer.example/v1/account");
    let proof = base64url::encode(&proof);
    let request = Request::get("/v1/account").header(HOST, "issuer.example").header(PURSER_PROOF, &proof);
    let read = town.line().await.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(read.status, 200);

    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let decimal = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let mut secrets: Vec<(&str, Vec<u8>)> = Vec::new();
    for bought in [&bought, &late] {
        secrets.push(("a redemption secret", bought.secret.to_vec()));
        secrets.push(("a receipt", bought.receipt.clone()));
    }
    secrets.push(("the shop's key", shop.keys.key.clone()));
    secrets.push(("the issuer's key", town.bank.key.clone()));
    for (what, bytes) in &secrets {
        for form in [bytes.clone(), base64url::encode(bytes).into(), hex(bytes).into(), decimal(bytes).into()] {
            assert!(!logged(&form), "{what}");
        }
    }
    for (what, text) in credentials.iter().map(|credential| ("a redemption", credential)).chain([("a proof", &proof)]) {
        let token = text.strip_prefix("Payment ").unwrap_or(text);
        // Part of one is enough to know it by.
        assert!(!logged(&token.as_bytes()[..64]), "{what}");
        assert!(!logged(&token.as_bytes()[token.len() - 64..]), "{what}");
    }
    for answer in &answers {
        for (what, bytes) in &secrets {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!body.contains(&base64url::encode(bytes)) && !body.contains(&hex(bytes)), "{what} in an answer");
        }
    }

    // The capture sees what is there to be seen.
    assert!(logged(b"receipt-already-used") || logged(b"outcome-unknown"));
    assert!(logged(b"secret-mismatch") && logged(b"credential-malformed"));
    assert!(logged(b"could not be sent"));
    assert!(logged(b"h2::"), "the protocols' own lines are among them");
}

async fn over_h2(addr: std::net::SocketAddr, tls: &TlsConnector, credential: &str) -> Answer {
    let exchange = async {
        let stream = TokioIo::new(connect(addr, tls).await);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("https://{HOST_NAME}/tea")).header(AUTHORIZATION, credential);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Answer { status: head.status.as_u16(), headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    };
    within(exchange).await
}

#[test]
fn the_search_finds_what_is_logged() {
    capture();
    let mark = format!("mark-{}", std::process::id());
    assert!(!logged(mark.as_bytes()));
    tracing::trace!(%mark, "seen");
    assert!(logged(mark.as_bytes()));
}

//! Bodies that are too long, too deep, or do not come.

use purser_protocol::bind::http::PAPER;
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::Frame;
use purser_protocol::sign::paper::envelope;

use super::Scene;
use crate::check::{Check, Must, checks};
use crate::failure::{Done, Failure};
use crate::line::write;
use crate::papers::{Key, Person};

const ENROLLED: &str = "live/issuer/accounts/enrolment";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/limit/paper", "A paper of one byte more than papers may have", ["ENC-1"], Medium, Must::Refuse(Code::MessageTooLarge, ENROLLED), [] => paper;
    "live/issuer/limit/body", "A body that says that it has 300 million bytes is refused before it comes", ["ENC-1"], High, Must::Refuse(Code::MessageTooLarge, ENROLLED), [] => body;
    "live/issuer/limit/nested", "A paper of ten thousand lists in one another", ["ENC-9"], High, Must::Refuse(Code::CborDepth, ENROLLED), [] => nested;
    "live/issuer/limit/pieces", "A body that comes in pieces is taken", ["HTB-23"], Medium, Must::Accept, [] => pieces;
    "live/issuer/limit/slow-body", "A body of which one byte comes and no more", ["HTB-23"], High, Must::Refuse(Code::BodyTimeout, "live/issuer/limit/pieces"), [] => slow;
};

const PAPER_BYTES_MAX: usize = 16_384;

async fn paper(scene: &Scene) -> Done {
    scene.post("/v1/accounts", PAPER, &vec![0; PAPER_BYTES_MAX + 1]).await?.decides_nothing(Code::MessageTooLarge)
}

impl Scene {
    fn opening_head(&self, length: usize) -> String {
        let host = &self.target.authority;
        format!(
            "POST /v1/accounts HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {PAPER}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    }
}

async fn body(scene: &Scene) -> Done {
    let asked = "POST /v1/accounts, of which the head came";
    let answer = scene.target.raw(scene.opening_head(300_000_000).as_bytes(), asked).await?;
    answer.decides_nothing(Code::MessageTooLarge)
}

async fn nested(scene: &Scene) -> Done {
    let honest = Person::enrolment(&scene.terms, &Key::new()?)?;
    let frame = Frame::read(&honest).map_err(|fault| Failure::of_suite(fault.to_string()))?;
    let payload = [vec![0x81; 10_000], vec![0x80]].concat();
    let deep = envelope(frame.protected, &[], &payload, &[0; 64]);
    scene.post("/v1/accounts", PAPER, &deep).await?.decides_nothing(Code::CborDepth)
}

async fn pieces(scene: &Scene) -> Done {
    let asked = "POST /v1/accounts, in pieces";
    let paper = Person::enrolment(&scene.terms, &Key::new()?)?;
    let mut stream = scene.target.open(asked).await?;
    write(&mut stream, scene.opening_head(paper.len()).as_bytes(), asked).await?;
    for piece in paper.chunks(50) {
        write(&mut stream, piece, asked).await?;
        tokio::task::yield_now().await;
    }
    scene.target.read(&mut stream, asked).await?.is(&scene.belief(), Outcome::Recorded).map(drop)
}

/// The answer decides, whenever it comes; the suite only keeps the connection open.
async fn slow(scene: &Scene) -> Done {
    let asked = "POST /v1/accounts, of which one byte came";
    let mut stream = scene.target.open(asked).await?;
    write(&mut stream, scene.opening_head(100).as_bytes(), asked).await?;
    write(&mut stream, &[0xd2], asked).await?;
    scene.target.read(&mut stream, asked).await?.decides_nothing(Code::BodyTimeout)
}

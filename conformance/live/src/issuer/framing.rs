//! Requests that are refused as such.

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST, PURSER_PROOF};
use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

use super::Scene;
use crate::check::{Check, Must, checks};
use crate::failure::{Done, ensure};
use crate::line::{Answer, Request};
use crate::papers::{Key, Person, now};

const PLAIN: &str = "live/issuer/framing/plain";
const ENROLLED: &str = "live/issuer/accounts/enrolment";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/issuer/framing/plain", "A request with one of each header field is answered", ["HTB-4"], Medium, Must::Accept, [] => plain;
    "live/issuer/framing/chunked", "A body in chunks, without a length, is taken", ["HTB-20"], Medium, Must::Accept, [] => chunked;
    "live/issuer/framing/length-and-chunked", "A length beside chunks", ["HTB-20"], High, Must::Refuse(Code::FramingAmbiguous, "live/issuer/framing/chunked"), [] => length_and_chunked;
    "live/issuer/framing/length-twice", "Content-Length stands twice", ["HTB-21"], High, Must::Refuse(Code::HeaderDuplicated, ENROLLED), [] => length_twice;
    "live/issuer/framing/host-twice", "Host stands twice", ["HTB-21"], High, Must::Refuse(Code::HeaderDuplicated, PLAIN), [] => host_twice;
    "live/issuer/framing/accept-twice", "Accept stands twice", ["HTB-21"], Low, Must::Refuse(Code::HeaderDuplicated, PLAIN), [] => accept_twice;
    "live/issuer/framing/media-twice", "Content-Type stands twice", ["HTB-21"], Medium, Must::Refuse(Code::HeaderDuplicated, ENROLLED), [] => media_twice;
    "live/issuer/framing/proof-twice", "Purser-Proof stands twice", ["HTB-21"], High, Must::Refuse(Code::HeaderDuplicated, "live/issuer/proof/account"), ["sandbox"] => proof_twice;
    "live/issuer/framing/host-missing", "A request names no host", ["HTB-22"], Medium, Must::Refuse(Code::HostMissing, PLAIN), [] => host_missing;
    "live/issuer/framing/path", "A path that the issuer does not have", ["HTB-28"], Low, Must::Refuse(Code::NotFound, PLAIN), [] => path;
    "live/issuer/framing/method", "A method that a path does not have", ["HTB-29"], Low, Must::Refuse(Code::MethodNotAllowed, PLAIN), [] => method;
    "live/issuer/framing/encoding", "A body with a content encoding", ["HTB-24"], High, Must::Refuse(Code::ContentEncoding, ENROLLED), [] => encoding;
    "live/issuer/framing/media-other", "A paper under the media type of JSON", ["HTB-25"], Medium, Must::Refuse(Code::MediaType, ENROLLED), [] => media_other;
    "live/issuer/framing/media-none", "A paper under no media type", ["HTB-25"], Medium, Must::Refuse(Code::MediaType, ENROLLED), [] => media_none;
    "live/issuer/framing/media-request", "A paper where a payment request is taken", ["HTB-25"], Medium, Must::Refuse(Code::MediaType, ENROLLED), [] => media_request;
};

impl Scene {
    async fn head(&self, line: &str, fields: &str, body: &[u8]) -> Result<Answer, crate::failure::Failure> {
        self.target.head(line, fields, body).await
    }

    /// What opens an account.
    fn opening(&self) -> Result<Vec<u8>, crate::failure::Failure> {
        Person::enrolment(&self.terms, &Key::new()?)
    }

    fn authority(&self) -> &str {
        &self.target.authority
    }
}

const DISCOVERY: &str = "GET /.well-known/purser";
const ACCOUNTS: &str = "POST /v1/accounts";

async fn plain(scene: &Scene) -> Done {
    let answer = scene.head(DISCOVERY, &format!("Host: {}\r\nAccept: */*\r\n", scene.authority()), b"").await?;
    ensure(answer.status == 200, || format!("200 must come; it was {}", answer.in_words()))
}

async fn chunked(scene: &Scene) -> Done {
    let paper = scene.opening()?;
    let fields = format!("Host: {}\r\nContent-Type: {PAPER}\r\nTransfer-Encoding: chunked\r\n", scene.authority());
    let (first, second) = paper.split_at(paper.len() / 2);
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let body = [chunk(first), chunk(second), b"0\r\n\r\n".to_vec()].concat();
    scene.head(ACCOUNTS, &fields, &body).await?.is(&scene.belief(), Outcome::Recorded).map(drop)
}

async fn length_and_chunked(scene: &Scene) -> Done {
    let paper = scene.opening()?;
    let body = [format!("{:x}\r\n", paper.len()).as_bytes(), &paper, b"\r\n0\r\n\r\n"].concat();
    let fields = format!(
        "Host: {}\r\nContent-Type: {PAPER}\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n",
        scene.authority(),
        body.len()
    );
    scene.head(ACCOUNTS, &fields, &body).await?.decides_nothing(Code::FramingAmbiguous)
}

async fn length_twice(scene: &Scene) -> Done {
    let paper = scene.opening()?;
    let length = format!("Content-Length: {}\r\n", paper.len());
    let fields = format!("Host: {}\r\nContent-Type: {PAPER}\r\n{length}{length}", scene.authority());
    scene.head(ACCOUNTS, &fields, &paper).await?.decides_nothing(Code::HeaderDuplicated)
}

async fn host_twice(scene: &Scene) -> Done {
    let fields = format!("Host: {}\r\nHost: other.example\r\n", scene.authority());
    scene.head(DISCOVERY, &fields, b"").await?.decides_nothing(Code::HeaderDuplicated)
}

async fn accept_twice(scene: &Scene) -> Done {
    let fields = format!("Host: {}\r\nAccept: application/json\r\nAccept: */*\r\n", scene.authority());
    scene.head(DISCOVERY, &fields, b"").await?.decides_nothing(Code::HeaderDuplicated)
}

async fn media_twice(scene: &Scene) -> Done {
    let request = Request::post("/v1/accounts", PAPER, scene.opening()?).with("Content-Type", PAPER);
    scene.target.send(&request).await?.decides_nothing(Code::HeaderDuplicated)
}

async fn proof_twice(scene: &Scene) -> Done {
    let person = scene.person(0).await?;
    let proof = person.key.proof(&scene.terms, &scene.address("GET", "/v1/account"), now())?;
    let proof = base64url::encode(&proof);
    let request = Request::get("/v1/account").with(PURSER_PROOF, &*proof).with(PURSER_PROOF, &*proof);
    scene.target.send(&request).await?.decides_nothing(Code::HeaderDuplicated)
}

async fn host_missing(scene: &Scene) -> Done {
    scene.head(DISCOVERY, "Accept: */*\r\n", b"").await?.decides_nothing(Code::HostMissing)
}

async fn path(scene: &Scene) -> Done {
    scene.get("/v1/no-such-thing").await?.decides_nothing(Code::NotFound)
}

async fn method(scene: &Scene) -> Done {
    let fields = format!("Host: {}\r\n", scene.authority());
    scene.head("DELETE /.well-known/purser", &fields, b"").await?.decides_nothing(Code::MethodNotAllowed)
}

async fn encoding(scene: &Scene) -> Done {
    let request = Request::post("/v1/accounts", PAPER, scene.opening()?).with("Content-Encoding", "gzip");
    scene.target.send(&request).await?.decides_nothing(Code::ContentEncoding)
}

async fn media_other(scene: &Scene) -> Done {
    scene.post("/v1/accounts", "application/json", &scene.opening()?).await?.decides_nothing(Code::MediaType)
}

async fn media_none(scene: &Scene) -> Done {
    let mut request = Request::post("/v1/accounts", PAPER, scene.opening()?);
    request.headers.clear();
    scene.target.send(&request).await?.decides_nothing(Code::MediaType)
}

async fn media_request(scene: &Scene) -> Done {
    scene.post("/v1/accounts", PAYMENT_REQUEST, &scene.opening()?).await?.decides_nothing(Code::MediaType)
}

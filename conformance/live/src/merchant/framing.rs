//! Requests to a merchant that are refused as such, too long, or do not come.

use purser_protocol::code::Code;

use super::Scene;
use crate::check::{Check, Must, checks};
use crate::failure::{Done, ensure};
use crate::line::{Request, write};

const ASKS: &str = "live/merchant/offer/402";
const SERVED: &str = "live/merchant/redeem/served";

pub(super) const CHECKS: &[Check<Scene>] = checks! { Scene;
    "live/merchant/framing/length-and-chunked", "A length beside chunks", ["HTB-20"], High, Must::Refuse(Code::FramingAmbiguous, ASKS), [] => length_and_chunked;
    "live/merchant/framing/length-twice", "Content-Length stands twice", ["HTB-21"], High, Must::Refuse(Code::HeaderDuplicated, ASKS), [] => length_twice;
    "live/merchant/framing/host-twice", "Host stands twice", ["HTB-21"], High, Must::Refuse(Code::HeaderDuplicated, ASKS), [] => host_twice;
    "live/merchant/framing/host-missing", "A request names no host", ["HTB-22"], Medium, Must::Refuse(Code::HostMissing, ASKS), [] => host_missing;
    "live/merchant/framing/accept-twice", "Accept stands twice", ["HTB-21"], Low, Must::Refuse(Code::HeaderDuplicated, ASKS), [] => accept_twice;
    "live/merchant/framing/authorization-twice", "A good payment stands twice in one request", ["HTB-21"], High, Must::Refuse(Code::HeaderDuplicated, SERVED), [] => authorization_twice;
    "live/merchant/framing/path", "A path that the merchant does not have", ["HTB-28"], Low, Must::Refuse(Code::NotFound, ASKS), [] => path;
    "live/merchant/framing/method", "A method that a path does not have", ["HTB-29"], Low, Must::Refuse(Code::MethodNotAllowed, ASKS), [] => method;
    "live/merchant/framing/encoding", "A body with a content encoding", ["HTB-24"], High, Must::Refuse(Code::ContentEncoding, ASKS), [] => encoding;
    "live/merchant/limit/body", "A body that says that it has 300 million bytes is refused before it comes", ["ENC-1"], High, Must::Refuse(Code::MessageTooLarge, ASKS), [] => body;
    "live/merchant/limit/slow-head", "Heads of which half has come keep nobody else from an answer", ["HTB-10"], High, Must::Accept, [] => slow_head;
    "live/merchant/limit/slow-body", "A body of which one byte comes and no more", ["HTB-23"], High, Must::Refuse(Code::BodyTimeout, ASKS), [] => slow_body;
};

impl Scene {
    fn line(&self) -> String {
        format!("GET {}", self.path)
    }

    fn host(&self) -> String {
        format!("Host: {}\r\n", self.target.authority)
    }
}

async fn length_and_chunked(scene: &Scene) -> Done {
    let fields = format!("{}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", scene.host());
    scene.target.head(&scene.line(), &fields, b"0\r\n\r\n").await?.decides_nothing(Code::FramingAmbiguous)
}

async fn length_twice(scene: &Scene) -> Done {
    let fields = format!("{}Content-Length: 1\r\nContent-Length: 1\r\n", scene.host());
    scene.target.head(&scene.line(), &fields, b"x").await?.decides_nothing(Code::HeaderDuplicated)
}

async fn host_twice(scene: &Scene) -> Done {
    let fields = format!("{}Host: other.example\r\n", scene.host());
    scene.target.head(&scene.line(), &fields, b"").await?.decides_nothing(Code::HeaderDuplicated)
}

async fn host_missing(scene: &Scene) -> Done {
    scene.target.head(&scene.line(), "Accept: */*\r\n", b"").await?.decides_nothing(Code::HostMissing)
}

async fn accept_twice(scene: &Scene) -> Done {
    let fields = format!("{}Accept: application/json\r\nAccept: */*\r\n", scene.host());
    scene.target.head(&scene.line(), &fields, b"").await?.decides_nothing(Code::HeaderDuplicated)
}

async fn authorization_twice(scene: &Scene) -> Done {
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    let once = scene.redemption(&scene.path, &asked.challenge, &paid)?;
    let mut twice = once.clone();
    twice.headers.extend(once.headers.clone());
    scene.target.send(&twice).await?.decides_nothing(Code::HeaderDuplicated)?;
    // What was refused as a request has consumed nothing.
    super::served(&scene.target.send(&once).await?)
}

async fn path(scene: &Scene) -> Done {
    scene.get("/no-such-thing").await?.decides_nothing(Code::NotFound)
}

async fn method(scene: &Scene) -> Done {
    let line = format!("DELETE {}", scene.path);
    scene.target.head(&line, &scene.host(), b"").await?.decides_nothing(Code::MethodNotAllowed)
}

async fn encoding(scene: &Scene) -> Done {
    let fields = format!("{}Content-Encoding: gzip\r\nContent-Length: 1\r\n", scene.host());
    scene.target.head(&scene.line(), &fields, b"x").await?.decides_nothing(Code::ContentEncoding)
}

async fn body(scene: &Scene) -> Done {
    let fields = format!("{}Content-Length: 300000000\r\n", scene.host());
    scene.target.head(&scene.line(), &fields, b"").await?.decides_nothing(Code::MessageTooLarge)
}

async fn slow_head(scene: &Scene) -> Done {
    const MANY: usize = 16;
    let mut open = Vec::new();
    for _ in 0..MANY {
        let mut stream = scene.target.open("half a head").await?;
        write(&mut stream, format!("{} HTTP/1.1\r\n{}", scene.line(), scene.host()).as_bytes(), "half a head").await?;
        open.push(stream);
    }
    let asked = scene.ask().await?;
    let paid = scene.paid(&asked, |_| {})?;
    super::served(&scene.redeem(&asked, &paid).await?)?;
    ensure(open.len() == MANY, || "some were not open".to_owned())
}

/// The answer decides, whenever it comes; the suite only keeps the connection open.
async fn slow_body(scene: &Scene) -> Done {
    let asked = "a request of whose body one byte came";
    let mut stream = scene.target.open(asked).await?;
    let head = format!("{} HTTP/1.1\r\n{}Content-Length: 100\r\n\r\n{{", scene.line(), scene.host());
    write(&mut stream, head.as_bytes(), asked).await?;
    let answer = scene.target.read(&mut stream, asked).await?;
    // Whoever has not read on has not taken it for whole.
    if let Ok(offer) = scene.read_offer(answer.clone()) {
        let honest = scene.target.send(&Request::get(&*scene.path)).await?;
        return Err(honest.fails(crate::failure::Fault::Accepted, format!("it was taken for whole: {}", offer.id)));
    }
    answer.decides_nothing(Code::BodyTimeout)
}

//! The HTTP request itself: framing, headers, media types, lengths.

use purser_protocol::bind::http::{PAPER, PAYMENT_REQUEST};
use purser_protocol::code::Code;

use super::checks;
use super::world::{World, must};

checks! { World;
    "transport/unknown-path", "A path that nobody has", "HTB-28", "", unknown_path;
    "transport/method", "A method that a resource does not have", "HTB-29", "", method;
    "transport/media-type", "A paper under another media type", "HTB-25", "", media_type;
    "transport/content-encoding", "A content encoding", "HTB-24", "", content_encoding;
    "transport/too-large", "A message of 70,000 bytes", "ENC-1", "", too_large;
    "transport/two-lengths", "Two lengths that differ", "HTB-20", "", two_lengths;
    "transport/length-and-chunks", "A length beside chunks", "HTB-20", "", length_and_chunks;
    "transport/two-media-types", "Content-Type twice", "HTB-21", "", two_media_types;
    "transport/no-host", "No host", "HTB-22", "", no_host;
    "transport/garbage", "Bytes that are no paper", "HTB-5", "", garbage;
    "transport/plain-words-after", "A server that was sent nonsense still answers", "HTB-4", "", still_answers;
}

fn unknown_path(world: &World) -> Result<(), String> {
    world.problem(&world.get("/v1/nothing-of-the-kind", None)?, Code::NotFound).map(drop)
}

fn method(world: &World) -> Result<(), String> {
    let response = world.server.request("DELETE", "/v1/commands", &[], &[])?;
    world.problem(&response, Code::MethodNotAllowed)?;
    must(response.header("allow").is_some_and(|allow| allow.contains("POST")), || "Allow does not name POST".into())
}

fn media_type(world: &World) -> Result<(), String> {
    let paper = world.enrolment(&world.fresh.key())?;
    world.problem(&world.post("/v1/accounts", "application/json", &paper.bytes)?, Code::MediaType)?;
    world.problem(&world.post("/v1/intents", PAPER, &paper.bytes)?, Code::MediaType).map(drop)
}

fn content_encoding(world: &World) -> Result<(), String> {
    let paper = world.enrolment(&world.fresh.key())?;
    let headers = [("Content-Type", PAPER), ("Content-Encoding", "gzip")];
    let response = world.server.request("POST", "/v1/accounts", &headers, &paper.bytes)?;
    world.problem(&response, Code::ContentEncoding).map(drop)
}

fn too_large(world: &World) -> Result<(), String> {
    let response = world.post("/v1/intents", PAYMENT_REQUEST, &[0; 70_000])?;
    must(response.status == 413, || format!("status {}, not 413", response.status))
}

/// A request with these lines in its head, and four bytes.
fn with_lines(world: &World, lines: &[&str]) -> Result<u16, String> {
    let head = format!("POST /v1/commands HTTP/1.1\r\n{}\r\n\r\nabcd", lines.join("\r\n"));
    world.server.raw(head.as_bytes()).map(|response| response.status)
}

fn refused_with_400(status: u16) -> Result<(), String> {
    must(status == 400, || format!("status {status}, not 400"))
}

fn two_lengths(world: &World) -> Result<(), String> {
    let host = format!("Host: {}", world.server.authority);
    let lines = [host.as_str(), "Content-Type: application/cose", "Content-Length: 4", "Content-Length: 5"];
    refused_with_400(with_lines(world, &lines)?)
}

fn length_and_chunks(world: &World) -> Result<(), String> {
    let host = format!("Host: {}", world.server.authority);
    let lines = [host.as_str(), "Content-Type: application/cose", "Content-Length: 4", "Transfer-Encoding: chunked"];
    refused_with_400(with_lines(world, &lines)?)
}

fn two_media_types(world: &World) -> Result<(), String> {
    let host = format!("Host: {}", world.server.authority);
    let media_type = format!("Content-Type: {PAPER}");
    let lines =
        [host.as_str(), &media_type, "Content-Type: application/json", "Content-Length: 4", "Connection: close"];
    refused_with_400(with_lines(world, &lines)?)
}

fn no_host(world: &World) -> Result<(), String> {
    refused_with_400(with_lines(world, &["Content-Type: application/cose", "Content-Length: 4", "Connection: close"])?)
}

fn garbage(world: &World) -> Result<(), String> {
    world.problem(&world.post("/v1/commands", PAPER, b"\xff\xff\xff")?, Code::CoseTag)?;
    world.problem(&world.post("/v1/intents", PAYMENT_REQUEST, b"\xa1\x01")?, Code::CborTruncated).map(drop)
}

fn still_answers(world: &World) -> Result<(), String> {
    for nonsense in [&b"\x16\x03\x01 GET\r\n\r\n"[..], b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"] {
        // Whether it answers or closes is its own affair.
        let _ = world.server.raw(nonsense);
    }
    let response = world.get("/.well-known/purser", None)?;
    must(response.status == 200, || format!("afterwards discovery has status {}", response.status))
}

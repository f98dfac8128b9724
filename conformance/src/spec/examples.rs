//! The examples: each is what its name says, in the one form of its bytes, and the chapters repeat it as it is.
//!
//! Shape and bytes are checked. Signatures are examples.

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::decoded;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::log::is_logged;
use purser_protocol::paper::command::{
    Batch, Cancel, Capture, Deposit, Enrolment, Freeze, Payout, Proof, Refund, Resumption, Retirement, Revocation,
    Suspension, Thaw, Void,
};
use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::credential::{Credential, Pseudonym};
use purser_protocol::paper::delivery::Delivery;
use purser_protocol::paper::dispute::{Dispute, DisputeAnswer, Ruling};
use purser_protocol::paper::document::{DailyStatement, Listing};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::notice::Notice;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::status::{Statement, Status};
use purser_protocol::receipt::log::LoggedReceipt;
use purser_protocol::receipt::{Detail, Receipt, Root};
use purser_protocol::sign::{Kind as PaperKind, Paper, Signed};
use purser_protocol::wire::Reader;

use super::chapter::{Kind, blocks};
use super::{Finding, Tree, to_cbor};

const FOLDER: &str = "spec/examples/";

/// Examples that are not what they are called, and chapters that repeat them otherwise.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.below(FOLDER, ".edn") {
        let name = path[FOLDER.len()..].trim_end_matches(".edn");
        match to_cbor(text) {
            Err(error) => {
                let remedy = "write it in the notation of conformance/src/spec/edn.rs";
                findings.push(Finding::new(path, error.line, error.what, remedy));
            }
            Ok(bytes) => {
                if let Err(fault) = message(name, &bytes) {
                    let remedy = "correct the example: spec/cddl says what it can hold";
                    findings.push(Finding::new(path, 1, fault.to_string(), remedy));
                }
            }
        }
    }
    findings.extend(repeated(tree));
    findings
}

/// The examples that can be read: name and bytes.
pub(super) fn bytes(tree: &Tree) -> impl Iterator<Item = (&str, Vec<u8>)> {
    tree.below(FOLDER, ".edn")
        .filter_map(|(path, text)| Some((path[FOLDER.len()..].trim_end_matches(".edn"), to_cbor(text).ok()?)))
}

/// What is fenced by tildes alone is an example, and every example stands in a chapter.
fn repeated(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for (path, chapter) in tree.chapters() {
        for block in blocks(chapter).into_iter().filter(|block| block.kind == Kind::Fenced("~~~")) {
            match tree.below(FOLDER, ".edn").find(|(_, text)| text.trim_end() == block.text.trim_end()) {
                Some((example, _)) => seen.push(example),
                None => {
                    let what = "this example is none of spec/examples";
                    findings.push(Finding::new(path, block.line, what, "copy it from the file"));
                }
            }
        }
    }
    for (path, _) in tree.below(FOLDER, ".edn").filter(|(path, _)| !seen.contains(path)) {
        findings.push(Finding::new(
            path,
            1,
            "no chapter repeats this example",
            "repeat it where its message is explained",
        ));
    }
    findings
}

/// Reads a message as what its example is called: `mandate-single` is a mandate.
fn message(name: &str, bytes: &[u8]) -> Result<(), Fault> {
    match name {
        "payment-request" => request(bytes),
        "detail" => decoded::<Detail>(bytes).map(drop),
        "logged-receipt" => logged(bytes),
        _ if name.starts_with("receipt") => receipt(bytes),
        _ => {
            let stem = name.split('-').next().unwrap_or_default();
            let kind = PaperKind::from_typ(&format!("purser-{stem}")).ok_or(Code::TypeMismatch)?;
            paper(kind, bytes)
        }
    }
}

fn request(bytes: &[u8]) -> Result<(), Fault> {
    let request = PaymentRequest::read(bytes)?;
    request.mandates.iter().try_for_each(|mandate| decode::<Mandate>(mandate).map(drop))?;
    decode::<Offer>(request.offer)?;
    decode::<Intent>(request.intent)?;
    request.confirmation.map_or(Ok(()), |confirmation| decode::<Confirmation>(confirmation).map(drop))
}

fn receipt(bytes: &[u8]) -> Result<(), Fault> {
    let receipt = Receipt::from_bytes(bytes)?;
    let root = decode::<Root>(&receipt.root)?;
    receipt.verify(&root).map(drop)
}

/// The receipt, and that its batch and its own log are in the log of the root.
fn logged(bytes: &[u8]) -> Result<(), Fault> {
    let LoggedReceipt { receipt: bytes, proof } = decoded(bytes)?;
    receipt(&bytes.0)?;
    let own = decode::<Root>(&Receipt::from_bytes(&bytes.0)?.root)?;
    is_logged(&own, &decode::<Root>(&proof.root.0)?, &proof)
}

fn paper(kind: PaperKind, bytes: &[u8]) -> Result<(), Fault> {
    match kind {
        PaperKind::Credential => decode::<Credential>(bytes).map(drop),
        PaperKind::Pseudonym => decode::<Pseudonym>(bytes).map(drop),
        PaperKind::Mandate => decode::<Mandate>(bytes).map(drop),
        PaperKind::Offer => decode::<Offer>(bytes).map(drop),
        PaperKind::Intent => decode::<Intent>(bytes).map(drop),
        PaperKind::Confirmation => decode::<Confirmation>(bytes).map(drop),
        PaperKind::Root => decode::<Root>(bytes).map(drop),
        PaperKind::Capture => decode::<Capture>(bytes).map(drop),
        PaperKind::Void => decode::<Void>(bytes).map(drop),
        PaperKind::Refund => decode::<Refund>(bytes).map(drop),
        PaperKind::Cancel => cancel(bytes),
        PaperKind::Suspension => decode::<Suspension>(bytes).map(drop),
        PaperKind::Resumption => decode::<Resumption>(bytes).map(drop),
        PaperKind::Revocation => decode::<Revocation>(bytes).map(drop),
        PaperKind::Enrolment => decode::<Enrolment>(bytes).map(drop),
        PaperKind::Payout => decode::<Payout>(bytes).map(drop),
        PaperKind::Deposit => decode::<Deposit>(bytes).map(drop),
        PaperKind::Proof => decode::<Proof>(bytes).map(drop),
        PaperKind::Status => decode::<Status>(bytes).map(drop),
        PaperKind::Delivery => decode::<Delivery>(bytes).map(drop),
        PaperKind::Batch => decode::<Batch>(bytes).map(drop),
        PaperKind::Retirement => decode::<Retirement>(bytes).map(drop),
        PaperKind::Dispute => decode::<Dispute>(bytes).map(drop),
        PaperKind::DisputeAnswer => decode::<DisputeAnswer>(bytes).map(drop),
        PaperKind::Ruling => decode::<Ruling>(bytes).map(drop),
        PaperKind::Notice => decode::<Notice>(bytes).map(drop),
        PaperKind::Freeze => decode::<Freeze>(bytes).map(drop),
        PaperKind::Thaw => decode::<Thaw>(bytes).map(drop),
        PaperKind::Statement => decode::<Statement>(bytes).map(drop),
        PaperKind::Listing => decode::<Listing>(bytes).map(drop),
        PaperKind::DailyStatement => decode::<DailyStatement>(bytes).map(drop),
    }
}

fn cancel(bytes: &[u8]) -> Result<(), Fault> {
    let cancel = decode::<Cancel>(bytes)?;
    decode::<Intent>(&cancel.intent.0)?;
    cancel.offer.map_or(Ok(()), |offer| decode::<Offer>(&offer.0).map(drop))
}

/// The stages size to headers, then the fields.
fn decode<T: Paper>(bytes: &[u8]) -> Result<T, Fault> {
    let signed = Signed::<T>::read(bytes)?;
    T::decode(&mut Reader::new(signed.frame.payload))
}

//! Bundles: fetched whole, and verified without the issuer.

use std::collections::HashMap;
use std::path::Path;

use purser_client::home::write_durably;
use purser_client::trust::Trust;
use purser_client::{Error, Result};
use purser_protocol::bind::bundle::{self, BundleItem};
use purser_protocol::fault::Fault;
use purser_protocol::field::{Bytes, decoded};
use purser_protocol::flow::issuer::{BatchRequest, PaymentRequest};
use purser_protocol::id::{KeyId, PaperId};
use purser_protocol::label::{ENCLOSED, INTENT};
use purser_protocol::paper::command::{Batch, Enrolment};
use purser_protocol::paper::dispute::DisputeAnswer;
use purser_protocol::paper::mandate::{Holder, Mandate};
use purser_protocol::paper::status::root_of;
use purser_protocol::receipt::{Claims, Detail};
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::{find, id};
use purser_protocol::sign::{Frame, Header, Kind, PublicKey, SignerName};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Owner;
use crate::cli::Done;
use crate::cli::done::code;
use crate::cli::paper::party_of;

pub(super) async fn export(owner: &Owner, out: &Path) -> Result<Done> {
    let mut whole = Vec::new();
    let mut after = 0;
    loop {
        let (part, next) = owner.session.issuer.bundle(after, &owner.person).await?;
        whole.extend(part);
        match next {
            Some(next) if next > after => after = next,
            _ => break,
        }
    }
    write_durably(out, &whole, 0o600)?;
    let verified = verify(&whole, &owner.session.issuer.trust, &owner.session.config.network)?;
    Ok(verified.note(format!("purser paper verify --bundle {} checks it again", out.display())))
}

/// What a bundle comes to.
#[derive(Default)]
struct Counts {
    records: u64,
    papers: u64,
    unsigned: u64,
}

/// Every record verifies, or the first that does not is named. [WAL-15]
pub(in crate::cli) fn verify(bytes: &[u8], trust: &Trust, network: &str) -> Result<Done> {
    let items: Vec<BundleItem> =
        bundle::read(bytes).collect::<std::result::Result<_, _>>().map_err(|fault| Error::fault("bundle", fault))?;
    for certificates in items.iter().filter_map(|item| item.certificates.as_ref()) {
        trust.keep(certificates.iter().map(|der| der.0.clone()).collect());
    }
    let keys = keys(&items);
    let mut counts = Counts::default();
    for item in items.iter().filter(|item| item.receipt.is_some()) {
        counts.records += 1;
        if let Err(what) = record(item, trust, network, &keys, &mut counts) {
            let text = format!("record {} of the bundle: {what}\n", counts.records);
            return Ok(Done::new(text, json!({ "record": counts.records, "fault": what })).exit(code::FAILED));
        }
    }
    let text = format!(
        "{} records verify, with {} papers; the signers of {} papers are not in the bundle\n",
        counts.records, counts.papers, counts.unsigned
    );
    let json =
        json!({ "records": counts.records, "papers": counts.papers, "unsigned": counts.unsigned, "fault": null });
    Ok(Done::new(text, json))
}

/// The keys that the bundle itself tells of: those that were enrolled, and those that hold mandates.
fn keys(items: &[BundleItem]) -> HashMap<KeyId, PublicKey> {
    let mut keys = HashMap::new();
    let sent = items.iter().filter_map(|item| item.sent.as_ref());
    for paper in sent.flat_map(|Bytes(sent)| papers_of(sent)) {
        let Ok(frame) = Frame::read(&paper) else { continue };
        let key = match Kind::of(&paper) {
            Some(Kind::Enrolment) => crate::cli::shown::open::<Enrolment>(frame.payload).map(|paper| paper.key.0),
            Some(Kind::Mandate) => {
                crate::cli::shown::open::<Mandate>(frame.payload).and_then(|paper| match paper.holder {
                    Holder::Agent(key) => Some(key),
                    Holder::Merchant(_) => None,
                })
            }
            _ => None,
        };
        keys.extend(key.map(|key| (key.id(), key)));
    }
    keys
}

/// The papers in what was sent.
fn papers_of(sent: &[u8]) -> Vec<Vec<u8>> {
    if let Ok(request) = PaymentRequest::read(sent) {
        let papers = request.mandates.into_iter().chain([request.offer, request.intent]).chain(request.confirmation);
        return papers.map(<[u8]>::to_vec).collect();
    }
    let delivered = Frame::read(sent).ok().filter(|_| Kind::of(sent) == Some(Kind::DisputeAnswer));
    let delivered = delivered.and_then(|frame| crate::cli::shown::open::<DisputeAnswer>(frame.payload)?.delivered);
    if let Some(Bytes(delivered)) = delivered {
        return vec![sent.to_vec(), delivered];
    }
    match BatchRequest::read(sent) {
        Ok(request) => vec![request.batch.to_vec()],
        Err(_) => vec![sent.to_vec()],
    }
}

fn record(
    item: &BundleItem,
    trust: &Trust,
    network: &str,
    keys: &HashMap<KeyId, PublicKey>,
    counts: &mut Counts,
) -> std::result::Result<(), String> {
    let receipt = item.receipt.as_ref().map(|Bytes(bytes)| trust.receipt(bytes));
    let receipt = receipt.ok_or("no receipt")?.map_err(|fault| fault.to_string())?;
    let claims = &receipt.claims;
    let detail = item.detail.as_ref().map(|Bytes(bytes)| decoded::<Detail>(bytes));
    let digest = detail.transpose().map_err(|fault| fault.to_string())?.map(|detail| detail.digest());
    if digest != claims.detail {
        return Err("the detail is not the one that the receipt binds".to_owned());
    }
    let Some(Bytes(sent)) = &item.sent else { return Ok(()) };
    if !answers(claims, sent) {
        return Err("what was sent is not what the receipt answers".to_owned());
    }
    let context = purser_protocol::sign::Context { network };
    for paper in papers_of(sent) {
        let find_key = |header: &Header<'_>, kind: Kind, frame: &Frame<'_>| match header.signer {
            SignerName::Key(name) => Ok(keys.get(&name).copied()),
            SignerName::Certificate(_) => certified(trust, header, kind, frame).map(Some),
        };
        let examined = purser_protocol::diag::examine(&paper, context, &AwsLc, &find_key);
        let examined = examined.map_err(|fault| fault.to_string())?;
        counts.papers += 1;
        counts.unsigned += u64::from(!examined.is_signature_checked);
    }
    Ok(())
}

/// The key of a paper whose signer has a certificate: beside the paper, or among those of the bundle.
fn certified(
    trust: &Trust,
    header: &Header<'_>,
    kind: Kind,
    frame: &Frame<'_>,
) -> std::result::Result<PublicKey, Fault> {
    if header.x5chain.count() > 0 {
        trust.keep(header.x5chain.certificates().iter().map(|der| der.to_vec()).collect());
    }
    party_of(trust, header, kind, frame)
}

/// Whether a receipt answers what was sent.
fn answers(claims: &Claims, sent: &[u8]) -> bool {
    let id_of = |paper: &[u8]| Frame::read(paper).ok().map(|frame| id(frame.protected, frame.payload));
    if let Ok(request) = PaymentRequest::read(sent) {
        let offer = claims.offer.is_none_or(|offer| id_of(request.offer) == Some(offer));
        return id_of(request.intent) == claims.intent && offer;
    }
    if let Ok(request) = BatchRequest::read(sent) {
        let batch = Frame::read(request.batch).ok().and_then(|frame| crate::cli::shown::open::<Batch>(frame.payload));
        let ids: Vec<PaperId> = request.parts.iter().map(|part| PaperId(Sha256::digest(part).into())).collect();
        let signs = batch.is_some_and(|batch| batch.root == root_of(&ids) && batch.parts.get() == ids.len() as u64);
        return signs && id_of(request.batch) == claims.command; // [WAL-20]
    }
    let Ok(frame) = Frame::read(sent) else { return false };
    let named = match Kind::of(sent) {
        Some(Kind::Confirmation) => {
            find(frame.payload, INTENT.number).and_then(|(_, mut id)| id.array().ok()).map(PaperId)
        }
        Some(Kind::Cancel) => {
            let enclosed = find(frame.payload, ENCLOSED.number).and_then(|(_, mut paper)| paper.bytes().ok());
            enclosed.and_then(id_of)
        }
        _ => return claims.command == id_of(sent),
    };
    named.is_some() && named == claims.intent
}

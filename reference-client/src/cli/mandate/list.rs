//! `purser mandate ls`, `purser mandate show`

use std::path::Path;

use purser_client::home::complete;
use purser_client::issuer::MandateView;
use purser_client::session::Session;
use purser_client::{Error, Result};
use purser_protocol::bind::base64url;
use purser_protocol::diag;
use purser_protocol::id::PartyId;
use purser_protocol::money::Currency;
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

use super::{Done, Reader, view_of};
use crate::cli::shown::{self, Language};

pub(super) async fn ls(session: &Session, reader: Reader) -> Result<Done> {
    let views = session.issuer.mandates(&reader.signer(session)?).await?;
    let text: String = views.iter().map(line).collect();
    let json = serde_json::to_value(&views).map_err(|error| Error::failed(error.to_string()))?;
    Ok(Done::new(text, json!({ "mandates": json })))
}

pub(super) async fn show(session: &Session, typed: &str, reader: Reader, lang: Language) -> Result<Done> {
    let views = session.issuer.mandates(&reader.signer(session)?).await?;
    let mut known: Vec<_> = views.iter().filter_map(MandateView::paper_id).collect();
    known.extend(session.home.mandate_ids());
    known.sort();
    known.dedup();
    let id = complete(&known, typed)?;
    let view = view_of(&views, &id)?;
    let status = session.issuer.status(id).await?;
    // What is kept here was signed here, or read before; what the issuer shows is its word.
    let (terms, rendering) = match session.home.mandate(&id) {
        Some(paper) => (diag::show(&paper), shown::of_paper(&paper, lang)),
        None => {
            let payload = base64url::decode(&view.payload).unwrap_or_default();
            (diag::show(&payload), shown::open(&payload).map(|mandate| shown::mandate(&mandate, lang)))
        }
    };
    let terms = terms.map_err(|fault| Error::fault("mandate", fault))?;
    let rendering = rendering.map(|rendering| rendering.to_text()).unwrap_or_default();
    let text = format!(
        "{}{rendering}{terms}{} as of {}, signed by {}\n",
        line(&view),
        status.state.name(),
        status.issued_at,
        status.issuer
    );
    let mut json = serde_json::to_value(&view).map_err(|error| Error::failed(error.to_string()))?;
    if let Value::Object(members) = &mut json {
        let signed = json!({ "state": status.state.name(), "as_of": status.issued_at.get(), "good_until": status.expires_at.get() });
        members.insert("status".into(), signed);
        members.insert("rendering".into(), rendering.into());
    }
    Ok(Done::new(text, json!({ "mandate": json })))
}

pub(super) async fn pseudonym(
    session: &Session,
    typed: &str,
    merchant: &str,
    out: Option<&Path>,
    reader: Reader,
) -> Result<Done> {
    let signer = reader.signer(session)?;
    let known: Vec<_> = session.issuer.mandates(&signer).await?.iter().filter_map(MandateView::paper_id).collect();
    let merchant = PartyId::new(merchant)
        .ok_or_else(|| Error::usage("not a party's name").at(merchant).fix("give it as its certificate has it"))?;
    let (bytes, paper) = session.issuer.pseudonym(complete(&known, typed)?, &merchant, &signer).await?;
    if let Some(path) = out {
        std::fs::write(path, &bytes).map_err(|error| Error::file(path, &error))?;
    }
    let text = format!("{} is this payer to {merchant}, until {}\n", paper.pseudonym, paper.expires_at);
    let json = json!({
        "pseudonym": paper.pseudonym.to_string(),
        "merchant": merchant.as_str(),
        "good_until": paper.expires_at.get(),
        "paper": base64url::encode(&bytes),
    });
    Ok(Done::new(text, json))
}

fn line(view: &MandateView) -> String {
    let money = |minor: &str| match Currency::from_code(&view.currency).zip(minor.parse().ok()) {
        Some((currency, minor)) => currency.show(minor).to_string(),
        None => format!("{minor} {}", view.currency),
    };
    let left = view.left_minor.as_deref().map_or(String::new(), |left| format!(", {} left", money(left)));
    let until = UnixSeconds::new(view.expires_at).map_or(String::new(), |until| format!(", until {until}"));
    format!("{} {} {}: {} spent{left}{until}\n", view.id, view.mode, view.state, money(&view.spent_minor))
}

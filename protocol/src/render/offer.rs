//! The text of an offer. What the protocol decides by comes first, the merchant's words last.

use super::{Language, Medium, Page, Rendering};
use crate::limits::HOLD_SECONDS_DEFAULT;
use crate::money::Currency;
use crate::paper::offer::{CaptureMode, Item, Line, Offer, OfferKind, Payee};

/// The text of an offer, from its fields alone. [RND-2] [RND-18]
pub fn offer(offer: &Offer, language: Language, medium: Medium) -> Rendering {
    let mut page = Page::new(language, medium);
    let pen = page.pen;
    page.kind("", offer);
    page.line("iss", "merchant", &[("merchant", pen.name(&offer.merchant))]);
    page.line("amount", "total", &[("amount", pen.amount(offer.amount, offer.currency))]);
    page.terms("", offer);
    for (at, payee) in offer.accepts.iter().enumerate() {
        page.payee(format!("accepts.{at}"), payee);
    }
    page.line("iat", "made", &[("time", pen.time(offer.issued_at))]);
    if let Some(pseudonym) = &offer.pseudonym {
        page.line("pseudonym", "pseudonym", &[("pseudonym", pen.digest(&pseudonym.0))]);
    }
    if let Some(resource) = &offer.resource {
        page.line("resource", "resource", &[("digest", pen.digest(&resource.0))]);
    }
    page.line("cti", "nonce", &[("nonce", pen.digest(&offer.nonce.0))]);
    page.items("", offer);
    page.done()
}

impl Page {
    /// What paying it begins; `place` goes before the keys.
    pub(super) fn kind(&mut self, place: &str, offer: &Offer) {
        let kind = match offer.kind {
            OfferKind::Charge => "offer.charge",
            OfferKind::Metered => "offer.metered",
            OfferKind::Subscription => "offer.subscription",
            OfferKind::Pack => "offer.pack",
        };
        self.line(format!("{place}kind"), kind, &[]);
    }

    /// In what money it is paid, when the merchant gets it, and until when.
    pub(super) fn terms(&mut self, place: &str, offer: &Offer) {
        let pen = self.pen;
        let holes = [("currency", pen.currency_name(offer.currency)), ("code", offer.currency.code().to_owned())];
        self.line(format!("{place}currency"), "priced", &holes);
        match offer.capture {
            CaptureMode::AtOnce => self.line(format!("{place}capture"), "capture.at_once", &[]),
            CaptureMode::ByCommand => {
                let seconds = offer.hold_seconds.map_or(HOLD_SECONDS_DEFAULT, |hold| hold.get());
                let holes = [("duration", pen.duration(seconds))];
                self.line(format!("{place}capture"), "capture.by_command", &holes);
            }
        }
        self.line(format!("{place}exp"), "offer.until", &[("time", pen.time(offer.expires_at))]);
    }

    pub(super) fn payee(&mut self, key: String, payee: &Payee) {
        let pen = self.pen;
        let holes = [("issuer", pen.name(&payee.issuer)), ("account", pen.quoted(payee.account.as_str()))];
        self.line(key, "payee", &holes);
    }

    /// The lines of the offer, in the merchant's words.
    pub(super) fn items(&mut self, place: &str, offer: &Offer) {
        self.line(format!("{place}items"), "items", &[]);
        for (at, item) in offer.items.iter().enumerate() {
            self.item(format!("{place}items.{at}"), at as u64 + 1, item, offer.currency);
        }
    }

    fn item(&mut self, key: String, number: u64, item: &Item, currency: Currency) {
        let pen = self.pen;
        let kind = match item.line {
            None => "line.goods",
            Some(Line::Discount) => "line.discount",
            Some(Line::Tax) => "line.tax",
            Some(Line::Delivery) => "line.delivery",
            Some(Line::Tip) => "line.tip",
        };
        let holes = [
            ("number", pen.number(number)),
            ("kind", pen.word(kind, &[])),
            ("quantity", pen.number(item.quantity.get())),
            ("price", pen.amount(item.price, currency)),
            ("sum", pen.money(item.sum_minor(), currency)),
            ("name", pen.quoted_words(item.name.as_str())),
            ("id", pen.quoted(item.id.as_str())),
            ("category", item.category.map(|category| pen.category(category)).unwrap_or_default()),
        ];
        let phrase = if item.category.is_some() { "item.category" } else { "item" };
        self.at_level(1, key, phrase, &holes);
    }
}

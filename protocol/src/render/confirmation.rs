//! The text of a confirmation: what the person says yes to.

use super::{Language, Medium, Page, Pen, Rendering};
use crate::id::PaperId;
use crate::paper::confirmation::Confirmation;
use crate::paper::intent::Intent;
use crate::paper::offer::Offer;

/// The text of a confirmation, from the intent and the offer that it is for, and from its fields but those that come
/// of the person's answer. [RND-2] [RND-19]
///
/// That the three belong together is for the caller to check.
pub fn confirmation(
    confirmation: &Confirmation,
    intent: &Intent,
    offer: &Offer,
    language: Language,
    medium: Medium,
) -> Rendering {
    let mut page = Page::new(language, medium);
    let pen = page.pen;
    page.line("title", "confirmation", &[]);
    let paid = pen.amount(intent.amount, intent.currency);
    page.line("intent.amount", "pay", &[("amount", paid), ("merchant", pen.name(&offer.merchant))]);
    page.kind("offer.", offer);
    page.terms("offer.", offer);
    match offer.accepts.iter().find(|payee| payee.issuer == confirmation.issuer) {
        Some(payee) => page.payee("aud".to_owned(), payee),
        None => page.line("aud", "issuer", &[("issuer", pen.name(&confirmation.issuer))]),
    }
    page.line("sub", "account", &[("account", pen.digest(&confirmation.account.0))]);
    page.asked(intent);
    page.line("intent", "payment", &[("intent", pen.digest(&confirmation.intent.0))]);
    page.items("offer.", offer);
    let phrase = pen.phrase(&confirmation.intent, intent);
    page.line("phrase", "answer", &[("phrase", phrase)]);
    page.done()
}

/// What a person says to agree by voice: the amount, and four figures of the payment's id. [RND-20]
pub fn phrase(id: &PaperId, intent: &Intent, language: Language) -> String {
    Pen { language, medium: Medium::Voice }.phrase(id, intent)
}

impl Pen {
    fn phrase(self, id: &PaperId, intent: &Intent) -> String {
        let [a, b, c, d, ..] = id.0;
        let figures = format!("{:04}", u32::from_be_bytes([a, b, c, d]) % 10_000);
        let holes = [("amount", self.amount(intent.amount, intent.currency)), ("digits", self.figures(&figures))];
        self.word("phrase", &holes)
    }
}

impl Page {
    /// What the agent says.
    fn asked(&mut self, intent: &Intent) {
        let pen = self.pen;
        self.line("intent.iat", "asked", &[("time", pen.time(intent.issued_at))]);
        self.line("intent.mandate", "under", &[("mandate", pen.digest(&intent.mandate.0))]);
        if let Some(channel) = intent.channel {
            self.line("intent.channel", "channel", &[("channel", pen.channel(channel))]);
        }
        if let Some(device) = &intent.device {
            self.line("intent.device", "device", &[("key", pen.digest(&device.0))]);
        }
        if let Some(period) = intent.period {
            self.line("intent.period", "period", &[("number", pen.number(period.get()))]);
        }
        self.line("intent.offer", "for", &[("offer", pen.digest(&intent.offer.0))]);
    }
}

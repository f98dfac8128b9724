//! The text of a mandate.

use super::{Language, Medium, Page, Rendering};
use crate::paper::mandate::{Holder, Mandate, Mode};

/// The text of a mandate, from its fields alone; `shown` is not among them, since it rests on this text. [RND-2] [RND-17]
pub fn mandate(mandate: &Mandate, language: Language, medium: Medium) -> Rendering {
    let mut page = Page::new(language, medium);
    page.head(mandate);
    page.standing(mandate);
    page.limits(mandate);
    page.origin(mandate);
    page.done()
}

impl Page {
    /// What it is, who may pay, out of what, and when.
    fn head(&mut self, mandate: &Mandate) {
        let pen = self.pen;
        let grants = mandate.grants().len();
        let mode = match mandate.mode {
            Mode::Conditional if grants == 1 => "mode.conditional.one".to_owned(),
            Mode::Conditional => "mode.conditional.many".to_owned(),
            Mode::Single | Mode::Quota => format!("mode.{}", mandate.mode.name()),
        };
        self.line("title", &format!("mandate.{}", mandate.mode.name()), &[]);
        self.line("mode", &mode, &[("count", pen.number(grants as u64))]);
        match &mandate.holder {
            Holder::Agent(key) => self.line("cnf", "holder.agent", &[("key", pen.digest(&key.id().0))]),
            Holder::Merchant(merchant) => self.line("cnf", "holder.merchant", &[("merchant", pen.name(merchant))]),
        }
        self.line("aud", "issuer", &[("issuer", pen.name(&mandate.issuer))]);
        self.line("sub", "account", &[("account", pen.digest(&mandate.account.0))]);
        let currency = mandate.currency;
        let holes = [("currency", pen.currency_name(currency)), ("code", currency.code().to_owned())];
        self.line("currency", "currency", &holes);
        self.line("nbf", "from", &[("time", pen.time(mandate.not_before))]);
        self.line("exp", "until", &[("time", pen.time(mandate.expires_at))]);
    }

    /// What it rests on.
    fn standing(&mut self, mandate: &Mandate) {
        let pen = self.pen;
        if let Some(parent) = &mandate.parent {
            self.line("parent", "parent", &[("mandate", pen.digest(&parent.0))]);
        }
        if let Some(before) = &mandate.replaces {
            let holes = [("serial", pen.number(mandate.serial.get())), ("mandate", pen.digest(&before.0))];
            self.line("replaces", "replaces", &holes);
        }
        if let Some(offer) = &mandate.offer {
            self.line("offer", "offer", &[("offer", pen.digest(&offer.0))]);
        }
    }

    /// Every limit.
    fn limits(&mut self, mandate: &Mandate) {
        let pen = self.pen;
        if let Some(caps) = &mandate.caps {
            self.line("caps", "caps", &[]);
            self.rules("caps", caps, mandate.currency);
        }
        let grants = mandate.grants();
        for (at, grant) in grants.iter().enumerate() {
            let phrase = if grants.len() == 1 { "grant.one" } else { "grant.many" };
            let holes = [("number", pen.number(at as u64 + 1)), ("count", pen.number(grants.len() as u64))];
            let place = format!("grants.{at}");
            self.line(place.as_str(), phrase, &holes);
            self.rules(&place, grant, mandate.currency);
        }
        if let Some(funded) = mandate.funded {
            self.line("funded", "funded", &[("amount", pen.amount(funded, mandate.currency))]);
        }
        if mandate.refund_returns.is_some() {
            self.line("refund_returns", "refund_returns", &[]);
        }
        self.line("rest", "rest", &[]);
    }

    /// Where it comes from.
    fn origin(&mut self, mandate: &Mandate) {
        let pen = self.pen;
        self.line("iat", "made", &[("time", pen.time(mandate.issued_at))]);
        self.line("lineage", "lineage", &[("lineage", pen.digest(&mandate.lineage.0))]);
        if let Some(conversation) = &mandate.conversation {
            self.line("conversation", "conversation", &[("digest", pen.digest(&conversation.0))]);
        }
    }
}

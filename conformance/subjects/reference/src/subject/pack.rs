//! What a seller has sold in advance: a pack, and a subscription.

use purser_protocol::field::{Bytes, UpTo, encoded};
use purser_protocol::id::{Digest, PaperId, PartyId, Pseudonym, ShortText};
use purser_protocol::money::Currency;
use purser_protocol::paper::meter::UnitCount;
use purser_protocol::period::{Period, Terms, Unit as Calendar, Zone};
use purser_protocol::token::pack::{Bought, Pack, Record, Refunding, Taken};
use purser_protocol::token::subscription::{self, Asked, Due, Opened, Paid, Subscription};
use serde_json::json;

use super::call::{Input, No, Outcome, broken, hex};
use super::session::{number, read, unit};

/// A pack, and what it has on durable record.
#[derive(Default)]
pub(super) struct Shelf(Option<Pack>, Vec<Vec<u8>>);

impl Shelf {
    pub(super) fn buy(&mut self, input: Input<'_>) -> Outcome {
        let bought = bought(input)?;
        let record = match &self.0 {
            None => Record::Bought(Box::new(bought)),
            Some(pack) => pack.refill(bought)?,
        };
        self.keep(&record);
        Ok(json!({}))
    }

    pub(super) fn consume(&mut self, input: Input<'_>) -> Outcome {
        let (stream, from, now) = (number(input, "stream")?, number(input, "from")?, input.seconds("now")?);
        match self.pack()?.consume(stream, unit(input)?, from, count(input)?, now)? {
            Taken::Known(known) => Ok(json!({ "known": known })),
            Taken::Paid(paid, records) => {
                records.iter().for_each(|record| self.keep(record));
                Ok(json!({ "paid": paid }))
            }
        }
    }

    /// Signs a refund of what is left of each purchase.
    pub(super) fn give_back(&mut self, input: Input<'_>) -> Outcome {
        let rests = self.pack()?.rests(input.seconds("now")?);
        for rest in &rests {
            let command = Bytes(rest.intent.0.to_vec());
            self.keep(&Record::Refunding(Refunding { purchase: rest.purchase, command }));
        }
        let back = rests.iter().map(|rest| rest.amount.minor().to_string());
        Ok(json!({ "given_back_minor": back.collect::<Vec<_>>() }))
    }

    /// The program is ended, and begins again with what it has on record.
    pub(super) fn restart(&mut self, input: Input<'_>) -> Outcome {
        self.0 = Pack::restore(read(&self.1)?);
        Ok(json!({ "remaining": self.pack()?.remaining(input.seconds("now")?) }))
    }

    fn pack(&self) -> Result<&Pack, No> {
        self.0.as_ref().ok_or_else(|| broken("nothing was bought"))
    }

    fn keep(&mut self, record: &Record) {
        self.1.push(encoded(record));
        match (&mut self.0, record) {
            (Some(pack), record) => pack.apply(record),
            (none, Record::Bought(bought)) => *none = Some(Pack::open((**bought).clone())),
            (None, Record::Consumed(_) | Record::Refunding(_) | Record::Refunded(_)) => {}
        }
    }
}

fn bought(input: Input<'_>) -> Result<Bought, No> {
    let offer = PaperId(input.array("offer")?);
    Ok(Bought {
        offer,
        intent: offer,
        issuer: input.party("issuer")?,
        amount: UpTo::new(input.amount("amount_minor")?.minor()).ok_or_else(|| broken("that is too much"))?,
        currency: input.currency("currency")?,
        plan: ShortText::new("basic/1").ok_or_else(|| broken("no plan"))?,
        units: units(input, "units")?,
        until: input.seconds("until")?,
        pseudonym: Pseudonym(input.array("payer")?),
        at: input.seconds("now")?,
    })
}

/// A subscription, and what it has on durable record.
pub(super) struct Renewal(Subscription, Vec<Vec<u8>>);

impl Renewal {
    pub(super) fn open(input: Input<'_>) -> Result<Self, No> {
        let unit = Calendar::ALL.into_iter().find(|unit| input.text("unit").is_ok_and(|name| name == unit.name()));
        let terms = Terms {
            unit: unit.ok_or_else(|| broken("unit is none"))?,
            zone: Zone::new(input.text("zone")?).ok_or_else(|| broken("zone is none"))?,
            anchor: input.seconds("anchor")?,
        };
        let opened = Opened {
            mandate: PaperId(input.array("mandate")?),
            issuer: PartyId::new("issuer.example").ok_or_else(|| broken("no issuer"))?,
            plan: ShortText::new("monthly/1").ok_or_else(|| broken("no plan"))?,
            terms: Period::Terms(terms),
            units: units(input, "units")?,
            trial_units: number(input, "trial_units")?,
            currency: Currency::from_code("CNY").ok_or_else(|| broken("no currency"))?,
            secret_hash: Digest([0; 32]),
            at: input.seconds("now")?,
        };
        let first = encoded(&subscription::Record::Opened(Box::new(opened.clone())));
        Ok(Self(Subscription::open(opened).ok_or_else(|| broken("that is no subscription"))?, vec![first]))
    }

    /// Does what is due, with this intent where one is to be signed.
    pub(super) fn act(&mut self, input: Input<'_>) -> Outcome {
        const DAY: u64 = 86_400;
        let now = input.seconds("now")?;
        match self.0.due(now, DAY) {
            Due::Nothing => Ok(json!({ "did": "nothing" })),
            Due::Send(intent, _) => Ok(json!({ "did": "sent", "intent": hex(intent.0) })),
            Due::Ask(term) => {
                let intent = PaperId(input.array("intent")?);
                self.keep(&subscription::Record::Asked(Box::new(Asked {
                    number: term.into(),
                    offer: intent,
                    intent,
                    request: Bytes(intent.0.to_vec()),
                    plan: self.0.opened().plan.clone(),
                    amount: input.amount("amount_minor")?,
                    at: now,
                })));
                Ok(json!({ "did": "asked", "intent": hex(intent.0), "term": term }))
            }
            Due::End => {
                self.keep(&subscription::Record::Ended(now));
                Ok(json!({ "did": "ended" }))
            }
        }
    }

    /// What the issuer decided about the term that is asked for.
    pub(super) fn answer(&mut self, input: Input<'_>) -> Outcome {
        let at = input.seconds("now")?;
        let record = match input.text("outcome")? {
            "settled" => subscription::Record::Paid(Paid { pseudonym: Pseudonym([7; 16]), at }),
            "refused" => subscription::Record::Refused(at),
            _ => return Err(broken("outcome is none")),
        };
        self.keep(&record);
        Ok(json!({}))
    }

    pub(super) fn consume(&mut self, input: Input<'_>) -> Outcome {
        let (stream, from, now) = (number(input, "stream")?, number(input, "from")?, input.seconds("now")?);
        let before = self.0.remaining(now);
        let records = self.0.consume(stream, unit(input)?, from, count(input)?, now)?;
        records.iter().for_each(|record| self.keep(record));
        let paid = before - self.0.remaining(now);
        Ok(json!({ "paid": paid }))
    }

    /// The program is ended, and begins again with what it has on record.
    pub(super) fn restart(&mut self, input: Input<'_>) -> Outcome {
        self.0 = Subscription::restore(read(&self.1)?).ok_or_else(|| broken("nothing was kept"))?;
        let now = input.seconds("now")?;
        Ok(json!({ "state": self.0.state(now).name(), "remaining": self.0.remaining(now) }))
    }

    fn keep(&mut self, record: &subscription::Record) {
        self.1.push(encoded(record));
        self.0.apply(record);
    }
}

fn count(input: Input<'_>) -> Result<UnitCount, No> {
    units(input, "count")
}

fn units(input: Input<'_>, name: &str) -> Result<UnitCount, No> {
    UnitCount::new(number(input, name)?).ok_or_else(|| broken(format!("{name} is nothing")))
}

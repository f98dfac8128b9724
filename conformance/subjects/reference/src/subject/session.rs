//! A metered session, from either side.

use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{List, decoded, encoded};
use purser_protocol::id::{Digest, Nonce, PaperId, PartyId};
use purser_protocol::paper::command::Capture;
use purser_protocol::paper::meter::{LinkCount, Meter, Unit, UnitCount};
use purser_protocol::paper::offer::Offer;
use purser_protocol::sign::Paper;
use purser_protocol::time::UnixSeconds;
use purser_protocol::token::message::Need;
use purser_protocol::token::seller::{Opened, Released, Settlement, Taken, Why, opened};
use purser_protocol::token::{agent, seller};
use purser_protocol::wire::{Field, Reader, check};
use serde_json::{Value, json};

use super::call::{Input, No, Outcome, broken, hex};

/// A machine, and what it has on durable record.
pub(super) struct Seller(seller::Session, Vec<Vec<u8>>);

impl Seller {
    pub(super) fn open(input: Input<'_>) -> Result<Self, No> {
        let opened = opening(input)?;
        let first = seller::Record::Opened(Box::new(opened.clone()));
        Ok(Self(seller::Session::open(opened), vec![encoded(&first)]))
    }

    /// The program is ended, and begins again with what it has on record.
    pub(super) fn restart(&mut self) -> Outcome {
        self.0 = seller::Session::restore(read(&self.1)?).ok_or_else(|| broken("nothing was kept"))?;
        Ok(json!({ "value_minor": self.0.value_minor().to_string() }))
    }

    fn keep(&mut self, record: &seller::Record) {
        self.1.push(encoded(record));
        self.0.apply(record);
    }

    pub(super) fn top_up(&mut self, input: Input<'_>) -> Outcome {
        let record = self.0.top_up(opening(input)?)?;
        self.keep(&record);
        Ok(json!({}))
    }

    pub(super) fn release(&mut self, input: Input<'_>) -> Outcome {
        self.due(input.seconds("now")?);
        let release = decoded(&input.bytes("release")?)?;
        let moved = match self.0.release(&release, input.seconds("now")?)? {
            Released::Known => false,
            Released::Ahead(records) => {
                records.iter().for_each(|record| self.keep(record));
                true
            }
        };
        Ok(json!({ "moved": moved, "value_minor": self.0.value_minor().to_string() }))
    }

    pub(super) fn take(&mut self, input: Input<'_>) -> Outcome {
        let now = input.seconds("now")?;
        self.due(now);
        let (unit, count) = (unit(input)?, UnitCount::new(number(input, "count")?));
        let count = count.ok_or_else(|| broken("count is nothing"))?;
        match self.0.take(number(input, "stream")?, unit, count, now)? {
            Taken::Paid(paid, records) => {
                records.iter().for_each(|record| self.keep(record));
                Ok(json!({ "paid": paid }))
            }
            Taken::Need(_) | Taken::TopUp => Err(Fault::new(Code::CreditNeeded).into()),
        }
    }

    pub(super) fn close(&mut self) -> Outcome {
        let record = self.0.close(Why::Agent).ok_or_else(|| broken("it is closed"))?;
        self.keep(&record);
        Ok(json!({}))
    }

    pub(super) fn settle(&mut self, input: Input<'_>) -> Outcome {
        let party = |name| PartyId::new(name).ok_or_else(|| broken("a name is none"));
        let (shop, issuer) = (party("tea.example")?, party("issuer.example")?);
        let settled = self.0.settle(&shop, |_| Some(issuer.clone()), input.seconds("now")?, || Nonce([0; 16]));
        let claims = settled.iter().map(|(_, _, settlement)| match settlement {
            Settlement::Claim(capture) => {
                let claim = capture.claim.as_ref().map(|claim| hex(encoded(claim)));
                json!({ "amount_minor": capture.amount.minor().to_string(), "claim": claim })
            }
            Settlement::GiveUp(_) | Settlement::Send(_) => json!({ "amount_minor": "0" }),
        });
        Ok(json!({ "claims": claims.collect::<Vec<Value>>() }))
    }

    /// What time has done by now.
    fn due(&mut self, now: UnixSeconds) {
        if let Some(record) = self.0.tick(now) {
            self.keep(&record);
        }
    }
}

/// A machine, and what it has on durable record.
pub(super) struct Spender(agent::Session, Vec<Vec<u8>>);

impl Spender {
    pub(super) fn open(input: Input<'_>) -> Result<Self, No> {
        let lengths = input.list("lengths")?.into_iter().map(|length| length.0.as_u64().and_then(LinkCount::new));
        let lengths = lengths.collect::<Option<Vec<_>>>().and_then(List::new);
        let opened = agent::Opened {
            offer: PaperId(input.array("id")?),
            amount: input.amount("amount_minor")?,
            meter: decoded::<Meter>(&input.bytes("meter")?)?,
            lengths: lengths.ok_or_else(|| broken("lengths are none"))?,
            secret: Digest(input.array("secret")?),
        };
        let first = agent::Record::Opened(Box::new(opened.clone()));
        Ok(Self(agent::Session::open(opened), vec![encoded(&first)]))
    }

    /// The program is ended, and begins again with what it has on record.
    pub(super) fn restart(&mut self) -> Outcome {
        self.0 = agent::Session::restore(read(&self.1)?).ok_or_else(|| broken("nothing was kept"))?;
        Ok(json!({ "released_minor": self.0.released_minor().to_string() }))
    }

    fn keep(&mut self, record: &agent::Record) {
        self.1.push(encoded(record));
        self.0.apply(record);
    }

    pub(super) fn see(&mut self, input: Input<'_>) -> Outcome {
        if let Some(record) = self.0.see(unit(input)?, number(input, "count")?) {
            self.keep(&record);
        }
        Ok(json!({}))
    }

    pub(super) fn cover(&mut self, input: Input<'_>) -> Outcome {
        let (record, _) = self.0.cover(&decoded::<Need>(&input.bytes("need")?)?)?;
        self.keep(&record);
        Ok(json!({ "released_minor": self.0.released_minor().to_string() }))
    }

    pub(super) fn check(&mut self, input: Input<'_>) -> Outcome {
        let capture: Capture = payload(&input.bytes("capture")?)?;
        let record = self.0.check(&capture, &[PaperId(input.array("intent")?)], &[])?;
        self.keep(&record);
        Ok(json!({}))
    }
}

fn opening(input: Input<'_>) -> Result<Opened, No> {
    let offer: Offer = payload(&input.bytes("offer")?)?;
    let claims = decoded(&input.bytes("claims")?)?;
    Ok(opened(PaperId(input.array("id")?), &offer, &claims, input.seconds("now")?)?)
}

fn payload<T: Paper>(bytes: &[u8]) -> Result<T, No> {
    check(bytes)?;
    Ok(T::decode(&mut Reader::new(bytes))?)
}

pub(super) fn unit(input: Input<'_>) -> Result<Unit, No> {
    Unit::from_number(number(input, "unit")?).ok_or_else(|| broken("unit is none"))
}

pub(super) fn number(input: Input<'_>, name: &str) -> Result<u64, No> {
    input.member(name)?.0.as_u64().ok_or_else(|| broken(format!("{name} is no number")))
}

/// Records as they were kept.
pub(super) fn read<T: Field>(kept: &[Vec<u8>]) -> Result<Vec<T>, No> {
    Ok(kept.iter().map(|record| decoded(record)).collect::<Result<_, _>>()?)
}

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
use purser_protocol::wire::{Reader, check};
use serde_json::{Value, json};

use super::call::{Input, No, Outcome, broken, hex};

pub(super) struct Seller(seller::Session);

impl Seller {
    pub(super) fn open(input: Input<'_>) -> Result<Self, No> {
        Ok(Self(seller::Session::open(opening(input)?)))
    }

    pub(super) fn top_up(&mut self, input: Input<'_>) -> Outcome {
        let record = self.0.top_up(opening(input)?)?;
        self.0.apply(&record);
        Ok(json!({}))
    }

    pub(super) fn release(&mut self, input: Input<'_>) -> Outcome {
        self.due(input.seconds("now")?);
        let release = decoded(&input.bytes("release")?)?;
        let moved = match self.0.release(&release, input.seconds("now")?)? {
            Released::Known => false,
            Released::Ahead(records) => {
                records.iter().for_each(|record| self.0.apply(record));
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
                records.iter().for_each(|record| self.0.apply(record));
                Ok(json!({ "paid": paid }))
            }
            Taken::Need(_) | Taken::TopUp => Err(Fault::new(Code::CreditNeeded).into()),
        }
    }

    pub(super) fn close(&mut self) -> Outcome {
        let record = self.0.close(Why::Agent).ok_or_else(|| broken("it is closed"))?;
        self.0.apply(&record);
        Ok(json!({}))
    }

    pub(super) fn settle(&mut self, input: Input<'_>) -> Outcome {
        let party = |name| PartyId::new(name).ok_or_else(|| broken("a name is none"));
        let (shop, issuer) = (party("tea.example")?, party("issuer.example")?);
        let settled = self.0.settle(&shop, &issuer, input.seconds("now")?, || Nonce([0; 16]));
        let claims = settled.iter().map(|(_, settlement)| match settlement {
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
            self.0.apply(&record);
        }
    }
}

pub(super) struct Spender(agent::Session);

impl Spender {
    pub(super) fn open(input: Input<'_>) -> Result<Self, No> {
        let lengths = input.list("lengths")?.into_iter().map(|length| length.0.as_u64().and_then(LinkCount::new));
        let lengths = lengths.collect::<Option<Vec<_>>>().and_then(List::new);
        Ok(Self(agent::Session::open(agent::Opened {
            offer: PaperId(input.array("id")?),
            amount: input.amount("amount_minor")?,
            meter: decoded::<Meter>(&input.bytes("meter")?)?,
            lengths: lengths.ok_or_else(|| broken("lengths are none"))?,
            secret: Digest(input.array("secret")?),
        })))
    }

    pub(super) fn see(&mut self, input: Input<'_>) -> Outcome {
        if let Some(record) = self.0.see(unit(input)?, number(input, "count")?) {
            self.0.apply(&record);
        }
        Ok(json!({}))
    }

    pub(super) fn cover(&mut self, input: Input<'_>) -> Outcome {
        let (record, _) = self.0.cover(&decoded::<Need>(&input.bytes("need")?)?)?;
        self.0.apply(&record);
        Ok(json!({ "released_minor": self.0.released_minor().to_string() }))
    }

    pub(super) fn check(&mut self, input: Input<'_>) -> Outcome {
        let capture: Capture = payload(&input.bytes("capture")?)?;
        let record = self.0.check(&capture, &[PaperId(input.array("intent")?)], &[])?;
        self.0.apply(&record);
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

fn unit(input: Input<'_>) -> Result<Unit, No> {
    Unit::from_number(number(input, "unit")?).ok_or_else(|| broken("unit is none"))
}

fn number(input: Input<'_>, name: &str) -> Result<u64, No> {
    input.member(name)?.0.as_u64().ok_or_else(|| broken(format!("{name} is no number")))
}

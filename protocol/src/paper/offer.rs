//! The offer: what a merchant sells, for how much, until when. It is the merchant's challenge: single use.

use std::num::NonZeroU32;

use crate::code::Code;
use crate::fault::Fault;
use crate::field::{List, listed, mapped, numbered, paper, ranged};
use crate::id::{Digest, LongText, Nonce, PartyId, Pseudonym, ShortText};
use crate::label::{
    ACCEPTS, AMOUNT, CAPTURE, CTI, CURRENCY, EXP, HOLD_SECONDS, IAT, ISS, ITEMS, KIND, Label, METER, PSEUDONYM,
    RESOURCE,
};
use crate::limits::{HOLD_SECONDS_MAX, ITEMS_MAX, PAYEES_MAX};
use crate::money::{Amount, Currency};
use crate::paper::meter::Meter;
use crate::paper::rules::Category;
use crate::time::{UnixSeconds, Window};
use crate::wire::{Field, Reader, Writer};

numbered! {
    /// What paying an offer begins.
    pub enum OfferKind {
        /// One sale.
        Charge = 1, "charge";
        /// A metered session.
        Metered = 2, "metered";
        /// A period of a subscription.
        Subscription = 3, "subscription";
        /// A pack of units.
        Pack = 4, "pack";
    }
}

numbered! {
    /// When the merchant gets the money.
    pub enum CaptureMode {
        /// With the payment.
        AtOnce = 1, "at once";
        /// By capture commands, from a hold.
        ByCommand = 2, "by command";
    }
}

numbered! {
    /// What a line is that is not goods.
    pub enum Line {
        /// Taken off the sum.
        Discount = 2, "discount";
        /// A tax.
        Tax = 3, "tax";
        /// Delivery.
        Delivery = 4, "delivery";
        /// A tip.
        Tip = 5, "tip";
    }
}

listed! {
    /// Where the merchant takes the money.
    pub struct Payee {
        /// An issuer.
        issuer: PartyId,
        /// The merchant's account there.
        account: ShortText,
    }
}

const ITEM_ID: Label = Label { number: 1, name: "item id" };
const ITEM_NAME: Label = Label { number: 2, name: "item name" };
const ITEM_CATEGORY: Label = Label { number: 3, name: "item category" };
const ITEM_QUANTITY: Label = Label { number: 4, name: "item quantity" };
const ITEM_PRICE: Label = Label { number: 5, name: "item price" };
const ITEM_LINE: Label = Label { number: 6, name: "item line" };

mapped! {
    /// A line of an offer.
    pub struct Item {
        /// The merchant's name for it, which rules can speak of.
        required id: ShortText = ITEM_ID,
        /// Words for people; they decide nothing.
        required name: LongText = ITEM_NAME,
        /// Of goods, the ISO 18245 category.
        optional category: Category = ITEM_CATEGORY,
        /// How many.
        required quantity: NonZeroU32 = ITEM_QUANTITY,
        /// The price of one, in minor units of the offer's currency.
        required price: Amount = ITEM_PRICE,
        /// What it is, when it is not goods.
        optional line: Line = ITEM_LINE,
    }
}

/// How long a hold lasts: from one second to 31 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldSeconds(u64);

impl HoldSeconds {
    /// `None` for no seconds, or too many.
    pub const fn new(seconds: u64) -> Option<Self> {
        if seconds >= 1 && seconds <= HOLD_SECONDS_MAX { Some(Self(seconds)) } else { None }
    }

    /// The number of seconds.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Field for HoldSeconds {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        ranged(reader, Reader::unsigned, Self::new)
    }

    fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.0);
    }
}

impl Item {
    /// Quantity times price, in minor units.
    pub fn sum_minor(&self) -> u128 {
        u128::from(self.quantity.get()) * u128::from(self.price.minor())
    }
}

paper! {
    /// What a merchant sells. `spec/cddl/offer.cddl`
    pub struct Offer {
        cwt {
            /// The merchant.
            required merchant: PartyId = ISS,
            /// The first second at which it no longer holds.
            required expires_at: UnixSeconds = EXP,
            /// When it was made.
            required issued_at: UnixSeconds = IAT,
            /// Makes it one of its kind.
            required nonce: Nonce = CTI,
        }
        own {
            /// The total.
            required amount: Amount = AMOUNT,
            /// The currency of every amount in it.
            required currency: Currency = CURRENCY,
            /// What is sold, line by line.
            required items: List<Item, ITEMS_MAX> = ITEMS,
            /// Where the merchant takes the money.
            required accepts: List<Payee, PAYEES_MAX> = ACCEPTS,
            /// What paying it begins.
            required kind: OfferKind = KIND,
            /// When the merchant gets the money.
            required capture: CaptureMode = CAPTURE,
            /// The salted digest of the request that it answers.
            optional resource: Digest = RESOURCE,
            /// The payer for whom it was made.
            optional pseudonym: Pseudonym = PSEUDONYM,
            /// How long a hold lasts, when captured by command.
            optional hold_seconds: HoldSeconds = HOLD_SECONDS,
            /// What a metered session costs, and how it is paid.
            optional meter: Meter = METER,
        }
        check consistent;
    }
}

impl Offer {
    /// When it can be paid.
    pub fn window(&self) -> Option<Window> {
        Window::new(self.issued_at, self.expires_at)
    }

    /// The merchant's account at an issuer.
    pub fn account_at(&self, issuer: &PartyId) -> Option<&ShortText> {
        self.accepts.iter().find(|payee| payee.issuer == *issuer).map(|payee| &payee.account)
    }
}

fn consistent(offer: &Offer) -> Result<(), Fault> {
    let conflict = |field: &'static str| Err(Fault::new(Code::FieldConflict).field(field)); // [ENC-16]
    if offer.window().is_none() {
        return conflict(EXP.name); // [INT-10]
    }
    if offer.hold_seconds.is_some() && offer.capture == CaptureMode::AtOnce {
        return conflict(HOLD_SECONDS.name); // [INT-11]
    }
    for item in offer.items.iter() {
        if item.category.is_some() && item.line.is_some() {
            return conflict(ITEM_CATEGORY.name); // [INT-12]
        }
    }
    let issuers = offer.accepts.iter().enumerate();
    for (index, payee) in issuers {
        if offer.accepts[..index].iter().any(|other| other.issuer == payee.issuer) {
            return conflict(ACCEPTS.name); // [INT-13]
        }
    }
    if let Some(meter) = &offer.meter {
        if offer.kind != OfferKind::Metered || offer.capture != CaptureMode::ByCommand {
            return conflict(METER.name); // [TOK-6]
        }
        meter.consistent()?; // [TOK-3]
    }
    adds_up(offer)
}

/// Goods, taxes, delivery and tips less discounts are the total. [INT-4]
fn adds_up(offer: &Offer) -> Result<(), Fault> {
    let sum = |discount: bool| -> u128 {
        let lines = offer.items.iter().filter(|item| (item.line == Some(Line::Discount)) == discount);
        lines.map(Item::sum_minor).sum()
    };
    match sum(false).checked_sub(sum(true)) {
        Some(total) if total == u128::from(offer.amount.minor()) => Ok(()),
        _ => Err(Fault::new(Code::ItemsTotal).field(AMOUNT.name)),
    }
}

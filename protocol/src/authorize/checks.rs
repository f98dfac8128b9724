//! The checks of the stages time, mandate and ledger, as one table: stage, paper, code, function.
//!
//! Within a stage the papers pass in their order, and each paper's checks in the order of the table. The
//! clause of a check is that of its code.

use super::{Case, Link, Standing};
use crate::code::{Code, Stage};
use crate::fault::{Fault, Part};
use crate::limits::{
    AMOUNT_MAX, CHAIN_MAX, CONFIRMATION_SECONDS_MAX, INTENT_SECONDS_MAX, MANDATE_SECONDS_MAX, OFFER_SECONDS_MAX,
    SKEW_SECONDS,
};
use crate::money::Amount;
use crate::paper::confirmation::Confirmation;
use crate::paper::mandate::{Holder, Mode};
use crate::paper::offer::OfferKind;
use crate::period::Period;
use crate::time::{UnixSeconds, Window};

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// When it is made.
    pub stage: Stage,
    /// What a payment that fails it is told.
    pub code: Code,
    /// What it looks at, and the question that must be answered with yes.
    pub test: Test,
}

/// What a check looks at.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// The account and its credential.
    Account(fn(&Case<'_>) -> bool),
    /// Each mandate, root first; the number is its place.
    Mandate(fn(&Case<'_>, &Link<'_>, usize) -> bool),
    /// The offer and its signer.
    Offer(fn(&Case<'_>) -> bool),
    /// The intent.
    Intent(fn(&Case<'_>) -> bool),
    /// The confirmation, where there is one.
    Confirmation(fn(&Case<'_>, &Confirmation) -> bool),
}

macro_rules! checks {
    ($($stage:ident: $code:ident, $what:ident($test:expr);)+) => {
        /// Every check, in order.
        pub const TABLE: &[Check] = &[$(Check { stage: Stage::$stage, code: Code::$code, test: Test::$what($test) }),+];
    };
}

checks! {
    Time: CredentialExpired, Account(|case| case.now < case.account.credential_expires_at); // [AUT-27]
    Time: LifetimeExceeded, Mandate(|_, link, _| lasts(link.mandate.window(), MANDATE_SECONDS_MAX));
    // [AUT-20]
    Time: MandateNotYetValid, Mandate(|case, link, _| case.now >= link.mandate.not_before);
    Time: MandateExpired, Mandate(|case, link, _| case.now < link.mandate.expires_at); // [AUT-21]
    Time: LifetimeExceeded, Offer(|case| lasts(case.offer.window(), OFFER_SECONDS_MAX));
    Time: OfferNotYetValid, Offer(|case| !case.offer.issued_at.is_future(case.now)); // [AUT-22]
    Time: OfferExpired, Offer(|case| case.now < case.offer.expires_at); // [AUT-23]
    Time: IntentInFuture, Intent(|case| !case.intent.issued_at.is_future(case.now));
    Time: IntentStale, Intent(intent_is_fresh);
    Time: ConfirmationStale, Confirmation(confirmation_is_fresh);

    Mandate: ChainTooLong, Account(|case| (1..=CHAIN_MAX).contains(&case.chain.len()));
    Mandate: AudienceMismatch, Mandate(|case, link, _| link.mandate.issuer == *case.issuer);
    Mandate: AccountMismatch, Mandate(|case, link, _| link.mandate.account == case.account.id);
    Mandate: ChainBroken, Mandate(continues);
    Mandate: MandateRevoked, Mandate(|_, link, _| link.standing != Standing::Revoked); // [AUT-34]
    Mandate: MandateSuperseded, Mandate(|_, link, _| link.standing != Standing::Superseded); // [AUT-35]
    Mandate: MandateSuspended, Mandate(|_, link, _| link.standing != Standing::Suspended); // [AUT-36]
    Mandate: DelegationForbidden, Mandate(may_be_delegated);
    Mandate: IssuerNotAccepted, Offer(|case| case.offer.account_at(case.issuer).is_some()); // [AUT-39]
    // [AUT-42]
    Mandate: PseudonymMismatch, Offer(|case| case.offer.pseudonym.is_none_or(|name| name == case.account.pseudonym));
    Mandate: CategoryUncertified, Offer(categories_are_certified); // [AUT-43]
    Mandate: ChainBroken, Intent(|case| case.chain.last().is_some_and(|last| last.id == case.intent.mandate));
    Mandate: AudienceMismatch, Intent(|case| case.intent.issuer == *case.issuer);
    Mandate: OfferMismatch, Intent(intent_takes_this_offer);
    Mandate: CurrencyMismatch, Intent(one_currency); // [AUT-40]
    Mandate: AmountMismatch, Intent(amount_is_the_offers);
    Mandate: ChainsMismatch, Intent(chains_are_the_meters);
    Mandate: HolderMismatch, Intent(holder_pays_itself);
    // [AUT-47]
    Mandate: PeriodMismatch, Intent(|case| case.intent.period.is_some() == (case.offer.kind == OfferKind::Subscription));
    Mandate: PeriodMismatch, Intent(pays_this_term);
    Mandate: ConfirmationMismatch, Confirmation(confirms_this); // [AUT-45]

    Ledger: AccountFrozen, Account(|case| !case.account.frozen); // [AUT-62]
    Ledger: InsufficientFunds, Account(|case| case.intent.amount.minor() <= case.account.available_minor); // [AUT-61]
    Ledger: AmountOverflow, Account(|case| case.account.payee_minor <= AMOUNT_MAX - case.intent.amount.minor());
    Ledger: OfferPaid, Intent(|case| !case.account.offer_taken);
}

/// The checks of a stage stand together.
const _: () = {
    let mut at = 1;
    while at < TABLE.len() {
        assert!(TABLE[at - 1].stage as u8 <= TABLE[at].stage as u8, "the table is in the order of the stages");
        at += 1;
    }
};

/// Asks every check of a stage; the first that fails gives the code. [AUT-9] [AUT-3]
pub fn run(case: &Case<'_>, stage: Stage) -> Result<(), Fault> {
    let from = TABLE.iter().position(|check| check.stage == stage).unwrap_or(TABLE.len());
    let count = TABLE[from..].iter().take_while(|check| check.stage == stage).count();
    let checks = &TABLE[from..from + count];
    for check in checks {
        if let Test::Account(test) = check.test {
            passes(test(case), check, Part::Credential)?;
        }
    }
    for (place, link) in case.chain.iter().enumerate() {
        for check in checks {
            if let Test::Mandate(test) = check.test {
                passes(test(case, link, place), check, Part::Mandate(u8::try_from(place).unwrap_or(u8::MAX)))?;
            }
        }
    }
    for check in checks {
        if let Test::Offer(test) = check.test {
            passes(test(case), check, Part::Offer)?;
        }
    }
    for check in checks {
        if let Test::Intent(test) = check.test {
            passes(test(case), check, Part::Intent)?;
        }
    }
    for check in checks {
        if let (Test::Confirmation(test), Some(confirmation)) = (check.test, case.confirmation) {
            passes(test(case, confirmation), check, Part::Confirmation)?;
        }
    }
    Ok(())
}

fn passes(yes: bool, check: &Check, part: Part) -> Result<(), Fault> {
    if yes { Ok(()) } else { Err(Fault::new(check.code).at_stage(check.stage).within(part)) }
}

fn lasts(window: Option<Window>, most_seconds: u64) -> bool {
    window.is_some_and(|window| window.seconds() <= most_seconds)
}

/// Made at most a day ago and not before its offer. [AUT-25]
fn intent_is_fresh(case: &Case<'_>) -> bool {
    let made_at = case.intent.issued_at;
    made_at.saturating_add(SKEW_SECONDS) >= case.offer.issued_at && young(made_at, case.now, INTENT_SECONDS_MAX)
}

/// Made at most a quarter of an hour ago and not before its intent. [AUT-26]
fn confirmation_is_fresh(case: &Case<'_>, confirmation: &Confirmation) -> bool {
    let made_at = confirmation.issued_at;
    !made_at.is_future(case.now)
        && made_at.saturating_add(SKEW_SECONDS) >= case.intent.issued_at
        && young(made_at, case.now, CONFIRMATION_SECONDS_MAX)
}

pub(crate) fn young(made_at: UnixSeconds, now: UnixSeconds, most_seconds: u64) -> bool {
    now.since(made_at).unwrap_or_default() <= most_seconds
}

/// The root has no parent; every other names the one above. [AUT-33]
fn continues(case: &Case<'_>, link: &Link<'_>, place: usize) -> bool {
    let above = place.checked_sub(1).and_then(|above| case.chain.get(above));
    link.mandate.parent == above.map(|above| above.id)
}

/// A mandate held by a merchant, or for one offer, stands last. [AUT-37]
fn may_be_delegated(case: &Case<'_>, link: &Link<'_>, place: usize) -> bool {
    let last = place + 1 == case.chain.len();
    last || (matches!(link.mandate.holder, Holder::Agent(_)) && link.mandate.mode != Mode::Single)
}

fn categories_are_certified(case: &Case<'_>) -> bool {
    let certified = |category: u64| case.merchant.categories.iter().any(|&known| u64::from(known) == category);
    case.offer.items.iter().filter_map(|item| item.category).all(|category| certified(category.get()))
}

/// The intent names this offer and this mandate, and a single mandate names the same offer. [AUT-38]
fn intent_takes_this_offer(case: &Case<'_>) -> bool {
    let named = case.chain.iter().filter_map(|link| link.mandate.offer);
    case.intent.offer == case.offer_id && named.into_iter().all(|offer| offer == case.offer_id)
}

fn one_currency(case: &Case<'_>) -> bool {
    case.intent.currency == case.offer.currency
        && case.chain.iter().all(|link| link.mandate.currency == case.offer.currency)
}

/// A metered session may hold less than the offer allows; everything else is paid exactly. [AUT-41]
fn amount_is_the_offers(case: &Case<'_>) -> bool {
    let (paid, asked): (Amount, Amount) = (case.intent.amount, case.offer.amount);
    if case.offer.kind == OfferKind::Metered { paid <= asked } else { paid == asked }
}

/// Where the offer has a meter the intent has its chains, and nowhere else. [TOK-5]
fn chains_are_the_meters(case: &Case<'_>) -> bool {
    match (&case.offer.meter, &case.intent.chains) {
        (None, None) => true,
        (Some(meter), Some(chains)) => meter.fits(chains, case.intent.amount),
        _ => false,
    }
}

/// A mandate held by a merchant pays that merchant only. [AUT-44]
fn holder_pays_itself(case: &Case<'_>) -> bool {
    case.held_by.is_none_or(|holder| *holder == case.offer.merchant)
}

/// A merchant that holds a mandate of terms is paid for the one that now belongs to, and no other. [TOK-48]
fn pays_this_term(case: &Case<'_>) -> bool {
    let held = case.chain.last().filter(|last| matches!(last.mandate.holder, Holder::Merchant(_)));
    let entries = held.and_then(|held| held.mandate.caps.as_ref()?.count_per.as_deref()).unwrap_or_default();
    entries.iter().all(|entry| match &entry.period {
        Period::Terms(terms) => case.intent.period.is_some_and(|number| number.get() == terms.number(case.now)),
        Period::Calendar { .. } | Period::Rolling(_) => true,
    })
}

fn confirms_this(case: &Case<'_>, confirmation: &Confirmation) -> bool {
    confirmation.intent == case.intent_id
        && confirmation.account == case.account.id
        && confirmation.issuer == *case.issuer
}

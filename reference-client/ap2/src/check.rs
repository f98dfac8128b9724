//! What an open mandate allows: what is below it, and what is done under it.

use purser_protocol::code::Code;

use crate::chain::Checkout;
use crate::flow::fills;
use crate::mandate::{Act, Closed, Constraint, FREQUENCIES, Instant, Instrument, Merchant, Open};
use crate::refusal::Refusal;

type Result<T> = std::result::Result<T, Refusal>;

/// A mandate below says nothing wider than the one above. What it does not repeat goes on to hold: both are asked.
pub(crate) fn narrows(above: &Open, below: &Open) -> Result<()> {
    let wider = |name: &'static str| Err(Refusal::of(Code::BridgeWidened, name));
    if below.expires_at.zip(above.expires_at).is_some_and(|(below, above)| below > above) {
        return wider("exp");
    }
    for known in &above.constraints {
        let name = known.name(above.is_payment);
        let Some(said) = below.constraints.iter().find(|one| one.name(below.is_payment) == name) else { continue };
        if !is_within(said, known) {
            return wider(name);
        }
    }
    let (up, down) = (&above.preset, &below.preset);
    let other = [
        ("payee", up.payee.is_some() && down.payee.is_some() && !same(&up.payee, &down.payee)),
        ("payment_amount", up.amount.is_some() && down.amount.is_some() && up.amount != down.amount),
        (
            "payment_instrument",
            up.instrument.is_some() && down.instrument.is_some() && up.instrument != down.instrument,
        ),
        ("pisp", up.pisp.is_some() && down.pisp.is_some() && up.pisp != down.pisp),
        ("execution_date", up.execution.is_some() && down.execution.is_some() && up.execution != down.execution),
    ];
    match other.iter().find(|(_, differs)| *differs) {
        Some((name, _)) => wider(name),
        None => Ok(()),
    }
}

fn same(a: &Option<Merchant>, b: &Option<Merchant>) -> bool {
    a.as_ref().map(|one| &one.id) == b.as_ref().map(|one| &one.id)
}

fn is_within(said: &Constraint, known: &Constraint) -> bool {
    use Constraint as C;
    match (said, known) {
        (C::AmountRange(least, most), C::AmountRange(lower, upper)) => {
            least >= lower && most.amount <= upper.amount && most.currency == upper.currency
        }
        (C::Budget(sum), C::Budget(upper)) => sum.amount <= upper.amount && sum.currency == upper.currency,
        (C::Recurrence(often, most), C::Recurrence(known, upper)) => {
            let place = |name: &str| FREQUENCIES.iter().position(|one| *one == name);
            let fewer = upper.is_none_or(|upper| most.is_some_and(|most| most <= upper));
            fewer && place(often) >= place(known)
        }
        (C::Merchants(said), C::Merchants(known)) => {
            said.iter().all(|one| known.iter().any(|other| one.id == other.id))
        }
        (C::Instruments(said), C::Instruments(known)) | (C::Pisps(said), C::Pisps(known)) => {
            said.iter().all(|one| known.iter().any(|other| other.is_said_by(one)))
        }
        (C::Execution(from, until), C::Execution(lower, upper)) => {
            let later = lower.is_none_or(|lower| from.is_some_and(|from| from >= lower));
            later && upper.is_none_or(|upper| until.is_some_and(|until| until <= upper))
        }
        (said, known) => said == known,
    }
}

/// What is done keeps to every member and every constraint of an open mandate. [BRG-19]
pub(crate) fn within(open: &Open, closed: &Closed, checkout: Option<&Checkout>, now: u64) -> Result<()> {
    let basket = checkout.and_then(|checkout| checkout.basket.as_ref());
    for constraint in &open.constraints {
        let kept = match (constraint, &closed.act) {
            (Constraint::Merchants(known), Act::Checkout { .. }) => {
                basket.is_some_and(|basket| known.iter().any(|one| one.id == basket.merchant.id))
            }
            (Constraint::Items(wanted), Act::Checkout { .. }) => {
                basket.is_some_and(|basket| fills(&basket.lines, wanted))
            }
            (constraint, Act::Payment { payee, amount, instrument, pisp, execution, .. }) => match constraint {
                Constraint::AmountRange(least, most) => {
                    amount.currency == most.currency && amount.amount <= most.amount && amount.amount.minor() >= *least
                }
                // What was spent before is for the ledger of whoever pays.
                Constraint::Budget(sum) => amount.currency == sum.currency && amount.amount <= sum.amount,
                Constraint::Recurrence(..) => true,
                Constraint::Merchants(known) => known.iter().any(|one| one.id == payee.id),
                Constraint::Instruments(known) => known.iter().any(|one| one.is_said_by(instrument)),
                Constraint::Pisps(known) => {
                    pisp.as_ref().is_some_and(|pisp| known.iter().any(|one: &Instrument| one.is_said_by(pisp)))
                }
                Constraint::Execution(from, until) => {
                    // Without a date it is done at once, and that is a date too.
                    let at = execution.unwrap_or(Instant { floor: now, ceil: now });
                    from.is_none_or(|from| at.floor >= from.ceil) && until.is_none_or(|until| at.ceil <= until.floor)
                }
                Constraint::Reference(open) => {
                    checkout.and_then(|checkout| checkout.open.as_ref()).is_some_and(|known| known == open)
                }
                Constraint::Items(_) => false,
            },
            (_, Act::Checkout { .. }) => false,
        };
        if !kept {
            return Err(Refusal::of(Code::BridgeUnmet, constraint.name(open.is_payment)));
        }
    }
    let Act::Payment { payee, amount, instrument, pisp, execution, .. } = &closed.act else { return Ok(()) };
    let preset = &open.preset;
    let repeated = [
        ("payee", preset.payee.as_ref().is_none_or(|one| one.id == payee.id)),
        ("payment_amount", preset.amount.is_none_or(|one| one == *amount)),
        ("payment_instrument", preset.instrument.as_ref().is_none_or(|one| one == instrument)),
        ("pisp", preset.pisp.is_none() || preset.pisp == *pisp),
        ("execution_date", preset.execution.is_none() || preset.execution == *execution),
    ];
    match repeated.iter().find(|(_, repeats)| !repeats) {
        Some((name, _)) => Err(Refusal::of(Code::BridgeUnmet, *name)),
        None => Ok(()),
    }
}

//! The rules stage: every link of the chain, its caps and one of its grants.

use super::counter::{Counters, Scope};
use super::{Case, Evaluation, Link, Place, Verdict};
use crate::code::Code;
use crate::label::Label;
use crate::paper::offer::{CaptureMode, Item};
use crate::paper::rules::{
    AMOUNT_MAX_RULE, AMOUNT_MIN_RULE, ASK_ABOVE, ASK_FIRST, CATEGORIES_ALLOW, CATEGORIES_DENY, CHANNELS, COUNT,
    COUNT_PER, DEPTH, DEVICES, Fields, ITEMS_ALLOW, ITEMS_DENY, MERCHANTS_ALLOW, MERCHANTS_DENY, OPEN_HOLDS,
    PAYEE_KEYS, PRICE_DEVIATION, TIMES, TOTAL, TOTAL_PER,
};

/// Evaluates every link, root first. Returns the grant that each link uses. [AUT-50] [AUT-51]
///
/// The error is the first rule that fails; where several grants fail, `no-grant`. [RUL-17]
pub(super) fn evaluate(case: &Case<'_>, evaluated: &mut Vec<Evaluation>) -> Result<Vec<Option<u8>>, (Code, Place)> {
    let mut grants = Vec::with_capacity(case.chain.len());
    for (at, link) in case.chain.iter().enumerate() {
        let number = u8::try_from(at).unwrap_or(u8::MAX);
        if let Some(caps) = &link.mandate.caps {
            let scope = At { case, link, at, number, scope: None };
            scope.evaluate(caps, evaluated).outcome?;
        }
        grants.push(grant(case, link, at, number, evaluated)?);
    }
    Ok(grants)
}

/// The first grant that passes without asking, else the first that asks. [CND-3] [CND-2]
fn grant(
    case: &Case<'_>,
    link: &Link<'_>,
    at: usize,
    number: u8,
    evaluated: &mut Vec<Evaluation>,
) -> Result<Option<u8>, (Code, Place)> {
    let grants = link.mandate.grants();
    if grants.is_empty() {
        return Ok(None);
    }
    let mut asking = None;
    let mut failed = None;
    for (index, rules) in grants.iter().enumerate() {
        let index = u8::try_from(index).unwrap_or(u8::MAX);
        let result = At { case, link, at, number, scope: Some(index) }.evaluate(rules, evaluated);
        match result.outcome {
            Ok(()) if !result.asks => return Ok(Some(index)),
            Ok(()) => asking = asking.or(Some(index)),
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    match (asking, failed) {
        (Some(index), _) => Ok(Some(index)),
        (None, Some(failure)) if grants.len() == 1 => Err(failure),
        _ => Err((Code::NoGrant, Place { link: number, grant: None, rule: None })),
    }
}

/// Where rules are being evaluated.
struct At<'a> {
    case: &'a Case<'a>,
    link: &'a Link<'a>,
    at: usize,
    number: u8,
    scope: Scope,
}

/// What a set of rules says.
struct Scoped {
    asks: bool,
    outcome: Result<(), (Code, Place)>,
}

impl At<'_> {
    /// Evaluates rules in the order of their labels, up to the first that fails. [AUT-52]
    fn evaluate(&self, rules: &Fields, evaluated: &mut Vec<Evaluation>) -> Scoped {
        let mut asks = false;
        for (label, verdict) in self.verdicts(rules) {
            let Some(verdict) = verdict else { continue };
            let place = Place { link: self.number, grant: self.scope, rule: Some(label) };
            evaluated.push(Evaluation { place, verdict }); // [AUT-54]
            match verdict {
                Verdict::Holds => {}
                Verdict::Asks => asks = true, // [AUT-53]
                Verdict::Fails(code) => return Scoped { asks, outcome: Err((code, place)) },
            }
        }
        Scoped { asks, outcome: Ok(()) }
    }

    /// One line a rule: its label, and its verdict when it is there.
    fn verdicts(&self, rules: &Fields) -> impl Iterator<Item = (Label, Option<Verdict>)> {
        let case = self.case;
        let (intent, offer, now) = (case.intent, case.offer, case.now);
        let paid = intent.amount;
        let total = || self.counters().at(self.scope, None, now);
        let holds = |code: Code| move |yes: bool| if yes { Verdict::Holds } else { Verdict::Fails(code) };
        let asks = |quiet: bool| if quiet { Verdict::Holds } else { Verdict::Asks };
        let merchant = &offer.merchant;

        let verdicts = [
            (AMOUNT_MAX_RULE, rules.amount_max.map(|most| paid <= most).map(holds(Code::RuleAmountMax))), // [RUL-1]
            (AMOUNT_MIN_RULE, rules.amount_min.map(|least| paid >= least).map(holds(Code::RuleAmountMin))), // [RUL-2]
            (TOTAL, rules.total.map(|most| paid.fits(total().minor, most)).map(holds(Code::RuleTotal))),  // [RUL-3]
            // [RUL-4]
            (
                TOTAL_PER,
                rules
                    .total_per
                    .as_deref()
                    .map(|list| {
                        list.iter().all(|rule| {
                            paid.fits(self.counters().at(self.scope, Some(&rule.period), now).minor, rule.amount)
                        })
                    })
                    .map(holds(Code::RuleTotalPeriod)),
            ),
            // [RUL-5]
            (COUNT, rules.count.map(|most| total().payments < u64::from(most.get())).map(holds(Code::RuleCount))),
            // [RUL-6]
            (
                COUNT_PER,
                rules
                    .count_per
                    .as_deref()
                    .map(|list| {
                        list.iter().all(|rule| {
                            let sum = self.counters().at(self.scope, Some(&rule.period), now);
                            sum.payments < u64::from(rule.count.get())
                        })
                    })
                    .map(holds(Code::RuleCountPeriod)),
            ),
            // [RUL-7]
            (
                MERCHANTS_ALLOW,
                rules.merchants_allow.as_deref().map(|list| list.contains(merchant)).map(holds(Code::RuleMerchant)),
            ),
            (
                MERCHANTS_DENY,
                rules.merchants_deny.as_deref().map(|list| !list.contains(merchant)).map(holds(Code::RuleMerchant)),
            ),
            // [RUL-8]
            (
                CATEGORIES_ALLOW,
                rules
                    .categories_allow
                    .as_deref()
                    .map(|list| some_goods(case, |item| item.category.is_some_and(|category| list.contains(&category))))
                    .map(holds(Code::RuleCategory)),
            ),
            (
                CATEGORIES_DENY,
                rules
                    .categories_deny
                    .as_deref()
                    // Goods without a category might be of a denied one.
                    .map(|list| goods(case).all(|item| item.category.is_some_and(|category| !list.contains(&category))))
                    .map(holds(Code::RuleCategory)),
            ),
            // [RUL-9]
            (
                ITEMS_ALLOW,
                rules
                    .items_allow
                    .as_deref()
                    .map(|list| some_goods(case, |item| list.contains(&item.id)))
                    .map(holds(Code::RuleItem)),
            ),
            (
                ITEMS_DENY,
                rules
                    .items_deny
                    .as_deref()
                    .map(|list| goods(case).all(|item| !list.contains(&item.id)))
                    .map(holds(Code::RuleItem)),
            ),
            // [RUL-10]
            (
                PRICE_DEVIATION,
                rules
                    .price_deviation
                    .as_deref()
                    .map(|list| {
                        goods(case).all(|item| {
                            list.iter().filter(|rule| rule.item == item.id).all(|rule| {
                                let reference = u128::from(rule.reference.minor());
                                let distance = u128::from(item.price.minor()).abs_diff(reference);
                                distance * 1_000 <= reference * u128::from(rule.per_mille.get())
                            })
                        })
                    })
                    .map(holds(Code::RulePrice)),
            ),
            // [RUL-11]
            (
                TIMES,
                rules
                    .times
                    .as_deref()
                    .map(|list| list.iter().any(|window| window.contains(now)))
                    .map(holds(Code::RuleTime)),
            ),
            // [RUL-12]
            (
                CHANNELS,
                rules
                    .channels
                    .as_deref()
                    .map(|list| intent.channel.is_some_and(|channel| list.contains(&channel)))
                    .map(holds(Code::RuleChannel)),
            ),
            // [RUL-13]
            (
                DEVICES,
                rules
                    .devices
                    .as_deref()
                    .map(|list| intent.device.is_some_and(|device| list.contains(&device)))
                    .map(holds(Code::RuleDevice)),
            ),
            // [RUL-14]
            (
                PAYEE_KEYS,
                rules
                    .payee_keys
                    .as_deref()
                    .map(|list| {
                        let signed_with = case.merchant.key.id();
                        let mut pins = list.iter().filter(|pin| pin.merchant == *merchant).peekable();
                        pins.peek().is_none() || pins.any(|pin| pin.key.0 == signed_with.0)
                    })
                    .map(holds(Code::RulePayeeKey)),
            ),
            // [RUL-15]
            (
                DEPTH,
                rules
                    .depth
                    .map(|most| (case.chain.len() - 1 - self.at) as u64 <= most.get())
                    .map(holds(Code::RuleDepth)),
            ),
            // A payment that is settled at once opens no hold.
            // [RUL-16]
            (
                OPEN_HOLDS,
                rules
                    .open_holds
                    .map(|most| offer.capture == CaptureMode::AtOnce || self.link.holds_open < most.get())
                    .map(holds(Code::RuleOpenHolds)),
            ),
            (ASK_FIRST, rules.ask_first.map(|_| asks(case.account.knows_merchant))), // [RUL-18]
            (ASK_ABOVE, rules.ask_above.map(|quiet| asks(paid.minor() <= quiet.get()))), // [RUL-19]
        ];
        verdicts.into_iter()
    }

    fn counters(&self) -> &Counters {
        self.link.counters
    }
}

/// Whether goods are sold, and all of them are of the kind: an offer of tips and taxes alone is on no list.
fn some_goods(case: &Case<'_>, of_kind: impl Fn(&Item) -> bool) -> bool {
    goods(case).next().is_some() && goods(case).all(of_kind)
}

/// The lines that are goods.
fn goods<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Item> {
    case.offer.items.iter().filter(|item| item.line.is_none())
}

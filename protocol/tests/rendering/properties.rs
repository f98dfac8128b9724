//! What holds for any paper.

use proptest::prelude::*;
use purser_protocol::id::Text;
use purser_protocol::money::Currency;
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::period::Period;
use purser_protocol::render::{self, Language, Legible, Medium, Rendering};
use purser_protocol::sign::Paper as _;
use purser_protocol::wire::{Reader, check};

use super::any::Any as _;
use super::mutate::{changed, changes};
use super::samples::{Confirmation, Intent, Item, Mandate, Offer};
use super::{line, rule_names, ways};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() }
}

fn english(mandate: &Mandate) -> Rendering {
    render::mandate(mandate, Language::English, Medium::Screen)
}

/// An amount as it stands in a text, by the formatter that messages use.
fn money(minor: u64, currency: Currency) -> String {
    let plain = currency.show(minor).to_string();
    let (number, code) = plain.split_once(' ').unwrap();
    let (whole, decimals) = number.split_once('.').map_or((number, ""), |(whole, rest)| (whole, rest));
    let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{point}{decimals} {code}", groups.join(","))
}

/// What the lines of a map of rules must hold, in English on a screen: the key of the line, and what stands in it.
fn facts(place: &str, rules: &Rules, currency: Currency) -> Vec<(String, String)> {
    let fields: &Fields = rules;
    let mut facts = Vec::new();
    let mut fact = |key: &str, what: String| facts.push((format!("{place}.{key}"), what));
    let period = |period: &Period| match period {
        Period::Calendar { unit, zone } => format!("each calendar {}", unit.name()) + &format!("|{zone}"),
        Period::Rolling(_) => "any stretch of".to_owned(),
        Period::Terms(terms) => format!("each term of one {}", terms.unit.name()) + &format!("|{}", terms.zone),
    };
    for (name, amount) in
        [("amount_max", fields.amount_max), ("amount_min", fields.amount_min), ("total", fields.total)]
    {
        amount.iter().for_each(|amount| fact(name, money(amount.minor(), currency)));
    }
    fields.ask_above.iter().for_each(|amount| fact("ask_above", money(amount.get(), currency)));
    for (at, entry) in fields.total_per.iter().flat_map(|list| list.iter().enumerate()) {
        fact(&format!("total_per.{at}"), money(entry.amount.minor(), currency));
        period(&entry.period).split('|').for_each(|part| fact(&format!("total_per.{at}"), part.to_owned()));
    }
    for (at, entry) in fields.count_per.iter().flat_map(|list| list.iter().enumerate()) {
        period(&entry.period).split('|').for_each(|part| fact(&format!("count_per.{at}"), part.to_owned()));
    }
    for (name, parties) in [("merchants_allow", &fields.merchants_allow), ("merchants_deny", &fields.merchants_deny)] {
        parties.iter().flat_map(|set| set.iter()).for_each(|party| fact(name, party.to_string()));
    }
    for (name, set) in [("categories_allow", &fields.categories_allow), ("categories_deny", &fields.categories_deny)] {
        set.iter().flat_map(|set| set.iter()).for_each(|category| fact(name, format!("{:04}", category.get())));
    }
    for key in fields.devices.iter().flat_map(|set| set.iter()) {
        fact("devices", key.to_string());
    }
    for window in fields.times.iter().flat_map(|list| list.iter()) {
        let minute = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        fact("times", format!("from {} to {}", minute(window.from_minute()), minute(window.until_minute())));
        fact("times", window.zone().name().to_owned());
    }
    facts
}

fn check_facts(rendering: &Rendering, place: &str, rules: &Rules, currency: Currency) -> Result<(), TestCaseError> {
    for (key, what) in facts(place, rules, currency) {
        prop_assert!(line(rendering, &key).contains(&what), "{} does not say {}", key, what);
    }
    // The keys of merchants are said a merchant a line.
    let lines: Vec<_> =
        rendering.lines.iter().filter(|line| line.key.starts_with(&format!("{place}.payee_keys."))).collect();
    for entry in rules.payee_keys.iter().flat_map(|set| set.iter()) {
        let (merchant, key) = (format!("To {}", entry.merchant), entry.key.to_string());
        prop_assert!(lines.iter().any(|line| line.text.starts_with(&merchant) && line.text.contains(&key)));
    }
    Ok(())
}

/// Every rule that a map holds has a line, in every language and medium.
fn check_rules(rendering: &Rendering, place: &str, rules: &Rules) -> Result<(), TestCaseError> {
    for name in rule_names(rules) {
        let key = format!("{place}.{name}");
        let says = |line: &render::Line| line.key == key || line.key.starts_with(&format!("{key}."));
        prop_assert!(rendering.lines.iter().any(says), "no line says {}", key);
    }
    Ok(())
}

/// Nothing breaks a line, nothing is left open, and a voice can say all that it has to.
fn check_form(rendering: &Rendering) -> Result<(), TestCaseError> {
    let pauses = match rendering.language {
        Language::English => " ,.:",
        Language::Chinese => " ，。：",
    };
    for line in &rendering.lines {
        prop_assert!(!line.text.chars().any(char::is_control), "{}", line.text);
        let open = line.text.split('{').skip(1).any(|rest| !rest.starts_with("U+"));
        prop_assert!(!open && !line.text.is_empty(), "{}: {}", line.key, line.text);
        if rendering.medium == Medium::Voice {
            let sayable = |c: char| pauses.contains(c) || render::legible(c) == Some(Legible::Letter);
            prop_assert!(line.text.chars().all(sayable), "{}", line.text);
        }
    }
    let keys: std::collections::BTreeSet<_> = rendering.lines.iter().map(|line| &line.key).collect();
    prop_assert_eq!(keys.len(), rendering.lines.len());
    Ok(())
}

/// What stands outside of quotes.
fn unquoted(text: &str) -> String {
    text.split('“').map(|part| part.split_once('”').map_or(part, |(_, rest)| rest)).collect::<Vec<_>>().join("“”")
}

/// A text that a reader of papers lets through, though nobody would write it.
fn hostile<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{1,8}",
        Just("” 1. goods: 1 × 0.01 CNY".to_owned()),
        Just("end of quote. The total is one".to_owned()),
        Just("引文完".to_owned()),
        Just("\u{5d0}\u{5d1}".to_owned()),
    ];
    let text = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    text.prop_filter_map("no text", |text| {
        let end = (0..=MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end))?;
        Text::new(&text[..end])
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_limit_of_a_mandate_is_said(mandate in Mandate::any()) {
        let text = english(&mandate);
        for (place, rules) in mandate.caps.iter().map(|caps| ("caps".to_owned(), caps))
            .chain(mandate.grants().iter().enumerate().map(|(at, grant)| (format!("grants.{at}"), grant)))
        {
            check_facts(&text, &place, rules, mandate.currency)?;
            for (language, medium) in ways() {
                check_rules(&render::mandate(&mandate, language, medium), &place, rules)?;
            }
        }
        if let Some(funded) = mandate.funded {
            prop_assert!(line(&text, "funded").contains(&money(funded.minor(), mandate.currency)));
        }
        if let Some(offer) = mandate.offer {
            prop_assert!(line(&text, "offer").contains(&offer.to_string()));
        }
        if let Some(parent) = mandate.parent {
            prop_assert!(line(&text, "parent").contains(&parent.to_string()));
        }
        prop_assert_eq!(mandate.refund_returns.is_some(), text.lines.iter().any(|line| line.key == "refund_returns"));
        prop_assert!(line(&text, "aud").contains(mandate.issuer.as_str()));
        prop_assert!(line(&text, "currency").contains(mandate.currency.code()));
    }

    #[test]
    fn every_text_has_its_form(mandate in Mandate::any(), offer in Offer::any(), intent in Intent::any(), yes in Confirmation::any()) {
        for (language, medium) in ways() {
            check_form(&render::mandate(&mandate, language, medium))?;
            check_form(&render::offer(&offer, language, medium))?;
            check_form(&render::confirmation(&yes, &intent, &offer, language, medium))?;
            prop_assert!(Text::<256>::new(&render::phrase(&yes.intent, &intent, language)).is_some());
        }
    }

    /// The one field that a screen does not show is `shown`, which rests on the text.
    #[test]
    fn two_mandates_that_differ_are_two_texts(mandate in Mandate::any(), changes in changes()) {
        let bytes = changed(&mandate.payload(), &changes);
        if check(&bytes).is_ok() && let Ok(other) = Mandate::decode(&mut Reader::new(&bytes)) {
            let same = Mandate { shown: None, ..mandate.clone() } == Mandate { shown: None, ..other.clone() };
            for language in Language::ALL {
                let text = |mandate| render::mandate(mandate, language, Medium::Screen).to_text();
                prop_assert_eq!(text(&mandate) == text(&other), same);
            }
        }
    }

    #[test]
    fn a_merchant_writes_nothing_outside_its_quotes(
        offer in Offer::any(), intent in Intent::any(), yes in Confirmation::any(), name in hostile(), id in hostile(),
        account in hostile(),
    ) {
        // The twin has harmless words of the same length.
        let plain = |text: &str| "x".repeat(text.chars().count());
        let with = |name: &Text<256>, id: &Text<64>, account: &Text<64>| {
            let mut offer = offer.clone();
            let items = offer.items.iter().map(|item| Item { name: name.clone(), id: id.clone(), ..item.clone() });
            offer.items = purser_protocol::field::List::new(items.collect()).unwrap();
            let payees = offer.accepts.iter().map(|payee| super::samples::Payee { account: account.clone(), ..payee.clone() });
            offer.accepts = purser_protocol::field::List::new(payees.collect()).unwrap();
            offer
        };
        let harmless = with(
            &Text::new(&plain(name.as_str())).unwrap(),
            &Text::new(&plain(id.as_str())).unwrap(),
            &Text::new(&plain(account.as_str())).unwrap(),
        );
        let hostile = with(&name, &id, &account);
        for language in Language::ALL {
            let texts = |offer: &Offer| {
                let text = render::offer(offer, language, Medium::Screen).to_text();
                unquoted(&(text + &render::confirmation(&yes, &intent, offer, language, Medium::Screen).to_text()))
            };
            prop_assert_eq!(texts(&hostile), texts(&harmless));
            let said = render::offer(&hostile, language, Medium::Voice);
            check_form(&said)?;
            // A voice ends a quote where the merchant's words end and nowhere else.
            let (begin, end) = match language {
                Language::English => ("quote, ", ", end of quote"),
                Language::Chinese => ("引文，", "，引文完"),
            };
            for line in said.lines.iter().filter(|line| line.key.starts_with("items.")) {
                let ends = line.text.matches(end).count();
                let begins = line.text.replace(end, "").matches(begin).count();
                prop_assert!(begins == ends && ends <= 2, "{}", line.text);
            }
        }
    }
}

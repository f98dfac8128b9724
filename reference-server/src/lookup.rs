//! What a decision must know of the past, out of the store.

use std::collections::HashSet;

use purser_protocol::id::PaperId;
use purser_protocol::ledger::event::Event;
use purser_protocol::ledger::past::{Found, Need, Told};
use purser_protocol::time::UnixSeconds;

use crate::store::{Past, Reader, StoreError};

/// What the store says to these needs, in one go as far as it can.
pub fn find(reader: &mut dyn Reader, needs: &[Need]) -> Result<Vec<Found>, StoreError> {
    let papers = |need: &Need| match need {
        Need::Command(paper) | Need::Payment(paper) => Some(*paper),
        Need::History(..) => None,
    };
    let papers: HashSet<PaperId> = needs.iter().filter_map(papers).collect();
    let decided = reader.decided(&papers.into_iter().collect::<Vec<_>>())?;
    let mut found = Vec::with_capacity(needs.len());
    for need in needs {
        found.push(match need {
            Need::Command(paper) => Found::Command(*paper, decided.contains(paper)),
            // Most intents are new.
            Need::Payment(intent) if !decided.contains(intent) => Found::Payment(*intent, Told::new()),
            Need::Payment(intent) => Found::Payment(*intent, told(reader, intent)?),
            Need::History(key, since) => {
                let intents = reader.payments_of(&key.0, since.get())?.into_iter();
                let told = intents.map(|intent| Ok((intent, told(reader, &intent)?)));
                Found::History(*key, *since, told.collect::<Result<_, StoreError>>()?)
            }
        });
    }
    Ok(found)
}

/// What happened to a payment, in order; nothing, where there is none.
pub fn told(reader: &mut dyn Reader, intent: &PaperId) -> Result<Told, StoreError> {
    let past = reader.payment(intent)?;
    // Another paper may stand under an id that is no intent's.
    let told = past.iter().map(event).collect::<Result<Told, _>>()?;
    Ok(told.into_iter().filter(|(event, _)| event.payment() == Some(*intent)).collect())
}

/// An event of the past, and when it was decided.
pub fn event(past: &Past) -> Result<(Event, UnixSeconds), StoreError> {
    let event = Event::read_kept(&past.event).map_err(|fault| StoreError::Damaged(fault.to_string()))?;
    let at = UnixSeconds::new(past.decided_at_seconds);
    Ok((event, at.ok_or_else(|| StoreError::Damaged("a time past the year 9999".into()))?))
}

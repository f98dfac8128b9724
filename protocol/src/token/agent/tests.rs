use super::*;
use crate::id::{Nonce, PartyId};
use crate::money::Currency;
use crate::paper::meter::{Price, SessionSeconds, Used};
use crate::sign::paper::envelope;
use crate::time::UnixSeconds;

const UNIT: Unit = Unit::OutputToken;
const HELD: u64 = 100;

fn minor(minor: u64) -> Amount {
    Amount::from_minor(minor).unwrap()
}

fn opened(number: u8) -> Opened {
    let meter = Meter {
        prices: Ascending::new(vec![Price { unit: UNIT, amount: minor(1) }]).unwrap(),
        per: UnitCount::new(1).unwrap(),
        steps: Ascending::new(vec![minor(1)]).unwrap(),
        ahead: minor(10),
        idle_seconds: SessionSeconds::new(60).unwrap(),
        grace_seconds: SessionSeconds::new(60).unwrap(),
        continues: None,
    };
    Opened {
        offer: PaperId([number; 32]),
        amount: minor(HELD),
        lengths: List::new(lengths(&meter, minor(HELD)).unwrap()).unwrap(),
        meter,
        secret: Digest([number; 32]),
    }
}

/// A session of several holds, in which so many units were seen.
fn session(holds: u8, seen: u64) -> Session {
    let mut session = Session::open(opened(0));
    (1..holds).for_each(|number| session.apply(&Record::Opened(Box::new(opened(number)))));
    if let Some(record) = session.see(UNIT, seen) {
        session.apply(&record);
    }
    session
}

fn pays(session: &mut Session, hold: u8, at_least: u64) -> Result<Release, Code> {
    let need = Need { at_least: minor(at_least), offer: PaperId([hold; 32]) };
    let (record, release) = session.cover(&need).map_err(|fault| fault.code)?;
    session.apply(&record);
    Ok(release)
}

/// The seller states so many units on a hold, and claims their price.
fn states(session: &mut Session, hold: u8, release: &Release, count: u64) -> Result<(), Code> {
    let chain = &session.holds[usize::from(hold)].chains[0];
    let reached = Reached { chain: 0, index: LinkCount::new(count).unwrap(), link: chain.link(count).unwrap() };
    assert!(release.links.iter().next().unwrap().index >= reached.index);
    let capture = Capture {
        merchant: PartyId::new("model.example").unwrap(),
        issuer: PartyId::new("issuer.example").unwrap(),
        issued_at: UnixSeconds::new(1).unwrap(),
        nonce: Nonce([hold; 16]),
        intent: PaperId([hold; 32]),
        amount: minor(count),
        currency: Currency::from_code("CNY").unwrap(),
        last: None,
        claim: Some(Claim {
            links: Ascending::new(vec![reached]).unwrap(),
            usage: Ascending::new(vec![Used { unit: UNIT, count: UnitCount::new(count).unwrap() }]).unwrap(),
        }),
    };
    let bytes = envelope(&[0xa0], &[], &capture.payload(), &[0; 64]);
    let intents: Vec<PaperId> = (0..session.holds.len()).map(|hold| PaperId([hold as u8; 32])).collect();
    let record = session.check(&capture, &intents, &bytes).map_err(|fault| fault.code)?;
    session.apply(&record);
    Ok(())
}

#[test]
fn what_was_seen_is_stated_once_over_all_holds() {
    for (seen, right) in [(100, Err(Code::ClaimUncovered)), (110, Ok(()))] {
        let mut session = session(2, seen);
        let (first, second) = (pays(&mut session, 0, 100).unwrap(), pays(&mut session, 1, 10).unwrap());
        states(&mut session, 0, &first, 100).unwrap();
        assert_eq!(states(&mut session, 1, &second, 10), right, "{seen} were seen");
        // The same claim once more is no other one.
        states(&mut session, 0, &first, 100).unwrap();
    }
}

#[test]
fn a_hold_that_came_to_nothing_pays_nothing_and_takes_nothing_off_later_ones() {
    for (nothing, right) in [(false, Err(Code::OverAsked)), (true, Ok(()))] {
        let mut session = session(3, 110);
        if nothing {
            session.apply(&Record::Nothing(1));
            assert_eq!(session.left_minor(), 2 * HELD);
            assert_eq!(pays(&mut session, 1, 1).map(drop), Err(Code::OverAsked));
        }
        assert_eq!(pays(&mut session, 2, 15).map(drop), right);
    }
}

use std::fs;

use purser_protocol::field::List;
use purser_protocol::flow::payer::Attempt;
use purser_protocol::id::PartyId;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::meter::{Ascending, Price, SessionSeconds, Unit, UnitCount};
use purser_protocol::receipt::Outcome;
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::paper::{envelope, id};

use super::*;
use crate::clock::Clock;
use crate::connect::{Connector, Options};
use crate::home::{Config, Home, IssuerConfig, KeysConfig, TimeSource};
use crate::issuer::Issuer;
use crate::scratch::Scratch;
use crate::trust::Trust;

const FIRST: PaperId = PaperId([1; 32]);
const MANDATE: PaperId = PaperId([9; 32]);
const SHOP: &str = "https://127.0.0.1:9/";

/// A seller that is never asked: nobody answers there.
fn seller(scratch: &Scratch) -> Seller {
    let home = Home::at(scratch.path(""));
    home.create().unwrap();
    let config = Config {
        network: "sandbox".into(),
        roots: "roots.pem".into(),
        anchors: None,
        private_addresses: false,
        clock: TimeSource::Machine,
        issuer: IssuerConfig { id: "issuer.example".into(), url: "https://issuer.example/".into(), account: None },
        keys: KeysConfig { person: None, agent: None },
    };
    let issuer = Issuer {
        id: PartyId::new("issuer.example").unwrap(),
        url: Url::parse("https://issuer.example/").unwrap(),
        connector: Arc::new(Connector::new(Options::new(Vec::new())).unwrap()),
        trust: Arc::new(Trust::new("sandbox", &[]).unwrap()),
        clock: Clock::machine(),
    };
    let (_, agent) = AwsLcSigner::generate().unwrap();
    let account = Account { home, config, issuer };
    let price = price();
    let mut seller = Seller::new(account, Arc::new(agent), &Url::parse(SHOP).unwrap(), MANDATE, price);
    seller.plan = Some("basic".into());
    seller.patience = Duration::ZERO;
    seller
}

fn price() -> Money {
    Money { amount: Amount::from_minor(1_000).unwrap(), currency: Currency::from_code("CNY").unwrap() }
}

/// A pack whose first purchase the seller has taken.
fn pack(seller: &Seller) -> Session {
    let folder = seller.account.home.path(FOLDER);
    let session = Session::create_pack(&folder, &seller.url.origin(), MANDATE, "basic", FIRST, price()).unwrap();
    session.shown(0).unwrap();
    session
}

/// Keeps an attempt at an offer, in this state.
fn attempt(seller: &Seller, offer: PaperId, state: Attempt) -> Kept {
    let payload = [&[0xa1, 0x01, 0x58, 0x20][..], &offer.0].concat();
    let intent = envelope(&[0xa0], &[], &payload, &[0; 64]);
    let kept = Kept {
        id: id(&[0xa0], &payload),
        state,
        intent,
        offer: vec![1],
        secret: [2; 32],
        receipt: None,
        reason: None,
        fetching: None,
    };
    seller.account.home.attempts().begin(&kept, &offer).unwrap();
    kept
}

/// What the next process finds.
fn found(seller: &Seller) -> Session {
    let [dir] = &Seller::kept(&seller.account)[..] else { panic!("one session") };
    Session::open(dir).unwrap()
}

#[tokio::test]
async fn a_refill_that_was_never_signed_leaves_the_pack() {
    let (scratch, refill) = (Scratch::new(), PaperId([2; 32]));
    let seller = seller(&scratch);
    let session = pack(&seller);
    session.add_purchase(refill, price()).unwrap();
    drop(session);
    let session = seller.session().await.unwrap();
    assert_eq!((session.id(), session.ended(), session.unshown()), (FIRST, None, vec![]));
    drop((session, seller.current.lock().await.take()));
    let again = found(&seller);
    assert_eq!((again.ended(), again.unshown(), again.offers()), (None, vec![], vec![FIRST, refill]));
}

#[tokio::test]
async fn a_first_purchase_that_was_never_signed_is_no_pack() {
    let scratch = Scratch::new();
    let seller = seller(&scratch);
    let folder = seller.account.home.path(FOLDER);
    drop(Session::create_pack(&folder, &seller.url.origin(), MANDATE, "basic", FIRST, price()).unwrap());
    // Nobody sells another one here.
    seller.session().await.map(drop).unwrap_err();
    assert_eq!(found(&seller).ended(), Some(Ended::Unopened));
}

#[tokio::test]
async fn a_refill_that_cannot_be_read_may_be_paid_and_ends_nothing() {
    let (scratch, refill) = (Scratch::new(), PaperId([2; 32]));
    let seller = seller(&scratch);
    let session = pack(&seller);
    session.add_purchase(refill, price()).unwrap();
    drop(session);
    let kept = attempt(&seller, refill, Attempt::Signed);
    let file = seller.account.home.path("attempts").join(format!("{}.json", kept.id));
    fs::write(file, "cut sh").unwrap();
    for _ in 0..2 {
        let error = seller.session().await.map(drop).unwrap_err();
        assert_eq!(error.class(), Class::Unknown, "{error}");
        let session = found(&seller);
        assert_eq!((session.ended(), session.unshown()), (None, vec![1]));
    }
    // The same where it is not known which attempt it is.
    fs::write(seller.account.home.path("attempts/offers").join(refill.to_string()), "cut sh").unwrap();
    assert_eq!(seller.session().await.map(drop).unwrap_err().class(), Class::Unknown);
    assert_eq!(found(&seller).ended(), None);
}

#[tokio::test]
async fn a_refill_that_was_refused_hides_no_later_one() {
    let (scratch, refused, paid) = (Scratch::new(), PaperId([2; 32]), PaperId([3; 32]));
    let seller = seller(&scratch);
    let session = pack(&seller);
    for offer in [refused, paid] {
        session.add_purchase(offer, price()).unwrap();
    }
    drop(session);
    attempt(&seller, refused, Attempt::Known(Outcome::Refused));
    let kept = attempt(&seller, paid, Attempt::Known(Outcome::Settled));
    // That the later one is come to is seen by its being none that can be read.
    fs::write(seller.account.home.path("attempts/over").join(format!("{}.json", kept.id)), "cut sh").unwrap();
    assert_eq!(seller.session().await.map(drop).unwrap_err().class(), Class::Unknown);
    let session = found(&seller);
    assert_eq!((session.ended(), session.unshown()), (None, vec![2]));
    assert_eq!(session.spending().held_minor, 1_000);
}

#[test]
fn a_hold_that_came_to_nothing_is_not_counted_before_later_ones() {
    let scratch = Scratch::new();
    let seller = seller(&scratch);
    let meter = purser_protocol::paper::meter::Meter {
        prices: Ascending::new(vec![Price { unit: Unit::OutputToken, amount: Amount::from_minor(1).unwrap() }])
            .unwrap(),
        per: UnitCount::new(1).unwrap(),
        steps: Ascending::new(vec![Amount::from_minor(1).unwrap()]).unwrap(),
        ahead: Amount::from_minor(10).unwrap(),
        idle_seconds: SessionSeconds::new(60).unwrap(),
        grace_seconds: SessionSeconds::new(60).unwrap(),
        continues: None,
    };
    let opened = |number: u8| Opened {
        offer: PaperId([number; 32]),
        amount: Amount::from_minor(100).unwrap(),
        meter: meter.clone(),
        lengths: List::new(lengths(&meter, Amount::from_minor(100).unwrap()).unwrap()).unwrap(),
        secret: Digest([number; 32]),
    };
    let folder = seller.account.home.path(FOLDER);
    let session = Session::create(&folder, &seller.url.origin(), MANDATE, price().currency, opened(1)).unwrap();
    for number in [2, 3] {
        session.add_hold(opened(number)).unwrap();
    }
    session.came_to_nothing(1).unwrap();
    session.begin(b"{}", "00").unwrap();
    session.saw(1, 0, 110).unwrap();
    drop(session);
    let need = Need { at_least: Amount::from_minor(11).unwrap(), offer: PaperId([3; 32]) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(found(&seller).release(&need)).expect("111 of 200 that are held");
}

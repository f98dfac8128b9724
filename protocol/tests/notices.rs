//! Notices: what a merchant takes, and what of it is forged, replayed, out of order or there twice.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its case has failed")]

mod ledger_support;

use ledger_support::keys::Authority;
use ledger_support::*;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{Bytes, encoded};
use purser_protocol::flow::notice::{Next, Opened, Receiver, next};
use purser_protocol::id::PartyId;
use purser_protocol::limits::NOTICE_SECONDS_MAX;
use purser_protocol::paper::notice::Notice;
use purser_protocol::receipt::Outcome;

const SHOP: &str = "shop.example";

struct Scene {
    world: World,
    receipt: Vec<u8>,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        world.account("ann");
        world.deposit("ann", 1_000);
        let mandate = world.quota("ann", "agent", 1_000);
        let mandate = world.registered(&mandate, "ann");
        let (_, said) = world.buy("agent", mandate, SHOP, 100);
        said.must_be(Outcome::Settled);
        let receipt = encoded(&world.receipt(&said.record().claims, "issuer.example"));
        Self { world, receipt }
    }

    fn notice(&self, sequence: u64, previous: u64) -> Notice {
        Notice {
            issuer: party("issuer.example"),
            merchant: party(SHOP),
            issued_at: at(self.world.now),
            enclosed: None,
            sequence,
            previous,
            told: Bytes(self.receipt.clone()),
        }
    }

    fn open_as(&self, bytes: &[u8], merchant: &PartyId) -> Result<Opened, Fault> {
        let (crypto, parties, now) = (self.world.crypto(), Authority::shared(), at(self.world.now));
        Receiver { merchant, context: SANDBOX, crypto, parties, now }.open(bytes)
    }

    fn open(&self, bytes: &[u8]) -> Result<Opened, Fault> {
        self.open_as(bytes, &party(SHOP))
    }

    fn sealed(&self, notice: &Notice) -> Vec<u8> {
        self.world.certify(notice, "issuer.example").bytes
    }
}

#[test]
fn a_notice_is_taken_with_its_receipt() {
    let scene = Scene::new();
    let opened = scene.open(&scene.sealed(&scene.notice(1, 0))).unwrap();
    assert_eq!((opened.notice.sequence, opened.receipt.claims.outcome), (1, Outcome::Settled));
}

#[test]
fn what_is_forged_is_refused() {
    let scene = Scene::new();
    let code = |bytes: &[u8]| scene.open(bytes).map(|_| ()).map_err(|fault| fault.code);
    let good = scene.sealed(&scene.notice(1, 0));
    assert_eq!(code(&good), Ok(()));
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        // Certificates travel beside the paper; what is changed there says nothing.
        let told = scene.open(&bytes);
        assert!(
            told.is_err() || told.unwrap().notice.bytes()[good.len() - 64..] == good[good.len() - 64..],
            "byte {at}"
        );
    }
    let notice = scene.notice(1, 0);
    assert_eq!(code(&scene.world.certify(&notice, SHOP).bytes), Err(Code::CertRole), "by a merchant");
    assert_eq!(code(&scene.world.certify(&notice, "other-issuer.example").bytes), Err(Code::CertName), "by another");
    let other = Notice { issuer: party("other-issuer.example"), ..notice.clone() };
    let other = scene.world.certify(&other, "other-issuer.example").bytes;
    assert_eq!(code(&other), Err(Code::AudienceMismatch), "another issuer's word about this one's receipt");
    let mut receipt = scene.receipt.clone();
    let last = receipt.len() - 1;
    receipt[last] ^= 1;
    assert!(code(&scene.sealed(&Notice { told: Bytes(receipt), ..notice.clone() })).is_err(), "a receipt that is none");
    assert_eq!(
        scene.open_as(&good, &party("tea.example")).map_err(|fault| fault.code).err(),
        Some(Code::AudienceMismatch),
        "another merchant's"
    );
    let backwards = scene.sealed(&scene.notice(3, 3));
    assert_eq!(code(&backwards), Err(Code::FieldConflict));
}

#[test]
fn what_is_replayed_later_is_refused() {
    let mut scene = Scene::new();
    let notice = scene.sealed(&scene.notice(1, 0));
    let code = |scene: &Scene| scene.open(&notice).map(|_| ()).map_err(|fault| fault.code);
    scene.world.now += NOTICE_SECONDS_MAX;
    assert_eq!(code(&scene), Ok(()));
    scene.world.now += 1;
    assert_eq!(code(&scene), Err(Code::NoticeStale));
    scene.world.now -= NOTICE_SECONDS_MAX + 1 + 11;
    assert_eq!(code(&scene), Err(Code::NoticeStale), "from the future");
}

#[test]
fn each_is_taken_once_and_in_order() {
    let scene = Scene::new();
    let notices: Vec<Notice> = (1..=5).map(|number| scene.notice(number, number - 1)).collect();
    // Doubled, reordered, from the beginning again: whatever comes, each is taken once, and 5 after 4.
    for order in [vec![1, 2, 3, 4, 5], vec![2, 1, 1, 3, 2, 5, 4, 5, 1], vec![5, 4, 3, 2, 1, 2, 3, 4, 5]] {
        let (mut last, mut taken) = (0, Vec::new());
        for number in &order {
            let notice = &notices[number - 1];
            match next(notice, last) {
                Next::Take => {
                    last = notice.sequence;
                    taken.push(*number);
                }
                Next::Known => assert!(taken.contains(number)),
                Next::Wait => assert!(!taken.contains(number)),
            }
        }
        assert!(taken.is_sorted() && taken.first() == Some(&1), "{order:?}: {taken:?}");
    }
    // One that was put aside is passed over: the next says which was taken before it.
    assert_eq!(next(&scene.notice(4, 2), 2), Next::Take);
    assert_eq!(next(&scene.notice(4, 3), 2), Next::Wait);
}

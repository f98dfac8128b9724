//! What binds the papers of a payment to each other, to the issuer, and to the money.

mod chains;
mod money;
mod papers;

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::Area;

use self::chains::{chains, counted_above, held, swapped};
use self::money::{envelopes, funds, holds, taken};
use self::papers::{bindings, order, signers};
use super::cbor::{Item, bytes, labelled, seq};
use super::forge::By;
use super::issuer::Payments;
use super::keys;
use super::papers::{NOW, agent_key};
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{HOUR, Papers, Scene, World, account, lined, plenty, priced, pseudonym, quota, tea};

pub(super) fn area() -> Area {
    let about = "Who signed what, which paper names which, whose money it is and whether it is there.";
    let mut sheet = Sheet::new("payments", about);
    let base = (
        "base",
        "An intent under a mandate that comes along",
        "AUT-30 AUT-38 AUT-39 AUT-40 AUT-41 AUT-61 AUT-8 AUT-32",
    );
    let mut t = Payments::new(&mut sheet, ("account", World::new()), base, Scene::new("payments"));
    signers(&mut t);
    bindings(&mut t);
    kinds(&mut t);
    single(&mut t);
    order(&mut t);
    chains(&mut t);
    held(&mut t);
    funds(&mut t);
    taken(&mut sheet);
    envelopes(&mut sheet);
    counted_above(&mut sheet);
    swapped(&mut sheet);
    holds(&mut sheet);
    sheet.finish()
}

fn kinds(t: &mut Payments<'_>) {
    t.accept("metered/less", "Less than the offer's amount, where it is metered", Shows("M28", "H1"), "AUT-41", |s| {
        s.offer(|o| o.with(-23, 2));
        s.intent(-5, 999);
    });
    t.refuse_like(
        "metered/more",
        "A unit more than the offer's amount, where it is metered",
        Shows("M28", "H1"),
        Code::AmountMismatch,
        ("metered/less", &|s| {
            s.offer(|o| o.with(-23, 2));
            s.intent(-5, 1_001);
        }),
    );
    t.accept("metered/one", "One unit, where the offer is metered", Shows("M28", "H1"), "AUT-41", |s| {
        s.offer(|o| o.with(-23, 2));
        s.intent(-5, 1);
    });
    t.refuse_like(
        "metered/twice",
        "Twice the offer's amount, where it is metered",
        Shows("M28", "H1"),
        Code::AmountMismatch,
        ("metered/less", &|s| {
            s.offer(|o| o.with(-23, 2));
            s.intent(-5, 2_000);
        }),
    );
    t.needs("core holds");
    t.accept("holds/default", "A hold of seven days", Shows("F11", ""), "AUT-66", |s| s.offer(|o| o.with(-24, 2)));
    t.accept("holds/hour", "A hold of an hour", Shows("F11", ""), "AUT-66", |s| {
        s.offer(|o| o.with(-24, 2).with(-27, HOUR))
    });
    t.accept("holds/open-holds", "open_holds of one, and none open", Shows("M15", ""), "RUL-16", |s| {
        s.rule(19, 1);
        s.offer(|o| o.with(-24, 2));
    });
    t.needs("core");
}

fn single(t: &mut Payments<'_>) {
    let offer = |s: &Scene| s.papers().offer.id();
    let of = |id: [u8; 32]| move |s: &mut Scene| s.mandate(|m| m.without(-15).with(-12, 1).with(-3, id));
    t.beside(
        "single",
        "A single mandate for another offer",
        Shows("M03 M04 M50", "A10 A11 B12"),
        Code::OfferMismatch,
        [
            &|s| {
                let id = offer(s);
                of(id)(s);
            },
            &|s| of(keys::thirty_two("another offer"))(s),
        ],
    );
    t.refuse(
        "single/raised",
        "A single mandate, and the same offer a unit dearer",
        Shows("M02 F10", "A11 B13"),
        Code::OfferMismatch,
        |s| {
            let id = offer(s);
            of(id)(s);
            s.offer(|o| priced(o, 1_001));
        },
    );
    t.refuse(
        "single/another-merchant",
        "A single mandate, and the same offer of another merchant",
        Shows("M03", "A11 B11"),
        Code::OfferMismatch,
        |s| {
            let id = offer(s);
            of(id)(s);
            s.offer(|o| lined(o.with(1, "rice.example"), 3, Some(5_411.into())));
            s.merchant = "other-merchant";
        },
    );
    t.accept(
        "single/asks-nothing-above",
        "A single mandate with a rule that would ask above nothing",
        Shows("M01", "A10"),
        "SGL-3",
        |s| {
            let id = offer(s);
            of(id)(s);
            s.mandate(|m| m.with(-15, labelled([(21, 0.into())])));
        },
    );
    t.accept("single/asks-nothing", "A single mandate with a rule that would ask", Shows("M01", "A10"), "SGL-3", |s| {
        let id = offer(s);
        of(id)(s);
        s.mandate(|m| m.with(-15, labelled([(20, true.into())])));
    });
}

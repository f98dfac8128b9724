//! A wallet: what the person's key says yes to.

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Call, Importance};
use serde_json::json;

use super::super::cbor::labelled;
use super::super::forge::{Forge, NETWORK, aad};
use super::super::papers::NOW;
use super::super::sheet::{Build as _, Sheet, Shows, accepted, call, case, refused, refused_as};
use super::super::world::{Scene, account, lined};
use super::super::{certs, hex, keys};

pub(super) fn cases(sheet: &mut Sheet) {
    let start = json!({
        "key": hex(&keys::secret("payer")), "account": hex(&account("ann")), "issuer": "issuer.example", "network": NETWORK,
        "anchors": [hex(&certs::anchor())],
    });
    sheet.setup("started", vec![call("wallet.start", start)]);
    let scene = Scene::new("wallet");
    let papers = scene.papers();
    let with_chain = |offer: &Forge| offer.but(|f| f.unprotected = labelled([(33, certs::leaf("merchant").into())]));
    let offer = with_chain(&papers.offer);
    let confirm = |offer: &Forge, intent: &Forge| -> Call {
        let nonce = hex(&keys::sixteen("nonce of the wallet"));
        call(
            "wallet.confirm",
            json!({"offer": hex(&offer.bytes()), "intent": hex(&intent.bytes()), "nonce": nonce, "now": NOW}),
        )
    };
    let base =
        case("wallet", "confirm/base", "Papers that belong together", confirm(&offer, &papers.intent), accepted());
    sheet.add(base.after_setup("started").needs("core confirmation").clauses("CNF-9").weighs(Importance::Critical));
    let mut put =
        |id: &str, title: &str, shows: Shows, expect: purser_test_vectors::Expect, offer: &Forge, intent: &Forge| {
            let case = case("wallet", &format!("confirm/{id}"), title, confirm(offer, intent), expect).shows(shows);
            let case = case.after_setup("started").needs("core confirmation").clauses("CNF-9").twin("confirm/base");
            let edits = [offer.edits(&with_chain(&papers.offer)), intent.edits(&papers.intent)].concat();
            sheet.add(case.mutated("confirm/base", "edit", edits, true).weighs(Importance::Critical));
        };
    let other = with_chain(&Scene::new("another").papers().offer);
    put(
        "another-offer",
        "Another offer than the intent's",
        Shows("M04 M06", "A11 B12"),
        refused_as(Code::OfferMismatch),
        &other,
        &papers.intent,
    );
    let third = with_chain(&Scene::new("a third").papers().offer);
    put(
        "a-third-offer",
        "A third offer, of the same merchant and price",
        Shows("M04 M06", "A11 B12"),
        refused_as(Code::OfferMismatch),
        &third,
        &papers.intent,
    );
    let cheaper = papers.intent.says(|p| p.with(-5, 999));
    put(
        "amount-less",
        "An intent for less than its offer",
        Shows("M02", "A11"),
        refused_as(Code::AmountMismatch),
        &offer,
        &cheaper,
    );
    let dearer = papers.intent.says(|p| p.with(-5, 1_001));
    put(
        "amount",
        "An intent for more than its offer",
        Shows("M02", "A11"),
        refused_as(Code::AmountMismatch),
        &offer,
        &dearer,
    );
    let yen = papers.intent.says(|p| p.with(-6, "JPY"));
    put(
        "currency",
        "An intent in another currency than its offer",
        Shows("M13", "A6"),
        refused_as(Code::CurrencyMismatch),
        &offer,
        &yen,
    );
    let elsewhere = papers.intent.says(|p| p.with(3, "other-issuer.example"));
    put(
        "another-issuer",
        "An intent for another issuer than the account's",
        Shows("M37", "B10"),
        refused_as(Code::AudienceMismatch),
        &offer,
        &elsewhere,
    );
    let forged = offer.but(|f| f.signer = "thief");
    put(
        "forged-offer",
        "An offer whose signature does not verify",
        Shows("C45", "A23"),
        refused(Code::SignatureInvalid, Stage::Signature),
        &forged,
        &papers.intent,
    );
    let named = offer.says(|p| p.with(1, "tea-example"));
    put(
        "another-name",
        "An offer in the name of another than its certificate's",
        Shows("X17 M41", "A23"),
        refused_as(Code::CertName),
        &named,
        &papers.intent,
    );
    let live = offer.but(|f| f.aad = aad("offer", "live"));
    put(
        "another-network",
        "An offer signed for another network",
        Shows("M44", "D9"),
        refused(Code::SignatureInvalid, Stage::Signature),
        &live,
        &papers.intent,
    );
    let wrong_sum = offer.says(|p| lined(p, 5, Some(999.into())));
    put(
        "items-total",
        "An offer whose lines do not add up",
        Shows("M26 M29", "H5"),
        refused_as(Code::ItemsTotal),
        &wrong_sum,
        &papers.intent,
    );
    let bare = papers.offer.clone();
    put(
        "no-chain",
        "An offer without its certificate",
        Shows("X25", ""),
        refused_as(Code::CertMissing),
        &bare,
        &papers.intent,
    );
    put(
        "mandate-as-intent",
        "A mandate in the place of the intent",
        Shows("M43", "D9"),
        refused(Code::TypeMismatch, Stage::Headers),
        &offer,
        &papers.mandates[0],
    );

    let refuse = |intent: &[u8]| {
        let nonce = hex(&keys::sixteen("nonce of the wallet"));
        call("wallet.refuse", json!({"intent": hex(intent), "nonce": nonce, "now": NOW}))
    };
    let no = case("wallet", "refuse/base", "A no to an intent", refuse(&papers.intent.bytes()), accepted());
    sheet.add(no.after_setup("started").needs("core confirmation").clauses("CNF-3"));
    let another = Scene::new("a no to another").papers().intent;
    let no =
        case("wallet", "refuse/another", "A no to an intent for another offer", refuse(&another.bytes()), accepted());
    sheet.add(no.after_setup("started").needs("core confirmation").clauses("CNF-3"));
    let offered = refuse(&papers.offer.bytes());
    let expect = refused(Code::TypeMismatch, Stage::Headers);
    let of_offer = case("wallet", "refuse/offer", "A no to an offer in the place of an intent", offered, expect);
    let of_offer = of_offer.shows(Shows("M43", "D9")).after_setup("started").needs("core confirmation");
    let edits = vec![json!(["intent"])];
    sheet.add(of_offer.twin("refuse/another").mutated("refuse/another", "edit", edits, true));
    let broken = refuse(&papers.mandates[0].bytes());
    let case = case(
        "wallet",
        "refuse/mandate",
        "A no to a mandate in the place of an intent",
        broken,
        refused(Code::TypeMismatch, Stage::Headers),
    );
    sheet.add(
        case.shows(Shows("M43", "D9")).after_setup("started").needs("core confirmation").twin("refuse/base").mutated(
            "refuse/base",
            "edit",
            vec![json!(["intent"])],
            true,
        ),
    );
}

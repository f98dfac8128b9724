//! What binds the papers of a payment to each other, to the issuer, and to the money.

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::Area;

use super::cbor::{Item, bytes, labelled, seq};
use super::forge::By;
use super::issuer::Payments;
use super::keys;
use super::papers::{NOW, agent_key};
use super::sheet::{Build as _, Sheet, Shows};
use super::world::{HOUR, Papers, Scene, World, account, lined, plenty, priced, quota, tea};

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
    swapped(&mut sheet);
    holds(&mut sheet);
    sheet.finish()
}

fn signers(t: &mut Payments<'_>) {
    let by = |key: &'static str| move |s: &mut Scene| s.agent = By::Key(key);
    t.refuse(
        "signer/intent-by-thief",
        "An intent signed by a stranger",
        Shows("M36", "A14"),
        Code::AgentMismatch,
        by("thief"),
    );
    t.refuse(
        "signer/intent-by-another-agent",
        "An intent signed by another agent",
        Shows("M36", "A14"),
        Code::AgentMismatch,
        by("sub-agent"),
    );
    t.refuse(
        "signer/intent-by-payer",
        "An intent signed by the payer",
        Shows("M36", "A14"),
        Code::AgentMismatch,
        by("payer"),
    );
    t.refuse(
        "signer/intent-by-merchant",
        "An intent signed by the merchant's certificate",
        Shows("M36", "A14"),
        Code::AgentMismatch,
        |s| s.agent = By::Certificate("merchant"),
    );
    let mandate_by = |key: &'static str| move |s: &mut Scene| s.mandates[0].1 = key;
    t.refuse(
        "signer/mandate-by-agent",
        "A mandate signed by the agent itself",
        Shows("M07", "A15 H6"),
        Code::MandateSigner,
        mandate_by("agent"),
    );
    t.refuse(
        "signer/mandate-by-thief",
        "A mandate signed by a stranger",
        Shows("M36", "A15"),
        Code::MandateSigner,
        mandate_by("thief"),
    );
    t.refuse(
        "signer/mandate-by-another-payer",
        "A mandate signed by another account's key",
        Shows("M36", "A14 A15"),
        Code::MandateSigner,
        mandate_by("other-payer"),
    );
    t.refuse(
        "signer/mandate-for-another-account",
        "A mandate for another account, signed by ann's key",
        Shows("M36", "A14 A15"),
        Code::MandateSigner,
        |s| s.mandate(|m| m.with(2, account("bob"))),
    );
    t.refuse(
        "signer/mandate-for-no-account",
        "A mandate for an account that is none",
        Shows("M36", "A15"),
        Code::MandateSigner,
        |s| s.mandate(|m| m.with(2, keys::sixteen("nobody"))),
    );
    t.refuse(
        "signer/unknown-mandate",
        "An intent under a mandate that nobody knows",
        Shows("M47", "A19"),
        Code::MandateUnknown,
        |s| {
            s.known = 1;
        },
    );
    t.last(|case| case.clauses("AUT-32"));
    let invalid = (Code::SignatureInvalid, Stage::Signature);
    t.refuse_papers(
        "signer/intent-signature",
        "A bit of the intent's signature changed",
        Shows("C45", "D12"),
        invalid,
        &|p| p.intent = p.intent.but(flip),
    );
    t.refuse_papers(
        "signer/offer-signature",
        "A bit of the offer's signature changed",
        Shows("C45", "D12"),
        invalid,
        &|p| p.offer = p.offer.but(flip),
    );
    t.refuse_papers(
        "signer/mandate-signature",
        "A bit of the mandate's signature changed",
        Shows("C45", "D12"),
        invalid,
        &|p| p.mandates[0] = p.mandates[0].but(flip),
    );
    t.refuse_papers(
        "signer/offer-by-thief",
        "An offer signed by another key than its certificate's",
        Shows("X25", "D14"),
        invalid,
        &|p| p.offer = p.offer.but(|f| f.signer = "thief"),
    );
    t.refuse_papers(
        "signer/intent-as-offer",
        "An intent in the place of the offer",
        Shows("M43", "D9"),
        (Code::TypeMismatch, Stage::Headers),
        &|p| p.offer = p.intent.clone(),
    );
    t.refuse_papers(
        "signer/mandate-as-intent",
        "A mandate in the place of the intent",
        Shows("M43", "D9"),
        (Code::TypeMismatch, Stage::Headers),
        &|p| p.intent = p.mandates[0].clone(),
    );
    let other_network = |f: &mut super::forge::Forge| f.aad = super::forge::aad(f.kind, "live");
    t.refuse_papers(
        "signer/intent-of-another-network",
        "An intent signed for another network",
        Shows("M44", "D9"),
        invalid,
        &|p| p.intent = p.intent.but(other_network),
    );
    for (id, title, label) in [
        ("signer/mandate-without-account", "A mandate that names no account, so that nobody could have signed it", 2),
        (
            "signer/mandate-without-holder",
            "A mandate that names no holder, so that nobody could have signed the intent",
            8,
        ),
    ] {
        let missing = (Code::MissingField, Stage::Schema);
        t.refuse_papers(id, title, Shows("P03", "C12"), missing, &|p| {
            p.mandates[0] = p.mandates[0].says(|m| m.without(label));
            p.intent = p.intent.says(|intent| intent.with(-2, p.mandates[0].id()));
        });
        t.last(|case| case.clauses("AUT-5 AUT-6"));
    }
    t.refuse_papers(
        "signer/mandate-of-another-network",
        "A mandate signed for another network",
        Shows("M44", "D9"),
        invalid,
        &|p| p.mandates[0] = p.mandates[0].but(other_network),
    );
}

/// Another bit in the signature.
fn flip(forge: &mut super::forge::Forge) {
    let mut signature = forge.signature();
    signature[40] ^= 0x10;
    forge.signature_item = Some(bytes(&signature));
}

fn bindings(t: &mut Payments<'_>) {
    t.refuse(
        "intent/another-issuer",
        "An intent for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        |s| s.intent(3, "other-issuer.example"),
    );
    t.refuse(
        "intent/issuer-prefix",
        "An intent for an issuer whose name begins like this one's",
        Shows("M37 M41", "B10"),
        Code::AudienceMismatch,
        |s| s.intent(3, "issuer.exampl"),
    );
    t.refuse_registration(
        "mandate/another-issuer",
        "A mandate for another issuer",
        Shows("M37", "B10"),
        Code::AudienceMismatch,
        ("base", &|s| s.mandate(|m| m.with(3, "other-issuer.example"))),
    );
    t.refuse(
        "offer/another-issuer",
        "An offer that accepts another issuer alone",
        Shows("M37", "B10"),
        Code::IssuerNotAccepted,
        |s| {
            s.offer(|o| o.with(-22, seq([seq(["other-issuer.example".into(), "main".into()])])));
        },
    );
    t.accept(
        "offer/two-issuers",
        "An offer that accepts another issuer and this one",
        Shows("M37", ""),
        "AUT-39",
        |s| {
            s.offer(|o| {
                o.with(
                    -22,
                    seq([seq(["other-issuer.example".into(), "a".into()]), seq(["issuer.example".into(), "b".into()])]),
                )
            });
        },
    );
    t.refuse(
        "offer/another-payer",
        "An offer made for another payer",
        Shows("M36", "B21"),
        Code::PseudonymMismatch,
        |s| s.offer(|o| o.with(-26, keys::sixteen("somebody else"))),
    );
    t.refuse(
        "offer/category",
        "A category that the merchant's certificate does not have",
        Shows("M09", "A5"),
        Code::CategoryUncertified,
        |s| s.offer(|o| lined(o, 3, Some(4_121.into()))),
    );
    t.refuse(
        "offer/second-category",
        "A second line of a category that the certificate does not have",
        Shows("M09", "A5"),
        Code::CategoryUncertified,
        |s| {
            let line = |id: &str, category: i64| {
                labelled([(1, id.into()), (2, id.into()), (3, category.into()), (4, 1.into()), (5, 500.into())])
            };
            s.offer(|o| o.with(-21, seq([line("a", 5_499), line("b", 7_995)])));
        },
    );
    t.accept("offer/other-category", "The other category of the certificate", Shows("M09", ""), "AUT-43", |s| {
        s.offer(|o| lined(o, 3, Some(5_411.into())))
    });
    let other = || keys::thirty_two("another offer");
    t.refuse(
        "intent/another-offer",
        "An intent for another offer than the one beside it",
        Shows("M04 F10", "A11 B12"),
        Code::OfferMismatch,
        |s| s.intent(-3, other()),
    );
    t.refuse(
        "intent/currency",
        "An intent in another currency than its offer",
        Shows("M13 M22", "A6 A7"),
        Code::CurrencyMismatch,
        |s| s.intent(-6, "JPY"),
    );
    t.refuse(
        "offer/currency",
        "An offer, and its intent, in another currency than the mandate",
        Shows("M13 M22", "A6 A7"),
        Code::CurrencyMismatch,
        |s| s.offer(|o| o.with(-6, "KWD")),
    );
    t.refuse(
        "mandate/currency",
        "A mandate in another currency than the offer",
        Shows("M13 M22", "A6 A7"),
        Code::CurrencyMismatch,
        |s| s.mandate(|m| m.with(-6, "JPY")),
    );
    t.refuse(
        "intent/amount-more",
        "An intent for a unit more than its offer",
        Shows("M02 F15", "B13"),
        Code::AmountMismatch,
        |s| s.intent(-5, 1_001),
    );
    t.refuse(
        "intent/amount-less",
        "An intent for a unit less than its offer",
        Shows("M02 F15", "A11"),
        Code::AmountMismatch,
        |s| s.intent(-5, 999),
    );
    t.refuse(
        "intent/period",
        "An intent that names a period, for an offer that is no subscription",
        Shows("M16", "H2"),
        Code::PeriodMismatch,
        |s| s.intent(-30, 1),
    );
    t.refuse(
        "offer/subscription",
        "A subscription, and an intent that names no period",
        Shows("M16", "H2"),
        Code::PeriodMismatch,
        |s| s.offer(|o| o.with(-23, 3)),
    );
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
    t.accept("single/asks-nothing", "A single mandate with a rule that would ask", Shows("M01", "A10"), "SGL-3", |s| {
        let id = offer(s);
        of(id)(s);
        s.mandate(|m| m.with(-15, labelled([(20, true.into())])));
    });
}

/// Two faults in two papers: the earlier stage first, and within a stage the earlier paper.
fn order(t: &mut Payments<'_>) {
    let unknown = |f: &mut super::forge::Forge| f.payload = f.payload.clone().with(99, 1);
    let version = |f: &mut super::forge::Forge| f.payload = f.payload.clone().with(-1, 2);
    let alg = |f: &mut super::forge::Forge| f.protected = f.protected.clone().with(1, -7);
    let tail = |f: &mut super::forge::Forge| f.tail = vec![0];
    let rows: [(&str, &str, (Code, Stage), &dyn Fn(&mut Papers)); 6] = [
        (
            "framing-before-headers",
            "Another algorithm in the mandate, a byte after the intent",
            (Code::CborTrailing, Stage::Framing),
            &|p| {
                p.mandates[0] = p.mandates[0].but(alg);
                p.intent = p.intent.but(tail);
            },
        ),
        (
            "headers-before-signature",
            "A bad signature on the mandate, another algorithm in the intent",
            (Code::AlgForbidden, Stage::Headers),
            &|p| {
                p.mandates[0] = p.mandates[0].but(flip);
                p.intent = p.intent.but(alg);
            },
        ),
        (
            "signature-before-schema",
            "An unknown field in the offer, a bad signature on the intent",
            (Code::SignatureInvalid, Stage::Signature),
            &|p| {
                p.offer = p.offer.but(unknown);
                p.intent = p.intent.but(flip);
            },
        ),
        (
            "version-before-schema",
            "An unknown field in the offer, another version of the intent",
            (Code::VersionUnsupported, Stage::Version),
            &|p| {
                p.offer = p.offer.but(unknown);
                p.intent = p.intent.but(version);
            },
        ),
        (
            "offer-before-intent",
            "Bad signatures on the offer and, by another key, on the intent",
            (Code::SignatureInvalid, Stage::Signature),
            &|p| {
                p.offer = p.offer.but(flip);
                p.intent = p.intent.but(|f| f.protected = super::forge::key_header("intent", "thief"));
            },
        ),
        (
            "mandate-before-offer",
            "An unknown field in the mandate, a missing one in the offer",
            (Code::UnknownField, Stage::Schema),
            &|p| {
                p.mandates[0] = p.mandates[0].but(unknown);
                p.offer = p.offer.but(|f| f.payload = f.payload.clone().without(-24));
                p.intent = p.intent.says(|intent| intent.with(-2, p.mandates[0].id()));
            },
        ),
    ];
    for (id, title, expected, change) in rows {
        t.refuse_papers(&format!("order/{id}"), title, Shows::default(), expected, change);
        t.last(|case| case.clauses("AUT-2 AUT-3 AUT-9").unpeeled());
    }
    t.refuse(
        "order/time-before-mandate",
        "An offer that has ended, and that accepts another issuer alone",
        Shows::default(),
        Code::OfferExpired,
        |s| {
            s.offer(|o| o.with(4, NOW).with(-22, seq([seq(["other-issuer.example".into(), "main".into()])])));
        },
    );
    t.last(|case| case.clauses("AUT-9").unpeeled());
    t.refuse(
        "order/mandate-before-rules",
        "Another amount than the offer's, and more than amount_max",
        Shows::default(),
        Code::AmountMismatch,
        |s| {
            s.rule(1, 999);
            s.intent(-5, 1_001);
        },
    );
    t.last(|case| case.clauses("AUT-9").unpeeled());
    t.refuse(
        "order/rules-before-ledger",
        "More than amount_max, and more than there is",
        Shows::default(),
        Code::RuleAmountMax,
        |s| {
            s.rule(1, 999);
            s.rule(3, 9_000_000);
            s.offer(|o| priced(o, 2_000_000));
        },
    );
    t.last(|case| case.clauses("AUT-9").unpeeled());
}

/// A mandate that this one's holder gives to another agent.
fn below(name: &str, holder: &str) -> Item {
    quota(name, plenty()).with(8, agent_key(holder))
}

fn chain(s: &mut Scene, links: &[(Item, &'static str)]) {
    s.mandates.truncate(1);
    s.mandates.extend(links.iter().cloned());
}

fn chains(t: &mut Payments<'_>) {
    t.needs("core delegation");
    let two = |s: &mut Scene| {
        chain(s, &[(below("sub", "sub-agent"), "agent")]);
        s.agent = By::Key("sub-agent");
    };
    t.accept("chain/two", "A mandate below another", Shows("M45", "A13"), "AUT-50 AUT-64 AUT-33", two);
    let twin = "chain/two";
    let like = |change: fn(&mut Scene)| {
        move |s: &mut Scene| {
            two(s);
            change(s);
        }
    };
    t.refuse_like(
        "chain/wider-amount",
        "A mandate below that allows more than the one above",
        Shows("M45", "A13"),
        Code::RuleAmountMax,
        (twin, &like(|s| s.rule(1, 999))),
    );
    t.last(|case| case.clauses("AUT-50"));
    t.refuse_like(
        "chain/wider-merchants",
        "A mandate below that allows another merchant than the one above",
        Shows("M45", "A13"),
        Code::RuleMerchant,
        (twin, &like(|s| s.rule(7, seq(["rice.example".into()])))),
    );
    t.refuse_like(
        "chain/wider-categories",
        "A mandate below that allows another category than the one above",
        Shows("M45", "A13"),
        Code::RuleCategory,
        (twin, &like(|s| s.rule(9, seq([5_411.into()])))),
    );
    t.refuse_like(
        "chain/narrower",
        "A mandate below that allows less",
        Shows("M45", "A13"),
        Code::RuleAmountMax,
        (
            twin,
            &like(|s| {
                let caps = plenty().with(1, 999);
                s.mandates[1].0 = s.mandates[1].0.clone().with(-15, caps);
            }),
        ),
    );
    t.refuse_like(
        "chain/later-above",
        "A mandate above that begins later than the one below",
        Shows("M45", "A13"),
        Code::MandateNotYetValid,
        (twin, &like(|s| s.mandate(|m| m.with(5, NOW + 1)))),
    );
    t.beside(
        "chain/depth",
        "depth of nothing, and a mandate below",
        Shows("M46", "A13"),
        Code::RuleDepth,
        [&like(|s| s.rule(18, 1)), &like(|s| s.rule(18, 0))],
    );
    t.refuse_like(
        "chain/upper-agent",
        "An intent under the lower mandate, signed by the agent above",
        Shows("M36", "A14"),
        Code::AgentMismatch,
        (twin, &like(|s| s.agent = By::Key("agent"))),
    );
    t.refuse_like(
        "chain/signed-by-payer",
        "A mandate below, signed by the payer",
        Shows("M36", "A15"),
        Code::MandateSigner,
        (twin, &like(|s| s.mandates[1].1 = "payer")),
    );
    t.refuse_like(
        "chain/signed-by-itself",
        "A mandate below, signed by its own holder",
        Shows("M36", "A15"),
        Code::MandateSigner,
        (twin, &like(|s| s.mandates[1].1 = "sub-agent")),
    );
    t.refuse_registration(
        "chain/another-account",
        "A mandate below for another account",
        Shows("M45", "A14"),
        Code::AccountMismatch,
        (twin, &like(|s| s.mandates[1].0 = s.mandates[1].0.clone().with(2, account("bob")))),
    );
    t.refuse_registration(
        "chain/another-currency",
        "A mandate below in another currency",
        Shows("M13", "A6"),
        Code::CurrencyMismatch,
        (twin, &like(|s| s.mandates[1].0 = s.mandates[1].0.clone().with(-6, "JPY"))),
    );
    t.last(|case| case.clauses("MAN-28"));
    t.refuse_like(
        "chain/unknown-parent",
        "A mandate whose parent is none of the chain",
        Shows("M47", "A13"),
        Code::MandateUnknown,
        (twin, &like(|s| s.mandates[1].0 = s.mandates[1].0.clone().with(-13, keys::thirty_two("no mandate")))),
    );
    t.last(|case| case.clauses("AUT-32"));
    t.refuse_papers(
        "chain/root-with-parent",
        "A root that names a parent nobody knows",
        Shows("M47", "A13"),
        (Code::MandateUnknown, Stage::Signature),
        &|p| {
            p.mandates[0] = p.mandates[0].says(|m| m.with(-13, keys::thirty_two("no mandate")));
        },
    );
    t.last(|case| case.needs("core delegation"));

    let four = |s: &mut Scene| {
        chain(
            s,
            &[
                (below("2", "sub-agent"), "agent"),
                (below("3", "sub-sub-agent"), "sub-agent"),
                (below("4", "last-agent"), "sub-sub-agent"),
            ],
        );
        s.agent = By::Key("last-agent");
    };
    t.accept("chain/four", "A chain of four", Shows("M46", ""), "AUT-46 AUT-64", four);
    t.refuse_registration(
        "chain/five",
        "A chain of five",
        Shows("M46", ""),
        Code::ChainTooLong,
        ("chain/four", &|s| {
            four(s);
            s.mandates.push((below("5", "agent"), "last-agent"));
            s.agent = By::Key("agent");
        }),
    );
    t.refuse_registration(
        "chain/below-single",
        "A mandate below a single one",
        Shows("M45", "A13"),
        Code::DelegationForbidden,
        (twin, &like(|s| s.mandate(|m| m.without(-15).with(-12, 1).with(-3, keys::thirty_two("an offer"))))),
    );
    t.refuse_like(
        "chain/below-held",
        "A mandate below one that a merchant holds",
        Shows("M45", "A13"),
        Code::MandateSigner,
        (twin, &like(|s| s.mandate(|m| m.with(8, labelled([(-1, "tea.example".into())]))))),
    );
    t.last(|case| case.clauses("SIG-12").needs("core delegation held-mandates"));
    t.needs("core");
}

fn held(t: &mut Payments<'_>) {
    t.needs("core held-mandates");
    let held = |s: &mut Scene| {
        s.mandate(|m| m.with(8, labelled([(-1, "tea.example".into())])));
        s.agent = By::Certificate("merchant");
    };
    t.accept("held/base", "A merchant's intent under a mandate that it holds", Shows("", "H2"), "SIG-13 AUT-44", held);
    let twin = "held/base";
    let like = |change: fn(&mut Scene)| {
        move |s: &mut Scene| {
            held(s);
            change(s);
        }
    };
    t.refuse_like(
        "held/another-offer",
        "A merchant's intent for another merchant's offer",
        Shows("M03", "A4"),
        Code::HolderMismatch,
        (
            twin,
            &like(|s| {
                s.offer(|o| lined(o.with(1, "rice.example"), 3, Some(5_411.into())));
                s.merchant = "other-merchant";
            }),
        ),
    );
    t.refuse_like(
        "held/by-another",
        "Another merchant's intent under the mandate",
        Shows("M36", "B21"),
        Code::AgentMismatch,
        (twin, &like(|s| s.agent = By::Certificate("other-merchant"))),
    );
    t.refuse_like(
        "held/by-key",
        "The merchant's key by its thumbprint, under a mandate that names its party",
        Shows("M36", ""),
        Code::AgentMismatch,
        (twin, &like(|s| s.agent = By::Key("merchant"))),
    );
    t.refuse_like(
        "held/above-ceiling",
        "A price above the ceiling of the mandate",
        Shows("M08", "H2"),
        Code::RuleAmountMax,
        (twin, &like(|s| s.rule(1, 999))),
    );
    t.needs("core");
}

fn funds(t: &mut Payments<'_>) {
    let costs = |minor: u64| {
        move |s: &mut Scene| {
            s.rule(3, 9_000_000);
            s.offer(|o| priced(o, minor));
        }
    };
    t.beside(
        "funds",
        "A unit more than the account has",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        [&costs(1_000_000), &costs(1_000_001)],
    );
    let none = |s: &mut Scene| {
        s.mandate(|m| m.with(-6, "JPY"));
        s.offer(|o| o.with(-6, "JPY"));
    };
    t.refuse(
        "funds/another-currency",
        "An amount of a currency of which the account has nothing",
        Shows("M13 M22", "A6"),
        Code::InsufficientFunds,
        none,
    );
    t.refuse("funds/greatest", "2^53 - 1", Shows("M24 M25", "A9"), Code::InsufficientFunds, |s| {
        let greatest = (1_u64 << 53) - 1;
        s.rule(3, greatest);
        s.offer(|o| priced(o, greatest));
    });
}

/// Offers that were paid before.
fn taken(sheet: &mut Sheet) {
    let mut world = World::new();
    let scene = Scene::new("taken");
    world.pay(&scene);
    let mut again = scene.clone().known();
    again.offer = tea("another", 1_000);
    let base = ("taken/another", "Another offer after the first was paid", "AUT-60");
    let mut t = Payments::new(sheet, ("paid", world), base, again);
    t.refuse(
        "taken/second-intent",
        "A second intent for an offer that was paid",
        Shows("M01 F03", "B12 B19"),
        Code::OfferPaid,
        |s| {
            s.offer = tea("taken", 1_000);
            s.intent(-7, keys::thirty_two("another hash"));
        },
    );
    let mut world = World::new();
    let mut first = Scene::new("taken");
    let id = first.papers().offer.id();
    first.mandate(|m| m.without(-15).with(-12, 1).with(-3, id));
    world.pay(&first);
    let mut t = Payments::continuing(sheet, "single-paid", world.clone(), first.clone().known(), "single-twin");
    t.refuse(
        "taken/single-twice",
        "A single mandate used for a second payment of its offer",
        Shows("M01", "A10"),
        Code::OfferPaid,
        |s| s.intent(-7, keys::thirty_two("another hash")),
    );
    sheet.setup("single-paid", world.setup());

    // A refusal takes nothing.
    let mut world = World::new();
    let mut refused = Scene::new("taken");
    refused.rule(1, 999);
    world.register(&refused.papers().mandates[0]);
    let mut allowed = Scene::new("taken");
    allowed.mandate(|m| m.with(-10, keys::sixteen("another lineage")));
    world.register(&allowed.papers().mandates[0]);
    let refused = refused.known();
    let mut setup = world.setup();
    let nonce = world.nonce();
    let body = refused.body();
    let mut call = super::sheet::call("issuer.receive", super::world::receive("payment", &body, NOW, nonce));
    call.expect = Some(super::sheet::refused_by_issuer(Code::RuleAmountMax));
    setup.push(call);
    world.closed(&refused, "refused");
    let base = ("taken/after-refusal", "An offer whose first intent was refused, taken by another", "AUT-60");
    Payments::new(sheet, ("refused-once", world), base, allowed.known());
    sheet.setup("refused-once", setup);
}

/// Money set aside.
fn envelopes(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut funded = Scene::new("funded");
    funded.mandate(|m| m.with(-17, 2_000));
    world.register(&funded.papers().mandates[0]);
    let mut base = funded.known();
    base.offer(|o| priced(o, 2_000));
    let first = ("envelope/exact", "All that was set aside", "QTA-3 QTA-5 AUT-61");
    let mut t = Payments::new(sheet, ("funded", world), first, base);
    t.last(|case| case.needs("core funded").shows(Shows("M14", "A2")));
    t.needs("core funded");
    t.refuse(
        "envelope/one-more",
        "A unit more than was set aside, though the account has it",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        |s| s.offer(|o| priced(o, 2_001)),
    );
    t.last(|case| case.clauses("QTA-3"));

    let world = World::new();
    let base = ("envelope/whole-account", "A mandate that sets the whole account aside", "QTA-4 QTA-5");
    let mut scene = Scene::new("funded");
    scene.mandate(|m| m.with(-17, 1_000_000));
    let mut t = Payments::new(sheet, ("account-for-envelopes", world), base, scene);
    t.last(|case| case.needs("core funded"));
    t.needs("core funded");
    t.refuse_registration(
        "envelope/more-than-there-is",
        "A mandate that sets aside a unit more than the account has",
        Shows("M14", "A2"),
        Code::InsufficientFunds,
        ("envelope/whole-account", &|s| s.mandate(|m| m.with(-17, 1_000_001))),
    );
    t.last(|case| case.clauses("QTA-4"));
}

/// The lower mandate before the upper one.
fn swapped(sheet: &mut Sheet) {
    let mut scene = Scene::new("payments");
    scene.mandates.push((below("sub", "sub-agent"), "agent"));
    scene.agent = By::Key("sub-agent");
    let mut t = Payments::continuing(sheet, "account", World::new(), scene, "chain/two");
    t.needs("core delegation");
    let unknown = (Code::MandateUnknown, Stage::Signature);
    t.refuse_papers("chain/swapped", "Two mandates in the other order", Shows("M49", "A13"), unknown, &|p| {
        p.mandates.swap(0, 1)
    });
    t.last(|case| case.clauses("AUT-32"));
}

/// One hold is open.
fn holds(sheet: &mut Sheet) {
    for (most, id, title) in [
        (2, "holds/second-of-two", "A second hold, where two may be open"),
        (1, "holds/second-of-one", "A second hold, where one may be open"),
    ] {
        let mut world = World::new();
        let mut scene = Scene::new("first hold");
        scene.rule(19, most);
        scene.offer(|o| o.with(-24, 2));
        world.pay(&scene);
        let mut scene = scene.known();
        scene.offer = tea("second hold", 1_000).with(-24, 2);
        let setup = format!("one-hold-of-{most}");
        sheet.setup(&setup, world.setup());
        let mut t = Payments::continuing(sheet, &setup, world, scene, "holds/second-of-two");
        t.needs("core holds");
        if most == 2 {
            t.accept(id, title, Shows("M15", ""), "RUL-16", |_| {});
        } else {
            t.refuse(id, title, Shows("M15", ""), Code::RuleOpenHolds, |_| {});
        }
    }
}

//! Who signed, and which paper names which.

use super::*;

pub(super) fn signers(t: &mut Payments<'_>) {
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
    let other_network = |f: &mut super::super::forge::Forge| f.aad = super::super::forge::aad(f.kind, "live");
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
pub(super) fn flip(forge: &mut super::super::forge::Forge) {
    let mut signature = forge.signature();
    signature[40] ^= 0x10;
    forge.signature_item = Some(bytes(&signature));
}

pub(super) fn bindings(t: &mut Payments<'_>) {
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
    t.refuse(
        "offer/two-other-issuers",
        "An offer that accepts two other issuers",
        Shows("M37", "B10"),
        Code::IssuerNotAccepted,
        |s| {
            let payee = |issuer: &str| seq([issuer.into(), "main".into()]);
            s.offer(|o| o.with(-22, seq([payee("other-issuer.example"), payee("issuer.exampl")])));
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
    let named = |person: &'static str, merchant: &'static str| {
        move |s: &mut Scene| s.offer(|o| o.with(-26, pseudonym(person, merchant)))
    };
    t.accept(
        "offer/own-pseudonym",
        "An offer made for this payer, under the name that it has at this merchant",
        Shows("M36", ""),
        "AUT-42 INT-1",
        named("ann", "tea.example"),
    );
    t.refuse_like(
        "offer/pseudonym-of-another-payer",
        "An offer made for another payer of the same merchant",
        Shows("M36", "B21"),
        Code::PseudonymMismatch,
        ("offer/own-pseudonym", &named("bob", "tea.example")),
    );
    t.refuse_like(
        "offer/pseudonym-at-another-merchant",
        "An offer under the name that this payer has at another merchant",
        Shows("M36", "B21 G1"),
        Code::PseudonymMismatch,
        ("offer/own-pseudonym", &named("ann", "rice.example")),
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
    t.refuse(
        "offer/third-category",
        "A third line of a category that the certificate does not have",
        Shows("M09", "A5"),
        Code::CategoryUncertified,
        |s| {
            let line = |id: &str, category: i64, price: i64| {
                labelled([(1, id.into()), (2, id.into()), (3, category.into()), (4, 1.into()), (5, price.into())])
            };
            s.offer(|o| o.with(-21, seq([line("a", 5_499, 400), line("b", 5_411, 300), line("c", 7_995, 300)])));
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
        "intent/no-offer",
        "An intent that names something else in the place of its offer",
        Shows("M04", "A11 B12"),
        Code::OfferMismatch,
        |s| s.intent(-3, keys::thirty_two("something else")),
    );
    t.refuse(
        "intent/currency",
        "An intent in another currency than its offer",
        Shows("M13 M22", "A6 A7"),
        Code::CurrencyMismatch,
        |s| s.intent(-6, "JPY"),
    );
    t.refuse(
        "intent/another-currency",
        "An intent in a third currency",
        Shows("M13 M22", "A6 A7"),
        Code::CurrencyMismatch,
        |s| s.intent(-6, "KWD"),
    );
    for (id, title, currency) in [
        ("offer/yen-alone", "An offer in yen, its intent and the mandate in yuan", "JPY"),
        ("offer/dinars-alone", "An offer in dinars, its intent and the mandate in yuan", "KWD"),
    ] {
        t.refuse(id, title, Shows("M13 M22", "A6 A7"), Code::CurrencyMismatch, |s| {
            s.offer(|o| o.with(-6, currency));
            s.intent(-6, "CNY");
        });
    }
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
    t.refuse("intent/amount-of-a-unit", "An intent for one unit", Shows("M02 F15", "A11"), Code::AmountMismatch, |s| {
        s.intent(-5, 1)
    });
    t.refuse(
        "intent/amount-of-two",
        "An intent for twice the amount of its offer",
        Shows("M02 F15", "B13"),
        Code::AmountMismatch,
        |s| s.intent(-5, 2_000),
    );
    t.refuse(
        "intent/period",
        "An intent that names a period, for an offer that is no subscription",
        Shows("M16", "H2"),
        Code::PeriodMismatch,
        |s| s.intent(-30, 1),
    );
    t.beside(
        "offer/subscription-period",
        "A subscription without a period",
        Shows("M16", "H2"),
        Code::PeriodMismatch,
        [
            &|s| {
                s.offer(|o| o.with(-23, 3));
                s.intent(-30, 1);
            },
            &|s| s.offer(|o| o.with(-23, 3)),
        ],
    );
    t.refuse(
        "intent/period-of-hold",
        "An intent that names a period, for an offer that is captured by command and no subscription",
        Shows("M16", "H2"),
        Code::PeriodMismatch,
        |s| {
            s.offer(|o| o.with(-24, 2));
            s.intent(-30, 12);
        },
    );
    t.last(|case| case.needs("core holds"));
    t.refuse_like(
        "offer/subscription",
        "A subscription that is captured by command, and an intent that names no period",
        Shows("M16", "H2"),
        Code::PeriodMismatch,
        ("offer/subscription-period-twin", &|s| s.offer(|o| o.with(-23, 3).with(-24, 2))),
    );
    t.last(|case| case.needs("core holds"));
}

/// Two faults in two papers: the earlier stage first, and within a stage the earlier paper.
pub(super) fn order(t: &mut Payments<'_>) {
    let unknown = |f: &mut super::super::forge::Forge| f.payload = f.payload.clone().with(99, 1);
    let version = |f: &mut super::super::forge::Forge| f.payload = f.payload.clone().with(-1, 2);
    let alg = |f: &mut super::super::forge::Forge| f.protected = f.protected.clone().with(1, -7);
    let tail = |f: &mut super::super::forge::Forge| f.tail = vec![0];
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
                p.intent = p.intent.but(|f| f.protected = super::super::forge::key_header("intent", "thief"));
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

//! Mandates below mandates, and those that a merchant holds.

use super::*;

/// A mandate that this one's holder gives to another agent.
pub(super) fn below(name: &str, holder: &str) -> Item {
    quota(name, plenty()).with(8, agent_key(holder))
}

pub(super) fn chain(s: &mut Scene, links: &[(Item, &'static str)]) {
    s.mandates.truncate(1);
    s.mandates.extend(links.iter().cloned());
}

pub(super) fn chains(t: &mut Payments<'_>) {
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
    t.because(0, None, Some(1));
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
    t.because(1, None, Some(1));
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
    let three = |s: &mut Scene| {
        chain(s, &[(below("2", "sub-agent"), "agent"), (below("3", "sub-sub-agent"), "sub-agent")]);
        s.agent = By::Key("sub-sub-agent");
    };
    t.beside(
        "chain/depth-two",
        "depth of one, and two mandates below",
        Shows("M46", "A13"),
        Code::RuleDepth,
        [
            &|s| {
                three(s);
                s.rule(18, 2);
            },
            &|s| {
                three(s);
                s.rule(18, 1);
            },
        ],
    );
    // The depth of a rule is counted from the mandate that has it.
    let limited = |s: &mut Scene, place: usize, most: i64| {
        s.mandates[place].0 = s.mandates[place].0.clone().with(-15, plenty().with(18, most));
    };
    t.beside(
        "chain/depth-below",
        "depth of nothing in the second of three mandates",
        Shows("M46", "A13"),
        Code::RuleDepth,
        [
            &|s| {
                three(s);
                limited(s, 1, 1);
            },
            &|s| {
                three(s);
                limited(s, 1, 0);
            },
        ],
    );
    t.accept(
        "chain/depth-of-the-last",
        "depth of nothing in the last of three mandates",
        Shows("M46", "A13"),
        "RUL-15",
        |s| {
            three(s);
            limited(s, 2, 0);
        },
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
        "chain/third-of-another-account",
        "A third mandate of a chain for another account",
        Shows("M45", "A14"),
        Code::AccountMismatch,
        ("chain/depth-two-twin", &|s| {
            three(s);
            s.mandates[2].0 = s.mandates[2].0.clone().with(2, account("bob"));
        }),
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
        "chain/below-single-in-the-middle",
        "A mandate below one that is single and below another",
        Shows("M45", "A13"),
        Code::DelegationForbidden,
        (twin, &|s| {
            let single = below("2", "sub-agent").without(-15).with(-12, 1).with(-3, keys::thirty_two("an offer"));
            chain(s, &[(single, "agent"), (below("3", "sub-sub-agent"), "sub-agent")]);
            s.agent = By::Key("sub-sub-agent");
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

pub(super) fn held(t: &mut Payments<'_>) {
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
        "held/of-another",
        "Another merchant's intent, under a mandate that it holds, for this merchant's offer",
        Shows("M03", "A4"),
        Code::HolderMismatch,
        (twin, &|s| {
            s.mandate(|m| m.with(8, labelled([(-1, "rice.example".into())])));
            s.agent = By::Certificate("other-merchant");
        }),
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

/// What is paid below is counted above as well. [AUT-64]
pub(super) fn counted_above(sheet: &mut Sheet) {
    let mut world = World::new();
    let mut scene = Scene::new("below");
    scene.caps(labelled([(3, 1_500.into()), (5, 3.into())]));
    let root = scene.mandates[0].clone();
    chain(&mut scene, &[(below("sub", "sub-agent"), "agent")]);
    scene.agent = By::Key("sub-agent");
    world.pay(&scene);
    let mut again = scene.known();
    again.offer = priced(tea("again", 500), 500);
    let shows = Shows("M14 M45", "A2 A13");
    let base = ("chain/counted", "All that a payment below left of the limit above", "AUT-64 RUL-3");
    let mut t = Payments::new(sheet, ("paid-below", world), base, again);
    t.last(|case| case.shows(shows).needs("core delegation"));
    t.needs("core delegation");
    t.refuse(
        "chain/counted-more",
        "A unit more than a payment below left of the limit above",
        shows,
        Code::RuleTotal,
        |s| s.offer(|o| priced(o, 501)),
    );
    t.because(0, None, Some(3));
    let directly = move |s: &mut Scene, minor: u64| {
        s.mandates = vec![root.clone()];
        s.known = 1;
        s.agent = By::Key("agent");
        s.offer(|o| priced(o, minor));
    };
    t.beside(
        "chain/counted-directly",
        "By the agent above, a unit more than a payment below left it",
        shows,
        Code::RuleTotal,
        [&|s| directly(s, 500), &|s| directly(s, 501)],
    );
}

/// The lower mandate before the upper one.
pub(super) fn swapped(sheet: &mut Sheet) {
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

//! Chains: nothing below a mandate widens it, and whoever stands above it can stop it.

use super::*;

/// A person, an agent a0, and below it a1 and a2.
struct Chain {
    world: World,
    mandates: Vec<Mandate>,
    ids: Vec<PaperId>,
}

impl Chain {
    /// Three links. Each may be changed before it is signed.
    fn new(change: impl Fn(usize, &mut Mandate)) -> Self {
        let mut chain = Self::empty();
        for link in 0..3 {
            chain.add(link, &change).must_be(Outcome::Recorded);
        }
        chain
    }

    fn empty() -> Self {
        let mut world = World::new();
        world.deposit("ann", 100_000).must_be(Outcome::Recorded);
        Self { world, mandates: Vec::new(), ids: Vec::new() }
    }

    fn add(&mut self, link: usize, change: &impl Fn(usize, &mut Mandate)) -> Said {
        let mut mandate = self.world.quota("ann", &format!("a{link}"), 50_000);
        if let Some(above) = self.ids.last() {
            mandate = self.world.below(*above, mandate);
        }
        change(link, &mut mandate);
        let signer = if link == 0 { "ann".to_owned() } else { format!("a{}", link - 1) };
        let paper = self.world.sign(&mandate, &signer);
        self.mandates.push(mandate);
        self.ids.push(paper.id);
        self.world.send(&paper.bytes)
    }

    fn buys(&mut self, units: u64) -> Said {
        let last = self.ids.len() - 1;
        self.world.buy(&format!("a{last}"), self.ids[last], "shop.example", units).1
    }
}

/// Rules that the parent has and the sub-mandate does not, or the other way round.
fn narrow(fault: bool, caps: Fields) -> Said {
    let caps = Fields { total: caps.total.or(Some(minor(50_000))), ..caps };
    let mut chain = Chain::new(|link, mandate| {
        if fault && link == 0 {
            mandate.caps = rules(caps.clone());
        }
    });
    chain.buys(1_000)
}

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "A13",
        fault: "a sub-mandate of more than its parent's greatest payment",
        expected: Refused(Code::RuleAmountMax),
        send: |fault| narrow(fault, Fields { amount_max: Some(minor(999)), ..Fields::default() }),
    },
    Row {
        id: "A13",
        fault: "a sub-mandate of more than its parent's sum",
        expected: Refused(Code::RuleTotal),
        send: |fault| narrow(fault, Fields { total: Some(minor(999)), ..Fields::default() }),
    },
    Row {
        id: "A13",
        fault: "a sub-mandate that outlives its parent",
        expected: Refused(Code::MandateExpired),
        send: |fault| {
            let mut chain = Chain::new(|link, mandate| {
                mandate.expires_at = at(START + if link == 0 { DAY } else { 9 * DAY });
            });
            chain.world.now += DAY - one_of(fault, 0, 1);
            chain.buys(1_000)
        },
    },
    Row {
        id: "A13",
        fault: "a sub-mandate for merchants that its parent denies",
        expected: Refused(Code::RuleMerchant),
        send: |fault| narrow(fault, Fields { merchants_deny: set([party("shop.example")]), ..Fields::default() }),
    },
    Row {
        id: "A13",
        fault: "a sub-mandate in another currency",
        expected: Refused(Code::CurrencyMismatch),
        send: |fault| {
            let mut chain = Chain::empty();
            chain.add(0, &|_, _| {}).must_be(Outcome::Recorded);
            chain.add(1, &|_, mandate| mandate.currency = currency(one_of(fault, "JPY", "CNY")))
        },
    },
    Row {
        id: "A13",
        fault: "a sub-mandate for another account",
        expected: Refused(Code::AccountMismatch),
        send: |fault| {
            let mut chain = Chain::empty();
            let bob = chain.world.account("bob");
            chain.add(0, &|_, _| {}).must_be(Outcome::Recorded);
            chain.add(1, &|_, mandate| {
                if fault {
                    mandate.account = bob;
                }
            })
        },
    },
    Row {
        id: "A13",
        fault: "a sub-mandate of a mandate for one offer",
        expected: Refused(Code::DelegationForbidden),
        send: |fault| {
            let mut chain = Chain::empty();
            let offer = chain.world.offer("shop.example", 1_000);
            let offer = chain.world.certify(&offer, "shop.example").id;
            let single = chain.world.single("ann", "a0", offer);
            let quota = chain.world.quota("ann", "a0", 5_000);
            let root = chain.world.registered(one_of(fault, &single, &quota), "ann");
            let sub = chain.world.quota("ann", "a1", 5_000);
            let sub = chain.world.below(root, sub);
            chain.world.register(&sub, "a0")
        },
    },
    Row {
        id: "A17",
        fault: "after the mandate above was revoked",
        expected: Refused(Code::MandateRevoked),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let stopped = chain.ids[1];
            if fault {
                chain.world.revoke("ann", "ann", &[stopped]).must_be(Outcome::Recorded);
            }
            chain.buys(1_000)
        },
    },
    Row {
        id: "A17",
        fault: "after the root was suspended",
        expected: Refused(Code::MandateSuspended),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let root = chain.ids[0];
            if fault {
                chain.world.suspend("ann", "ann", &[root]).1.must_be(Outcome::Recorded);
            }
            chain.buys(1_000)
        },
    },
    Row {
        id: "A17",
        fault: "after the agent above suspended what it had signed",
        expected: Refused(Code::MandateSuspended),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let sub = chain.ids[2];
            if fault {
                chain.world.suspend("ann", "a1", &[sub]).1.must_be(Outcome::Recorded);
            }
            chain.buys(1_000)
        },
    },
    Row {
        id: "A17",
        fault: "after a suspension that named a version replaced a moment before",
        expected: Refused(Code::MandateSuspended),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let next = chain.world.next(&chain.mandates[2], chain.ids[2]);
            let next = chain.world.registered(&next, "a1");
            let named = chain.ids[2];
            if fault {
                chain.world.suspend("ann", "ann", &[named]).1.must_be(Outcome::Recorded);
            }
            chain.ids[2] = next;
            chain.buys(1_000)
        },
    },
    Row {
        id: "A17",
        fault: "a suspended mandate replaced to be rid of the suspension",
        expected: Refused(Code::MandateSuspended),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let sub = chain.ids[2];
            if fault {
                chain.world.suspend("ann", "ann", &[sub]).1.must_be(Outcome::Recorded);
            }
            let next = chain.world.next(&chain.mandates[2], sub);
            chain.ids[2] = chain.world.registered(&next, "a1");
            chain.buys(1_000)
        },
    },
    Row {
        id: "A18",
        fault: "a lower link lifts the suspension of a higher one",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let sub = chain.ids[2];
            let (suspension, said) = chain.world.suspend("ann", "a0", &[sub]);
            said.must_be(Outcome::Recorded);
            chain.world.resume("ann", one_of(fault, "a1", "a0"), &[sub], suspension)
        },
    },
    Row {
        id: "A18",
        fault: "a holder below lifts the suspension of the person",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let sub = chain.ids[2];
            let (suspension, said) = chain.world.suspend("ann", "ann", &[sub]);
            said.must_be(Outcome::Recorded);
            chain.world.resume("ann", one_of(fault, "a0", "ann"), &[sub], suspension)
        },
    },
    Row {
        id: "A18",
        fault: "a resumption of a suspension that does not stand",
        expected: Refused(Code::SuspensionUnknown),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let (sub, other) = (chain.ids[2], chain.ids[1]);
            let (suspension, said) = chain.world.suspend("ann", "ann", &[one_of(fault, other, sub)]);
            said.must_be(Outcome::Recorded);
            chain.world.resume("ann", "ann", &[sub], suspension)
        },
    },
    Row {
        id: "A18",
        fault: "a resumption of a suspension that stands on one mandate of two, by a holder below who made it",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let (middle, sub) = (chain.ids[1], chain.ids[2]);
            let (suspension, said) = chain.world.suspend("ann", "ann", &[sub]);
            said.must_be(Outcome::Recorded);
            let (by, named) = one_of(fault, ("a0", vec![middle, sub]), ("ann", vec![sub]));
            chain.world.resume("ann", by, &named, suspension)
        },
    },
    Row {
        id: "A18",
        fault: "a suspension of what the signer may not stop, and of what nobody registered",
        expected: NotDecided(Code::MandateUnknown, Stage::Mandate),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let (root, sub) = (chain.ids[0], chain.ids[2]);
            chain.world.suspend("ann", "a0", &one_of(fault, vec![root, PaperId([0xff; 32])], vec![sub])).1
        },
    },
    Row {
        id: "A18",
        fault: "an agent below stops what is above it",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let (above, below) = (chain.ids[0], chain.ids[2]);
            chain.world.revoke("ann", "a1", &[one_of(fault, above, below)])
        },
    },
    Row {
        id: "A18",
        fault: "an agent that held the version before stops the lineage",
        expected: NotDecided(Code::CommandSigner, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let (old, sub) = (chain.ids[1], chain.ids[2]);
            if fault {
                // The person gives the middle mandate to another agent, who goes on with the one below it.
                let next = Mandate { holder: chain.world.agent("b1"), ..chain.world.next(&chain.mandates[1], old) };
                let next = chain.world.registered(&next, "a0");
                let below = Mandate { parent: Some(next), ..chain.world.next(&chain.mandates[2], sub) };
                chain.world.registered(&below, "b1");
            }
            chain.world.suspend("ann", "a1", &[sub]).1
        },
    },
];

/// Classes of conformance that are about chains.
pub(super) const MANDATE_ROWS: &[Row] = &[
    Row {
        id: "M46",
        fault: "a chain of five",
        expected: Refused(Code::ChainTooLong),
        send: |fault| {
            let mut chain = Chain::empty();
            let links = one_of(fault, 5, 4);
            for link in 0..links - 1 {
                chain.add(link, &|_, _| {}).must_be(Outcome::Recorded);
            }
            chain.add(links - 1, &|_, _| {})
        },
    },
    Row {
        id: "M47",
        fault: "a parent that nobody registered",
        expected: NotDecided(Code::MandateUnknown, Code::MandateUnknown.stages()[0]),
        send: |fault| {
            let mut chain = Chain::empty();
            chain.add(0, &|_, _| {}).must_be(Outcome::Recorded);
            chain.add(1, &|_, mandate| {
                if fault {
                    mandate.parent = Some(PaperId([9; 32]));
                }
            })
        },
    },
    Row {
        id: "M47",
        fault: "a message whose second mandate names a parent that is neither in it nor registered",
        expected: NotDecided(Code::MandateUnknown, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::empty();
            let root = chain.world.quota("ann", "a0", 50_000);
            let root = chain.world.sign(&root, "ann");
            let sub = chain.world.quota("ann", "a1", 50_000);
            let sub = chain.world.below(one_of(fault, PaperId([9; 32]), root.id), sub);
            let sub = chain.world.sign(&sub, "a0");
            let offer = chain.world.offer("shop.example", 1_000);
            let mut payment = chain.world.papers("a1", sub.id, "shop.example", &offer);
            payment.mandates = vec![root.bytes, sub.bytes];
            chain.world.pay(&payment)
        },
    },
    Row {
        id: "M48",
        fault: "the middle of the chain is revoked",
        expected: Refused(Code::MandateRevoked),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let middle = chain.ids[1];
            if fault {
                chain.world.revoke("ann", "a0", &[middle]).must_be(Outcome::Recorded);
            }
            chain.buys(1_000)
        },
    },
    Row {
        id: "M48",
        fault: "a new mandate below a revoked one",
        expected: Refused(Code::MandateRevoked),
        send: |fault| {
            let mut chain = Chain::new(|_, _| {});
            let middle = chain.ids[1];
            if fault {
                chain.world.revoke("ann", "ann", &[middle]).must_be(Outcome::Recorded);
            }
            chain.add(3, &|_, _| {})
        },
    },
    Row {
        id: "M49",
        fault: "the links in another order",
        expected: NotDecided(Code::MandateUnknown, Stage::Signature),
        send: |fault| {
            let mut chain = Chain::empty();
            let root = chain.world.quota("ann", "a0", 50_000);
            let root_paper = chain.world.sign(&root, "ann");
            let sub = chain.world.quota("ann", "a1", 50_000);
            let sub = chain.world.below(root_paper.id, sub);
            let sub_paper = chain.world.sign(&sub, "a0");
            let offer = chain.world.offer("shop.example", 1_000);
            let mut payment = chain.world.papers("a1", sub_paper.id, "shop.example", &offer);
            let (first, second) = one_of(fault, (&sub_paper, &root_paper), (&root_paper, &sub_paper));
            payment.mandates = vec![first.bytes.clone(), second.bytes.clone()];
            chain.world.pay(&payment)
        },
    },
    Row {
        id: "M50",
        fault: "an intent under another agent's mandate, beside the mandate of its own signer",
        expected: NotDecided(Code::AgentMismatch, Stage::Signature),
        send: |fault| {
            let mut scene = Scene::new();
            let other = scene.world.quota("ann", "second agent", 9_000);
            let other = scene.world.sign(&other, "ann");
            scene.world.send(&other.bytes).must_be(Outcome::Recorded);
            let own = scene.world.quota("ann", "agent", 9_000);
            let own = scene.world.sign(&own, "ann");
            let offer = scene.world.offer("shop.example", 1_000);
            let mut payment = scene.world.papers("agent", one_of(fault, other.id, own.id), "shop.example", &offer);
            payment.mandates = vec![own.bytes];
            scene.world.pay(&payment)
        },
    },
];

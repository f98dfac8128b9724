//! Honest papers, and tables of cases about one of them.

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::Importance;
use serde_json::{Value, json};

use super::cbor::{Item, labelled, seq};
use super::forge::{By, Forge, NETWORK};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, id_value, refused};
use super::{certs, hex, keys};

/// 17 March 2030, 17:46:40 UTC, a Sunday; in Shanghai it is Monday, 1:46:40.
pub(super) const NOW: u64 = 1_900_000_000;

/// `cnf` of an agent.
pub(super) fn agent_key(name: &str) -> Item {
    labelled([(1, cose_key(name))])
}

/// A key as a COSE_Key.
pub(super) fn cose_key(name: &str) -> Item {
    let point = keys::public(name).0;
    labelled([(1, Item::from(2)), (-1, Item::from(1)), (-2, point[..32].into()), (-3, point[32..].into())])
}

/// One honest paper of a kind, with every field that it can have at once.
pub(super) fn honest(kind: &'static str) -> Forge {
    let (issuer, tea) = (Item::from("issuer.example"), Item::from("tea.example"));
    let (cny, one) = (Item::from("CNY"), Item::from(1));
    let (account, nonce) = (Item::from(keys::sixteen("account ann")), Item::from(keys::sixteen("nonce")));
    let id = |name: &str| Item::from(keys::thirty_two(name));
    let shown = Item::List(vec!["en".into(), id("what was shown")]);
    let by_merchant = || By::Certificate("merchant");
    let command = |own: Vec<(i64, Item)>| {
        let fields = [(1, tea.clone()), (3, issuer.clone()), (6, NOW.into()), (7, nonce.clone()), (-1, one.clone())];
        fields.into_iter().chain(own).fold(labelled([]), |map, (label, value)| map.with(label, value))
    };
    let order = |own: Vec<(i64, Item)>| {
        let fields =
            [(2, account.clone()), (3, issuer.clone()), (6, NOW.into()), (7, nonce.clone()), (-1, one.clone())];
        fields.into_iter().chain(own).fold(labelled([]), |map, (label, value)| map.with(label, value))
    };
    let (payload, by) = match kind {
        "credential" => {
            let fields = [
                (1, issuer),
                (2, account),
                (4, (NOW + 86_400).into()),
                (6, NOW.into()),
                (8, agent_key("payer")),
                (-1, one),
            ];
            (labelled(fields), By::Certificate("issuer"))
        }
        "pseudonym" => {
            let fields = [
                (1, issuer),
                (2, keys::sixteen("pseudonym").into()),
                (3, tea),
                (4, (NOW + 86_400).into()),
                (6, NOW.into()),
                (-1, one),
            ];
            (labelled(fields), By::Certificate("issuer"))
        }
        "mandate" => {
            let mandate = mandate().with(-18, true).with(-19, shown).with(-20, id("conversation"));
            (mandate, By::Key("payer"))
        }
        "offer" => (offer(), by_merchant()),
        "intent" => {
            let fields = [
                (3, issuer),
                (6, NOW.into()),
                (-1, one),
                (-2, id("mandate")),
                (-3, id("offer")),
                (-5, 1_280.into()),
                (-6, cny),
                (-7, id("hash of the secret")),
                (-28, 1.into()),
                (-29, id("device")),
                (-30, 3.into()),
            ];
            (labelled(fields), By::Key("agent"))
        }
        "confirmation" => {
            let fields = [
                (2, account),
                (3, issuer),
                (6, NOW.into()),
                (-1, one),
                (-4, id("intent")),
                (-19, shown),
                (-31, 2.into()),
                (-32, id("recording")),
                (-33, "yes, two tins".into()),
            ];
            (labelled(fields), By::Key("payer"))
        }
        "root" => {
            let fields = [
                (6, NOW.into()),
                (-1, one),
                (-46, id("tree root")),
                (-47, 1.into()),
                (-48, 7.into()),
                (-49, id("log root")),
                (-50, 8.into()),
                (-51, NETWORK.into()),
            ];
            (labelled(fields), By::Certificate("issuer"))
        }
        "capture" => {
            let own = vec![(-4, id("intent")), (-5, 1_280.into()), (-6, cny), (-43, true.into())];
            (command(own), by_merchant())
        }
        "void" => (command(vec![(-4, id("intent"))]), by_merchant()),
        "refund" => {
            let own = vec![(-4, id("intent")), (-5, 1_280.into()), (-6, cny), (-56, "one tin was damp".into())];
            (command(own), by_merchant())
        }
        "payout" => (command(vec![(-5, 128_000.into()), (-6, cny), (-55, "main".into())]), by_merchant()),
        "cancel" => {
            let fields = [
                (3, issuer),
                (6, NOW.into()),
                (7, nonce),
                (-1, one),
                (-44, honest("intent").bytes().into()),
                (-58, honest("offer").bytes().into()),
            ];
            (labelled(fields), By::Key("agent"))
        }
        "suspension" | "revocation" => {
            let own = vec![(-41, seq([id("mandate")])), (-56, "lost my phone".into())];
            (order(own), By::Key("payer"))
        }
        "resumption" => {
            let own = vec![(-41, seq([id("mandate")])), (-42, id("suspension"))];
            (order(own), By::Key("payer"))
        }
        "enrolment" => (order(Vec::new()).with(8, agent_key("payer-2")), By::Key("payer")),
        "deposit" => (order(vec![(-5, 500_000.into()), (-6, cny)]), By::Key("payer")),
        "proof" => {
            let fields = [
                (3, issuer),
                (6, NOW.into()),
                (7, nonce),
                (-1, one),
                (-53, "GET https://issuer.example/v1/pending".into()),
            ];
            (labelled(fields), By::Key("payer"))
        }
        "status" => {
            let fields = [
                (1, issuer),
                (4, (NOW + 60).into()),
                (6, NOW.into()),
                (-1, one),
                (-2, id("mandate")),
                (-45, 2.into()),
                (-54, seq([id("suspension")])),
            ];
            (labelled(fields), By::Certificate("issuer"))
        }
        _ => {
            let fields = [
                (1, tea),
                (6, NOW.into()),
                (-1, one),
                (-3, id("offer")),
                (-4, id("intent")),
                (-45, 1.into()),
                (-52, id("what was delivered")),
            ];
            (labelled(fields), by_merchant())
        }
    };
    Forge::new(kind, payload, by)
}

/// The payload of a quota mandate: 5,000 yuan in all.
pub(super) fn mandate() -> Item {
    labelled([
        (2, keys::sixteen("account ann").into()),
        (3, "issuer.example".into()),
        (4, (NOW + 30 * 86_400).into()),
        (5, NOW.into()),
        (6, NOW.into()),
        (8, agent_key("agent")),
        (-1, 1.into()),
        (-6, "CNY".into()),
        (-10, keys::sixteen("lineage").into()),
        (-11, 1.into()),
        (-12, 3.into()),
        (-15, labelled([(3, 500_000.into())])),
        (-17, 20_000.into()),
    ])
}

/// A mandate with the fields that it must have, and a sum set aside.
pub(super) fn lean_mandate() -> Forge {
    Forge::new("mandate", mandate(), By::Key("payer"))
}

/// An offer with the fields that it must have.
pub(super) fn lean_offer() -> Forge {
    let line = labelled([
        (1, "longjing-25".into()),
        (2, "Longjing tea".into()),
        (3, 5_499.into()),
        (4, 1.into()),
        (5, 1_280.into()),
    ]);
    let payload = offer().without(-25).without(-26).without(-27).with(-24, 1).with(-21, seq([line]));
    Forge::new("offer", payload, By::Certificate("merchant"))
}

/// The payload of an offer of 12.80 yuan, captured by command.
pub(super) fn offer() -> Item {
    let goods = labelled([
        (1, "longjing-25".into()),
        (2, "Longjing tea, 25 g".into()),
        (3, 5_499.into()),
        (4, 2.into()),
        (5, 600.into()),
    ]);
    let line = |id: &str, name: &str, price: i64, kind: i64| {
        labelled([(1, id.into()), (2, name.into()), (4, 1.into()), (5, price.into()), (6, kind.into())])
    };
    labelled([
        (1, "tea.example".into()),
        (4, (NOW + 900).into()),
        (6, NOW.into()),
        (7, keys::sixteen("offer").into()),
        (-1, 1.into()),
        (-5, 1_280.into()),
        (-6, "CNY".into()),
        (-21, seq([goods, line("post", "Delivery", 100, 4), line("autumn", "Autumn discount", 20, 2)])),
        (-22, seq([seq(["issuer.example".into(), "main".into()])])),
        (-23, 1.into()),
        (-24, 2.into()),
        (-25, keys::thirty_two("resource").into()),
        (-26, keys::sixteen("pseudonym").into()),
        (-27, 604_800.into()),
    ])
}

/// What the verifier is told to expect of who signs this.
pub(super) fn signer(forge: &Forge) -> Value {
    match forge.protected.get(34) {
        Item::List(hash) if hash.is_empty() => json!({"key": hex(&keys::public(forge.signer).0)}),
        _ => {
            let role = if forge.signer == "issuer" { "issuer" } else { "merchant" };
            json!({"role": role, "anchors": [hex(&certs::anchor())]})
        }
    }
}

/// Cases about one honest paper.
pub(super) struct Papers<'s> {
    sheet: &'s mut Sheet,
    /// The honest paper.
    pub(super) base: Forge,
    base_id: String,
    signer: Value,
}

/// The edits of a case.
pub(super) type Change<'c> = &'c dyn Fn(&mut Forge);

impl<'s> Papers<'s> {
    /// A table whose first case is the honest paper.
    pub(super) fn new(sheet: &'s mut Sheet, base_id: &str, title: &str, clauses: &str, base: Forge) -> Self {
        let signer = signer(&base);
        let mut table = Self { sheet, base, base_id: base_id.to_owned(), signer };
        table.put(base_id, title, Shows::default(), clauses, None, None);
        table
    }

    /// A change that must be refused; the paper without it is accepted.
    pub(super) fn refuse(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        expected: (Code, Stage),
        change: impl Fn(&mut Forge),
    ) {
        self.put(id, title, shows, "", Some(expected), Some((&change, None)));
    }

    /// A change that must be refused, and another that is accepted and differs by the fault alone.
    pub(super) fn beside(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        expected: (Code, Stage),
        [bad, good]: [Change<'_>; 2],
    ) {
        let twin = format!("{id}-twin");
        let clause = expected.0.clause();
        self.put(&twin, &format!("{title}: the allowed form"), Shows::default(), clause, None, Some((good, None)));
        self.put(id, title, shows, "", Some(expected), Some((bad, Some(&twin))));
    }

    /// A change that must be accepted.
    pub(super) fn accept(&mut self, id: &str, title: &str, shows: Shows, clauses: &str, change: impl Fn(&mut Forge)) {
        self.put(id, title, shows, clauses, None, Some((&change, None)));
    }

    fn put(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        clauses: &str,
        refusal: Option<(Code, Stage)>,
        change: Option<(Change<'_>, Option<&str>)>,
    ) {
        let forge = change.map_or_else(|| self.base.clone(), |(change, _)| self.base.but(change));
        let bytes = forge.bytes();
        let input = json!({
            "kind": forge.kind, "paper": hex(&bytes), "network": NETWORK, "now": NOW, "signer": self.signer,
        });
        let expect = match refusal {
            Some((code, stage)) => refused(code, stage),
            None => accepted().value(id_value(&forge.id())),
        };
        let mut case = case("verifier", id, title, call("paper.verify", input), expect).shows(shows).clauses(clauses);
        // What is long for the sake of its length says nothing to people.
        let is_short = bytes.len() < 8_192;
        case.sig_structure = is_short.then(|| hex(&forge.sig_structure()));
        if refusal.is_some() {
            case = case.twin(change.and_then(|(_, twin)| twin).unwrap_or(&self.base_id));
        } else {
            case = case.weighs(Importance::Medium);
        }
        if change.is_some() {
            case = case.mutated(&self.base_id, "edit", forge.edits(&self.base), forge.is_signed(&self.base));
        }
        self.sheet.add(if is_short { case.diagnosed(&bytes) } else { case });
    }

    /// The case that was put last.
    pub(super) fn last(&mut self, change: impl FnOnce(purser_test_vectors::Case) -> purser_test_vectors::Case) {
        self.sheet.amend(change);
    }
}

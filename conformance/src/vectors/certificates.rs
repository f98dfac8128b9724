//! Who signs for whom: chains of certificates by themselves, and beside papers.

mod path;
mod shape;
mod usage;

use purser_protocol::code::{Code, Stage};
use purser_test_vectors::{Area, Importance};
use serde_json::{Value, json};

use super::cbor::labelled;
use super::certs::{self, Draft, Role};
use super::forge::{Forge, NETWORK, certificate_header};
use super::papers::{NOW, honest, lean_offer};
use super::sheet::{Build as _, Expecting as _, Sheet, Shows, accepted, call, case, id_value, refused, refused_as};
use super::{hex, keys};

pub(super) fn area() -> Area {
    let about =
        "Chains of certificates of the closed profile, and papers whose signer they name: the stage certificates.";
    let mut sheet = Sheet::new("certificates", about);
    let mut t = Chains::new(&mut sheet);
    shape::rows(&mut t);
    usage::rows(&mut t);
    path::rows(&mut t);
    beside_papers(&mut sheet);
    sheet.finish()
}

/// A chain, the trust that it is checked against, and the question.
#[derive(Clone)]
struct Setup {
    root: Draft,
    /// From the root downwards.
    intermediates: Vec<Draft>,
    leaf: Draft,
    /// Changes the chain as it is shown, leaf first; the root comes second.
    show: fn(&mut Vec<Vec<u8>>, &[u8]),
    /// What the verifier takes for its anchor in place of the root.
    impostor: Option<Draft>,
    anchor_role: Option<&'static str>,
    anchor_names: Vec<&'static str>,
    /// What is revoked, and how old the list is.
    revoked: Option<(Vec<[u8; 32]>, u64)>,
    role: Role,
    now: u64,
}

/// How old a revocation list may be.
const LIST_SECONDS: u64 = 3_600;

impl Setup {
    /// A merchant's leaf below one intermediate below the anchor.
    fn new() -> Self {
        Self {
            root: Draft::authority("root", "root"),
            intermediates: vec![Draft::authority("intermediate", "root")],
            leaf: leaf_below("intermediate"),
            show: |_, _| {},
            impostor: None,
            anchor_role: None,
            anchor_names: vec![".example"],
            revoked: None,
            role: Role::Merchant,
            now: NOW,
        }
    }

    fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut setup = self.clone();
        change(&mut setup);
        setup
    }

    fn input(&self) -> Value {
        let root = self.root.der();
        let mut chain: Vec<Vec<u8>> = self.intermediates.iter().rev().map(Draft::der).collect();
        chain.insert(0, self.leaf.der());
        (self.show)(&mut chain, &root);
        let anchor = self.impostor.as_ref().map_or(root, Draft::der);
        let mut limited = json!({"certificate": hex(&anchor), "names": self.anchor_names});
        if let Some(role) = self.anchor_role {
            limited["role"] = json!(role);
        }
        let role = if self.role == Role::Issuer { "issuer" } else { "merchant" };
        let chain: Vec<String> = chain.iter().map(|der| hex(der)).collect();
        let mut input = json!({"role": role, "anchors": [limited], "chain": chain, "now": self.now});
        if let Some((revoked, age)) = &self.revoked {
            let ids: Vec<String> = revoked.iter().map(|id| hex(id)).collect();
            input["revoked"] = json!({"certificates": ids, "as_of": self.now - age, "age_max": LIST_SECONDS});
        }
        input
    }
}

/// tea.example, certified by this authority.
fn leaf_below(signer: &'static str) -> Draft {
    Draft::leaf("merchant", Role::Merchant, "tea.example", &[5411, 5499], signer)
}

/// Cases about one chain.
struct Chains<'s> {
    sheet: &'s mut Sheet,
    base: Setup,
}

/// A change of a setup.
type Change = fn(&mut Setup);

impl<'s> Chains<'s> {
    fn new(sheet: &'s mut Sheet) -> Self {
        let mut table = Self { sheet, base: Setup::new() };
        table.accept("base", "A merchant's leaf below one intermediate", Shows::default(), "CRT-16", |_| {});
        table
    }

    /// A chain that is accepted.
    fn accept(&mut self, id: &str, title: &str, shows: Shows, clauses: &str, change: Change) {
        let setup = self.base.but(change);
        let party = if setup.role == Role::Issuer { "issuer.example" } else { "tea.example" };
        self.put(id, title, shows, clauses, (&setup, Some(json!({"party": party}))), None);
    }

    /// A change that must be refused.
    fn refuse(&mut self, id: &str, title: &str, shows: Shows, code: Code, change: Change) {
        let setup = self.base.but(change);
        self.put(id, title, shows, "", (&setup, None), Some((code, "base")));
    }

    /// A change that must be refused, beside one that is not.
    fn beside(&mut self, id: &str, title: &str, shows: Shows, code: Code, [good, bad]: [Change; 2]) {
        let (good, bad) = (self.base.but(good), self.base.but(bad));
        let twin = format!("{id}-twin");
        self.put(
            &twin,
            &format!("{title}: what is allowed"),
            Shows::default(),
            code.clause(),
            (&good, Some(json!({}))),
            None,
        );
        self.put(id, title, shows, "", (&bad, None), Some((code, &twin)));
    }

    /// A change that must be refused, beside a case that is there already.
    fn refuse_like(&mut self, id: &str, title: &str, shows: Shows, code: Code, (twin, change): (&str, Change)) {
        let setup = self.base.but(change);
        self.put(id, title, shows, "", (&setup, None), Some((code, twin)));
    }

    fn put(
        &mut self,
        id: &str,
        title: &str,
        shows: Shows,
        clauses: &str,
        (setup, value): (&Setup, Option<Value>),
        refusal: Option<(Code, &str)>,
    ) {
        let input = setup.input();
        let mut expect = refusal.map_or_else(accepted, |(code, _)| refused_as(code));
        expect.value = value.filter(|value| *value != json!({}));
        let edits = differences(&self.base.input(), &input);
        let mut case = case("verifier", id, title, call("chain.verify", input), expect).shows(shows).clauses(clauses);
        if let Some((_, twin)) = refusal {
            case = case.twin(twin).weighs(Importance::Critical);
        }
        if id != "base" {
            case = case.mutated("base", "input", edits, true);
        }
        self.sheet.add(case);
    }
}

/// The members of an input that differ, lists entry by entry.
fn differences(base: &Value, other: &Value) -> Vec<Value> {
    let names = ["role", "anchors", "chain", "now", "revoked"];
    let mut differ = Vec::new();
    for name in names.into_iter().filter(|name| base.get(name) != other.get(name)) {
        match (base[name].as_array(), other[name].as_array()) {
            (Some(was), Some(is)) if was.len() == is.len() => {
                differ.extend((0..is.len()).filter(|&at| was[at] != is[at]).map(|at| json!([name, at])));
            }
            _ => differ.push(json!([name])),
        }
    }
    differ
}

/// The checks that need the paper beside the chain.
fn beside_papers(sheet: &mut Sheet) {
    let offer = lean_offer();
    let leaf = certs::leaf("merchant");
    let stage = Stage::Certificates;
    let anchors = || json!([hex(&certs::anchor())]);
    let signer = || json!({"role": "merchant", "anchors": anchors()});
    let input = |forge: &Forge, signer: Value, now: u64| json!({"kind": forge.kind, "paper": hex(&forge.bytes()), "network": NETWORK, "now": now, "signer": signer});
    let mut put = |id: &str,
                   title: &str,
                   shows: Shows,
                   forge: &Forge,
                   signer: Value,
                   refusal: Option<Code>,
                   edits: Vec<Value>,
                   clauses: &str| {
        let expect = refusal.map_or_else(|| accepted().value(id_value(&forge.id())), |code| refused(code, stage));
        let call = call("paper.verify", input(forge, signer, NOW));
        let mut case = case("verifier", &format!("paper/{id}"), title, call, expect).shows(shows).clauses(clauses);
        if refusal.is_some() {
            case = case.twin("paper/base");
        }
        if id != "base" {
            case = case.mutated("paper/base", "edit", edits, forge.is_signed(&offer));
        }
        case.sig_structure = Some(hex(&forge.sig_structure()));
        sheet.add(case.diagnosed(&forge.bytes()));
    };
    put(
        "base",
        "An offer with its chain beside it",
        Shows::default(),
        &offer,
        signer(),
        None,
        Vec::new(),
        "CRT-1 CRT-4 SIG-17 SIG-22 SIG-23",
    );

    let bare = offer.but(|f| f.unprotected = labelled([]));
    let kept = || json!({"role": "merchant", "anchors": anchors(), "chain": [hex(&leaf)]});
    put(
        "kept-chain",
        "An offer without its chain, which the reader has kept",
        Shows::default(),
        &bare,
        kept(),
        None,
        bare.edits(&offer),
        "CRT-1",
    );
    put(
        "no-chain",
        "An offer without its chain, which nobody has",
        Shows("X25", ""),
        &bare,
        signer(),
        Some(Code::CertMissing),
        bare.edits(&offer),
        "",
    );
    let other_kept =
        || json!({"role": "merchant", "anchors": anchors(), "chain": [hex(&certs::leaf("other-merchant"))]});
    put(
        "another-kept",
        "An offer without its chain, beside a reader who has kept another",
        Shows("X25", ""),
        &bare,
        other_kept(),
        Some(Code::CertMissing),
        bare.edits(&offer),
        "",
    );

    let swapped = offer.but(|f| f.unprotected = labelled([(33, certs::leaf("other-merchant").into())]));
    put(
        "another-chain",
        "An offer with another merchant's chain beside it",
        Shows("X24 X25", "D14"),
        &swapped,
        signer(),
        Some(Code::CertMismatch),
        swapped.edits(&offer),
        "",
    );
    let renewed = certs::leaf_draft("merchant").but(|d| d.valid(certs::NOT_BEFORE + 1, certs::NOT_AFTER)).der();
    let swapped = offer.but(|f| f.unprotected = labelled([(33, renewed.into())]));
    put(
        "renewed-chain",
        "An offer with another certificate of the same key and name beside it",
        Shows("X25", "D14"),
        &swapped,
        signer(),
        Some(Code::CertMismatch),
        swapped.edits(&offer),
        "",
    );
    let junk = offer.but(|f| f.unprotected = labelled([(33, b"no certificate".to_vec().into())]));
    put(
        "no-certificate",
        "An offer with bytes beside it that are no certificate",
        Shows("X24", ""),
        &junk,
        signer(),
        Some(Code::CertMalformed),
        junk.edits(&offer),
        "",
    );

    let other = |f: &mut Forge| {
        let leaf = certs::leaf("other-merchant");
        f.protected = certificate_header("offer", &leaf);
        f.unprotected = labelled([(33, leaf.into())]);
        f.signer = "other-merchant";
    };
    let impostor = offer.but(other);
    put(
        "another-iss",
        "An offer of rice.example that says that it is tea.example's",
        Shows("X17 M03", "E11 A4"),
        &impostor,
        signer(),
        Some(Code::CertName),
        impostor.edits(&offer),
        "SIG-23",
    );
    for (id, title, name) in [
        ("iss-prefix", "An offer whose iss is the beginning of its signer's name", "tea.exampl"),
        ("iss-suffix", "An offer whose iss ends with its signer's name", "a.tea.example"),
        ("iss-look-alike", "An offer whose iss looks like its signer's name", "tea-example"),
    ] {
        let forge = offer.says(|p| p.with(1, name));
        put(id, title, Shows("X17 M41", "E11"), &forge, signer(), Some(Code::CertName), forge.edits(&offer), "SIG-23");
    }
    let by_issuer = offer.but(|f| {
        let leaf = certs::leaf("issuer");
        f.protected = certificate_header("offer", &leaf);
        f.unprotected = labelled([(33, leaf.into())]);
        f.signer = "issuer";
    });
    put(
        "issuer-signs-offer",
        "An offer signed by the issuer",
        Shows("X16", "E9"),
        &by_issuer,
        signer(),
        Some(Code::CertRole),
        by_issuer.edits(&offer),
        "",
    );

    let retired = |at: u64| json!({"role": "merchant", "anchors": anchors(), "retired": [{"key": hex(&keys::public("merchant").0), "at": at}]});
    put(
        "retired-after",
        "An offer made in the second before its key was retired",
        Shows("", "E18"),
        &offer,
        retired(NOW + 1),
        None,
        vec![json!(["retired", NOW + 1])],
        "CRT-19",
    );
    put(
        "retired-at",
        "An offer made in the second in which its key was retired",
        Shows("X23", "E18"),
        &offer,
        retired(NOW),
        Some(Code::KeyRetired),
        vec![json!(["retired", NOW])],
        "",
    );
    put(
        "retired-before",
        "An offer made a day after its key was retired",
        Shows("X23", "E18"),
        &offer,
        retired(NOW - 86_400),
        Some(Code::KeyRetired),
        vec![json!(["retired", NOW - 86_400])],
        "",
    );
    put(
        "retired-another",
        "An offer, when another key was retired",
        Shows("", "E18"),
        &offer,
        json!({"role": "merchant", "anchors": anchors(), "retired": [{"key": hex(&keys::public("issuer").0), "at": 0}]}),
        None,
        vec![json!(["retired", 0])],
        "CRT-19",
    );

    // A merchant's certificate on what only issuers sign.
    for kind in ["status", "root", "credential", "pseudonym"] {
        let base = honest(kind);
        let issuer = json!({"role": "issuer", "anchors": anchors()});
        let twin = format!("paper/{kind}");
        let expect = accepted().value(id_value(&base.id()));
        let honest_case = case(
            "verifier",
            &twin,
            format!("A {kind} signed by the issuer"),
            call("paper.verify", input(&base, issuer.clone(), NOW)),
            expect,
        );
        sheet.add(honest_case.clauses("CRT-11").diagnosed(&base.bytes()));
        let forged = base.but(|f| {
            let leaf = certs::leaf("merchant");
            f.protected = certificate_header(kind, &leaf);
            f.unprotected = labelled([(33, leaf.into())]);
            f.signer = "merchant";
        });
        let refusal = case(
            "verifier",
            &format!("paper/{kind}-by-merchant"),
            format!("A {kind} signed by a merchant"),
            call("paper.verify", input(&forged, issuer, NOW)),
            refused(Code::CertRole, stage),
        );
        let refusal =
            refusal.shows(Shows("X16 F14", "E9")).twin(&twin).mutated(&twin, "edit", forged.edits(&base), false);
        sheet.add(refusal.diagnosed(&forged.bytes()));
    }
}

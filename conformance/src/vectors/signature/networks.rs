//! Another network than that of the other cases: what is signed for it counts there, and there alone.

use purser_protocol::code::Code::SignatureInvalid;
use purser_protocol::code::Stage::Signature;

use super::super::papers::{honest, signer};
use super::*;

/// The network on which money is real.
const LIVE: &str = "live";

pub(super) fn networks(sheet: &mut Sheet) {
    for kind in ["mandate", "intent", "offer", "status", "root"] {
        let of = |network: &str| {
            let forge = honest(kind).but(|f| f.aad = aad(kind, network));
            if kind == "root" { forge.says(|p| p.with(-51, LIVE)) } else { forge }
        };
        let mut put = |id: String, title: String, network: &str, twin: Option<&str>| {
            let forge = of(network);
            let input = json!({
                "kind": kind, "paper": hex(&forge.bytes()), "network": LIVE, "now": NOW, "signer": signer(&forge),
            });
            let expect = match twin {
                Some(_) => refused(SignatureInvalid, Signature),
                None => accepted().value(id_value(&forge.id())),
            };
            let mut case = case("verifier", &id, title, call("paper.verify", input), expect);
            case = case.shows(Shows("M44", "D9 D15")).clauses("SIG-16");
            if let Some(twin) = twin {
                let base = of(LIVE);
                case = case.twin(twin).mutated(twin, "edit", forge.edits(&base), forge.is_signed(&base));
            }
            case.sig_structure = Some(hex(&forge.sig_structure()));
            sheet.add(case.weighs(Importance::Critical).diagnosed(&forge.bytes()));
        };
        let own = format!("network/{kind}-live");
        let article = if matches!(kind, "intent" | "offer") { "An" } else { "A" };
        put(own.clone(), format!("{article} {kind} of the network live, on it"), LIVE, None);
        let title = format!("{article} {kind} of the network sandbox, on the network live");
        put(format!("network/{kind}-sandbox-on-live"), title, NETWORK, Some(&own));
    }
}

//! What a shop, and two shops that talk to each other, can find out: G1, G6, G7.

use std::collections::BTreeSet;

use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{PAYMENT_REQUEST, PURSER_PROOF};
use purser_protocol::code::Code;
use purser_protocol::receipt::{Claims, Outcome, Receipt, Root};
use purser_protocol::sign::{Paper, Signed};
use purser_protocol::wire::Reader;
use purser_server::random::random;

use crate::line::{Answer, Ask};
use crate::papers::{Key, id, payment};
use crate::town::{Bought, Offered, Payer, TEA_MINOR, Town};

/// Longest run of bytes that is passed over, as too short to know anybody by.
const SHORT_BYTES: usize = 7;
/// By how many bytes on either side a run may be longer by chance.
const CHANCE_BYTES: usize = 3;

/// All that a shop is shown for a sale: the receipt as bytes, and the secret. Times are blank: two sales of one
/// second have them in common, and of two seconds not.
fn received(bought: &Bought) -> Vec<u8> {
    let receipt = Receipt::from_bytes(&bought.receipt).unwrap();
    let root = Signed::<Root>::read(&receipt.root).unwrap();
    let root = Root::decode(&mut Reader::new(root.frame.payload)).unwrap();
    let mut bytes = [&bought.receipt[..], &bought.secret].concat();
    for time in [claims(bought).decided_at, root.issued_at] {
        let seconds = u32::try_from(time.get()).unwrap().to_be_bytes();
        for at in 0..bytes.len() - 4 {
            if bytes[at..at + 4] == seconds {
                bytes[at..at + 4].fill(0);
            }
        }
    }
    bytes
}

fn claims(bought: &Bought) -> Claims {
    Receipt::from_bytes(&bought.receipt).unwrap().read_claims().unwrap()
}

/// The runs of bytes that stand in both, each as long as it can be.
fn shared(one: &[u8], two: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut runs = BTreeSet::new();
    for i in 0..one.len() {
        for j in 0..two.len() {
            let begins = i == 0 || j == 0 || one[i - 1] != two[j - 1];
            let length = one[i..].iter().zip(&two[j..]).take_while(|(a, b)| a == b).count();
            if begins && length > SHORT_BYTES {
                runs.insert(one[i..i + length].to_vec());
            }
        }
    }
    runs
}

async fn buys(town: &Town, payer: &Payer, shop: &crate::town::Shop) -> Bought {
    let ask = Ask::get("/tea");
    let bought = town.pay(payer, &shop.offered(&ask).await).await;
    assert_eq!(shop.ask(&ask, Some(&bought.credential())).await.status, 200);
    bought
}

#[tokio::test]
async fn g1_two_shops_that_compare_all_they_were_shown_find_the_issuer_and_not_the_payer() {
    let mut town = Town::new().await;
    let (tea, cake) = (town.shop("tea.example").await, town.shop("cake.example").await);
    let (payer, stranger) = (town.payer(50_000).await, town.payer(50_000).await);
    let at_tea = buys(&town, &payer, &tea).await;
    let again_at_tea = buys(&town, &payer, &tea).await;
    let at_cake = buys(&town, &payer, &cake).await;
    let strangers = buys(&town, &stranger, &cake).await;

    let pseudonym = |bought: &Bought| claims(bought).pseudonym.unwrap();
    assert_eq!(pseudonym(&at_tea), pseudonym(&again_at_tea), "a shop knows its customer");
    assert_ne!(pseudonym(&at_tea), pseudonym(&at_cake), "and two shops do not");
    assert_ne!(pseudonym(&at_cake), pseudonym(&strangers));

    let (one, two) = (received(&at_tea), received(&at_cake));
    let public = payer.agent.public();
    let owners = payer.key.public();
    let nobodys = [
        ("the agent's key", public.0[..32].to_vec()),
        ("the agent's key, its other half", public.0[32..].to_vec()),
        ("the agent's key id", public.id().0.to_vec()),
        ("the owner's key", owners.0[..32].to_vec()),
        ("the owner's key id", owners.id().0.to_vec()),
        ("the mandate", payer.mandate.0.to_vec()),
        ("the account", payer.account.0.to_vec()),
    ];
    for (what, bytes) in &nobodys {
        for shown in [&one, &two] {
            assert!(!shown.windows(8).any(|window| bytes.windows(8).any(|part| part == window)), "{what}");
        }
    }

    // What the two have in common is what any two receipts of the issuer have in common, of whomever they are.
    let same_person = shared(&one, &two);
    let any_two = shared(&one, &received(&strangers));
    assert!(!same_person.is_empty());
    for run in &same_person {
        eprintln!("in both: {} bytes, {}", run.len(), described(&town, run));
        let core = &run[CHANCE_BYTES..run.len() - CHANCE_BYTES];
        let known = any_two.iter().any(|run| run.windows(core.len()).any(|window| window == core));
        assert!(known, "{run:02x?}");
    }
    // The search would find one: at one shop there is the pseudonym.
    let pseudonym = pseudonym(&at_tea).0;
    let at_one_shop = shared(&one, &received(&again_at_tea));
    assert!(at_one_shop.iter().any(|run| run.windows(16).any(|window| window == pseudonym)));
}

fn described(town: &Town, run: &[u8]) -> String {
    let has = |part: &[u8]| run.windows(part.len()).any(|window| window == part);
    let names = [
        (&town.bank.certificate.0[..], "the issuer's certificate"),
        (b"CNY", "the currency, beside the amount"),
        (b"sandbox", "the network"),
    ];
    let found: Vec<&str> = names.iter().filter(|(part, _)| has(part)).map(|(_, name)| *name).collect();
    if found.is_empty() { format!("labels: {run:02x?}") } else { found.join(", ") }
}

/// A payment that the issuer refuses, as the agent is told.
async fn refused(town: &Town, payer: &Payer, offered: &Offered, code: Code) -> Vec<u8> {
    let intent = payer.agent.intent(payer.mandate, offered.id, TEA_MINOR, &random().unwrap());
    let answer = town.post("/v1/intents", PAYMENT_REQUEST, &payment(&offered.paper, &intent)).await;
    answer.is_refused(&town.register, code);
    intent
}

#[tokio::test]
async fn g6_a_shop_that_asks_about_a_refusal_learns_that_it_was_declined() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (poor, limited) = (town.payer(TEA_MINOR - 1).await, town.payer(10_000).await);
    let ask = Ask::get("/tea");
    let over = refused(&town, &poor, &shop.offered(&ask).await, Code::RuleTotal).await;
    let revocation = crate::papers::revocation(&limited.key, limited.account, limited.mandate);
    town.command(&revocation).await.is(&town.register, Outcome::Recorded);
    let revoked = refused(&town, &limited, &shop.offered(&ask).await, Code::MandateRevoked).await;

    let mut seen = Vec::new();
    for (intent, payer, code) in [(over, &poor, Code::RuleTotal), (revoked, &limited, Code::MandateRevoked)] {
        let path = format!("/v1/intents/{}", id(&intent));
        let asked = town.get(&path, None).await;
        let told = asked.receipt(&town.register).claims;
        assert_eq!((asked.status, told.outcome), (403, Outcome::Refused));
        assert_eq!(told.code.unwrap().code(), Some(Code::Declined));
        assert_eq!(asked.detail(), None);
        // Whoever proves to be somebody else is told no more, and the payer's side is.
        for (key, code) in [(&payer.agent, Some(code)), (&payer.key, Some(code))] {
            let detail = town.get(&path, Some(key)).await.detail();
            assert_eq!(detail.map(|detail| detail.code.code()), code.map(Some));
        }
        let other = if code == Code::RuleTotal { &limited } else { &poor };
        assert_eq!(town.get(&path, Some(&other.key)).await.undated(), asked.clone().undated());
        seen.push((asked.status, asked.body.len(), names(&asked), Claims { ..told }));
    }
    // Nothing but salts, hashes, ids and times tells one reason from the other.
    let [(status, length, headers, one), (other_status, other_length, other_headers, two)] = &seen[..] else {
        panic!("two refusals");
    };
    assert_eq!((status, length, headers), (other_status, other_length, other_headers));
    let plain = |claims: &Claims| Claims {
        offer: None,
        intent: None,
        pseudonym: None,
        secret_hash: None,
        detail: None,
        salt: purser_protocol::id::Nonce([0; 16]),
        decided_at: crate::mint::ago(0),
        ..claims.clone()
    };
    assert_eq!(Claims { decided_at: plain(one).decided_at, ..plain(two) }, plain(one));

    // What the merchant itself got wrong, it is told.
    let stale = shop.offered(&ask).await;
    let broke = town.payer(50_000).await;
    let bought = town.pay(&broke, &stale).await;
    let intent = broke.agent.intent(broke.mandate, stale.id, TEA_MINOR, &random().unwrap());
    let twice = town.post("/v1/intents", PAYMENT_REQUEST, &payment(&stale.paper, &intent)).await;
    twice.is_refused(&town.register, Code::OfferPaid);
    let told = town.get(&format!("/v1/intents/{}", id(&intent)), None).await;
    assert_eq!(told.receipt(&town.register).claims.code.unwrap().code(), Some(Code::OfferPaid));
    assert_ne!(id(&intent), bought.payment);
}

fn names(answer: &Answer) -> Vec<String> {
    answer.headers.keys().map(ToString::to_string).collect()
}

#[tokio::test]
async fn g7_what_one_may_not_see_is_answered_like_what_there_is_not() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (payer, stranger) = (town.payer(50_000).await, town.payer(50_000).await);
    let bought = town.pay(&payer, &shop.offered(&Ask::get("/tea")).await).await;

    // A mandate of somebody else, and one that there is not.
    let nobodys = purser_protocol::id::PaperId([7; 32]);
    let asks = async |key: &Key, mandate: purser_protocol::id::PaperId| {
        let body = serde_json::json!({ "mandate": mandate.to_string(), "merchant": "tea.example" }).to_string();
        let mut request = crate::line::post("/v1/pseudonyms", "application/json", body.as_bytes());
        let proof = key.proof("POST https://issuer.example/v1/pseudonyms");
        request.headers_mut().insert(PURSER_PROOF, base64url::encode(&proof).parse().unwrap());
        town.line().await.send(request).await.undated()
    };
    let (hidden, missing) = (asks(&stranger.key, payer.mandate).await, asks(&stranger.key, nobodys).await);
    hidden.refuses(Code::NotFound);
    assert_eq!(hidden, missing);
    assert_eq!(asks(&payer.key, payer.mandate).await.status, 200);

    // A payment is asked for by its id, which nobody can guess; who has none of its papers sees none of it.
    let unknown = town.get(&format!("/v1/intents/{nobodys}"), None).await.undated();
    unknown.refuses(Code::NotFound);
    for near in [flipped(bought.payment, 0), flipped(bought.payment, 31)] {
        assert_eq!(town.get(&format!("/v1/intents/{near}"), None).await.undated(), unknown);
        assert_eq!(town.get(&format!("/v1/receipts/{near}"), None).await.undated(), unknown);
    }
    assert_eq!(town.get(&format!("/v1/intents/{}", bought.payment), None).await.status, 200);
    for (key, count) in [(&payer.key, 1), (&payer.agent, 1), (&stranger.key, 0), (&stranger.agent, 0)] {
        let seen = town.get("/v1/payments", Some(key)).await.json()["payments"].as_array().unwrap().len();
        assert_eq!(seen, count);
    }

    // A key that nobody knows, and one that may not ask.
    let unknown = town.get("/v1/account", Some(&Key::new())).await.undated();
    unknown.refuses(Code::ProofInvalid);
    assert_eq!(town.get("/v1/account", Some(&payer.agent)).await.undated(), unknown);
    assert_eq!(town.get("/v1/account", Some(&payer.key)).await.status, 200);
}

fn flipped(id: purser_protocol::id::PaperId, at: usize) -> purser_protocol::id::PaperId {
    let mut bytes = id.0;
    bytes[at] ^= 1;
    purser_protocol::id::PaperId(bytes)
}

//! What is answered to those who show a receipt: B18 and B20, each beside what is accepted.

use axum::http::Method;
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{PURSER_DELIVERY, PaymentTaken};
use purser_protocol::cert::Role;
use purser_protocol::code::{Code, Stage};
use purser_protocol::field::encoded;
use purser_protocol::id::{Digest, PaperId, Text};
use purser_protocol::money::Currency;
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::receipt::{Claims, Outcome};
use sha2::{Digest as _, Sha256};

use crate::authority::Authority;
use crate::line::{Answer, Ask};
use crate::mint::{self, SECRET, ago};
use crate::papers::now;
use crate::town::{BOOK, BOOK_MINOR, Offered, Shop, TEA, TEA_MINOR, Town, verified};

const DAY: u64 = 86_400;

/// Checks that the product was served for this payment, with a receipt and a delivery that hold.
fn serves(town: &Town, answer: &Answer, product: &str, offer: PaperId, payment: PaperId) {
    assert_eq!((answer.status, &answer.body[..]), (200, product.as_bytes()));
    assert_eq!(answer.header("cache-control"), "private, no-store", "F12");
    assert_eq!(PaymentTaken::read_intent(answer.header("payment-receipt").as_bytes()), Some(payment));
    let delivery = base64url::decode(answer.header(PURSER_DELIVERY)).unwrap();
    let delivery = verified::<Delivery>(&town.register, Role::Merchant, &delivery);
    assert_eq!((delivery.offer, delivery.intent, delivery.state), (offer, payment, DeliveryState::Delivered));
    assert_eq!(delivery.digest, Digest(Sha256::digest(product).into()));
}

#[tokio::test]
async fn what_is_paid_for_is_served_with_a_receipt_and_a_delivery() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let payer = town.payer(100_000).await;
    for (ask, product, outcome) in [
        (Ask::get("/tea"), TEA, Outcome::Settled),
        (Ask::get("/tea?sugar=0"), TEA, Outcome::Settled),
        (Ask::get("/book"), BOOK, Outcome::Authorized),
        (Ask::post("/print", b"page"), "Printed.\n", Outcome::Settled),
    ] {
        let offered = shop.offered(&ask).await;
        let bought = town.pay(&payer, &offered).await;
        let answer = shop.ask(&ask, Some(&bought.credential())).await;
        serves(&town, &answer, product, offered.id, bought.payment);
        let receipt = town.get(&format!("/v1/intents/{}", bought.payment), None).await.receipt(&town.register);
        assert_eq!(receipt.claims.outcome, outcome);
        let taken = PaymentTaken { intent: bought.payment, at: receipt.claims.decided_at };
        assert_eq!(answer.header("payment-receipt"), taken.header_value(), "the time is the issuer's");

        let again = shop.ask(&ask, Some(&bought.credential())).await;
        assert_eq!(again.undated(), answer.undated(), "and again, as it was");
    }
}

/// What is shown is not taken, and nothing of the product is in the answer.
async fn refuses(shop: &Shop, ask: &Ask, credential: &str, code: Code, stage: Stage, why: &str) {
    let answer = shop.ask(ask, Some(credential)).await;
    let problem = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(problem.contains(code.slug()), "{why}: {problem}");
    answer.refuses_at(code, stage);
    for product in [TEA, BOOK] {
        assert!(!problem.contains(product.trim()), "B18: {why}");
    }
}

#[tokio::test]
async fn b20_a_receipt_is_for_one_offer_and_says_all_of_it() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let (tea, book) = (Ask::get("/tea"), Ask::get("/book"));
    let (offered, other) = (shop.offered(&tea).await, shop.offered(&tea).await);
    let book_offered = shop.offered(&book).await;
    let (pays, holds) = (mint::claims(offered.id, TEA_MINOR), mint::held(book_offered.id, BOOK_MINOR));

    let mismatch: [(&str, Claims); 12] = [
        ("for another offer", mint::claims(other.id, TEA_MINOR)),
        ("for an offer that nobody made", mint::claims(PaperId([7; 32]), TEA_MINOR)),
        ("a little less", mint::claims(offered.id, TEA_MINOR - 1)),
        ("a little more", mint::claims(offered.id, TEA_MINOR + 1)),
        ("of other money", Claims { currency: Currency::from_code("JPY"), ..pays.clone() }),
        ("refused", mint::declined(offered.id, TEA_MINOR)),
        ("held, for what is captured at once", mint::held(offered.id, TEA_MINOR)),
        (
            "waiting for the person",
            Claims {
                outcome: Outcome::Pending,
                approval: purser_protocol::id::LongText::new("https://issuer.example/approve/1"),
                user_code: purser_protocol::id::ShortText::new("BCDF"),
                answer_by: Some(now()),
                ..pays.clone()
            },
        ),
        (
            "of a refund",
            Claims { outcome: Outcome::Refunded, secret_hash: None, command: Some(PaperId([7; 32])), ..pays.clone() },
        ),
        ("of a hold that ended", Claims { outcome: Outcome::Voided, secret_hash: None, ..pays.clone() }),
        ("older than the offer", Claims { decided_at: ago(60), ..pays.clone() }),
        ("of the year 1970", Claims { decided_at: purser_protocol::time::UnixSeconds::MIN, ..pays.clone() }),
    ];
    for (why, claims) in &mismatch {
        let credential = offered.shows(mint::receipt(&town.bank, claims), SECRET);
        refuses(&shop, &tea, &credential, Code::ReceiptMismatch, Stage::Redeem, why).await;
    }
    for (why, claims) in [
        ("moved at once, for what is captured by command", mint::claims(book_offered.id, BOOK_MINOR)),
        ("a hold that is over", Claims { hold_until: Some(now()), ..holds.clone() }),
        ("a hold that is nearly over", Claims { hold_until: Some(now().saturating_add(9)), ..holds.clone() }),
    ] {
        let credential = book_offered.shows(mint::receipt(&town.bank, &claims), SECRET);
        refuses(&shop, &book, &credential, Code::ReceiptMismatch, Stage::Redeem, why).await;
    }
    for secret in [[0; 32], SECRET.map(|byte| byte ^ 1)] {
        let credential = offered.shows(mint::receipt(&town.bank, &pays), secret);
        refuses(&shop, &tea, &credential, Code::SecretMismatch, Stage::Redeem, "a guess").await;
    }
    assert_eq!(shop.number("SELECT count(*) FROM offers WHERE receipt_id IS NOT NULL"), 0);
    assert_eq!(shop.number("SELECT count(*) FROM debts"), 0);

    for (ask, offered, claims, product) in [(&tea, &offered, &pays, TEA), (&book, &book_offered, &holds, BOOK)] {
        let credential = offered.shows(mint::receipt(&town.bank, claims), SECRET);
        let answer = shop.ask(ask, Some(&credential)).await;
        serves(&town, &answer, product, offered.id, claims.intent.unwrap());
    }
}

#[tokio::test]
async fn b20_a_receipt_is_proved_by_an_issuer_that_the_offer_accepts() {
    let mut town = Town::new().await;
    let strangers = Authority::new("Out of town");
    let rogue = strangers.write_party(&town.dir, "rogue", Role::Issuer, "issuer.example");
    let week = (now().get() - 10 * DAY, now().get() - 3 * DAY);
    let past = town.authority.write_party_for(&town.dir, "past", Role::Issuer, "issuer.example", week);
    let seller = town.authority.write_party(&town.dir, "seller", Role::Merchant, "issuer.example");
    let nobody = town.authority.write_party(&town.dir, "nobody", Role::Issuer, "issuer.example");
    let chains = ["rogue", "past", "seller"].map(|file| {
        format!(
            r#"
            [[merchant.issuers]]
            name = "{file}.example"
            account = "till"
            chain = "{file}.pem"
            url = "https://127.0.0.1:1"
            roots = "roots.pem"
            "#
        )
    });
    let shop = town.shop_with("tea.example", "", &chains.concat()).await;
    let tea = Ask::get("/tea");
    let offered = shop.offered(&tea).await;
    let pays = mint::claims(offered.id, TEA_MINOR);

    let long_ago = ago(5 * DAY);
    let backdated = Claims { decided_at: long_ago, ..pays.clone() };
    let backdated = mint::receipt_of(&past, &backdated, 1, |root| root.issued_at = long_ago);
    let elsewhere = |root: &mut purser_protocol::receipt::Root| root.network = Text::new("live").unwrap();
    let mut bent = mint::assembled(&town.bank, &pays, 4, |_| ());
    bent.path[1][0] ^= 1;
    let mut moved = mint::assembled(&town.bank, &pays, 4, |_| ());
    moved.index = 1;
    let mut longer = mint::assembled(&town.bank, &pays, 1, |_| ());
    longer.path.push([0; 32]);
    let mut unsigned = mint::assembled(&town.bank, &pays, 1, |_| ());
    *unsigned.root.last_mut().unwrap() ^= 1;
    let mut others = mint::assembled(&town.bank, &pays, 1, |_| ());
    others.claims = encoded(&Claims { salt: crate::papers::nonce(), ..pays.clone() });
    let mut cut = mint::receipt(&town.bank, &pays);
    cut.pop();
    let mut trailing = mint::receipt(&town.bank, &pays);
    trailing.push(0);
    let unfit = Claims { hold_until: Some(now()), ..pays.clone() };
    for (why, receipt, code, stage) in [
        ("nobody vouches for the issuer", mint::receipt(&rogue, &pays), Code::CertUntrusted, Stage::Certificates),
        ("nobody has the chain", mint::receipt(&nobody, &pays), Code::CertMissing, Stage::Certificates),
        ("a merchant plays the issuer", mint::receipt(&seller, &pays), Code::CertRole, Stage::Certificates),
        ("the certificate has expired", mint::receipt(&past, &pays), Code::CertExpired, Stage::Certificates),
        ("and the receipt was made to fit it", backdated, Code::ReceiptMismatch, Stage::Redeem),
        ("the signature is damaged", encoded(&unsigned), Code::SignatureInvalid, Stage::Signature),
        (
            "another network",
            mint::receipt_of(&town.bank, &pays, 1, elsewhere),
            Code::SignatureInvalid,
            Stage::Signature,
        ),
        (
            "no log is like that",
            mint::receipt_of(&town.bank, &pays, 1, |root| root.batch = 3),
            Code::FieldConflict,
            Stage::Schema,
        ),
        ("the path is damaged", encoded(&bent), Code::PathInvalid, Stage::Receipt),
        ("another leaf's place", encoded(&moved), Code::PathInvalid, Stage::Receipt),
        ("a path longer than the tree", encoded(&longer), Code::PathInvalid, Stage::Receipt),
        ("claims of no leaf", encoded(&others), Code::PathInvalid, Stage::Receipt),
        (
            "the root is older than the claims",
            mint::receipt_of(&town.bank, &pays, 1, |root| root.issued_at = ago(9)),
            Code::FieldConflict,
            Stage::Schema,
        ),
        ("a field of another outcome", mint::receipt(&town.bank, &unfit), Code::FieldConflict, Stage::Schema),
        ("it ends early", cut, Code::CborTruncated, Stage::Encoding),
        ("it goes on", trailing, Code::CborTrailing, Stage::Encoding),
        ("nothing at all", Vec::new(), Code::CborTruncated, Stage::Encoding),
    ] {
        refuses(&shop, &tea, &offered.shows(receipt, SECRET), code, stage, why).await;
    }
    assert_eq!(shop.number("SELECT count(*) FROM offers WHERE receipt_id IS NOT NULL"), 0);
    let answer = shop.ask(&tea, Some(&offered.shows(mint::receipt_of(&town.bank, &pays, 4, |_| ()), SECRET))).await;
    serves(&town, &answer, TEA, offered.id, pays.intent.unwrap());
}

#[tokio::test]
async fn b20_an_offer_is_for_one_request() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let payer = town.payer(100_000).await;
    let tea = Ask::get("/tea?sugar=0");
    let put = Ask { method: Method::PUT, body: b"a poem", ..Ask::get("/page") };
    for (paid, others, product) in [
        (
            &tea,
            vec![
                Ask::get("/tea"),
                Ask::get("/tea?"),
                Ask::get("/tea?sugar=1"),
                Ask::get("/tea?sugar=0&"),
                Ask::get("/page?sugar=0"),
                Ask { host: "shop.example:443", ..tea.clone() },
                Ask { host: "tea.example", ..tea.clone() },
                Ask { body: b"milk", ..tea.clone() },
            ],
            TEA,
        ),
        (
            &put,
            vec![
                Ask { method: Method::GET, ..put.clone() },
                Ask { body: b"a Poem", ..put.clone() },
                Ask { body: b"", ..put.clone() },
                Ask { target: "/page?", ..put.clone() },
            ],
            "Kept.\n",
        ),
    ] {
        let offered = shop.offered(paid).await;
        let bought = town.pay(&payer, &offered).await;
        let credential = bought.credential();
        for other in &others {
            refuses(&shop, other, &credential, Code::RequestMismatch, Stage::Redeem, other.target).await;
        }
        let answer = shop.ask(paid, Some(&credential)).await;
        serves(&town, &answer, product, offered.id, bought.payment);
        for other in &others {
            refuses(&shop, other, &credential, Code::ReceiptAlreadyUsed, Stage::Redeem, other.target).await;
        }
        assert_eq!(shop.ask(paid, Some(&credential)).await.undated(), answer.undated());
    }
    assert_eq!(shop.number("SELECT count(*) FROM debts"), 0, "a wrong request costs nobody anything");
}

#[tokio::test]
async fn b20_a_credential_that_is_damaged_is_none() {
    let mut town = Town::new().await;
    let shop = town.shop("tea.example").await;
    let payer = town.payer(10_000).await;
    let tea = Ask::get("/tea");
    let (offered, other) = (shop.offered(&tea).await, shop.offered(&tea).await);
    let bought = town.pay(&payer, &offered).await;
    let whole = bought.credential();
    let json = base64url::decode(whole.strip_prefix("Payment ").unwrap()).unwrap();
    let json = String::from_utf8(json).unwrap();
    let of = |json: &str| format!("Payment {}", base64url::encode(json.as_bytes()));
    let changed = |from: &str, to: &str| {
        assert!(json.contains(from), "{json}");
        of(&json.replacen(from, to, 1))
    };
    let request = |offered: &Offered| {
        let value = offered.challenge.header_value();
        value.split("request=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    // What surrounds a field's value is not of it; so the space is between scheme and token.
    let of_length = |bytes: usize| whole.replacen(' ', &" ".repeat(bytes - whole.len() + 1), 1);
    for (why, credential) in [
        ("cut", whole[..whole.len() - 1].to_owned()),
        ("padded", format!("{whole}=")),
        ("followed by another", format!("{whole}, Basic QTpC")),
        ("parameters", "Payment id=\"a\", method=\"purser\"".to_owned()),
        ("no JSON", of("tea")),
        ("a member twice", changed("{\"challenge\"", "{\"payload\":{},\"challenge\"")),
        ("no secret", changed("\"secret\"", "\"sekret\"")),
        ("a short secret", changed("\"secret\":\"", "\"secret\":\"AAAA")),
        ("no base64url", changed("\"receipt\":\"", "\"receipt\":\"+")),
        ("no id", changed("\"id\"", "\"ix\"")),
        ("another amount in the echo", changed(&request(&offered), &request(&other))),
        ("another realm in the echo", changed("tea.example", "eat.example")),
        ("another intent in the echo", changed("\"charge\"", "\"charger\"")),
        ("a parameter more in the echo", changed("\"id\"", "\"a\":\"b\",\"id\"")),
        ("2,049 bytes", of_length(2_049)),
    ] {
        refuses(&shop, &tea, &credential, Code::CredentialMalformed, Stage::Http, why).await;
    }
    let answer = shop.ask(&tea, Some(&of_length(2_048))).await;
    serves(&town, &answer, TEA, offered.id, bought.payment);
}

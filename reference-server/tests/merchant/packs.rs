//! A seller's packs over TLS, where the money has to go back: offers that are paid twice or forgotten, refunds that
//! the issuer refuses for a while, and coupons for a first purchase of which several offers are out at once.

use axum::body::Bytes;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::Full;
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role as Certified;
use purser_protocol::code::Code;
use purser_protocol::id::{Nonce, PartyId, ShortText};
use purser_protocol::ledger::books::Purse;
use purser_protocol::paper::command::Payout;
use purser_protocol::receipt::Outcome;
use purser_server::random::random;
use purser_server::role::Role;
use purser_server::serve::Server;

use crate::authority::Signatory;
use crate::line::{Answer, Line};
use crate::papers::{amount, issuer, now, yuan};
use crate::town::{Bought, Offered, Payer, Town, start, within};

const NAME: &str = "model.example";
const PRICE: u64 = 1_000;
const FUNDS: u64 = 10_000;
/// What the coupon takes off.
const OFF: u64 = 300;
const SETTINGS: &str = r#"
    hold = "10.00 CNY"
    input_price = 3
    output_price = 15
    per = 1000
    steps = [1, 10]
    ahead = 25
"#;
const PLANS: &str = r#"
    [[seller.plans]]
    id = "basic"
    name = "A thousand tokens"
    units = 1000
    days = 30
    price = "10.00 CNY"
    [[seller.coupons]]
    code = "WELCOME"
    plan = "basic"
    off = "3.00 CNY"
    uses = 10
    first_purchase = true
"#;

struct Counter {
    town: Town,
    keys: Signatory,
    config: String,
    server: Option<Server>,
}

impl Counter {
    async fn new() -> Self {
        let mut town = Town::new().await;
        let keys = town.authority.write_party(&town.dir, NAME, Certified::Merchant, NAME);
        town.register.keep(keys.chain.clone());
        let road = town.road.addr;
        let config = format!(
            r#"
            [shell]
            url = "https://{NAME}"
            tls_cert = "tls.pem"
            tls_key = "tls.key"
            [seller]
            name = "{NAME}"
            network = "sandbox"
            certificate = "{NAME}.pem"
            key = "{NAME}.key"
            anchors = ["roots.pem"]
            store = "{NAME}.sqlite"
            {SETTINGS}
            [[seller.issuers]]
            name = "issuer.example"
            account = "till"
            chain = "issuer.pem"
            url = "https://{road}"
            roots = "roots.pem"
            {PLANS}"#
        );
        let server = Some(start(Role::Seller, &config, &town.dir).await);
        Self { town, keys, config, server }
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path).header(HOST, NAME).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let addr = self.server.as_ref().unwrap().addr();
        within(within(Line::open(addr, &self.town.tls)).await.send(request)).await
    }

    async fn offered(&self, headers: &[(&str, &str)]) -> Offered {
        Offered::of(&self.post("/v1/packs/basic", headers).await)
    }

    async fn show(&self, path: &str, bought: &Bought) -> Answer {
        self.post(path, &[(AUTHORIZATION.as_str(), &bought.credential())]).await
    }

    /// A pack that a payer has, and how it was bought.
    async fn sold(&self, payer: &Payer) -> (Offered, Bought) {
        let offered = self.offered(&[]).await;
        let bought = self.town.pay(payer, &offered).await;
        assert_eq!(self.show("/v1/packs/basic", &bought).await.status, 200);
        (offered, bought)
    }

    async fn refund(&self, (offered, bought): &(Offered, Bought)) -> Answer {
        let bearer = format!("Bearer {}", base64url::encode(&bought.secret));
        self.post(&format!("/v1/packs/{}/refund", offered.id), &[(AUTHORIZATION.as_str(), &bearer)]).await
    }

    /// What the seller has, and what payers have.
    fn balances(&self, payers: &[&Payer]) -> (u64, Vec<u64>) {
        let books = &self.town.books().state().books.clone();
        let till = Purse::Payee(PartyId::new(NAME).unwrap(), ShortText::new("till").unwrap());
        let of = |payer: &&Payer| books.balance(&Purse::Account(payer.account), yuan());
        (books.balance(&till, yuan()), payers.iter().map(of).collect())
    }

    /// Waits until the money is where it belongs.
    async fn come_to(&self, payers: &[&Payer], till: u64, theirs: &[u64]) {
        let come = async {
            while self.balances(payers) != (till, theirs.to_vec()) {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        within(come).await;
    }
}

#[tokio::test]
async fn a_pack_that_two_accounts_pay_is_one_s_and_the_other_s_money_goes_back() {
    let counter = Counter::new().await;
    let (first, second) = (counter.town.payer(FUNDS).await, counter.town.payer(FUNDS).await);
    let offered = counter.offered(&[]).await;
    let (mine, theirs) = (counter.town.pay(&first, &offered).await, counter.town.pay(&second, &offered).await);
    let shown = counter.show("/v1/packs/basic", &mine).await.json();
    assert_eq!(shown["remaining"], 1_000);
    for _ in 0..2 {
        counter.show("/v1/packs/basic", &theirs).await.refuses(Code::ReceiptAlreadyUsed);
    }
    counter.come_to(&[&first, &second], PRICE, &[FUNDS - PRICE, FUNDS]).await;
    // Who has bought it has it.
    assert_eq!(counter.show("/v1/packs/basic", &mine).await.json(), shown);
    assert_eq!(counter.balances(&[&first]), (PRICE, vec![FUNDS - PRICE]));
}

#[tokio::test]
async fn what_was_paid_for_a_forgotten_offer_goes_back() {
    let mut counter = Counter::new().await;
    let payer = counter.town.payer(FUNDS).await;
    let offered = counter.offered(&[]).await;
    let bought = counter.town.pay(&payer, &offered).await;
    counter.server.take().unwrap().stop().await;
    let store = rusqlite::Connection::open(counter.town.dir.join(format!("{NAME}.sqlite"))).unwrap();
    assert_eq!(store.execute("DELETE FROM offers", []).unwrap(), 1);
    drop(store);
    counter.server = Some(start(Role::Seller, &counter.config, &counter.town.dir).await);
    counter.show("/v1/packs/basic", &bought).await.refuses(Code::OfferUnknown);
    counter.come_to(&[&payer], 0, &[FUNDS]).await;
}

#[tokio::test]
async fn a_refill_of_somebody_else_s_pack_is_refused_and_paid_back() {
    let counter = Counter::new().await;
    let (owner, other) = (counter.town.payer(FUNDS).await, counter.town.payer(FUNDS).await);
    let (pack, _) = counter.sold(&owner).await;
    let path = format!("/v1/packs/{}/refill", pack.id);
    let refill = async |payer: &Payer| {
        let offered = Offered::of(&counter.post(&path, &[]).await);
        let bought = counter.town.pay(payer, &offered).await;
        counter.show(&path, &bought).await
    };
    refill(&other).await.refuses_at(Code::ReceiptMismatch, purser_protocol::code::Stage::Redeem);
    counter.come_to(&[&owner, &other], PRICE, &[FUNDS - PRICE, FUNDS]).await;
    assert_eq!(refill(&owner).await.json()["remaining"], 2_000);
}

#[tokio::test]
async fn a_refund_that_the_seller_s_account_could_not_pay_is_made_when_it_can() {
    let counter = Counter::new().await;
    let (first, second) = (counter.town.payer(FUNDS).await, counter.town.payer(FUNDS).await);
    let pack = counter.sold(&first).await;
    let payout = Payout {
        merchant: PartyId::new(NAME).unwrap(),
        issuer: issuer(),
        issued_at: now(),
        nonce: Nonce(random().unwrap()),
        amount: amount(PRICE),
        currency: yuan(),
        account: ShortText::new("till").unwrap(),
    };
    let paid_out = counter.town.command(&counter.keys.sign_with_chain(&payout)).await;
    paid_out.is(&counter.town.register, Outcome::Recorded);
    let told = counter.refund(&pack).await.json();
    assert_eq!((&told["refunds_open"], &told["remaining"]), (&1.into(), &0.into()), "{told}");
    assert_eq!(counter.balances(&[&first]), (0, vec![FUNDS - PRICE]));
    counter.sold(&second).await;
    counter.come_to(&[&first, &second], 0, &[FUNDS, FUNDS - PRICE]).await;
}

#[tokio::test]
async fn of_several_first_purchases_one_is_the_first() {
    let counter = Counter::new().await;
    let payer = counter.town.payer(FUNDS).await;
    // What the payer is called here is in a receipt that is not shown.
    let unused = counter.town.pay(&payer, &counter.offered(&[]).await).await;
    let receipt = purser_protocol::flow::merchant::verify_receipt(
        &unused.receipt,
        crate::papers::CONTEXT,
        &purser_protocol::sign::backend::AwsLc,
        &counter.town.register,
    );
    let pseudonym = receipt.unwrap().claims.pseudonym.unwrap();
    let pseudonym: String = pseudonym.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let welcome = [("purser-coupon", "WELCOME"), ("purser-pseudonym", pseudonym.as_str())];
    let (one, two) = (counter.offered(&welcome).await, counter.offered(&welcome).await);
    let reduced = PRICE - OFF;
    assert_eq!((one.terms.amount, two.terms.amount), (amount(reduced), amount(reduced)));
    let (one, two) = (counter.town.pay(&payer, &one).await, counter.town.pay(&payer, &two).await);
    assert_eq!(counter.show("/v1/packs/basic", &one).await.status, 200);
    counter.show("/v1/packs/basic", &two).await.refuses(Code::CouponRefused);
    counter.come_to(&[&payer], PRICE + reduced, &[FUNDS - PRICE - reduced]).await;
    counter.post("/v1/packs/basic", &welcome).await.refuses(Code::CouponRefused);
}

//! A merchant that sells one thing at any address, and misbehaves when a test asks it to.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use purser_protocol::bind::base64url;
use purser_protocol::bind::http::{Challenge, Credential, PAYMENT_RECEIPT, PURSER_DELIVERY, PaymentTaken};
use purser_protocol::cert::{Role, TrustAnchors};
use purser_protocol::code::Code;
use purser_protocol::field::List;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::{
    Consumed, OfferMade, OfferState, Redemption, Request as Bound, redeem, verify_receipt,
};
use purser_protocol::id::{Digest, LongText, Nonce, PaperId, PartyId, ShortText};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::paper::offer::{CaptureMode, Item, Offer, OfferKind, Payee};
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::{Context, Frame, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use purser_server::config::Shell;
use purser_server::life::Life;
use purser_server::reply::Problem;
use purser_server::serve::{Authority, Server};
use sha2::{Digest as _, Sha256};
use tokio::sync::Barrier;

use crate::ca::{Ca, Identity};

const CONTEXT: Context<'static> = Context { network: "sandbox" };

/// What the merchant does, beyond what it should.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// The price, in minor units.
    pub(crate) price_minor: u64,
    /// The price in the header, where it is another.
    pub(crate) header_minor: Option<u64>,
    /// The end in the header is a second later.
    pub(crate) header_later: bool,
    /// Its clock is so far ahead.
    pub(crate) ahead_seconds: u64,
    /// Another host than its own, that offers are bound to.
    pub(crate) bound_to: Option<String>,
    /// Schemes that stand in front, each as a field of its own.
    pub(crate) schemes: Vec<&'static str>,
    /// Answers to redemptions that break off.
    pub(crate) lose_replies: usize,
    /// Redemptions that are answered with 500.
    pub(crate) fail: usize,
    /// Where it redirects to.
    pub(crate) redirect: Option<&'static str>,
    /// It asks again, for more, whoever shows a receipt.
    pub(crate) asks_again: bool,
    /// It signs deliveries of something else.
    pub(crate) delivers_else: bool,
    /// It signs deliveries for another offer.
    pub(crate) delivers_for_else: bool,
    /// Money is held first.
    pub(crate) holds: bool,
    /// It takes another issuer's money only.
    pub(crate) other_issuer: bool,
    /// It makes no offer before so many have asked.
    pub(crate) together: Option<Arc<Barrier>>,
    /// What it gives is so long, where that is longer than usual.
    pub(crate) goods_bytes: usize,
}

pub(crate) struct Merchant {
    pub(crate) url: String,
    pub(crate) shop: Arc<Shop>,
    _server: Server,
}

pub(crate) struct Shop {
    pub(crate) manners: Mutex<Manners>,
    /// How often it has served anew.
    pub(crate) served: Mutex<usize>,
    /// How often a receipt was shown to it.
    shown: Mutex<usize>,
    offers: Mutex<HashMap<PaperId, (OfferMade, Challenge)>>,
    identity: Identity,
    register: Register,
}

impl Merchant {
    pub(crate) async fn start(folder: &Path, ca: &Ca, issuer_chain: Vec<Vec<u8>>) -> Self {
        let mut anchors = TrustAnchors::new(&AwsLc);
        anchors.add(ca.der(), &[Role::Issuer], &[]).unwrap();
        let mut register = Register::new(anchors);
        register.keep(issuer_chain);
        let shop = Arc::new(Shop {
            manners: Mutex::new(Manners { price_minor: 1_280, ..Manners::default() }),
            served: Mutex::new(0),
            shown: Mutex::new(0),
            offers: Mutex::default(),
            identity: ca.party(Role::Merchant, "shop.example"),
            register,
        });
        let shell =
            Shell { tls_cert: folder.join("server.pem"), tls_key: folder.join("server.key"), ..Shell::default() };
        let life = Life::new();
        let app = Router::new().route("/{*rest}", any(serve)).with_state(Arc::clone(&shop));
        let server = Server::start(&shell, app, life).await.unwrap();
        Self { url: server.url().to_owned(), shop, _server: server }
    }

    pub(crate) fn manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.shop.manners.lock().unwrap());
    }

    pub(crate) fn served(&self) -> usize {
        *self.shop.served.lock().unwrap()
    }

    pub(crate) fn shown(&self) -> usize {
        *self.shop.shown.lock().unwrap()
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.shop.identity
    }
}

async fn serve(
    State(shop): State<Arc<Shop>>,
    Extension(Authority(authority)): Extension<Authority>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let manners = shop.manners.lock().unwrap().clone();
    if let Some(to) = manners.redirect {
        return (StatusCode::FOUND, [("location", to)]).into_response();
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if target == "/free" {
        return "free".into_response();
    }
    let authority = manners.bound_to.as_deref().unwrap_or(&authority);
    let bound = Bound { method: method.as_str(), authority, target, body: Sha256::digest(&body).into() };
    let credential = headers.get("authorization").map(|value| Credential::read(value.as_bytes()).unwrap().unwrap());
    *shop.shown.lock().unwrap() += usize::from(credential.is_some());
    match credential {
        Some(credential) if !manners.asks_again => shop.redeem(&credential, &bound, &body),
        Some(_) => shop.ask(&manners, &bound),
        None => {
            if let Some(together) = &manners.together {
                together.wait().await;
            }
            shop.ask(&manners, &bound)
        }
    }
}

impl Shop {
    fn ask(&self, manners: &Manners, bound: &Bound<'_>) -> Response {
        let salt = Nonce(random());
        let now = now().saturating_add(manners.ahead_seconds);
        let price = Amount::from_minor(manners.price_minor).unwrap();
        let text = |text: &str| ShortText::new(text).unwrap();
        let issuer = if manners.other_issuer { "other.example" } else { "issuer.example" };
        let offer = Offer {
            merchant: PartyId::new("shop.example").unwrap(),
            expires_at: now.saturating_add(600),
            issued_at: now,
            nonce: Nonce(random()),
            amount: price,
            currency: Currency::from_code("CNY").unwrap(),
            items: List::new(vec![Item {
                id: text("tea"),
                name: LongText::new("Tea").unwrap(),
                category: None,
                quantity: 1.try_into().unwrap(),
                price,
                line: None,
            }])
            .unwrap(),
            accepts: List::new(vec![Payee { issuer: PartyId::new(issuer).unwrap(), account: text("main") }]).unwrap(),
            kind: OfferKind::Charge,
            capture: if manners.holds { CaptureMode::ByCommand } else { CaptureMode::AtOnce },
            resource: Some(bound.digest(salt)),
            pseudonym: None,
            hold_seconds: None,
            meter: None,
        };
        let paper = self.sign(&offer, true);
        let id = id_of(&paper);
        let header = Offer {
            amount: manners.header_minor.and_then(Amount::from_minor).unwrap_or(offer.amount),
            expires_at: offer.expires_at.saturating_add(u64::from(manners.header_later)),
            ..offer.clone()
        };
        let challenge = Challenge::new(id, &header, Some(salt));
        let value = HeaderValue::try_from(challenge.header_value()).unwrap();
        self.offers.lock().unwrap().insert(id, (OfferMade { id, offer, state: OfferState::Open }, challenge));
        let mut response = (StatusCode::PAYMENT_REQUIRED, paper).into_response();
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/cose; cose-type=\"cose-sign1\""));
        for scheme in &manners.schemes {
            headers.append("www-authenticate", HeaderValue::from_static(scheme));
        }
        headers.append("www-authenticate", value);
        response
    }

    fn redeem(&self, credential: &Credential, bound: &Bound<'_>, body: &Bytes) -> Response {
        let mut offers = self.offers.lock().unwrap();
        let Some((made, challenge)) = offers.get_mut(&credential.offer) else {
            return Problem::new(Code::OfferUnknown).into_response();
        };
        assert!(credential.echoes(challenge), "the challenge is echoed unchanged");
        let salt = challenge.salt.unwrap();
        let receipt = match verify_receipt(&credential.receipt, CONTEXT, &AwsLc, &self.register) {
            Ok(receipt) => receipt,
            Err(fault) => return Problem::new(fault).into_response(),
        };
        let digest = bound.digest(salt);
        match redeem(made, &receipt, &credential.secret, &digest, now()) {
            Ok(Redemption::Serve) => {
                let intent = receipt.claims.intent.unwrap();
                let (receipt, issuer) = (receipt.id, receipt.issuer.clone());
                made.state = OfferState::Consumed(Consumed { receipt, issuer, intent, request: digest });
                *self.served.lock().unwrap() += 1;
            }
            Ok(Redemption::Repeat) => {}
            Ok(Redemption::GiveBack(code)) => return Problem::new(code).into_response(),
            Err(fault) => return Problem::new(fault).into_response(),
        }
        self.give(made.id, receipt.claims.intent.unwrap(), body)
    }

    fn give(&self, offer: PaperId, intent: PaperId, body: &Bytes) -> Response {
        let mut goods = [b"tea for ", &body[..]].concat();
        let mut manners = self.manners.lock().unwrap();
        goods.resize(goods.len().max(manners.goods_bytes), b'.');
        if manners.fail > 0 {
            manners.fail -= 1;
            return Problem::new(Code::Internal).into_response();
        }
        if manners.lose_replies > 0 {
            manners.lose_replies -= 1;
            let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("on purpose"))]);
            return Response::new(Body::from_stream(broken));
        }
        let signed_for: &[u8] = if manners.delivers_else { b"other" } else { &goods };
        let delivery = Delivery {
            merchant: PartyId::new("shop.example").unwrap(),
            issued_at: now(),
            offer: if manners.delivers_for_else { PaperId([9; 32]) } else { offer },
            intent,
            state: DeliveryState::Delivered,
            digest: Digest(Sha256::digest(signed_for).into()),
        };
        let mut response = goods.into_response();
        let headers = response.headers_mut();
        let taken = PaymentTaken { intent, at: now() }.header_value();
        headers.insert(PAYMENT_RECEIPT, HeaderValue::try_from(taken).unwrap());
        let delivery = base64url::encode(&self.sign(&delivery, false));
        headers.insert(PURSER_DELIVERY, HeaderValue::try_from(delivery).unwrap());
        response
    }

    fn sign(&self, paper: &impl purser_protocol::sign::Paper, with_chain: bool) -> Vec<u8> {
        let chain: Vec<&[u8]> = self.identity.chain.iter().filter(|_| with_chain).map(Vec::as_slice).collect();
        sign_by_certificate(paper, CONTEXT, &self.identity.signer, self.identity.id, &chain).unwrap()
    }
}

fn id_of(paper: &[u8]) -> PaperId {
    let frame = Frame::read(paper).unwrap();
    purser_protocol::sign::paper::id(frame.protected, frame.payload)
}

fn now() -> UnixSeconds {
    purser_client::clock::Clock::machine().now()
}

fn random<const N: usize>() -> [u8; N] {
    purser_client::clock::random().unwrap()
}

//! The merchant: what has a price is served for a receipt, once.

mod config;
mod offers;
mod refunds;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use axum::{Json, Router};
use purser_protocol::bind::http::{self, Challenge, Credential, PaymentTaken};
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::flow::Register;
use purser_protocol::flow::merchant::{Redemption, Request, VerifiedReceipt, redeem, verify_receipt};
use purser_protocol::id::{Digest, Nonce, PaperId};
use purser_protocol::paper::command::Refund;
use purser_protocol::paper::delivery::{Delivery, DeliveryState};
use purser_protocol::sign::Kind;
use purser_protocol::sign::backend::AwsLc;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::config::Config;
use crate::life::Life;
use crate::material::{self, Identity, IdentityFiles, SetupError};
use crate::pem;
use crate::random::random;
use crate::reply::Problem;
use crate::serve::Authority;
use config::{MerchantConfig, Product};
use offers::{Made, Offers, Served};

/// Everything that handlers share.
struct Merchant {
    identity: Identity,
    url: String,
    register: Register,
    settings: MerchantConfig,
    offers: Mutex<Offers>,
    refunds: refunds::Sender,
    clock: Clock,
}

/// Opens the store, and gives the routes of the products.
pub fn routes(config: &Config, url: &str, life: &Life) -> Result<Router, SetupError> {
    let settings: MerchantConfig = config.table("merchant")?;
    let files = IdentityFiles {
        name: &settings.name,
        network: &settings.network,
        certificate: &settings.certificate,
        key: &settings.key,
    };
    let mut register = material::register(&settings.anchors, Role::Issuer, config)?;
    for issuer in &settings.issuers {
        register.keep(pem::certificates(&config.path(&issuer.chain))?);
    }
    let products = settings.products.iter().map(Product::read).collect::<Result<Vec<_>, _>>()?;
    let offers = Offers::open(&config.path(&settings.store))?;
    let merchant = Arc::new(Merchant {
        identity: Identity::load(&files, config)?,
        url: url.to_owned(),
        register,
        refunds: refunds::start(&settings, config, &offers)?,
        offers: Mutex::new(offers),
        settings,
        clock: Clock::default(),
    });
    let mut routes = Router::new().route("/.well-known/purser", get(document));
    for product in products {
        let method = MethodFilter::try_from(product.method.clone());
        let method = method.map_err(|_| material::setting("products", "have an unknown method"))?;
        let path = product.path.clone();
        let product = Arc::new(product);
        let serve = move |state, method, uri, authority, headers, body| {
            sell(state, Arc::clone(&product), method, uri, authority, headers, body)
        };
        routes = routes.route(&path, on(method, serve));
    }
    life.set_ready(true);
    Ok(routes.with_state(merchant))
}

/// `GET /.well-known/purser`
async fn document(State(merchant): State<Arc<Merchant>>) -> Response {
    let accepts: Vec<_> = merchant
        .settings
        .issuers
        .iter()
        .map(|issuer| json!({ "issuer": issuer.name, "account": issuer.account }))
        .collect();
    let chain: Vec<String> = merchant.identity.chain.iter().map(|der| base64url::encode(der)).collect();
    let document = json!({ "purser": {
        "versions": ["1"],
        "roles": ["merchant"],
        "id": merchant.identity.id.as_str(),
        "network": merchant.identity.network.as_str(),
        "base_url": merchant.url,
        "methods": [{ "method": "purser", "intents": ["charge"] }],
        "accepts": accepts,
        "certificates": [chain],
    }});
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(document)).into_response()
}

/// A product: for a receipt it is served; without one there is an offer.
async fn sell(
    State(merchant): State<Arc<Merchant>>,
    product: Arc<Product>,
    method: Method,
    uri: Uri,
    Extension(Authority(authority)): Extension<Authority>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let asked = Asked {
        method: method.to_string(),
        authority,
        target: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        body: Sha256::digest(&body).into(),
    };
    let credential = match headers.get(AUTHORIZATION) {
        Some(value) => Credential::read(value.as_bytes()).map_err(Problem::new)?,
        None => None,
    };
    let work = move || match credential {
        Some(credential) => merchant.take(&product, &asked, &credential),
        None => merchant.offer(&product, &asked),
    };
    // Signatures and syncs block; they have threads of their own.
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::new(Code::Internal))?
}

/// A request, as offers are bound to it.
struct Asked {
    method: String,
    authority: String,
    target: String,
    body: [u8; 32],
}

impl Asked {
    fn digest(&self, salt: Nonce) -> Digest {
        let Self { method, authority, target, body } = self;
        Request { method, authority, target, body: *body }.digest(salt)
    }
}

impl Merchant {
    /// Makes an offer, keeps it, and then asks for the money. [HTB-10]
    fn offer(&self, product: &Product, asked: &Asked) -> Result<Response, Problem> {
        let salt = Nonce(random().map_err(internal)?);
        let nonce = Nonce(random().map_err(internal)?);
        let offer = product.offer(&self.settings, &self.identity.id, self.clock.now(), nonce, asked.digest(salt));
        let offer = offer.ok_or_else(|| Problem::new(Code::Internal))?;
        let paper = self.identity.sign_with_chain(&offer).map_err(internal)?;
        let id = purser_protocol::sign::Frame::read(&paper).map_err(Problem::new)?;
        let id = purser_protocol::sign::paper::id(id.protected, id.payload);
        let made = Made { id, offer, salt };
        self.offers()?.keep(&made).map_err(internal)?;

        let challenge = Challenge::new(id, &made.offer, Some(salt));
        let challenge = HeaderValue::from_str(&challenge.header_value()).map_err(internal)?;
        let headers = [
            (WWW_AUTHENTICATE, challenge),
            (CONTENT_TYPE, HeaderValue::from_static(http::PAPER)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        Ok((StatusCode::PAYMENT_REQUIRED, headers, paper).into_response())
    }

    /// Checks a receipt offline, consumes its offer once, serves and signs the delivery.
    fn take(&self, product: &Product, asked: &Asked, credential: &Credential) -> Result<Response, Problem> {
        let found = self.offers()?.find(&credential.offer).map_err(internal)?;
        let (made, state) = found.ok_or_else(|| Problem::new(Code::OfferUnknown))?; // [HTB-11]
        let receipt = verify_receipt(&credential.receipt, self.identity.context(), &AwsLc, &self.register)
            .map_err(Problem::new)?;
        let request = asked.digest(made.salt);
        let judged = |state| {
            let made = purser_protocol::flow::merchant::OfferMade { id: made.id, offer: made.offer.clone(), state };
            redeem(&made, &receipt, &credential.secret, &request).map_err(Problem::new)
        };
        match judged(state)? {
            Redemption::Repeat => self.repeat(&made.id),
            Redemption::GiveBack(code) => self.refund(&receipt, code),
            Redemption::Serve => {
                let intent = receipt.claims.intent.ok_or_else(|| Problem::new(Code::ReceiptMismatch))?;
                let served = self.serve(product, &made.id, intent, request)?;
                if self.offers()?.consume(&made.id, &served, &receipt).map_err(internal)? {
                    return self.respond(&served);
                }
                // Another request was quicker: it is judged against what that one left.
                let found = self.offers()?.find(&made.id).map_err(internal)?;
                let (_, state) = found.ok_or_else(|| Problem::new(Code::OfferUnknown))?;
                match judged(state)? {
                    Redemption::GiveBack(code) => self.refund(&receipt, code),
                    Redemption::Repeat | Redemption::Serve => self.repeat(&made.id),
                }
            }
        }
    }

    fn serve(
        &self,
        product: &Product,
        offer: &PaperId,
        intent: PaperId,
        request: Digest,
    ) -> Result<Served, Problem> {
        let body = product.body.clone().into_bytes();
        let at = self.clock.now();
        let delivery = Delivery {
            merchant: self.identity.id.clone(),
            issued_at: at,
            offer: *offer,
            intent,
            state: DeliveryState::Delivered,
            digest: Digest(Sha256::digest(&body).into()),
        };
        let delivery = self.identity.sign(&delivery).map_err(internal)?;
        Ok(Served { intent, request, at, delivery, body })
    }

    /// The answer that was given before. [HTB-17]
    fn repeat(&self, offer: &PaperId) -> Result<Response, Problem> {
        let served = self.offers()?.served(offer).map_err(internal)?;
        self.respond(&served.ok_or_else(|| Problem::new(Code::Internal))?)
    }

    fn respond(&self, served: &Served) -> Result<Response, Problem> {
        let taken = PaymentTaken { intent: served.intent, at: served.at }.header_value();
        let mut response = (StatusCode::OK, served.body.clone()).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        headers.insert(http::PAYMENT_RECEIPT, HeaderValue::from_str(&taken).map_err(internal)?);
        let delivery = HeaderValue::from_str(&base64url::encode(&served.delivery)).map_err(internal)?;
        headers.insert(http::PURSER_DELIVERY, delivery);
        Ok(response)
    }

    /// The money is here and nothing can be given for it: it goes back, and until it has, it is owed. [FLW-7]
    fn refund(&self, receipt: &VerifiedReceipt, code: Code) -> Result<Response, Problem> {
        let claims = &receipt.claims;
        let (Some(intent), Some(amount), Some(currency)) = (claims.intent, claims.amount, claims.currency) else {
            return Err(Problem::new(Code::ReceiptMismatch));
        };
        let refund = Refund {
            merchant: self.identity.id.clone(),
            issuer: receipt.issuer.clone(),
            issued_at: self.clock.now(),
            nonce: Nonce(random().map_err(internal)?),
            intent,
            amount,
            currency,
            reason: None,
        };
        let paper = self.identity.sign_with_chain(&refund).map_err(internal)?;
        self.offers()?.owe(&intent, &receipt.issuer, &paper).map_err(internal)?;
        self.refunds.wake();
        debug_assert_eq!(Kind::of(&paper), Some(Kind::Refund));
        Err(Problem::new(Fault::new(code)).member("refund", "owed and on its way"))
    }

    fn offers(&self) -> Result<std::sync::MutexGuard<'_, Offers>, Problem> {
        self.offers.lock().map_err(|_| Problem::new(Code::Internal))
    }
}

fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the merchant failed");
    Problem::new(Code::Internal)
}

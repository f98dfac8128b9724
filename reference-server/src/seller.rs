//! A seller of tokens: an endpoint of the shape that clients of OpenAI's chat API know, over a small generator that
//! needs no network, paid by the metered session, out of a pack, or by subscription.
//!
//! | module | what it is |
//! |---|---|
//! | `open` | the offer of a session or of a further hold, and the receipt that takes it |
//! | `chat` | a completion, as a stream that pauses while it is not paid, or whole |
//! | `pack` | packs, their plans and coupons |
//! | `purse` | what pays for a stream: a session, a pack or a subscription |
//! | `account` | links, pause and resume, the state of a session, its end |
//! | `desk` | the sessions that are open, and the one order in which each decides |
//! | `back` | money that goes back because nothing can be given for it |
//! | `book` | the store: offers, and what happened in each session, on the disk before it is acted on |
//! | `settle` | sends claims until their issuers have answered |
//! | `subscription` | mandates that the seller holds, and the terms that it asks for |
//! | `model` | the generator |

mod account;
mod back;
mod book;
mod chat;
mod config;
mod desk;
mod model;
mod open;
mod pack;
mod purse;
mod settle;
mod subscription;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use purser_merchant::SetupError as KitError;
use purser_protocol::bind::base64url;
use purser_protocol::cert::Role;
use purser_protocol::code::Code;
use purser_protocol::flow::Register;
use purser_protocol::time::UnixSeconds;
use purser_protocol::token::seller::State as Standing;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::Config;
use crate::life::Life;
use crate::material::{self, Identity, IdentityFiles, SetupError};
use crate::pem;
use crate::reply::{Problem, VERSIONS};
use book::Book;
use config::{SellerConfig, Terms};
use desk::Desk;
use settle::Posts;

/// Everything that handlers share.
struct Seller {
    identity: Identity,
    register: Register,
    clock: Clock,
    terms: Terms,
    desk: Desk,
    posts: Posts,
    /// How long a term that was refused is not asked for again.
    ask_again_seconds: u64,
    /// Whether its clock may be set.
    sandbox: bool,
    document: Value,
    life: Life,
}

/// Opens the store, takes up the sessions in it, and gives the routes.
pub fn routes(config: &Config, url: &str, life: &Life) -> Result<Router, SetupError> {
    let settings: SellerConfig = config.table("seller")?;
    let files = IdentityFiles {
        name: &settings.name,
        network: &settings.network,
        certificate: &settings.certificate,
        key: &settings.key,
    };
    let identity = Identity::load(&files, config.folder())?;
    let mut register = material::register(&settings.anchors, Role::Issuer, config)?;
    for issuer in &settings.issuers {
        register.keep(pem::certificates(&config.path(&issuer.chain))?);
    }
    let terms = settings.terms(&identity.id)?;
    let seller = Arc::new(Seller {
        document: document(&settings, &identity, url, &terms),
        desk: Desk::open(Book::open(&config.path(&settings.store)).map_err(KitError::from)?).map_err(KitError::from)?,
        posts: Posts::new(&settings, config)?,
        clock: Clock::default(),
        identity,
        register,
        terms,
        ask_again_seconds: settings.ask_again_seconds,
        sandbox: settings.sandbox,
        life: life.clone(),
    });
    tokio::spawn(watch(Arc::clone(&seller), life.clone()));
    life.set_ready(true);
    let routes = Router::new()
        .route("/.well-known/purser", get(discovery))
        .route("/v1/models", get(models))
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/plans", get(pack::plans))
        .route("/v1/packs/{id}", get(pack::show).post(pack::buy))
        .route("/v1/packs/{id}/refill", post(pack::refill))
        .route("/v1/packs/{id}/refund", post(pack::refund))
        .route("/v1/subscriptions", post(subscription::subscribe))
        .route("/v1/subscriptions/{mandate}", get(subscription::show))
        .route("/v1/sandbox/clock", get(clock).post(set_clock))
        .route("/v1/sessions", post(open::session))
        .route("/v1/sessions/{id}", get(account::show))
        .route("/v1/sessions/{id}/holds", post(open::hold))
        .route("/v1/sessions/{id}/links", post(account::links))
        .route("/v1/sessions/{id}/pause", post(account::pause))
        .route("/v1/sessions/{id}/resume", post(account::resume))
        .route("/v1/sessions/{id}/close", post(account::close));
    // The shell has the one limit.
    Ok(routes.layer(DefaultBodyLimit::disable()).with_state(seller))
}

/// What time does to sessions, and claims that have not been answered.
async fn watch(seller: Arc<Seller>, life: Life) {
    loop {
        seller.send_debts().await;
        for live in seller.desk.packs.those(|pack| pack.open_refunds().next().is_some()) {
            seller.send_refunds(&live).await;
        }
        for live in seller.desk.subscriptions.those(|_| true) {
            seller.renew(&live).await;
        }
        for live in seller.desk.sessions.those(|session| !matches!(session.state(), Standing::Closed(_))) {
            let now = seller.clock.now();
            if live.look(|session| session.tick(now)).is_none() {
                seller.settle(&live).await;
                continue;
            }
            if let Err(problem) = live.record(move |session| Ok(session.tick(now))).await {
                tracing::error!(code = %problem.fault().code, "a session could not be looked after");
            }
            seller.settle(&live).await;
        }
        let desk = Arc::clone(&seller);
        match tokio::task::spawn_blocking(move || desk.desk.look_round()).await {
            Ok(Ok(())) => {}
            _ => tracing::error!("what other processes have begun could not be read"),
        }
        tokio::select! {
            () = life.stopping() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// `GET /.well-known/purser`
async fn discovery(State(seller): State<Arc<Seller>>) -> Response {
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(seller.document.clone())).into_response()
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    /// Unix seconds.
    now: u64,
}

/// `GET /v1/sandbox/clock`
async fn clock(State(seller): State<Arc<Seller>>) -> Result<Json<ClockBody>, Problem> {
    if seller.sandbox { Ok(Json(ClockBody { now: seller.clock.now().get() })) } else { Err(not_sandbox()) }
}

/// `POST /v1/sandbox/clock`
async fn set_clock(
    State(seller): State<Arc<Seller>>,
    Json(asked): Json<ClockBody>,
) -> Result<Json<ClockBody>, Problem> {
    if !seller.sandbox {
        return Err(not_sandbox());
    }
    seller.clock.set(UnixSeconds::new(asked.now).ok_or_else(|| Problem::new(Code::FieldRange))?);
    clock(State(seller)).await
}

fn not_sandbox() -> Problem {
    Problem::new(Code::NotSandbox)
}

/// `GET /v1/models`
async fn models() -> Response {
    Json(json!({"object": "list", "data": [{"id": model::NAME, "object": "model", "owned_by": "purser"}]}))
        .into_response()
}

/// What anybody may know. [HTB-4]
fn document(settings: &SellerConfig, identity: &Identity, url: &str, terms: &Terms) -> Value {
    let accepts: Vec<_> =
        settings.issuers.iter().map(|issuer| json!({ "issuer": issuer.name, "account": issuer.account })).collect();
    let chain: Vec<String> = identity.chain.iter().map(|der| base64url::encode(der)).collect();
    json!({ "purser": {
        "versions": VERSIONS,
        "roles": ["merchant"],
        "id": identity.id.as_str(),
        "network": identity.network.as_str(),
        "sandbox": settings.sandbox,
        "time_zones": purser_protocol::period::database_version(),
        "base_url": url,
        "features": ["core", "holds", "held-mandates", "tokens"],
        "currencies": [terms.price.currency.code()],
        "accepts": accepts,
        "certificates": [chain],
    }})
}

fn internal(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the seller failed");
    Problem::new(Code::Internal)
}

//! A shop with three prices: `cargo run -p purser-merchant --example shop -- sandbox/merchant.toml`

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use purser_merchant::{Charge, Paid, Shop, serve};
use serde::Deserialize;

#[derive(Deserialize)]
struct About {
    about: String,
}

/// The query is part of what was offered: a fortune about tea was not paid for with one about rain.
async fn fortune(Query(About { about }): Query<About>) -> String {
    format!("There is some {about} in your future.\n")
}

/// Costs by the word. `paid.intent` is the same however often the reply is lost.
async fn count(paid: Paid, text: String) -> String {
    format!("{} words, for payment {}\n", text.split_whitespace().count(), paid.intent)
}

/// Held when it is paid, and captured when this has answered; an answer of 400 or more gives the money back.
async fn parcel() -> impl IntoResponse {
    (StatusCode::CREATED, "It is on its way.\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = std::env::args().nth(1).unwrap_or_else(|| "sandbox/merchant.toml".to_owned());
    let shop = Shop::open(&config)?;
    let by_the_word = shop.price_by(|_, body| {
        let words = String::from_utf8_lossy(body).split_whitespace().count();
        let price = format!("{}.{:02} CNY", words / 100, words % 100);
        let refused = |error| (StatusCode::BAD_REQUEST, format!("{error}\n")).into();
        Charge::new(&price, "count", "Words, counted").map_err(refused)
    });
    let sent = Charge::new("45.00 CNY", "parcel", "A parcel")?.captured_when_delivered();
    let app = Router::new()
        .route("/", get(|| async { "Try /fortune?about=tea, /count, /parcel.\n" }))
        .route("/fortune", get(fortune).route_layer(shop.price("1.00 CNY", "fortune", "A fortune")?))
        .route("/count", post(count).route_layer(by_the_word))
        .route("/parcel", post(parcel).route_layer(shop.charge(sent)?));
    Ok(serve(&config, &shop, app).await?)
}

//! Rows 11 and 12: codes that are photographed, and a mandate of another protocol.

use purser_ap2::{close, open};
use purser_client::bridge::{Held, stands};
use purser_client::clock::random;
use purser_client::connect::Url;
use purser_client::fetch::Wanted;
use purser_client::home::Kept;
use purser_client::issuer::SignedPaper;
use purser_code::camera::{Shot, taken};
use purser_code::{Form, read};
use purser_merchant::Shop;
use purser_protocol::bind::base64url::encode;
use purser_protocol::paper::mandate::{Mandate, Mode};
use purser_protocol::paper::rules::Channel;
use purser_protocol::sign::Signer as _;
use serde_json::json;

use super::Play;
use super::pay::{ask, draft, fetch, payer, quota, rules, seen, sign, wanted};
use crate::Failure;
use crate::stage::{Stage, register};
use crate::table::Row;

/// A code on a table, not quite in focus; and a small one at a gate, in the dark, seen by a car.
pub(super) async fn photographed(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let mandate = quota(play.stage, "100.00").await?;
    let shots = [
        (Channel::Code, Shot { module: 6.0, turn: 13.0, tilt: (-15.0, 18.0), blur: 0.5, stops: 0, noise: 6 }),
        (Channel::Vehicle, Shot { module: 4.0, turn: -4.0, tilt: (25.0, 0.0), blur: 0.25, stops: 2, noise: 6 }),
    ];
    for (channel, shot) in shots {
        play.row(async |stage: &mut Stage| {
            let shop = Shop::open(stage.sandbox.path("merchant.toml"))?;
            let (charge, goods) = shop.listed_now("GET", "/coffee").ok_or("there is no coffee")?;
            let host = stage.sandbox.merchant.to_string();
            let made = shop.code(&charge, &host, goods.as_deref().unwrap_or_default()).await;
            shop.close();
            let made = made?;
            let texts = read(&taken(&made.drawing, shot));
            let [text] = texts.as_slice() else { return Err(format!("read {} codes", texts.len()).into()) };
            let Form::Address(address) = Form::read(text).map_err(|fault| fault.to_string())? else {
                return Err("the code is no address".into());
            };
            let url = Url::parse(&address.url())?;
            let wanted = Wanted { url, channel: Some(channel), ..wanted(stage, "/coffee", Some(mandate))? };
            let (seen, kept) = fetch(stage, &stage.agent, &wanted).await?;
            let ours = kept.read_intent()?.offer == made.offer;
            Ok(seen.must(ours, "another offer was paid").must(made.drawing.width() <= 25, "the code is large"))
        })
        .await?;
    }
    Ok(())
}

/// The person signs a budget of AP2; its agent closes it for an offer; the bridge pays, and the ledger counts.
pub(super) async fn bridged(play: &mut Play<'_, impl FnMut(&Row)>) -> Result<(), Failure> {
    let stage = &play.stage;
    let caps = rules("total=100.00,depth=1")?;
    let above = sign(stage, Mandate { caps, ..draft(stage, Mode::Quota, &stage.agent)? }).await?;
    let (now, key) = (stage.session.issuer.clock.now().get(), stage.helper.public_key().0);
    let budget = json!({
        "vct": "mandate.payment.open.1",
        "constraints": [
            {"type": "payment.budget", "currency": "CNY", "max": 20},
            {"type": "payment.agent_recurrence", "frequency": "ON_DEMAND"},
        ],
        "cnf": {"jwk": {"kty": "EC", "crv": "P-256", "x": encode(&key[..32]), "y": encode(&key[32..])}},
        "iat": now, "exp": now + 3_600,
    });
    let theirs = open(&budget, &stage.person, random()?)?;
    for _ in 0..2 {
        play.row(async |stage: &mut Stage| {
            let wanted = wanted(stage, "/coffee", None)?;
            let kept = pay_chain(stage, &theirs, &wanted, &above.to_string()).await?;
            seen(stage, &kept).await
        })
        .await?;
    }
    Ok(())
}

async fn pay_chain(stage: &Stage, theirs: &str, wanted: &Wanted, above: &str) -> Result<Kept, Failure> {
    let issuer = &stage.session.issuer;
    let held = Held::find(issuer, &stage.agent, above).await?;
    let asked = ask(issuer, wanted).await?;
    let now = issuer.clock.now().get();
    let chain = close(theirs, &held.due(&asked).said(), now, &stage.helper, random()?)?;
    let (person, bridge) = (stage.person.public_key(), stage.agent.public_key());
    let made = held.mandate_of(&chain, &asked, &person, now, &bridge).map_err(|refusal| refusal.to_string())?;
    let keep = async |signed: SignedPaper| {
        let kept = register(stage, signed).await;
        kept.map(drop).map_err(|error| purser_client::Error::failed(error.to_string()))
    };
    let mandate = stands(issuer, &made, &stage.agent, keep).await?;
    let wanted = Wanted { mandate: Some(mandate), ..wanted.clone() };
    let payer = payer(&stage.session.home, issuer, &purser_client::pay::Silent);
    Ok(purser_client::fetch::Fetcher { payer, agent: &stage.agent }.pay_only(&wanted, &asked).await?)
}

//! One call, one reply.

mod agent;
mod bridge;
mod call;
mod codes;
mod issuer;
mod log;
mod merchant;
mod pack;
mod papers;
mod render;
mod session;
mod state;
mod wallet;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use agent::Agent;
use call::{Input, No, Outcome};
use issuer::Issuer;
use log::Follower;
use merchant::Merchant;
use pack::{Renewal, Shelf};
use session::{Seller, Spender};
use wallet::Wallet;

/// An implementation under test: whatever it was started as, and what it remembers.
#[derive(Default)]
pub struct Subject {
    issuer: Option<Issuer>,
    agent: Option<Agent>,
    merchant: Option<Merchant>,
    wallet: Option<Wallet>,
    follower: Follower,
    seller: Option<Seller>,
    spender: Option<Spender>,
    shelf: Shelf,
    renewal: Option<Renewal>,
}

impl Subject {
    /// Answers one line. What is no call gets a `fault`.
    pub fn line(&mut self, line: &str) -> Value {
        let Ok(call) = serde_json::from_str::<Value>(line) else {
            return json!({ "id": null, "outcome": "fault", "message": "this is not JSON" });
        };
        let id = call.get("id").cloned().unwrap_or_default();
        let op = call.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
        let empty = Value::Object(serde_json::Map::new());
        let input = call.get("input").unwrap_or(&empty);
        // A panic is a fault of the implementation, and no reason to lose the calls that follow.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.call(&op, Input(input))));
        let mut reply = match outcome {
            Ok(Ok(value)) => json!({ "outcome": "accept", "value": value }),
            Ok(Err(no)) => no.reply(),
            Err(_) => No::Broken("it panicked; see standard error".to_owned()).reply(),
        };
        reply["id"] = id;
        reply
    }

    fn call(&mut self, op: &str, input: Input<'_>) -> Outcome {
        match op {
            "hello" => Ok(hello()),
            "reset" => {
                *self = Self::default();
                Ok(json!({}))
            }
            "paper.verify" => papers::verify(input),
            "paper.sign" => papers::sign(input),
            "chain.verify" => papers::verify_chain(input),
            "receipt.verify" => papers::verify_receipt(input),
            "receipt.logged" => log::logged(input),
            "log.follow" => self.follower.follow(input),
            "request.read" => papers::read_request(input),
            "challenge.read" => papers::read_challenge(input),
            "credentials.read" => papers::read_credentials(input),
            "issuer.start" => start(&mut self.issuer, Issuer::start(input)),
            "issuer.receive" => begun(&mut self.issuer)?.receive(input),
            "issuer.ask" => begun(&mut self.issuer)?.ask(input),
            "issuer.tick" => begun(&mut self.issuer)?.tick(input),
            "issuer.status" => begun(&mut self.issuer)?.status(input),
            "state.put" => begun(&mut self.issuer)?.put(input),
            "state.get" => begun(&mut self.issuer)?.state(),
            "agent.start" => start(&mut self.agent, Agent::start(input)),
            "agent.offer" => begun(&mut self.agent)?.offer(input),
            "agent.answer" => begun(&mut self.agent)?.answer(input),
            "agent.delivery" => begun(&mut self.agent)?.delivery(input),
            "merchant.start" => start(&mut self.merchant, Merchant::start(input)),
            "merchant.offer" => begun(&mut self.merchant)?.offer(input),
            "merchant.withdraw" => begun(&mut self.merchant)?.withdraw(input),
            "merchant.redeem" => begun(&mut self.merchant)?.redeem(input),
            "wallet.start" => start(&mut self.wallet, Wallet::start(input)),
            "wallet.confirm" => begun(&mut self.wallet)?.confirm(input),
            "wallet.refuse" => begun(&mut self.wallet)?.refuse(input),
            "paper.render" => render::render(input),
            "bridge.verify" => bridge::verify(input),
            "code.read" => codes::read(input),
            "bridge.terms" => bridge::terms(input),
            "session.open" => start(&mut self.seller, Seller::open(input)),
            "session.top_up" => begun(&mut self.seller)?.top_up(input),
            "session.release" => begun(&mut self.seller)?.release(input),
            "session.take" => begun(&mut self.seller)?.take(input),
            "session.close" => begun(&mut self.seller)?.close(),
            "session.settle" => begun(&mut self.seller)?.settle(input),
            "session.restart" => begun(&mut self.seller)?.restart(),
            "pack.buy" => self.shelf.buy(input),
            "pack.consume" => self.shelf.consume(input),
            "pack.give_back" => self.shelf.give_back(input),
            "pack.restart" => self.shelf.restart(input),
            "subscription.open" => start(&mut self.renewal, Renewal::open(input)),
            "subscription.act" => begun(&mut self.renewal)?.act(input),
            "subscription.answer" => begun(&mut self.renewal)?.answer(input),
            "subscription.consume" => begun(&mut self.renewal)?.consume(input),
            "subscription.restart" => begun(&mut self.renewal)?.restart(input),
            "spend.restart" => begun(&mut self.spender)?.restart(),
            "spend.open" => start(&mut self.spender, Spender::open(input)),
            "spend.see" => begun(&mut self.spender)?.see(input),
            "spend.cover" => begun(&mut self.spender)?.cover(input),
            "spend.check" => begun(&mut self.spender)?.check(input),
            _ => Err(No::Unsupported),
        }
    }
}

fn hello() -> Value {
    json!({
        "implementation": { "name": "purser-protocol", "version": env!("CARGO_PKG_VERSION"), "language": "rust" },
        "roles": ["verifier", "issuer", "agent", "merchant", "wallet"],
        "spec": ["1"],
        "features": ["core", "holds", "funded", "delegation", "confirmation", "held-mandates", "sandbox", "rendering", "log", "tokens", "ap2", "device", "withdrawal", "accounts", "disputes"],
        "in_flight_max": 1,
    })
}

fn start<T>(place: &mut Option<T>, begun: Result<T, No>) -> Outcome {
    *place = Some(begun?);
    Ok(json!({}))
}

fn begun<T>(place: &mut Option<T>) -> Result<&mut T, No> {
    place.as_mut().ok_or_else(|| No::Broken("this role has not been started".to_owned()))
}

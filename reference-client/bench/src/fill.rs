//! Accounts, mandates and payments, through the ledger and its writer, and not over HTTP.
//!
//! Enrolments, deposits and mandates are signed by their keys. Filled payments carry signatures of nobody: an id
//! covers no signature, so that books, receipts and log are those of honest ones, and the audit finds them good.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use purser_protocol::cert::{Party, Role};
use purser_protocol::code::Code;
use purser_protocol::field::KeyHolder;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::id::{AccountId, LineageId, Nonce, PaperId, ShortText};
use purser_protocol::ledger::books::Purse;
use purser_protocol::ledger::{Command, PaymentOrder};
use purser_protocol::money::Amount;
use purser_protocol::paper::command::{Deposit, Enrolment};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::{Holder, Mandate, Mode};
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::rules::{Fields, Rules};
use purser_protocol::sign::backend::AwsLcSigner;
use purser_protocol::sign::{Crypto, Paper, PublicKey, Signed, Signer, SignerFailed, Verified, sign};
use purser_protocol::time::UnixSeconds;
use purser_server::issuer::Direct;
use purser_server::random;
use purser_server::sandbox::{ACCOUNT, CATEGORIES};
use purser_server::writer::{Job, Reply};
use tokio::sync::oneshot;

use crate::papers::{Made, OFFER_SECONDS, Press, nonce, now};
use crate::stage::{CONTEXT, Stage, issuer, yuan};
use crate::{Failure, progress};

/// The time over which filled payments are spread.
const SPREAD_SECONDS: u64 = 10 * 86_400;
/// What each account has, and each mandate allows, in minor units.
const MINOR: u64 = 10_000_000_000;
/// Commands whose answers are waited for.
const UNDER_WAY_MAX: usize = 2_048;

/// Makes the accounts and mandates where there are none, then so many payments.
pub(crate) fn fill(stage: &Stage, mandates: u32, payments: u64) -> Result<(), Failure> {
    if stage.has_agents() && payments == 0 {
        return Ok(());
    }
    let began = Instant::now();
    let mut feed = Feed { direct: Direct::open(&stage.config()?)?, under_way: VecDeque::new() };
    let first = now()?.saturating_sub(SPREAD_SECONDS + 86_400);
    if !stage.has_agents() {
        people(stage, &mut feed, mandates, first)?;
    }
    pay(stage, &mut feed, payments)?;
    feed.wait(0)?;
    let decisions = feed.direct.finish()?;
    let seconds = began.elapsed().as_secs_f64();
    let mib = stage.bytes() / (1 << 20);
    progress(&format!("{decisions} decisions in the store, {mib} MiB, in {seconds:.0} s"), true);
    Ok(())
}

/// Commands on their way to the writer.
struct Feed {
    direct: Direct,
    under_way: VecDeque<oneshot::Receiver<Reply>>,
}

impl Feed {
    fn send(&mut self, command: Command, evidence: Vec<u8>) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        self.direct.jobs().blocking_send(Job { command, evidence, reply }).map_err(|_| "the writer is gone")?;
        self.under_way.push_back(answer);
        self.wait(UNDER_WAY_MAX)
    }

    /// Waits until no more than so many are under way.
    fn wait(&mut self, most: usize) -> Result<(), Failure> {
        while self.under_way.len() > most {
            let Some(answer) = self.under_way.pop_front() else { break };
            match answer.blocking_recv()? {
                Reply::NotDecided(fault) => return Err(format!("a command was not decided: {fault}").into()),
                Reply::Decided(answered) => {
                    let claims = answered.receipt.read_claims().map_err(|fault| fault.to_string())?;
                    if let Some(code) = claims.code {
                        return Err(format!("a command was refused: {code:?}").into());
                    }
                }
                Reply::Stored(_) => {}
            }
        }
        Ok(())
    }
}

/// Someone with an account, and the agent who holds the mandate.
struct Pair {
    enrolment: Vec<u8>,
    deposit: Vec<u8>,
    mandate: Vec<u8>,
    person: PublicKey,
    account: AccountId,
    agent: Vec<u8>,
}

fn people(stage: &Stage, feed: &mut Feed, count: u32, at: UnixSeconds) -> Result<(), Failure> {
    let threads = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let count = usize::try_from(count.max(1))?;
    let part = |first: usize| (first..count).step_by(threads).map(|_| pair(at)).collect::<Result<Vec<_>, _>>();
    let pairs: Vec<Pair> = thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        let mut pairs = Vec::with_capacity(count);
        for made in parts {
            pairs.extend(made.join().map_err(|_| "a thread that signs died")??);
        }
        Ok::<_, Failure>(pairs)
    })?;
    feed.direct.clock().set(at);
    for pair in &pairs {
        let enrolment = opened::<Enrolment>(&pair.enrolment, &pair.person)?;
        feed.send(Command::Enrol(enrolment, pair.account), pair.enrolment.clone())?;
        feed.send(Command::Deposit(opened::<Deposit>(&pair.deposit, &pair.person)?), pair.deposit.clone())?;
        let mandate = opened::<Mandate>(&pair.mandate, &pair.person)?;
        feed.send(Command::Register(Box::new(mandate)), pair.mandate.clone())?;
    }
    feed.wait(0)?;
    progress(&format!("{count} accounts, each with a mandate and an agent"), true);
    let agents = pairs.into_iter().map(|pair| {
        let frame = purser_protocol::sign::Frame::read(&pair.mandate).map_err(|fault| fault.to_string())?;
        let mandate = purser_protocol::sign::paper::id(frame.protected, frame.payload);
        Ok((pair.account, mandate, pair.agent))
    });
    stage.keep_agents(&agents.collect::<Result<Vec<(AccountId, PaperId, Vec<u8>)>, Failure>>()?)
}

fn pair(at: UnixSeconds) -> Result<Pair, Failure> {
    let (_, person) = AwsLcSigner::generate().ok_or("no key")?;
    let (agent_der, agent) = AwsLcSigner::generate().ok_or("no key")?;
    let (issuer, currency, account) = (issuer()?, yuan()?, AccountId(random::random()?));
    let amount = Amount::from_minor(MINOR).ok_or("no amount")?;
    let enrolment = Enrolment {
        account: None,
        issuer: issuer.clone(),
        issued_at: at,
        nonce: Nonce(random::random()?),
        key: KeyHolder(person.public_key()),
    };
    let deposit =
        Deposit { account, issuer: issuer.clone(), issued_at: at, nonce: Nonce(random::random()?), amount, currency };
    let mandate = Mandate {
        account,
        issuer,
        expires_at: at.saturating_add(400 * 86_400),
        not_before: at,
        issued_at: at,
        holder: Holder::Agent(agent.public_key()),
        offer: None,
        currency,
        lineage: LineageId(random::random()?),
        serial: NonZeroU32::MIN,
        mode: Mode::Quota,
        parent: None,
        replaces: None,
        caps: Rules::new(Fields { total: Some(amount), ..Fields::default() }),
        grants: None,
        funded: None,
        refund_returns: None,
        shown: None,
        conversation: None,
    };
    Ok(Pair {
        enrolment: sign(&enrolment, CONTEXT, &person)?,
        deposit: sign(&deposit, CONTEXT, &person)?,
        mandate: sign(&mandate, CONTEXT, &person)?,
        person: person.public_key(),
        account,
        agent: agent_der,
    })
}

fn pay(stage: &Stage, feed: &mut Feed, count: u64) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    let (agents, shop) = (stage.agents()?, stage.shop()?);
    let press = Press::new(&shop)?;
    let mut merchant = Party::of_itself(shop.id.clone(), Role::Merchant, shop.signer.public_key(), shop.certificate);
    merchant.categories = CATEGORIES.to_vec();
    let merchant = Arc::new(merchant);
    let till = Purse::Payee(shop.id.clone(), ShortText::new(ACCOUNT).ok_or("no account")?);
    let taken = |feed: &Feed| -> Result<u64, Failure> {
        let ledger = feed.direct.ledger().read().map_err(|_| "the writer died")?;
        Ok(ledger.state().books.balance(&till, yuan()?))
    };
    let before = taken(feed)?;
    let clock = feed.direct.ledger().read().map_err(|_| "the writer died")?.state().clock;
    // A minute before now, so that whoever measures next is not before what was decided last.
    let end = now()?.saturating_sub(60);
    let start = end.saturating_sub(SPREAD_SECONDS).max(clock.unwrap_or(UnixSeconds::MIN));
    let span = end.since(start).unwrap_or_default();
    let seed: [u8; 8] = random::random()?;
    let pseudonyms: Vec<_> = agents.iter().map(|agent| feed.direct.pseudonym(&agent.account, &shop.id)).collect();
    let shop_signs = Nobody(shop.signer.public_key());
    let (mut at, mut waited, mut sum, began) = (UnixSeconds::MIN, UnixSeconds::MIN, 0, Instant::now());
    for number in 0..count {
        let second = u64::try_from(u128::from(span) * u128::from(number) / u128::from(count))?;
        if at != start.saturating_add(second) {
            at = start.saturating_add(second);
            // What still waits for the writer is decided by the clock of then, and offers end.
            if at > waited.saturating_add(OFFER_SECONDS / 2) {
                feed.wait(0)?;
                waited = at;
            }
            feed.direct.clock().set(at);
        }
        // Agents in no order that a store could make use of.
        let which = usize::try_from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % agents.len() as u64)?;
        let agent = &agents[which];
        let made = Made { at, minor: 1 + number % 100, nonce: nonce(seed, number) };
        let agent_signs = Nobody(agent.key.public_key());
        let (offer, intent) = press.payment(&made, (agent.mandate, &agent_signs), &shop_signs, &[])?;
        let request = PaymentRequest { mandates: Vec::new(), offer: &offer, intent: &intent, confirmation: None };
        let order = PaymentOrder {
            intent: opened::<Intent>(&intent, &agent_signs.0)?,
            held_by: None,
            offer: opened::<Offer>(&offer, &shop_signs.0)?,
            merchant: Arc::clone(&merchant),
            confirmation: None,
            pseudonym: pseudonyms[which],
        };
        sum += made.minor;
        feed.send(Command::Pay(Box::new(order)), request.write())?;
        if number % 20_000 == 0 {
            let rate = number as f64 / began.elapsed().as_secs_f64().max(1e-9);
            progress(&format!("{number} of {count} payments, {rate:.0} a second"), false);
        }
    }
    feed.wait(0)?;
    if taken(feed)? - before != sum {
        return Err("not every payment was made".into());
    }
    Ok(())
}

/// A paper whose signature is not looked at.
fn opened<T: Paper>(bytes: &[u8], key: &PublicKey) -> Result<Verified<T>, Failure> {
    let opened = Signed::<T>::read(bytes).and_then(|paper| paper.verify(&Trusting, CONTEXT, key)?.open());
    opened.map_err(|fault| fault.to_string().into())
}

/// Finds every signature good.
struct Trusting;

impl Crypto for Trusting {
    fn verify(&self, _: &PublicKey, _: &[u8; 32], _: &[u8; 64]) -> Result<(), Code> {
        Ok(())
    }
}

/// Signs nothing, in the name of a key.
struct Nobody(PublicKey);

impl Signer for Nobody {
    fn public_key(&self) -> PublicKey {
        self.0
    }

    fn sign(&self, _: &[u8; 32]) -> Result<[u8; 64], SignerFailed> {
        Ok([1; 64])
    }
}

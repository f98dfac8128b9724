//! Packs: units that are paid in advance, by plans whose prices have versions, with coupons.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use purser_merchant::Asked;
use purser_protocol::bind::http::Credential;
use purser_protocol::code::Code;
use purser_protocol::fault::Fault;
use purser_protocol::field::{Bytes as Bstr, UpTo};
use purser_protocol::flow::merchant::Redemption;
use purser_protocol::id::{Nonce, PaperId};
use purser_protocol::paper::command::Refund;
use purser_protocol::paper::meter::Unit;
use purser_protocol::token::pack::{Bought, Pack, Record, Refunding};
use serde_json::json;

use super::account::{known, named, spoken};
use super::book::{Coupon, Promised, Taking, Took};
use super::config::pseudonym;
use super::desk::Live;
use super::open::{Call, Checked, taking};
use super::{Seller, internal};
use crate::random::random;
use crate::reply::{NO_STORE, Problem};

/// The coupon that an offer is to take.
const COUPON: &str = "purser-coupon";
/// Who the payer is to this seller, where a coupon depends on it. The issuer checks it. [AUT-42]
const PSEUDONYM: &str = "purser-pseudonym";

/// `GET /v1/plans`
pub(super) async fn plans(State(seller): State<Arc<Seller>>) -> Response {
    let now = seller.clock.now();
    let currency = seller.terms.price.currency;
    let plans: Vec<_> = seller.terms.plans.iter().map(|plan| plan.told(currency, now)).collect();
    let subscriptions: Vec<_> = seller.terms.subscriptions.iter().map(|plan| plan.told(currency, now)).collect();
    let told = json!({ "plans": plans, "subscriptions": subscriptions });
    ([(CACHE_CONTROL, NO_STORE)], Json(told)).into_response()
}

/// `POST /v1/packs/{plan}`: an offer, or with a receipt the pack.
pub(super) async fn buy(
    State(seller): State<Arc<Seller>>,
    Path(plan): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let Call { asked, payment, headers } = call;
    match payment {
        None => seller.ask_pack(&asked, &plan, &headers).await,
        Some(credential) => seller.take_pack(&asked, &credential, None).await,
    }
}

/// `POST /v1/packs/{id}/refill`: an offer of the same plan at its price of now, or with a receipt the pack.
pub(super) async fn refill(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let Call { asked, payment, headers } = call;
    let live = found(&seller, &id).await?;
    match payment {
        None => {
            let plan = live.look(|pack| pack.purchases().last().map(|bought| bought.plan.clone()));
            let plan = plan.ok_or_else(|| Problem::new(Code::Internal))?;
            let plan = plan.as_str().split('/').next().unwrap_or_default();
            seller.ask_pack(&asked, plan, &headers).await
        }
        Some(credential) => seller.take_pack(&asked, &credential, Some(live)).await,
    }
}

/// `GET /v1/packs/{id}`
pub(super) async fn show(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let live = spoken(found(&seller, &id).await?, &headers)?;
    live.refresh().await?;
    Ok(shown(&seller, &live))
}

/// `POST /v1/packs/{id}/refund`: what is left goes back. [TOK-45]
pub(super) async fn refund(
    State(seller): State<Arc<Seller>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let live = spoken(found(&seller, &id).await?, &headers)?;
    seller.give_back(&live).await?;
    Ok(shown(&seller, &live))
}

async fn found(seller: &Seller, id: &str) -> Result<Arc<Live<Pack>>, Problem> {
    known(&seller.desk.packs, named(id)).await
}

impl Seller {
    /// An offer of a pack, with its coupon as a line of it. [TOK-40] [TOK-46]
    async fn ask_pack(&self, asked: &Asked, plan: &str, headers: &HeaderMap) -> Result<Response, Problem> {
        let now = self.clock.now();
        let plan = self.terms.plans.iter().find(|known| known.id.as_str() == plan);
        let plan = plan.ok_or_else(|| Problem::new(Code::NotFound))?;
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let payer = text(PSEUDONYM).map(|payer| pseudonym(payer).ok_or_else(refused)).transpose()?;
        let coupon = match text(COUPON) {
            None => None,
            Some(code) => {
                let terms = self.terms.coupons.iter().find(|coupon| coupon.code == code).ok_or_else(refused)?;
                let fits = terms.plan == plan.id
                    && terms.until.is_none_or(|until| now < until)
                    && terms.off < plan.price(now).1
                    && terms.pseudonym.is_none_or(|bound| payer == Some(bound))
                    && (!terms.first_purchase || payer.is_some());
                Some(terms).filter(|_| fits).ok_or_else(refused)?.into()
            }
        };
        let promised = Promised { plan: plan.versioned(now), units: plan.units, seconds: plan.seconds };
        let taken = coupon.map(|terms| Coupon {
            code: terms.code.clone(),
            uses: terms.uses,
            first_of: payer.filter(|_| terms.first_purchase),
        });
        let offer = |now, nonce, resource| self.terms.pack_offer(plan, coupon, payer, now, nonce, resource);
        self.demand(asked, offer, move |book, made, now| book.offer_pack(made, &promised, taken.as_ref(), now)).await
    }

    /// Takes an offer of a pack with its receipt.
    async fn take_pack(
        &self,
        asked: &Asked,
        shows: &Credential,
        of: Option<Arc<Live<Pack>>>,
    ) -> Result<Response, Problem> {
        let Checked { made, receipt, request, judged, now } = self.check(asked, shows).await?;
        match judged {
            Redemption::Repeat => {
                let live = match of {
                    Some(live) => live,
                    None => known(&self.desk.packs, Some(made.id)).await?,
                };
                return Ok(shown(self, &live));
            }
            Redemption::GiveBack(code) => return Err(self.refuse_and_owe(&receipt, code).await),
            Redemption::Serve => {}
        }
        let offer = made.id;
        let promised = self.desk.book(move |book| book.promised(&offer)).await?;
        let mismatch = || Problem::new(Code::ReceiptMismatch);
        let promised = promised.ok_or_else(mismatch)?;
        let (intent, pseudonym) = receipt.claims.intent.zip(receipt.claims.pseudonym).ok_or_else(mismatch)?;
        let bought = Bought {
            offer,
            intent,
            issuer: receipt.issuer.clone(),
            amount: UpTo::new(made.offer.amount.minor()).ok_or_else(mismatch)?,
            currency: made.offer.currency,
            plan: promised.plan,
            units: promised.units,
            until: now.saturating_add(promised.seconds),
            pseudonym,
            at: now,
        };
        let taking = Taking { payer: Some(pseudonym), ..taking(offer, &receipt, request)? };
        let taken = match of {
            None => self.desk.packs.begin(taking, Record::Bought(Box::new(bought))).await,
            Some(live) => {
                // [TOK-44]
                let taken = live.continue_with(taking, |pack| pack.refill(bought)).await;
                taken.map(|took| (took, live))
            }
        };
        let (took, live) = match taken {
            Ok(taken) => taken,
            // The offer is for this pack alone: where it does not fit, nothing can be given for this money.
            Err(problem) if matches!(problem.fault().code, Code::ReceiptAlreadyUsed | Code::ReceiptMismatch) => {
                return Err(self.not_taken(asked, shows, problem).await);
            }
            Err(problem) => return Err(problem),
        };
        let refused = match took {
            Took::CouponUsed => Code::CouponUsed,
            Took::NotFirst => Code::CouponRefused,
            Took::Offer | Took::Nothing => return Ok(shown(self, &live)),
        };
        self.give_back_one(&live, offer).await?;
        Err(Problem::new(refused))
    }

    /// An offer that could be taken when it was looked at was not. Unless this very receipt has taken it meanwhile, the
    /// money goes back. [FLW-7]
    async fn not_taken(&self, asked: &Asked, shows: &Credential, refused: Problem) -> Problem {
        match self.check(asked, shows).await {
            Ok(Checked { judged: Redemption::Repeat, .. }) => refused,
            Ok(Checked { receipt, .. }) => self.refuse_and_owe(&receipt, refused.fault().clone()).await,
            Err(problem) => problem,
        }
    }

    async fn give_back(&self, live: &Arc<Live<Pack>>) -> Result<(), Problem> {
        self.give_back_those(live, None).await
    }

    async fn give_back_one(&self, live: &Arc<Live<Pack>>, offer: PaperId) -> Result<(), Problem> {
        self.give_back_those(live, Some(offer)).await
    }

    /// Signs a refund of what is left, keeps it, sends it. What is being given back is not consumed any more.
    async fn give_back_those(&self, live: &Arc<Live<Pack>>, only: Option<PaperId>) -> Result<(), Problem> {
        let (identity, now) = (self.identity.clone(), self.clock.now());
        let signed = live.act(move |pack| {
            let failed = || Fault::new(Code::Internal);
            let of_offer = |purchase: u64| {
                let place = usize::try_from(purchase).unwrap_or(usize::MAX);
                pack.purchases().nth(place).map(|bought| bought.offer)
            };
            let rests = pack.rests(now).into_iter();
            let rests = rests.filter(|rest| only.is_none_or(|only| of_offer(rest.purchase) == Some(only)));
            let records = rests.map(|rest| {
                let refund = Refund {
                    merchant: identity.id.clone(),
                    issuer: rest.issuer,
                    issued_at: now,
                    nonce: Nonce(random().map_err(|_| failed())?),
                    intent: rest.intent,
                    amount: rest.amount,
                    currency: rest.currency,
                    reason: None,
                };
                let command = Bstr(identity.sign_with_chain(&refund).map_err(|_| failed())?);
                Ok(Record::Refunding(Refunding { purchase: rest.purchase, command }))
            });
            Ok((records.collect::<Result<Vec<_>, Fault>>()?, ()))
        });
        signed.await.map_err(|problem| internal(problem.fault().clone()))?;
        self.send_refunds(live).await;
        Ok(())
    }
}

/// How a pack stands.
fn shown(seller: &Seller, live: &Live<Pack>) -> Response {
    let now = seller.clock.now();
    let told = live.look(|pack| {
        let purchases: Vec<_> = (0..)
            .zip(pack.purchases())
            .map(|(place, bought)| {
                json!({
                    "offer": bought.offer.to_string(),
                    "plan": bought.plan.as_str(),
                    "units": bought.units.get(),
                    "paid_minor": bought.amount.get().to_string(),
                    "currency": bought.currency.code(),
                    "until": bought.until.get(),
                    "given_back": pack.is_given_back(place),
                })
            })
            .collect();
        json!({
            "pack": live.id.to_string(),
            "remaining": pack.remaining(now),
            "input_tokens": pack.used(Unit::InputToken),
            "output_tokens": pack.used(Unit::OutputToken),
            "refunds_open": pack.open_refunds().count(),
            "purchases": purchases,
        })
    });
    ([(CACHE_CONTROL, NO_STORE)], Json(told)).into_response()
}

fn refused() -> Problem {
    Problem::new(Code::CouponRefused)
}

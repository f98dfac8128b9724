//! A chain: each token signed by the key that the one before delegates to, and bound to it.

use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::limits::SKEW_SECONDS;
use purser_protocol::sign::{Crypto, PublicKey};

use crate::check;
use crate::json::Json;
use crate::mandate::{Act, Basket, Mandate, seconds};
use crate::refusal::Refusal;
use crate::token::{Token, split};

type Result<T> = std::result::Result<T, Refusal>;

/// The type of the last token of a chain, and of one that delegates further.
const TERMINAL: &str = "kb+sd-jwt";
const DELEGATING: &str = "kb+sd-jwt+kb";

/// What the verifier asked for, and what it trusts.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The time.
    pub now: u64,
    /// Keys that may sign the first token.
    pub keys: &'a [PublicKey],
    /// Whom the last token must be for. A chain that is carried out needs it.
    pub audience: Option<&'a str>,
    /// What the verifier asked to be repeated. A chain that is carried out needs it.
    pub nonce: Option<&'a str>,
    /// The checkout that a payment must be for. A closed payment needs it.
    pub checkout: Option<&'a Checkout>,
    /// The key of the merchant's own token in a checkout; it is not checked without.
    pub merchant: Option<&'a PublicKey>,
}

/// A checkout that a payment is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// The hash of the merchant's token.
    pub transaction: Box<str>,
    /// The hash of the open checkout mandate.
    pub open: Option<Box<str>>,
    /// What the merchant asks.
    pub basket: Option<Basket>,
}

/// A token that verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// The mandate in it.
    pub mandate: Mandate,
    /// Whom it is for; the first token is for nobody.
    pub audience: Option<Box<str>>,
    /// Claims beside the mandate.
    pub claims: Json,
}

/// A chain that verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The key that signed the first token.
    pub root: PublicKey,
    /// SHA-256 of what that signature is over: the same whatever is disclosed, and however it is signed again.
    pub origin: [u8; 32],
    /// Its tokens.
    pub hops: Vec<Hop>,
    /// The earliest end of its tokens.
    pub expires_at: Option<u64>,
    /// The hash of the first token with its disclosures.
    pub open_hash: Box<str>,
    /// What the merchant's token says, of a chain of checkout.
    pub basket: Option<Basket>,
    /// Whether the merchant's signature was checked.
    pub is_merchant_checked: bool,
}

impl Chain {
    /// The open mandate of the person.
    pub fn open(&self) -> Option<&crate::Open> {
        match &self.hops.first()?.mandate {
            Mandate::Open(open) => Some(open),
            Mandate::Closed(_) => None,
        }
    }

    /// The closed mandate, where the chain has one.
    pub fn closed(&self) -> Option<&crate::Closed> {
        match &self.hops.last()?.mandate {
            Mandate::Closed(closed) => Some(closed),
            Mandate::Open(_) => None,
        }
    }

    /// What a payment for this checkout must refer to.
    pub fn checkout(&self) -> Option<Checkout> {
        match &self.closed()?.act {
            Act::Checkout { hash, .. } => {
                let open = Some(self.open_hash.clone());
                Some(Checkout { transaction: hash.clone(), open, basket: self.basket.clone() })
            }
            Act::Payment { .. } => None,
        }
    }
}

/// Verifies a chain. The first thing that is wrong decides: form, JSON and headers of all tokens, then token by token
/// signature, binding, disclosures and members, then times, audience and nonce, what delegation may not widen, the
/// checkout, and the limits.
pub fn verify(text: &str, asked: Asked<'_>, crypto: &dyn Crypto) -> Result<Chain> {
    let tokens = split(text)?;
    check_headers(&tokens)?;
    let mut root = None;
    let mut hops: Vec<Hop> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let above = hops.last().zip(tokens.get(at.wrapping_sub(1)));
        let (key, hop) = hop(token, above, &asked, crypto).map_err(|refusal| refusal.in_token(at))?;
        root.get_or_insert(key);
        hops.push(hop);
    }
    let root = root.ok_or_else(|| Refusal::new(Code::BridgeForm))?;
    let open_hash = tokens.first().map(Token::sd_hash).unwrap_or_default().into();
    let expires_at = check_times(&hops, asked.now)?;
    check_answer(&hops, &asked)?;
    for (at, pair) in hops.windows(2).enumerate() {
        if let [Hop { mandate: Mandate::Open(above), .. }, Hop { mandate: Mandate::Open(below), .. }] = pair {
            check::narrows(above, below).map_err(|refusal| refusal.in_token(at + 1))?; // [BRG-16]
        }
    }
    let origin = tokens.first().map(Token::signed_digest).unwrap_or_default();
    let mut chain = Chain { root, origin, hops, expires_at, open_hash, basket: None, is_merchant_checked: false };
    close(&mut chain, &tokens, &asked, crypto)?;
    Ok(chain)
}

fn check_headers(tokens: &[Token<'_>]) -> Result<()> {
    let last = tokens.len() - 1;
    for (at, token) in tokens.iter().enumerate() {
        let fits = |typ: &str| match at {
            // A token of the holder's is no first one: nobody says whose key it is.
            0 => (typ.ends_with("+sd-jwt") && !typ.starts_with("kb")) || typ == "sd+jwt",
            _ => typ == DELEGATING || (at == last && typ == TERMINAL),
        };
        token.check_header(fits).map_err(|refusal| refusal.in_token(at))?;
    }
    Ok(())
}

/// One token, under the one above it.
fn hop(
    token: &Token<'_>,
    above: Option<(&Hop, &Token<'_>)>,
    asked: &Asked<'_>,
    crypto: &dyn Crypto,
) -> Result<(PublicKey, Hop)> {
    let keys = match above.map(|(hop, _)| &hop.mandate) {
        None => asked.keys.to_vec(),
        Some(Mandate::Open(open)) => vec![open.agent],
        Some(Mandate::Closed(_)) => return Err(Refusal::of(Code::BridgeType, "vct")),
    };
    let key = keys.into_iter().find(|key| token.is_signed_by(key, crypto));
    let key = key.ok_or_else(|| Refusal::new(Code::BridgeSignature))?; // [BRG-5]
    let mut claims = token.disclosed()?;
    if let Some((_, before)) = above {
        check_binding(&claims, before)?;
    }
    let (mandate, audience) = read_claims(&mut claims, above.is_some(), crypto)?;
    let fits = match (&mandate, above.map(|(hop, _)| &hop.mandate)) {
        (Mandate::Open(_), None) => true,
        // Who shows a closed mandate of the person's own cannot show that it was meant for here.
        (Mandate::Closed(_), None) => false,
        (mandate, Some(above)) => {
            let is_last = token.typ() == Some(TERMINAL);
            is_last == matches!(mandate, Mandate::Closed(_)) && mandate.is_payment() == above.is_payment()
        }
    };
    if !fits {
        return Err(Refusal::of(Code::BridgeType, "vct")); // [BRG-9]
    }
    Ok((key, Hop { mandate, audience, claims }))
}

/// The one hash that binds a token to the one before. [BRG-6]
fn check_binding(claims: &Json, before: &Token<'_>) -> Result<()> {
    let binding = |name| claims.get(name).map(|hash| hash.text().unwrap_or_default());
    let bound = match (binding("sd_hash"), binding("issuer_jwt_hash")) {
        (Some(hash), None) => hash == before.sd_hash(),
        (None, Some(hash)) => hash == before.jwt_hash(),
        _ => false,
    };
    if bound { Ok(()) } else { Err(Refusal::of(Code::BridgeBinding, "sd_hash")) }
}

/// The mandate among the claims, and whom the token is for. What stays in `claims` are times.
fn read_claims(claims: &mut Json, is_hop: bool, crypto: &dyn Crypto) -> Result<(Mandate, Option<Box<str>>)> {
    let Json::Object(members) = claims else { return Err(Refusal::new(Code::BridgeJson)) };
    let known: &[&str] = match is_hop {
        false => &["delegate_payload", "iss", "sub", "jti", "iat", "nbf", "exp"],
        true => &[
            "delegate_payload",
            "iss",
            "sub",
            "jti",
            "iat",
            "nbf",
            "exp",
            "aud",
            "nonce",
            "sd_hash",
            "issuer_jwt_hash",
        ],
    };
    if members.contains_key("_sd") {
        return Err(Refusal::of(Code::BridgeWithheld, "claims")); // [BRG-8]
    }
    if let Some(name) = members.keys().find(|name| !known.contains(&&***name)) {
        return Err(Refusal::of(Code::BridgeMember, name.clone())); // [BRG-10]
    }
    for name in ["iat", "nbf", "exp"] {
        if let Some(at) = members.get(name) {
            seconds(at, name)?;
        }
    }
    if is_hop && !members.contains_key("iat") {
        return Err(Refusal::of(Code::BridgeMember, "iat"));
    }
    let payload = members.remove("delegate_payload");
    let one = match payload.as_ref().and_then(Json::list) {
        // Of two mandates in one token each reader would take its own.
        Some([one]) => one,
        _ => return Err(Refusal::of(Code::BridgeMember, "delegate_payload")),
    };
    let mandate = Mandate::read(one, crypto)?;
    let audience = members.get("aud").and_then(Json::text).map(Into::into);
    Ok((mandate, audience))
}

/// No token was made in the future, and none has ended; the earliest end. [BRG-13]
fn check_times(hops: &[Hop], now: u64) -> Result<Option<u64>> {
    let mut earliest: Option<u64> = None;
    for (at, hop) in hops.iter().enumerate() {
        let of_token = |name: &'static str| hop.claims.get(name).map(|json| seconds(json, name)).transpose();
        let (issued, expires) = match &hop.mandate {
            Mandate::Open(open) => (open.issued_at, open.expires_at),
            Mandate::Closed(closed) => (closed.issued_at, closed.expires_at),
        };
        let early = [of_token("iat")?, issued].into_iter().flatten().any(|at| at > now.saturating_add(SKEW_SECONDS));
        if early || of_token("nbf")?.is_some_and(|from| from > now) {
            return Err(Refusal::new(Code::BridgeNotYetValid).in_token(at));
        }
        let end = [of_token("exp")?, expires].into_iter().flatten().min();
        if end.is_some_and(|end| end <= now) {
            // [BRG-23]
            return Err(Refusal::new(Code::BridgeExpired).in_token(at));
        }
        earliest = earliest.into_iter().chain(end).min();
    }
    Ok(earliest)
}

/// Whom the last token is for, and what it repeats. Nobody may leave out to ask. [BRG-14] [BRG-15]
fn check_answer(hops: &[Hop], asked: &Asked<'_>) -> Result<()> {
    for (at, hop) in hops.iter().enumerate().skip(1) {
        let is_last = at + 1 == hops.len();
        for (name, code, wanted) in
            [("aud", Code::BridgeAudience, asked.audience), ("nonce", Code::BridgeNonce, asked.nonce)]
        {
            let said = hop.claims.get(name).and_then(Json::text).filter(|said| !said.is_empty());
            let fits = said.is_some() && (!is_last || (said == wanted && wanted.is_some()));
            if !fits {
                return Err(Refusal::of(code, name).in_token(at));
            }
        }
    }
    Ok(())
}

/// What a closed mandate does is for this checkout, and within every open mandate above it.
fn close(chain: &mut Chain, tokens: &[Token<'_>], asked: &Asked<'_>, crypto: &dyn Crypto) -> Result<()> {
    let last = chain.hops.len() - 1;
    let Some(closed) = chain.closed().cloned() else { return Ok(()) };
    let wrong = |name| Refusal::of(Code::BridgeCheckout, name).in_token(last);
    let mut checkout = asked.checkout.cloned();
    match &closed.act {
        // Without the checkout nobody knows what is paid. [BRG-17]
        Act::Payment { transaction, payee, amount, .. } => {
            let known = checkout.as_ref().ok_or_else(|| wrong("transaction_id"))?;
            if known.transaction != *transaction {
                return Err(wrong("transaction_id"));
            }
            if let Some(basket) = &known.basket {
                if basket.total != *amount {
                    return Err(wrong("payment_amount"));
                }
                if basket.merchant.id != payee.id {
                    return Err(wrong("payee"));
                }
            }
        }
        Act::Checkout { jwt, hash } => {
            if tokens[last].hash().of(jwt) != **hash {
                return Err(wrong("checkout_hash"));
            }
            chain.is_merchant_checked = check_merchant(jwt, asked.merchant, crypto)?;
            let payload = jwt.split('.').nth(1).and_then(base64url::decode).as_deref().and_then(Json::read);
            let basket = payload.as_ref().and_then(Basket::read).ok_or_else(|| wrong("checkout_jwt"))?;
            chain.basket = Some(basket.clone());
            checkout = Some(Checkout { transaction: hash.clone(), open: None, basket: Some(basket) });
        }
    }
    for (at, hop) in chain.hops.iter().enumerate() {
        if let Mandate::Open(open) = &hop.mandate {
            check::within(open, &closed, checkout.as_ref(), asked.now).map_err(|refusal| refusal.in_token(at))?;
        }
    }
    Ok(())
}

/// The merchant's own token: signed with ES256, never with nothing; whether its signature was checked. [BRG-18]
fn check_merchant(jwt: &str, key: Option<&PublicKey>, crypto: &dyn Crypto) -> Result<bool> {
    let wrong = || Refusal::of(Code::BridgeCheckoutSignature, "checkout_jwt");
    let text = format!("{jwt}~");
    let tokens = split(&text).map_err(|_| wrong())?;
    let [token] = tokens.as_slice() else { return Err(wrong()) };
    let algorithm = token.header().get("alg").and_then(Json::text);
    if algorithm != Some("ES256") || jwt.contains('~') {
        return Err(wrong());
    }
    match key {
        Some(key) if !token.is_signed_by(key, crypto) => Err(wrong()),
        key => Ok(key.is_some()),
    }
}

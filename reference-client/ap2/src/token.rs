//! One token of a chain: an SD-JWT (RFC 9901) in compact form, its header, its payload, its disclosures.

use std::collections::{BTreeMap, BTreeSet};

use purser_protocol::bind::base64url;
use purser_protocol::code::Code;
use purser_protocol::sign::{Crypto, PublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::json::Json;
use crate::refusal::Refusal;

/// Longest text of a chain.
pub(crate) const TEXT_BYTES_MAX: usize = 65_536;
/// Most tokens of a chain.
pub(crate) const TOKENS_MAX: usize = 4;
/// Most disclosures of a token.
const DISCLOSURES_MAX: usize = 256;
/// Deepest nesting of what is disclosed.
const DEPTH_MAX: usize = 32;

/// What hashes of a token are made with: its `_sd_alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sha-256" => Self::Sha256,
            "sha-384" => Self::Sha384,
            "sha-512" => Self::Sha512,
            _ => return None,
        })
    }

    /// The hash of a text, as tokens write it.
    pub(crate) fn of(self, text: &str) -> String {
        match self {
            Self::Sha256 => base64url::encode(&Sha256::digest(text)),
            Self::Sha384 => base64url::encode(&Sha384::digest(text)),
            Self::Sha512 => base64url::encode(&Sha512::digest(text)),
        }
    }
}

/// A token whose form, JSON and header are right. Its signature has not been checked.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    jwt: &'a str,
    disclosures: Vec<&'a str>,
    header: Json,
    claims: Json,
    hash: Hash,
    signature: [u8; 64],
}

/// Takes a chain apart. What is signed, and by whom, is not looked at.
pub fn split(text: &str) -> Result<Vec<Token<'_>>, Refusal> {
    let form = || Refusal::new(Code::BridgeForm); // [BRG-1]
    if text.len() > TEXT_BYTES_MAX || !text.is_ascii() {
        return Err(form());
    }
    // Each token ends with a tilde; between two stands one more.
    let body = text.strip_suffix('~').ok_or_else(form)?;
    let parts: Vec<&str> = body.split("~~").collect();
    if parts.len() > TOKENS_MAX {
        return Err(form());
    }
    let parts =
        parts.into_iter().enumerate().map(|(at, part)| Parts::of(part).ok_or_else(form).map_err(|r| r.in_token(at)));
    let parts: Vec<Parts<'_>> = parts.collect::<Result<_, _>>()?;
    let parts = parts.into_iter().enumerate();
    parts.map(|(at, parts)| parts.read().map_err(|refusal| refusal.in_token(at))).collect()
}

struct Parts<'a> {
    jwt: &'a str,
    sections: [Vec<u8>; 3],
    disclosures: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut pieces = text.split('~');
        let jwt = pieces.next()?;
        let mut dotted = jwt.split('.');
        let sections = [dotted.next()?, dotted.next()?, dotted.next()?].map(base64url::decode);
        let [Some(header), Some(payload), Some(signature)] = sections else { return None };
        let disclosures: Vec<&str> = pieces.collect();
        let whole = dotted.next().is_none() && !header.is_empty() && !payload.is_empty() && signature.len() == 64;
        // A disclosure that is empty, or a proof of possession at the end, has another form than this.
        let shown = disclosures.iter().all(|one| !one.is_empty() && !one.contains('.'));
        let few = disclosures.len() <= DISCLOSURES_MAX;
        (whole && shown && few).then_some(Self { jwt, sections: [header, payload, signature], disclosures })
    }

    fn read(self) -> Result<Token<'a>, Refusal> {
        let json = || Refusal::new(Code::BridgeJson); // [BRG-2]
        let [header, payload, signature] = self.sections;
        let object = |bytes: &[u8]| Json::read(bytes).filter(|json| json.object().is_some()).ok_or_else(json);
        let (header, claims) = (object(&header)?, object(&payload)?);
        let hash = match claims.get("_sd_alg") {
            None => Hash::Sha256,
            Some(name) => name.text().and_then(Hash::named).ok_or_else(|| Refusal::of(Code::BridgeJson, "_sd_alg"))?,
        };
        let signature = signature.try_into().map_err(|_| Refusal::new(Code::BridgeForm))?;
        Ok(Token { jwt: self.jwt, disclosures: self.disclosures, header, claims, hash, signature })
    }
}

impl<'a> Token<'a> {
    /// Its header.
    pub fn header(&self) -> &Json {
        &self.header
    }

    /// The type that its header names.
    pub fn typ(&self) -> Option<&str> {
        self.header.get("typ").and_then(Json::text)
    }

    /// Algorithm and type: those of its place. [BRG-3]
    pub(crate) fn check_header(&self, fits: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        let wrong = |name| Err(Refusal::of(Code::BridgeHeader, name));
        if self.header.get("alg").and_then(Json::text) != Some("ES256") {
            return wrong("alg");
        }
        // What must be understood is not.
        for name in ["crit", "b64"] {
            if self.header.get(name).is_some() {
                return wrong(name);
            }
        }
        if !self.typ().is_some_and(fits) {
            return wrong("typ");
        }
        Ok(())
    }

    /// Whether this key signed it. Certificates beside it are not followed: a key comes from the one who asks, or
    /// from the token before. [BRG-5]
    pub(crate) fn is_signed_by(&self, key: &PublicKey, crypto: &dyn Crypto) -> bool {
        crypto.verify(key, &self.signed_digest(), &self.signature).is_ok()
    }

    /// SHA-256 of what its signature is over.
    pub(crate) fn signed_digest(&self) -> [u8; 32] {
        let signed = self.jwt.rsplit_once('.').map_or(self.jwt, |(signed, _)| signed);
        Sha256::digest(signed).into()
    }

    /// The token with its disclosures, as the next one hashes it.
    pub fn sd_hash(&self) -> String {
        let mut text = self.jwt.to_owned();
        for disclosure in &self.disclosures {
            text.push('~');
            text.push_str(disclosure);
        }
        text.push('~');
        self.hash.of(&text)
    }

    /// The token alone.
    pub(crate) fn jwt_hash(&self) -> String {
        self.hash.of(self.jwt)
    }

    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    /// The claims with everything in its place that is disclosed, and [`Json::Withheld`] where something is not.
    /// Every disclosure belongs to one digest, and every digest stands once. [BRG-7]
    pub fn disclosed(&self) -> Result<Json, Refusal> {
        let wrong = || Refusal::new(Code::BridgeDisclosure);
        let mut shown = BTreeMap::new();
        for disclosure in &self.disclosures {
            let parts = base64url::decode(disclosure).as_deref().and_then(Json::read).ok_or_else(wrong)?;
            if shown.insert(self.hash.of(disclosure), parts).is_some() {
                return Err(wrong());
            }
        }
        let mut resolver = Resolver { shown, seen: BTreeSet::new() };
        let mut claims = resolver.value(&self.claims, 0)?;
        if !resolver.shown.is_empty() {
            return Err(wrong());
        }
        if let Json::Object(members) = &mut claims {
            members.remove("_sd_alg");
        }
        Ok(claims)
    }
}

struct Resolver {
    /// Disclosures that have not been met, by their digests.
    shown: BTreeMap<String, Json>,
    /// Every digest that was met.
    seen: BTreeSet<Box<str>>,
}

impl Resolver {
    fn value(&mut self, value: &Json, depth: usize) -> Result<Json, Refusal> {
        if depth > DEPTH_MAX {
            return Err(Refusal::new(Code::BridgeJson));
        }
        match value {
            Json::List(elements) => {
                let elements = elements.iter().map(|element| self.element(element, depth));
                elements.collect::<Result<_, _>>().map(Json::List)
            }
            Json::Object(members) => self.object(members, depth),
            other => Ok(other.clone()),
        }
    }

    fn element(&mut self, element: &Json, depth: usize) -> Result<Json, Refusal> {
        let Some(digest) = element.get("...") else { return self.value(element, depth + 1) };
        if element.object().is_some_and(|members| members.len() > 1) {
            return Err(Refusal::new(Code::BridgeDisclosure));
        }
        match self.meet(digest)? {
            None => Ok(Json::Withheld),
            Some(Json::List(parts)) => match parts.as_slice() {
                [Json::Text(_), value] => self.value(value, depth + 1),
                _ => Err(Refusal::new(Code::BridgeDisclosure)),
            },
            Some(_) => Err(Refusal::new(Code::BridgeDisclosure)),
        }
    }

    fn object(&mut self, members: &BTreeMap<Box<str>, Json>, depth: usize) -> Result<Json, Refusal> {
        let wrong = || Refusal::new(Code::BridgeDisclosure);
        let mut out = BTreeMap::new();
        for (name, value) in members.iter().filter(|(name, _)| &***name != "_sd") {
            if &**name == "..." {
                return Err(wrong());
            }
            out.insert(name.clone(), self.value(value, depth + 1)?);
        }
        let digests = match members.get("_sd") {
            None => return Ok(Json::Object(out)),
            Some(digests) => digests.list().ok_or_else(wrong)?,
        };
        for digest in digests {
            let Some(disclosure) = self.meet(digest)? else {
                out.insert("_sd".into(), Json::Withheld);
                continue;
            };
            let Json::List(parts) = disclosure else { return Err(wrong()) };
            let [Json::Text(_), Json::Text(name), value] = parts.as_slice() else { return Err(wrong()) };
            if matches!(&**name, "_sd" | "..." | "_sd_alg") {
                return Err(wrong());
            }
            let value = self.value(value, depth + 1)?;
            if out.insert(name.clone(), value).is_some() {
                return Err(wrong());
            }
        }
        Ok(Json::Object(out))
    }

    /// The disclosure of a digest, if there is one.
    fn meet(&mut self, digest: &Json) -> Result<Option<Json>, Refusal> {
        let digest = digest.text().ok_or_else(|| Refusal::new(Code::BridgeDisclosure))?;
        if !self.seen.insert(digest.into()) {
            return Err(Refusal::new(Code::BridgeDisclosure));
        }
        Ok(self.shown.remove(digest))
    }
}

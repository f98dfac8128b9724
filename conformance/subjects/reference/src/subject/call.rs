//! Members of a call, and replies.

use purser_protocol::cert::{Revocations, Role, TrustAnchors};
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::flow::Register;
use purser_protocol::id::{Digest, PartyId};
use purser_protocol::money::{Amount, Currency};
use purser_protocol::sign::backend::{Portable, PortableSigner};
use purser_protocol::sign::{Context, PublicKey};
use purser_protocol::time::UnixSeconds;
use serde_json::{Value, json};

/// What a call comes to.
pub(super) type Outcome = Result<Value, No>;

/// Anything but `accept`.
#[derive(Debug)]
pub(super) enum No {
    /// Refused, and what goes with it.
    Reject(Fault, Value),
    /// Not implemented.
    Unsupported,
    /// The call, or the implementation, is broken.
    Broken(String),
}

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self::Reject(fault, Value::Null)
    }
}

impl From<Code> for No {
    fn from(code: Code) -> Self {
        Fault::new(code).into()
    }
}

impl No {
    pub(super) fn reply(self) -> Value {
        match self {
            Self::Reject(fault, value) => {
                let mut reply = json!({ "outcome": "reject", "code": fault.code.slug(), "stage": fault.stage.name() });
                for (name, member) in [
                    ("part", fault.part.map(|part| json!(part.to_string()))),
                    ("offset", fault.offset.map(|offset| json!(offset))),
                    ("field", fault.field.map(|field| json!(field))),
                    ("value", Some(value).filter(|value| !value.is_null())),
                ] {
                    if let Some(member) = member {
                        reply[name] = member;
                    }
                }
                reply
            }
            Self::Unsupported => json!({ "outcome": "unsupported" }),
            Self::Broken(message) => json!({ "outcome": "fault", "message": message }),
        }
    }
}

pub(super) fn broken(message: impl Into<String>) -> No {
    No::Broken(message.into())
}

/// The `input` of a call.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a Value);

impl<'a> Input<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn member(self, name: &str) -> Result<Input<'a>, No> {
        self.get(name).map(Input).ok_or_else(|| broken(format!("the call has no member {name}")))
    }

    pub(super) fn list(self, name: &str) -> Result<Vec<Input<'a>>, No> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.iter().map(Input).collect()),
            Some(_) => Err(broken(format!("{name} is no list"))),
        }
    }

    pub(super) fn as_text(self) -> Result<&'a str, No> {
        self.0.as_str().ok_or_else(|| broken(format!("{} is no text", self.0)))
    }

    pub(super) fn as_bytes(self) -> Result<Vec<u8>, No> {
        unhex(self.as_text()?).ok_or_else(|| broken(format!("{} is not lower-case hexadecimal", self.0)))
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, No> {
        self.member(name)?.as_text()
    }

    pub(super) fn bytes(self, name: &str) -> Result<Vec<u8>, No> {
        self.member(name)?.as_bytes()
    }

    pub(super) fn array<const N: usize>(self, name: &str) -> Result<[u8; N], No> {
        self.bytes(name)?.try_into().map_err(|_| broken(format!("{name} is not {N} bytes")))
    }

    /// An array, or zeros where the call names none.
    pub(super) fn array_or_zeros<const N: usize>(self, name: &str) -> Result<[u8; N], No> {
        if self.get(name).is_some() { self.array(name) } else { Ok([0; N]) }
    }

    pub(super) fn byte_strings(self, name: &str) -> Result<Vec<Vec<u8>>, No> {
        self.list(name)?.into_iter().map(Input::as_bytes).collect()
    }

    pub(super) fn flag(self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn seconds(self, name: &str) -> Result<UnixSeconds, No> {
        let seconds = self.member(name)?.0.as_u64().and_then(UnixSeconds::new);
        seconds.ok_or_else(|| broken(format!("{name} is no time")))
    }

    pub(super) fn amount(self, name: &str) -> Result<Amount, No> {
        let amount = self.text(name)?.parse().ok().and_then(Amount::from_minor);
        amount.ok_or_else(|| broken(format!("{name} is no amount")))
    }

    pub(super) fn currency(self, name: &str) -> Result<Currency, No> {
        Currency::from_code(self.text(name)?).ok_or_else(|| broken(format!("{name} is no currency")))
    }

    pub(super) fn party(self, name: &str) -> Result<PartyId, No> {
        PartyId::new(self.text(name)?).ok_or_else(|| broken(format!("{name} is no party's name")))
    }

    pub(super) fn context(self) -> Result<Context<'a>, No> {
        Ok(Context { network: self.text("network")? })
    }

    pub(super) fn role(self, name: &str) -> Result<Role, No> {
        match self.text(name)? {
            "issuer" => Ok(Role::Issuer),
            "merchant" => Ok(Role::Merchant),
            other => Err(broken(format!("{other} is no role of certificates"))),
        }
    }

    pub(super) fn signer(self, name: &str) -> Result<PortableSigner, No> {
        PortableSigner::from_secret(&self.array(name)?).ok_or_else(|| broken(format!("{name} is no secret of P-256")))
    }

    /// Whom to believe: `anchors`, `revoked`, `retired`. An anchor is its bytes, or an object that limits it.
    pub(super) fn trust(self) -> Result<TrustAnchors, No> {
        let mut trust = TrustAnchors::new(&Portable);
        for anchor in self.list("anchors")? {
            let Some(certificate) = anchor.get("certificate") else {
                trust.add(&anchor.as_bytes()?, &[Role::Issuer, Role::Merchant], &[])?;
                continue;
            };
            let roles = match anchor.get("role") {
                Some(_) => vec![anchor.role("role")?],
                None => vec![Role::Issuer, Role::Merchant],
            };
            let names = anchor.list("names")?.into_iter().map(Input::as_text).collect::<Result<Vec<_>, _>>()?;
            trust.add(&Input(certificate).as_bytes()?, &roles, &names)?;
        }
        if let Some(list) = self.get("revoked") {
            let (ids, as_of) = match list {
                Value::Array(_) => (self.byte_strings("revoked")?, None),
                _ => (Input(list).byte_strings("certificates")?, Some(Input(list))),
            };
            let ids = ids.into_iter().map(|id| id.try_into().map(Digest));
            let number = |name| as_of.and_then(|list: Input<'_>| list.get(name)).and_then(Value::as_u64);
            trust.set_revocations(Revocations {
                revoked: ids.collect::<Result<_, _>>().map_err(|_| broken("revoked holds what is no hash"))?,
                as_of_seconds: number("as_of").unwrap_or_default(),
                age_seconds_max: number("age_max").unwrap_or(u64::MAX),
            });
        }
        for retired in self.list("retired")? {
            trust.retire(PublicKey(retired.array("key")?), retired.seconds("at")?.get());
        }
        Ok(trust)
    }

    /// The anchors, and `chain`, which need not travel with a paper.
    pub(super) fn register(self) -> Result<Register, No> {
        let mut register = Register::new(self.trust()?);
        register.keep(self.byte_strings("chain")?);
        Ok(register)
    }
}

/// The stage at which a code that was decided stands.
pub(super) fn decided_stage(code: Code) -> Stage {
    let stages = code.stages();
    stages.iter().copied().find(|stage| *stage >= Stage::Time).or(stages.first().copied()).unwrap_or(Stage::Ledger)
}

pub(super) fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

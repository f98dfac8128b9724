//! One paper, one chain, one receipt, one body, one header field: the role `verifier`.

use std::sync::Arc;

use purser_protocol::bind::http::{Challenge, Credential as Shown};
use purser_protocol::cert::{Party, Role, validate};
use purser_protocol::code::{Code, Stage};
use purser_protocol::fault::Fault;
use purser_protocol::flow::issuer::PaymentRequest;
use purser_protocol::flow::{Parties as _, Register, certificate_id, merchant};
use purser_protocol::id::{CertificateId, Digest};
use purser_protocol::label::{IAT, ISS, VERSION};
use purser_protocol::paper::command::{
    Batch, Cancel, Capture, Deposit, Enrolment, Freeze, Payout, Proof, Refund, Resumption, Retirement, Revocation,
    Suspension, Thaw, Void,
};
use purser_protocol::paper::confirmation::Confirmation;
use purser_protocol::paper::credential::{Credential, Pseudonym};
use purser_protocol::paper::delivery::Delivery;
use purser_protocol::paper::dispute::{Dispute, DisputeAnswer, Ruling};
use purser_protocol::paper::document::{DailyStatement, Listing};
use purser_protocol::paper::intent::Intent;
use purser_protocol::paper::mandate::Mandate;
use purser_protocol::paper::notice::Notice;
use purser_protocol::paper::offer::Offer;
use purser_protocol::paper::status::{Statement, Status};
use purser_protocol::receipt::Root;
use purser_protocol::sign::backend::Portable;
use purser_protocol::sign::paper::find;
use purser_protocol::sign::{Kind, Paper, PublicKey, Signed, SignerName, Verified, sign_by_certificate};
use purser_protocol::time::UnixSeconds;
use purser_protocol::wire::{Field as _, Reader};
use serde_json::{Value, json};

use super::call::{Input, No, Outcome, broken, hex};

/// Calls a function of one kind of paper by the kind's name.
macro_rules! by_kind {
    ($input:expr, $function:ident) => {
        match kind($input)? {
            Kind::Credential => $function::<Credential>($input),
            Kind::Pseudonym => $function::<Pseudonym>($input),
            Kind::Mandate => $function::<Mandate>($input),
            Kind::Offer => $function::<Offer>($input),
            Kind::Intent => $function::<Intent>($input),
            Kind::Confirmation => $function::<Confirmation>($input),
            Kind::Root => $function::<Root>($input),
            Kind::Capture => $function::<Capture>($input),
            Kind::Void => $function::<Void>($input),
            Kind::Refund => $function::<Refund>($input),
            Kind::Cancel => $function::<Cancel>($input),
            Kind::Suspension => $function::<Suspension>($input),
            Kind::Resumption => $function::<Resumption>($input),
            Kind::Revocation => $function::<Revocation>($input),
            Kind::Enrolment => $function::<Enrolment>($input),
            Kind::Payout => $function::<Payout>($input),
            Kind::Deposit => $function::<Deposit>($input),
            Kind::Proof => $function::<Proof>($input),
            Kind::Status => $function::<Status>($input),
            Kind::Delivery => $function::<Delivery>($input),
            Kind::Batch => $function::<Batch>($input),
            Kind::Retirement => $function::<Retirement>($input),
            Kind::Dispute => $function::<Dispute>($input),
            Kind::DisputeAnswer => $function::<DisputeAnswer>($input),
            Kind::Ruling => $function::<Ruling>($input),
            Kind::Notice => $function::<Notice>($input),
            Kind::Freeze => $function::<Freeze>($input),
            Kind::Thaw => $function::<Thaw>($input),
            Kind::Statement => $function::<Statement>($input),
            Kind::Listing => $function::<Listing>($input),
            Kind::DailyStatement => $function::<DailyStatement>($input),
        }
    };
}

pub(super) fn verify(input: Input<'_>) -> Outcome {
    match kind(input)? {
        // A reader asks these how long they are good, and nothing else is needed for the answer.
        Kind::Pseudonym => open::<Pseudonym>(input).and_then(|paper| {
            paper.check_lifetime()?; // [INT-3]
            Ok(read(&paper))
        }),
        Kind::Status => open::<Status>(input).and_then(|paper| {
            paper.check_lifetime()?; // [REV-9]
            Ok(read(&paper))
        }),
        Kind::Statement => open::<Statement>(input).and_then(|paper| {
            paper.check_lifetime()?; // [WAL-3]
            Ok(read(&paper))
        }),
        _ => by_kind!(input, verify_as),
    }
}

pub(super) fn sign(input: Input<'_>) -> Outcome {
    by_kind!(input, sign_as)
}

fn kind(input: Input<'_>) -> Result<Kind, No> {
    Kind::from_typ(&format!("purser-{}", input.text("kind")?)).ok_or(No::Unsupported)
}

fn verify_as<T: Paper>(input: Input<'_>) -> Outcome {
    open::<T>(input).map(|paper| read(&paper))
}

/// The stages size to schema of one paper. Whom to believe is configured before.
fn open<T: Paper>(input: Input<'_>) -> Result<Verified<T>, No> {
    let (paper, signer) = (input.bytes("paper")?, input.member("signer")?);
    let by_key = signer.get("key").map(|_| signer.array("key").map(PublicKey)).transpose()?;
    let register = if by_key.is_none() { Some(signer.register()?) } else { None };
    let signed = Signed::<T>::read(&paper)?;
    let key = match (by_key, register, signed.header.signer) {
        (Some(key), _, SignerName::Key(name)) if name == key.id() => key,
        (_, Some(register), SignerName::Certificate(_)) => {
            certified(&signed, &register, signer.role("role")?, time_of(&signed, input)?)?.key
        }
        _ => return Err(wrong_signer(T::KIND).into()),
    };
    let authentic = signed.verify(&Portable, input.context()?, &key)?;
    authentic.version()?;
    Ok(authentic.open()?)
}

/// When certificates are judged: those of a root at its own time. [RCT-11]
fn time_of<T: Paper>(signed: &Signed<'_, T>, input: Input<'_>) -> Result<UnixSeconds, No> {
    if T::KIND != Kind::Root {
        return input.seconds("now");
    }
    let made_at = find(signed.frame.payload, IAT.number).and_then(|(_, mut at)| UnixSeconds::read(&mut at).ok());
    match made_at {
        Some(made_at) => Ok(made_at),
        None => {
            foresee(signed)?;
            Err(Code::MissingField.into())
        }
    }
}

/// What a paper of another signer than the expected one is refused with.
fn wrong_signer(kind: Kind) -> Code {
    match kind {
        Kind::Mandate => Code::MandateSigner, // [SIG-12]
        Kind::Intent => Code::AgentMismatch,  // [SIG-13]
        Kind::Proof => Code::ProofInvalid,    // [HTB-32]
        _ => Code::CommandSigner,             // [SIG-14]
    }
}

fn read<T: Paper>(paper: &Verified<T>) -> Value {
    json!({ "id": paper.id().to_string(), "payload": hex(paper.payload()) })
}

/// The stage certificates, and what it takes from the payload. [SIG-23]
fn certified<T: Paper>(
    signed: &Signed<'_, T>,
    register: &Register,
    role: Role,
    now: UnixSeconds,
) -> Result<Arc<Party>, No> {
    let party = register.party(&signed.header, role, now)?;
    let field = |label| find(signed.frame.payload, label).map(|(_, value)| value);
    match field(ISS.number).and_then(|mut name| name.text().ok()) {
        Some(name) if name != party.id.as_str() => return Err(Code::CertName.into()),
        None if T::KIND.names_its_party() => foresee(signed)?, // [AUT-6]
        _ => {}
    }
    match field(IAT.number).and_then(|mut seconds| UnixSeconds::read(&mut seconds).ok()) {
        Some(made_at) => party.check_made_at(made_at.get())?, // [CRT-19]
        None => foresee(signed)?,
    }
    Ok(party)
}

fn foresee<T: Paper>(signed: &Signed<'_, T>) -> Result<(), Fault> {
    let shift = signed.frame.offset_of(signed.frame.payload);
    if let Some((at, mut version)) = find(signed.frame.payload, VERSION.number)
        && version.unsigned() != Ok(1)
    {
        return Err(Fault::new(Code::VersionUnsupported).at(at + shift));
    }
    let decoded = T::decode(&mut Reader::new(signed.frame.payload));
    decoded.map(drop).map_err(|fault| fault.at_stage(Stage::Schema).shifted(shift))
}

fn sign_as<T: Paper>(input: Input<'_>) -> Outcome {
    let payload = input.bytes("payload")?;
    purser_protocol::wire::check(&payload)?;
    let paper = T::decode(&mut Reader::new(&payload)).map_err(|fault| fault.at_stage(Stage::Schema))?;
    let (context, signer) = (input.context()?, input.signer("key")?);
    let signed = match input.get("certificate") {
        None => purser_protocol::sign::sign(&paper, context, &signer),
        Some(_) => {
            let leaf = input.bytes("certificate")?;
            sign_by_certificate(&paper, context, &signer, certificate_id(&leaf), &[])
        }
    };
    let signed = signed.map_err(|_| broken("the key does not sign"))?;
    let id = Signed::<T>::read(&signed)?.id();
    Ok(json!({ "paper": hex(&signed), "id": id.to_string() }))
}

pub(super) fn verify_chain(input: Input<'_>) -> Outcome {
    let chain = input.byte_strings("chain")?;
    let x5t = chain.first().map_or(CertificateId([0; 32]), |leaf| certificate_id(leaf));
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let party = validate(&chain, &x5t, input.role("role")?, &input.trust()?, input.seconds("now")?.get())?;
    Ok(json!({ "party": party.id.as_str(), "key": hex(party.key.0), "categories": party.categories }))
}

pub(super) fn verify_receipt(input: Input<'_>) -> Outcome {
    let register: Register = input.register()?;
    let receipt = merchant::verify_receipt(&input.bytes("receipt")?, input.context()?, &Portable, &register)?;
    Ok(json!({ "id": receipt.id.to_string(), "outcome": receipt.claims.outcome.name() }))
}

pub(super) fn read_request(input: Input<'_>) -> Outcome {
    let body = input.bytes("body")?;
    let request = PaymentRequest::read(&body)?;
    let mut value = json!({
        "mandates": request.mandates.iter().map(hex).collect::<Vec<_>>(),
        "offer": hex(request.offer),
        "intent": hex(request.intent),
    });
    if let Some(confirmation) = request.confirmation {
        value["confirmation"] = json!(hex(confirmation));
    }
    Ok(value)
}

/// The first challenge of ours, and that it says what the offer in the body says. [HTB-37]
pub(super) fn read_challenge(input: Input<'_>) -> Outcome {
    let header = input.text("header")?;
    let challenge = Challenge::read([header.as_bytes()]).into_iter().next();
    let challenge = challenge.ok_or_else(|| Fault::new(Code::CredentialMalformed))??;
    if input.get("offer").is_some() {
        let bytes = input.bytes("offer")?;
        let signed = Signed::<Offer>::read(&bytes)?;
        let offer = Offer::decode(&mut Reader::new(signed.frame.payload));
        let offer = offer.map_err(|fault| fault.at_stage(Stage::Schema))?;
        let same = challenge.offer == signed.id()
            && challenge.realm == offer.merchant
            && challenge.amount == offer.amount
            && challenge.currency == offer.currency
            && challenge.expires() == Some(offer.expires_at.to_string().as_str())
            && challenge.salt.is_some() == offer.resource.is_some();
        if !same {
            return Err(Code::OfferMismatch.into());
        }
    }
    let mut value = json!({
        "id": challenge.offer.to_string(),
        "realm": challenge.realm.as_str(),
        "amount": challenge.amount.minor().to_string(),
        "currency": challenge.currency.code(),
        "expires": challenge.expires(),
    });
    if let Some(salt) = challenge.salt {
        value["salt"] = json!(salt.to_string());
    }
    Ok(value)
}

pub(super) fn read_credentials(input: Input<'_>) -> Outcome {
    match Shown::read(input.text("header")?.as_bytes())? {
        Some(shown) => Ok(json!({
            "id": shown.offer.to_string(), "receipt": hex(shown.receipt), "secret": hex(shown.secret),
        })),
        // Of another scheme or method: no payment was shown.
        None => Err(Code::PaymentRequired.into()),
    }
}

/// What a request comes to under a salt.
pub(super) fn request_digest(input: Input<'_>) -> Result<Digest, No> {
    use sha2::{Digest as _, Sha256};
    let body = if input.get("body").is_some() { input.bytes("body")? } else { Vec::new() };
    let request = merchant::Request {
        method: input.text("method")?,
        authority: input.text("authority")?,
        target: input.text("target")?,
        body: Sha256::digest(body).into(),
    };
    Ok(request.digest(purser_protocol::id::Nonce(input.array("salt")?)))
}

/// A certified paper through all its stages.
pub(super) fn open_certified<T: Paper>(
    bytes: &[u8],
    role: Role,
    register: &Register,
    context: purser_protocol::sign::Context<'_>,
    now: UnixSeconds,
) -> Result<(Verified<T>, Arc<Party>), No> {
    let signed = Signed::<T>::read(bytes)?;
    let party = certified(&signed, register, role, now)?;
    let authentic = signed.verify(&Portable, context, &party.key)?;
    authentic.version()?;
    Ok((authentic.open()?, party))
}

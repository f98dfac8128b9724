//! `purser paper`, `purser receipt`: what a file says, and the first thing that is wrong with it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use purser_client::home::Home;
use purser_client::session::Session;
use purser_client::trust::Trust;
use purser_client::{Error, Result, keys};
use purser_protocol::cert::Role;
use purser_protocol::diag::{self, Examined, Form};
use purser_protocol::fault::Fault;
use purser_protocol::flow::Parties as _;
use purser_protocol::label::IAT;
use purser_protocol::sign::backend::AwsLc;
use purser_protocol::sign::paper::find;
use purser_protocol::sign::{Frame, Header, Kind, PublicKey, SignerName};
use purser_protocol::time::UnixSeconds;
use serde_json::json;

use super::done::{claims_json, code};
use super::shown::{self, Language};
use super::{Done, id_of, read_file};

#[derive(Subcommand)]
pub(super) enum Paper {
    /// Show any paper or receipt in diagnostic notation; of mandates and offers also what people are shown
    Show {
        /// The file; - is stdin
        file: PathBuf,
    },
    /// Check any paper or receipt, up to the first fault
    Verify {
        /// The file; - is stdin
        #[arg(required_unless_present = "bundle")]
        file: Option<PathBuf>,
        /// A bundle of records, as purser wallet export writes it
        #[arg(long, value_name = "FILE", conflicts_with = "file")]
        bundle: Option<PathBuf>,
        #[command(flatten)]
        against: Against,
    },
}

#[derive(Subcommand)]
pub(super) enum Receipt {
    /// Verify a receipt offline: its path, its root, the issuer's certificate
    Verify {
        /// The file; - is stdin
        file: PathBuf,
        #[command(flatten)]
        against: Against,
    },
}

/// What to check against; the data folder's when not given.
#[derive(Args)]
pub(super) struct Against {
    /// Certificates of the authorities that vouch for signers, in PEM
    #[arg(long, value_name = "PEM")]
    anchors: Option<PathBuf>,
    /// The signer's certificates, leaf first, where the paper has none beside it
    #[arg(long, value_name = "PEM")]
    certificates: Option<PathBuf>,
    /// The key of a signer without a certificate
    #[arg(long, value_name = "PEM")]
    key: Option<PathBuf>,
    /// The network that the paper belongs to
    #[arg(long, default_value = "sandbox")]
    network: String,
}

impl Paper {
    pub(super) fn run(self, home: &Home, lang: Language) -> Result<Done> {
        match self {
            Self::Show { file } => show(&read_file(&file)?, lang),
            Self::Verify { bundle: Some(bundle), against, .. } => {
                let bytes = std::fs::read(&bundle).map_err(|error| Error::file(&bundle, &error))?;
                super::wallet::verify_bundle(&bytes, &against.trust(home)?, &against.network)
            }
            Self::Verify { file, against, .. } => {
                let file = file.ok_or_else(|| Error::usage("no file is named"))?;
                verify(&read_file(&file)?, &against.open(home)?)
            }
        }
    }
}

impl Receipt {
    pub(super) fn run(self, home: &Home) -> Result<Done> {
        let Self::Verify { file, against } = self;
        let bytes = read_file(&file)?;
        let trust = against.trust(home)?;
        Ok(match trust.receipt(&bytes) {
            Ok(receipt) => {
                let text = format!(
                    "receipt {}: {}\n  signed by {}, batch {}\n",
                    receipt.id,
                    receipt.claims.outcome.name(),
                    receipt.issuer,
                    receipt.root.batch
                );
                let json = json!({
                    "receipt_id": receipt.id.to_string(),
                    "issuer": receipt.issuer.as_str(),
                    "receipt": claims_json(&receipt.claims),
                });
                Done::new(text, json)
            }
            Err(fault) => faulty(&bytes, &fault),
        })
    }
}

fn show(bytes: &[u8], lang: Language) -> Result<Done> {
    Ok(match diag::show(bytes) {
        Ok(notation) => {
            let rendering = shown::of_paper(bytes, lang).map(|rendering| rendering.to_text());
            let text = rendering.clone().unwrap_or_default() + &notation;
            Done::new(text, json!({ "notation": notation, "rendering": rendering }))
        }
        Err(fault) => faulty(bytes, &fault),
    })
}

/// What a verdict rests on.
struct Ground {
    trust: Option<Trust>,
    key: Option<PublicKey>,
    network: String,
}

impl Against {
    /// The anchors, which a receipt is always checked against.
    pub(super) fn trust(&self, home: &Home) -> Result<Trust> {
        self.open(home)?.trust.ok_or_else(|| {
            Error::usage("a receipt is checked against anchors").fix("give --anchors, or --dir with a configuration")
        })
    }

    fn open(&self, home: &Home) -> Result<Ground> {
        let key = self.key.as_deref().map(keys::load_public).transpose()?;
        let (trust, network) = match &self.anchors {
            Some(anchors) => {
                let trust = Trust::new(&self.network, &keys::load_certificates(anchors)?)?;
                (Some(trust), self.network.clone())
            }
            // Without a folder, what needs no anchors is checked.
            None if !home.path("config.toml").exists() => (None, self.network.clone()),
            None => {
                let mut session = Session::offline(home.clone())?;
                session.recall();
                let trust = std::sync::Arc::into_inner(session.issuer.trust);
                (trust, session.config.network)
            }
        };
        if let (Some(trust), Some(certificates)) = (&trust, &self.certificates) {
            trust.keep(keys::load_certificates(certificates)?.iter().map(|der| der.to_vec()).collect());
        }
        Ok(Ground { trust, key, network })
    }
}

fn verify(bytes: &[u8], ground: &Ground) -> Result<Done> {
    let context = purser_protocol::sign::Context { network: &ground.network };
    let key = |header: &Header<'_>, kind: Kind, frame: &Frame<'_>| ground.key_of(header, kind, frame);
    let paper = |bytes: &[u8]| diag::examine(bytes, context, &AwsLc, &key);
    match Form::of(bytes) {
        Form::Receipt => Ok(match diag::examine_receipt(bytes, paper) {
            Ok((receipt, root)) => {
                let id = receipt.id();
                good(&format!("receipt {id}"), "receipt", &id.to_string(), &root)
            }
            Err(fault) => faulty(bytes, &fault),
        }),
        Form::Paper | Form::Item => Ok(match paper(bytes) {
            Ok(examined) => {
                let kind = examined.kind.typ();
                good(&format!("{kind} {}", examined.id), kind, &id_of(bytes)?.to_string(), &examined)
            }
            Err(fault) => faulty(bytes, &fault),
        }),
    }
}

impl Ground {
    /// The stage certificates, where there are anchors; the key that was given, where there is no certificate.
    fn key_of(
        &self,
        header: &Header<'_>,
        kind: Kind,
        frame: &Frame<'_>,
    ) -> std::result::Result<Option<PublicKey>, Fault> {
        let SignerName::Certificate(_) = header.signer else {
            return Ok(self.key);
        };
        self.trust.as_ref().map(|trust| party_of(trust, header, kind, frame)).transpose()
    }
}

/// The key of a paper's signer, whose certificate leads to an anchor and held when the paper was made.
pub(super) fn party_of(
    trust: &Trust,
    header: &Header<'_>,
    kind: Kind,
    frame: &Frame<'_>,
) -> std::result::Result<PublicKey, Fault> {
    let made_at = find(frame.payload, IAT.number).and_then(|(_, mut seconds)| seconds.unsigned().ok());
    let made_at = made_at.and_then(UnixSeconds::new).unwrap_or(UnixSeconds::MIN);
    let party = trust.party(header, role_of(kind), made_at)?;
    party.check_made_at(made_at.get())?;
    Ok(party.key)
}

fn role_of(kind: Kind) -> Role {
    match kind {
        Kind::Credential | Kind::Pseudonym | Kind::Root | Kind::Status => Role::Issuer,
        Kind::Freeze | Kind::Thaw | Kind::Statement | Kind::Ruling | Kind::Notice => Role::Issuer,
        Kind::DailyStatement => Role::Issuer,
        Kind::Mandate | Kind::Offer | Kind::Intent | Kind::Confirmation | Kind::Capture | Kind::Void => Role::Merchant,
        Kind::Refund | Kind::Cancel | Kind::Suspension | Kind::Resumption | Kind::Revocation => Role::Merchant,
        Kind::Enrolment | Kind::Deposit | Kind::Payout | Kind::Proof | Kind::Delivery => Role::Merchant,
        Kind::Batch | Kind::Retirement | Kind::Dispute | Kind::DisputeAnswer | Kind::Listing => Role::Merchant,
    }
}

fn good(what: &str, kind: &str, id: &str, examined: &Examined) -> Done {
    let checked = examined.is_signature_checked;
    let signature = match (checked, examined.signer) {
        (true, _) => "its signature verifies",
        (false, SignerName::Key(_)) => "its signature was not checked: give the signer's key with --key",
        (false, SignerName::Certificate(_)) => "its signature was not checked: give --anchors",
    };
    let text = format!("{what}: well formed; {signature}\n");
    Done::new(text, json!({ "kind": kind, "id": id, "signature_checked": checked, "fault": null }))
}

pub(super) fn faulty(bytes: &[u8], fault: &Fault) -> Done {
    let mut text = format!("{fault}\n");
    if let Some(offset) = fault.offset {
        text.push_str(&diag::excerpt(bytes, offset));
    }
    let fault = json!({
        "code": fault.code.slug(),
        "stage": fault.stage.name(),
        "offset": fault.offset,
        "field": fault.field,
        "clause": fault.code.clause(),
        "meaning": fault.code.meaning(),
    });
    Done::new(text, json!({ "fault": fault })).exit(code::FAILED)
}

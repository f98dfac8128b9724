//! The registry of codes, as one table that is read in both directions.
//!
//! The authority is `spec/registries/errors.csv`; a test compares the two, row by row.

use std::fmt;

/// Where in the processing of a message a code arises. The order of the variants is the order of the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The length of the message.
    Size,
    /// The envelope: tag, array, byte strings.
    Framing,
    /// The bytes inside the envelope: deterministic CBOR.
    Encoding,
    /// The header profile.
    Headers,
    /// The signer's certificates.
    Certificates,
    /// Keys and signatures.
    Signature,
    /// The version of the paper.
    Version,
    /// The fields of the paper.
    Schema,
    /// Windows and ages, against the issuer's clock.
    Time,
    /// What binds the papers to each other and to the issuer.
    Mandate,
    /// The rules of each link of the chain.
    Rules,
    /// Money, holds and what came before.
    Ledger,
    /// A merchant's check of what is shown to it.
    Redeem,
    /// A receipt's own checks.
    Receipt,
    /// The HTTP request itself.
    Http,
}

impl Stage {
    /// The stage's name in vectors, reports and problem bodies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Framing => "framing",
            Self::Encoding => "encoding",
            Self::Headers => "headers",
            Self::Certificates => "certificates",
            Self::Signature => "signature",
            Self::Version => "version",
            Self::Schema => "schema",
            Self::Time => "time",
            Self::Mandate => "mandate",
            Self::Rules => "rules",
            Self::Ledger => "ledger",
            Self::Redeem => "redeem",
            Self::Receipt => "receipt",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a code says of the command that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was decided and nothing is recorded: the same command may be sent again.
    NotDecided,
    /// The person must answer first.
    Pending,
    /// Decided against, recorded, signed.
    Refused,
}

/// What a merchant is told of a code. \[RCT-8\]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// The code itself.
    Same,
    /// `declined`, and a salted digest of the rest.
    Declined,
}

/// Whether trying again helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nothing that the sender can do makes these bytes good.
    Never,
    /// The same bytes, again.
    Same,
    /// The same bytes, once time has passed or a person has acted.
    Later,
    /// With a new offer from the merchant.
    FreshOffer,
    /// After something that the message rests on has been changed.
    AfterChange,
}

impl Retry {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Never, Self::Same, Self::Later, Self::FreshOffer, Self::AfterChange];

    /// The class with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|retry| retry.name() == name)
    }

    /// The class's name in the registry and in problem bodies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Same => "same",
            Self::Later => "later",
            Self::FreshOffer => "fresh-offer",
            Self::AfterChange => "after-change",
        }
    }
}

/// Who can resolve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// The agent, or whoever wrote its program.
    Agent,
    /// The person who pays.
    Person,
    /// The merchant.
    Merchant,
    /// The issuer.
    Issuer,
}

impl Resolver {
    /// The party's name in the registry and in problem bodies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Person => "person",
            Self::Merchant => "merchant",
            Self::Issuer => "issuer",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $slug:literal, [$($stage:ident),+], $standing:ident, $public:ident, $retry:ident, $resolver:ident, $status:literal, $clause:literal, $meaning:literal;)+) => {
        /// What was wrong. Numbers and slugs are for ever; see `spec/15-errors.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code {
            $($(#[$doc])* $name = $number,)+
        }

        impl Code {
            /// Every code, in the order of the registry.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code with this number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The code with this slug.
            pub fn from_slug(slug: &str) -> Option<Self> {
                match slug {
                    $($slug => Some(Self::$name),)+
                    _ => None,
                }
            }

            /// The name used in problem bodies, vectors and reports.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)+ }
            }

            /// The stages at which the code can arise.
            pub const fn stages(self) -> &'static [Stage] {
                match self { $(Self::$name => &[$(Stage::$stage),+],)+ }
            }

            /// What the code says of the command that met it.
            pub const fn standing(self) -> Standing {
                match self { $(Self::$name => Standing::$standing,)+ }
            }

            /// What a merchant is told.
            pub const fn public(self) -> Public {
                match self { $(Self::$name => Public::$public,)+ }
            }

            /// Whether trying again helps.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)+ }
            }

            /// Who can resolve it.
            pub const fn resolver(self) -> Resolver {
                match self { $(Self::$name => Resolver::$resolver,)+ }
            }

            /// The HTTP status that carries it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The clause that it answers for.
            pub const fn clause(self) -> &'static str {
                match self { $(Self::$name => $clause,)+ }
            }

            /// One sentence for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

codes! {
    /// The message is longer than the limit of its kind. \[ENC-1\]
    MessageTooLarge = 1, "message-too-large", [Size], NotDecided, Same, Never, Agent, 413, "ENC-1", "The message is longer than the limit of its kind.";
    /// The first item is not tag 18. \[SIG-1\]
    CoseTag = 10, "cose-tag", [Framing], NotDecided, Same, Never, Agent, 400, "SIG-1", "The first item is not tag 18.";
    /// The tagged item is not an array of the four elements of a COSE_Sign1. \[SIG-2\]
    CoseStructure = 11, "cose-structure", [Framing], NotDecided, Same, Never, Agent, 400, "SIG-2", "The tagged item is not an array of the four elements of a COSE_Sign1.";
    /// The payload is nil: detached payloads are not carried. \[SIG-3\]
    PayloadMissing = 12, "payload-missing", [Framing], NotDecided, Same, Never, Agent, 400, "SIG-3", "The payload is nil: detached payloads are not carried.";
    /// The signature is not 64 bytes. \[SIG-4\]
    SignatureFormat = 13, "signature-format", [Framing], NotDecided, Same, Never, Agent, 400, "SIG-4", "The signature is not 64 bytes.";
    /// The bytes end inside an item. \[ENC-2\]
    CborTruncated = 20, "cbor-truncated", [Framing, Encoding], NotDecided, Same, Never, Agent, 400, "ENC-2", "The bytes end inside an item.";
    /// Bytes follow the end of the item. \[ENC-3\]
    CborTrailing = 21, "cbor-trailing", [Framing, Encoding], NotDecided, Same, Never, Agent, 400, "ENC-3", "Bytes follow the end of the item.";
    /// A head is not in its shortest form or map keys are out of order. \[ENC-4\]
    CborNotDeterministic = 22, "cbor-not-deterministic", [Framing, Encoding], NotDecided, Same, Never, Agent, 400, "ENC-4", "A head is not in its shortest form or map keys are out of order.";
    /// A length is indefinite. \[ENC-5\]
    CborIndefinite = 23, "cbor-indefinite", [Framing, Encoding], NotDecided, Same, Never, Agent, 400, "ENC-5", "A length is indefinite.";
    /// A map holds one key twice. \[ENC-6\]
    CborDuplicateKey = 24, "cbor-duplicate-key", [Encoding], NotDecided, Same, Never, Agent, 400, "ENC-6", "A map holds one key twice.";
    /// A float or a simple value other than true and false or a reserved head is present. \[ENC-7\]
    CborType = 25, "cbor-type", [Framing, Encoding], NotDecided, Same, Never, Agent, 400, "ENC-7", "A float or a simple value other than true and false or a reserved head is present.";
    /// A tag is present inside a paper. \[ENC-8\]
    CborTag = 26, "cbor-tag", [Encoding], NotDecided, Same, Never, Agent, 400, "ENC-8", "A tag is present inside a paper.";
    /// Items are nested too deeply. \[ENC-9\]
    CborDepth = 27, "cbor-depth", [Encoding], NotDecided, Same, Never, Agent, 400, "ENC-9", "Items are nested too deeply.";
    /// A string or a list or a map is longer than its limit. \[ENC-10\]
    CborLimit = 28, "cbor-limit", [Encoding], NotDecided, Same, Never, Agent, 400, "ENC-10", "A string or a list or a map is longer than its limit.";
    /// A text string is not UTF-8 or not NFC or holds a control or bidi character. \[ENC-11\]
    TextInvalid = 29, "text-invalid", [Encoding], NotDecided, Same, Never, Agent, 400, "ENC-11", "A text string is not UTF-8 or not NFC or holds a control or bidi character.";
    /// The protected header names no algorithm. \[SIG-5\]
    AlgNotProtected = 40, "alg-not-protected", [Headers], NotDecided, Same, Never, Agent, 400, "SIG-5", "The protected header names no algorithm.";
    /// The algorithm is not ESP256. \[SIG-6\]
    AlgForbidden = 41, "alg-forbidden", [Headers], NotDecided, Same, Never, Agent, 400, "SIG-6", "The algorithm is not ESP256.";
    /// A header parameter is present that the profile does not have. \[SIG-7\]
    HeaderForbidden = 42, "header-forbidden", [Headers], NotDecided, Same, Never, Agent, 400, "SIG-7", "A header parameter is present that the profile does not have.";
    /// A crit parameter is present: version 1 has no critical extension. \[SIG-8\]
    CritUnknown = 43, "crit-unknown", [Headers], NotDecided, Same, Never, Agent, 400, "SIG-8", "A crit parameter is present: version 1 has no critical extension.";
    /// The typ parameter is not that of the paper expected here. \[SIG-9\]
    TypeMismatch = 44, "type-mismatch", [Headers], NotDecided, Same, Never, Agent, 400, "SIG-9", "The typ parameter is not that of the paper expected here.";
    /// The signer is not named by the one parameter that the paper type prescribes. \[SIG-10\]
    SignerUnnamed = 45, "signer-unnamed", [Headers], NotDecided, Same, Never, Agent, 400, "SIG-10", "The signer is not named by the one parameter that the paper type prescribes.";
    /// No certificate is at hand for the signer named. \[CRT-1\]
    CertMissing = 50, "cert-missing", [Certificates], NotDecided, Same, AfterChange, Merchant, 400, "CRT-1", "No certificate is at hand for the signer named.";
    /// A certificate is not DER of the profile. \[CRT-2\]
    CertMalformed = 51, "cert-malformed", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-2", "A certificate is not DER of the profile.";
    /// The path has more certificates than the limit. \[CRT-3\]
    CertChainLength = 52, "cert-chain-length", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-3", "The path has more certificates than the limit.";
    /// The first certificate is not the one that x5t names. \[CRT-4\]
    CertMismatch = 53, "cert-mismatch", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-4", "The first certificate is not the one that x5t names.";
    /// A certificate's key is not an uncompressed P-256 key. \[CRT-5\]
    CertKeyType = 54, "cert-key-type", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-5", "A certificate's key is not an uncompressed P-256 key.";
    /// A certificate holds an extension outside the profile. \[CRT-6\]
    CertExtension = 55, "cert-extension", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-6", "A certificate holds an extension outside the profile.";
    /// The signer's certificate is that of a certification authority. \[CRT-7\]
    CertIsCa = 56, "cert-is-ca", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-7", "The signer's certificate is that of a certification authority.";
    /// A certificate above the signer's is not that of a certification authority. \[CRT-8\]
    CertNotCa = 57, "cert-not-ca", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-8", "A certificate above the signer's is not that of a certification authority.";
    /// A key usage does not allow what the key was used for. \[CRT-9\]
    CertKeyUsage = 58, "cert-key-usage", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-9", "A key usage does not allow what the key was used for.";
    /// The signer's certificate does not name exactly one Purser role. \[CRT-10\]
    CertEku = 59, "cert-eku", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-10", "The signer's certificate does not name exactly one Purser role.";
    /// The signer's certificate names another role. \[CRT-11\]
    CertRole = 60, "cert-role", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-11", "The signer's certificate names another role.";
    /// The certificate does not name exactly one party within the anchor's names. \[CRT-12\]
    CertName = 61, "cert-name", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-12", "The certificate does not name exactly one party within the anchor's names.";
    /// A path length constraint is exceeded. \[CRT-13\]
    CertPathlen = 62, "cert-pathlen", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-13", "A path length constraint is exceeded.";
    /// A certificate of the path is not valid yet. \[CRT-14\]
    CertNotYetValid = 63, "cert-not-yet-valid", [Certificates], NotDecided, Same, Later, Merchant, 400, "CRT-14", "A certificate of the path is not valid yet.";
    /// A certificate of the path or the anchor has expired. \[CRT-15\]
    CertExpired = 64, "cert-expired", [Certificates], NotDecided, Same, AfterChange, Merchant, 400, "CRT-15", "A certificate of the path or the anchor has expired.";
    /// No path leads to a trust anchor of the verifier. \[CRT-16\]
    CertUntrusted = 65, "cert-untrusted", [Certificates], NotDecided, Same, Never, Merchant, 400, "CRT-16", "No path leads to a trust anchor of the verifier.";
    /// A certificate of the path is on the verifier's revocation list. \[CRT-17\]
    CertRevoked = 66, "cert-revoked", [Certificates], NotDecided, Same, AfterChange, Merchant, 400, "CRT-17", "A certificate of the path is on the verifier's revocation list.";
    /// The verifier's revocation list is older than it allows. \[CRT-18\]
    StatusStale = 67, "status-stale", [Certificates], NotDecided, Same, Later, Issuer, 503, "CRT-18", "The verifier's revocation list is older than it allows.";
    /// The paper was made after its signer's key was retired. \[CRT-19\]
    KeyRetired = 68, "key-retired", [Certificates], NotDecided, Same, AfterChange, Merchant, 400, "CRT-19", "The paper was made after its signer's key was retired.";
    /// A public key is not a point of P-256 in the one form allowed. \[SIG-11\]
    KeyInvalid = 70, "key-invalid", [Signature, Schema], NotDecided, Same, Never, Agent, 400, "SIG-11", "A public key is not a point of P-256 in the one form allowed.";
    /// The mandate's signer is not a key of the account or the holder of the mandate above. \[SIG-12\]
    MandateSigner = 71, "mandate-signer", [Signature], NotDecided, Same, Never, Agent, 403, "SIG-12", "The mandate's signer is not a key of the account or the holder of the mandate above.";
    /// The intent's signer is not the holder of the mandate. \[SIG-13\]
    AgentMismatch = 72, "agent-mismatch", [Signature], NotDecided, Same, Never, Agent, 403, "SIG-13", "The intent's signer is not the holder of the mandate.";
    /// The signer of a command may not give it. \[SIG-14\]
    CommandSigner = 73, "command-signer", [Signature], NotDecided, Same, Never, Agent, 403, "SIG-14", "The signer of a command may not give it.";
    /// The signature does not verify. \[SIG-15\]
    SignatureInvalid = 74, "signature-invalid", [Signature], NotDecided, Same, Never, Agent, 400, "SIG-15", "The signature does not verify.";
    /// The paper's version is not supported. \[VER-1\]
    VersionUnsupported = 80, "version-unsupported", [Version], NotDecided, Same, AfterChange, Agent, 400, "VER-1", "The paper's version is not supported.";
    /// A map holds a label that the paper does not have. \[ENC-12\]
    UnknownField = 85, "unknown-field", [Schema], NotDecided, Same, Never, Agent, 400, "ENC-12", "A map holds a label that the paper does not have.";
    /// A required field is absent. \[ENC-13\]
    MissingField = 86, "missing-field", [Schema], NotDecided, Same, Never, Agent, 400, "ENC-13", "A required field is absent.";
    /// A field is not of its type. \[ENC-14\]
    FieldType = 87, "field-type", [Schema], NotDecided, Same, Never, Agent, 400, "ENC-14", "A field is not of its type.";
    /// A field's value lies outside its range. \[ENC-15\]
    FieldRange = 88, "field-range", [Schema], NotDecided, Same, Never, Agent, 400, "ENC-15", "A field's value lies outside its range.";
    /// Two fields of a paper contradict each other. \[ENC-16\]
    FieldConflict = 89, "field-conflict", [Schema], NotDecided, Same, Never, Agent, 400, "ENC-16", "Two fields of a paper contradict each other.";
    /// A rule is not in the registry of rules. \[MAN-10\]
    RuleUnknown = 90, "rule-unknown", [Schema], NotDecided, Same, Never, Person, 400, "MAN-10", "A rule is not in the registry of rules.";
    /// A currency is not in the table of currencies. \[ENC-17\]
    CurrencyUnknown = 91, "currency-unknown", [Schema], NotDecided, Same, Never, Merchant, 400, "ENC-17", "A currency is not in the table of currencies.";
    /// The items do not add up to the total. \[INT-4\]
    ItemsTotal = 92, "items-total", [Schema], NotDecided, Same, Never, Merchant, 400, "INT-4", "The items do not add up to the total.";
    /// A mandate's window has not opened. \[AUT-20\]
    MandateNotYetValid = 100, "mandate-not-yet-valid", [Time], Refused, Declined, Later, Agent, 403, "AUT-20", "A mandate's window has not opened.";
    /// A mandate's window has closed. \[AUT-21\]
    MandateExpired = 101, "mandate-expired", [Time], Refused, Declined, AfterChange, Person, 403, "AUT-21", "A mandate's window has closed.";
    /// The offer was made in the future. \[AUT-22\]
    OfferNotYetValid = 102, "offer-not-yet-valid", [Time], Refused, Same, Later, Merchant, 403, "AUT-22", "The offer was made in the future.";
    /// The offer's window has closed. \[AUT-23\]
    OfferExpired = 103, "offer-expired", [Time], Refused, Same, FreshOffer, Agent, 403, "AUT-23", "The offer's window has closed.";
    /// The intent was made in the future. \[AUT-24\]
    IntentInFuture = 104, "intent-in-future", [Time], Refused, Same, Later, Agent, 403, "AUT-24", "The intent was made in the future.";
    /// The intent was made too long ago or before its offer. \[AUT-25\]
    IntentStale = 105, "intent-stale", [Time], Refused, Same, FreshOffer, Agent, 403, "AUT-25", "The intent was made too long ago or before its offer.";
    /// The confirmation was made outside its time. \[AUT-26\]
    ConfirmationStale = 106, "confirmation-stale", [Time], Refused, Declined, FreshOffer, Person, 403, "AUT-26", "The confirmation was made outside its time.";
    /// The payer's credential has expired. \[AUT-27\]
    CredentialExpired = 107, "credential-expired", [Time], Refused, Declined, AfterChange, Person, 403, "AUT-27", "The payer's credential has expired.";
    /// A paper's window is longer than its kind allows. \[AUT-28\]
    LifetimeExceeded = 108, "lifetime-exceeded", [Time], Refused, Same, Never, Agent, 403, "AUT-28", "A paper's window is longer than its kind allows.";
    /// A command was made outside the time in which it is accepted. \[CMD-2\]
    CommandStale = 109, "command-stale", [Time], NotDecided, Same, AfterChange, Agent, 403, "CMD-2", "A command was made outside the time in which it is accepted.";
    /// A paper is addressed to another issuer. \[AUT-30\]
    AudienceMismatch = 120, "audience-mismatch", [Mandate], Refused, Same, Never, Agent, 403, "AUT-30", "A paper is addressed to another issuer.";
    /// The papers speak of different accounts. \[AUT-31\]
    AccountMismatch = 121, "account-mismatch", [Mandate], Refused, Declined, Never, Agent, 403, "AUT-31", "The papers speak of different accounts.";
    /// A mandate named by the papers is not registered. \[AUT-32\]
    MandateUnknown = 122, "mandate-unknown", [Signature, Mandate], NotDecided, Declined, AfterChange, Agent, 403, "AUT-32", "A mandate named by the papers is not registered.";
    /// A mandate does not name the one above it as its parent. \[AUT-33\]
    ChainBroken = 123, "chain-broken", [Mandate], Refused, Declined, Never, Agent, 403, "AUT-33", "A mandate does not name the one above it as its parent.";
    /// A mandate of the chain is revoked. \[AUT-34\]
    MandateRevoked = 124, "mandate-revoked", [Mandate], Refused, Declined, Never, Person, 403, "AUT-34", "A mandate of the chain is revoked.";
    /// A mandate of the chain is replaced by a later version. \[AUT-35\]
    MandateSuperseded = 125, "mandate-superseded", [Mandate], Refused, Declined, AfterChange, Agent, 403, "AUT-35", "A mandate of the chain is replaced by a later version.";
    /// A mandate of the chain is suspended. \[AUT-36\]
    MandateSuspended = 126, "mandate-suspended", [Mandate], Refused, Declined, Later, Person, 403, "AUT-36", "A mandate of the chain is suspended.";
    /// A mandate of the chain may not be delegated. \[AUT-37\]
    DelegationForbidden = 127, "delegation-forbidden", [Mandate], Refused, Declined, Never, Agent, 403, "AUT-37", "A mandate of the chain may not be delegated.";
    /// The intent or the single mandate names another offer. \[AUT-38\]
    OfferMismatch = 128, "offer-mismatch", [Mandate], Refused, Same, Never, Agent, 403, "AUT-38", "The intent or the single mandate names another offer.";
    /// The offer does not accept this issuer. \[AUT-39\]
    IssuerNotAccepted = 129, "issuer-not-accepted", [Mandate], Refused, Same, Never, Merchant, 403, "AUT-39", "The offer does not accept this issuer.";
    /// Mandate and offer and intent are not in one currency. \[AUT-40\]
    CurrencyMismatch = 130, "currency-mismatch", [Mandate], Refused, Same, Never, Agent, 403, "AUT-40", "Mandate and offer and intent are not in one currency.";
    /// The intent's amount is not the offer's. \[AUT-41\]
    AmountMismatch = 131, "amount-mismatch", [Mandate], Refused, Same, Never, Agent, 403, "AUT-41", "The intent's amount is not the offer's.";
    /// The offer was made for another payer. \[AUT-42\]
    PseudonymMismatch = 132, "pseudonym-mismatch", [Mandate], Refused, Same, Never, Agent, 403, "AUT-42", "The offer was made for another payer.";
    /// An item's category is not in the merchant's certificate. \[AUT-43\]
    CategoryUncertified = 133, "category-uncertified", [Mandate], Refused, Same, Never, Merchant, 403, "AUT-43", "An item's category is not in the merchant's certificate.";
    /// A mandate held by a merchant pays another merchant. \[AUT-44\]
    HolderMismatch = 134, "holder-mismatch", [Mandate], Refused, Declined, Never, Merchant, 403, "AUT-44", "A mandate held by a merchant pays another merchant.";
    /// The confirmation is for another intent or another account. \[AUT-45\]
    ConfirmationMismatch = 135, "confirmation-mismatch", [Mandate], Refused, Declined, Never, Agent, 403, "AUT-45", "The confirmation is for another intent or another account.";
    /// Another mandate already stands at this lineage and version. \[MAN-20\]
    MandateConflict = 136, "mandate-conflict", [Mandate], Refused, Declined, Never, Person, 409, "MAN-20", "Another mandate already stands at this lineage and version.";
    /// A replacement does not continue the lineage's latest version. \[MAN-21\]
    LineageBroken = 137, "lineage-broken", [Mandate], Refused, Declined, Never, Person, 409, "MAN-21", "A replacement does not continue the lineage's latest version.";
    /// The chain of mandates is longer than the limit. \[AUT-46\]
    ChainTooLong = 138, "chain-too-long", [Mandate], Refused, Declined, Never, Agent, 403, "AUT-46", "The chain of mandates is longer than the limit.";
    /// The intent names no period or another than its mandate needs. \[AUT-47\]
    PeriodMismatch = 139, "period-mismatch", [Mandate], Refused, Declined, Never, Merchant, 403, "AUT-47", "The intent names no period or another than its mandate needs.";
    /// The amount is above the most for one payment. \[RUL-1\]
    RuleAmountMax = 150, "rule-amount-max", [Rules], Refused, Declined, Never, Person, 403, "RUL-1", "The amount is above the most for one payment.";
    /// The amount is below the least for one payment. \[RUL-2\]
    RuleAmountMin = 151, "rule-amount-min", [Rules], Refused, Declined, Never, Person, 403, "RUL-2", "The amount is below the least for one payment.";
    /// The payment would pass the mandate's total. \[RUL-3\]
    RuleTotal = 152, "rule-total", [Rules], Refused, Declined, Never, Person, 403, "RUL-3", "The payment would pass the mandate's total.";
    /// The payment would pass the total of a period. \[RUL-4\]
    RuleTotalPeriod = 153, "rule-total-period", [Rules], Refused, Declined, Later, Person, 403, "RUL-4", "The payment would pass the total of a period.";
    /// The payment would pass the number of payments. \[RUL-5\]
    RuleCount = 154, "rule-count", [Rules], Refused, Declined, Never, Person, 403, "RUL-5", "The payment would pass the number of payments.";
    /// The payment would pass the number of payments of a period. \[RUL-6\]
    RuleCountPeriod = 155, "rule-count-period", [Rules], Refused, Declined, Later, Person, 403, "RUL-6", "The payment would pass the number of payments of a period.";
    /// The merchant is not allowed or is denied. \[RUL-7\]
    RuleMerchant = 156, "rule-merchant", [Rules], Refused, Declined, Never, Person, 403, "RUL-7", "The merchant is not allowed or is denied.";
    /// A category is not allowed or is denied. \[RUL-8\]
    RuleCategory = 157, "rule-category", [Rules], Refused, Declined, Never, Person, 403, "RUL-8", "A category is not allowed or is denied.";
    /// An item is not allowed or is denied. \[RUL-9\]
    RuleItem = 158, "rule-item", [Rules], Refused, Declined, Never, Person, 403, "RUL-9", "An item is not allowed or is denied.";
    /// An item's price deviates too far from its reference. \[RUL-10\]
    RulePrice = 159, "rule-price", [Rules], Refused, Declined, Never, Person, 403, "RUL-10", "An item's price deviates too far from its reference.";
    /// The time of day or the weekday is outside the rule. \[RUL-11\]
    RuleTime = 160, "rule-time", [Rules], Refused, Declined, Later, Person, 403, "RUL-11", "The time of day or the weekday is outside the rule.";
    /// The channel is not allowed. \[RUL-12\]
    RuleChannel = 161, "rule-channel", [Rules], Refused, Declined, Never, Person, 403, "RUL-12", "The channel is not allowed.";
    /// The device is not allowed. \[RUL-13\]
    RuleDevice = 162, "rule-device", [Rules], Refused, Declined, Never, Person, 403, "RUL-13", "The device is not allowed.";
    /// The merchant's key is not the one pinned. \[RUL-14\]
    RulePayeeKey = 163, "rule-payee-key", [Rules], Refused, Declined, Never, Person, 403, "RUL-14", "The merchant's key is not the one pinned.";
    /// The chain below the mandate is deeper than allowed. \[RUL-15\]
    RuleDepth = 164, "rule-depth", [Rules], Refused, Declined, Never, Person, 403, "RUL-15", "The chain below the mandate is deeper than allowed.";
    /// The mandate has as many open holds as allowed. \[RUL-16\]
    RuleOpenHolds = 165, "rule-open-holds", [Rules], Refused, Declined, Later, Agent, 403, "RUL-16", "The mandate has as many open holds as allowed.";
    /// No grant of the mandate admits the payment. \[RUL-17\]
    NoGrant = 166, "no-grant", [Rules], Refused, Declined, Never, Person, 403, "RUL-17", "No grant of the mandate admits the payment.";
    /// Every check but an asking rule passes and the person must confirm. \[CNF-1\]
    ConfirmationRequired = 170, "confirmation-required", [Rules], Pending, Same, Same, Person, 202, "CNF-1", "Every check but an asking rule passes and the person must confirm.";
    /// The mandate has as many payments waiting for the person as allowed. \[CNF-2\]
    PendingLimit = 171, "pending-limit", [Rules], Refused, Declined, Later, Person, 403, "CNF-2", "The mandate has as many payments waiting for the person as allowed.";
    /// The person refused the payment. \[CNF-3\]
    ConfirmationRefused = 172, "confirmation-refused", [Rules], Refused, Declined, Never, Person, 403, "CNF-3", "The person refused the payment.";
    /// The person did not answer in time. \[CNF-4\]
    ConfirmationLapsed = 173, "confirmation-lapsed", [Rules], Refused, Declined, FreshOffer, Person, 403, "CNF-4", "The person did not answer in time.";
    /// The account has another unrefused intent for the offer. \[AUT-60\]
    OfferPaid = 180, "offer-paid", [Ledger], Refused, Same, Never, Agent, 409, "AUT-60", "The account has another unrefused intent for the offer.";
    /// The account or the envelope does not hold the amount. \[AUT-61\]
    InsufficientFunds = 181, "insufficient-funds", [Ledger], Refused, Declined, Later, Person, 403, "AUT-61", "The account or the envelope does not hold the amount.";
    /// The account is frozen. \[AUT-62\]
    AccountFrozen = 182, "account-frozen", [Ledger], Refused, Declined, Later, Person, 403, "AUT-62", "The account is frozen.";
    /// No such payment is known to the one who asks. \[CMD-3\]
    PaymentUnknown = 183, "payment-unknown", [Ledger], NotDecided, Same, Never, Merchant, 404, "CMD-3", "No such payment is known to the one who asks.";
    /// The payment is another merchant's. \[CMD-4\]
    CallerMismatch = 184, "caller-mismatch", [Ledger], Refused, Same, Never, Merchant, 403, "CMD-4", "The payment is another merchant's.";
    /// The capture is above what the hold still has. \[CMD-5\]
    CaptureExceedsHold = 185, "capture-exceeds-hold", [Ledger], Refused, Same, Never, Merchant, 403, "CMD-5", "The capture is above what the hold still has.";
    /// The payment is captured in full. \[CMD-6\]
    PaymentCaptured = 186, "payment-captured", [Ledger], Refused, Same, Never, Merchant, 409, "CMD-6", "The payment is captured in full.";
    /// The payment is voided. \[CMD-7\]
    PaymentVoided = 187, "payment-voided", [Ledger], Refused, Same, Never, Merchant, 409, "CMD-7", "The payment is voided.";
    /// The hold has expired. \[CMD-8\]
    HoldExpired = 188, "hold-expired", [Ledger], Refused, Same, Never, Merchant, 409, "CMD-8", "The hold has expired.";
    /// The refund is above what was captured and not yet refunded. \[CMD-9\]
    RefundExceedsCapture = 189, "refund-exceeds-capture", [Ledger], Refused, Same, Never, Merchant, 403, "CMD-9", "The refund is above what was captured and not yet refunded.";
    /// The merchant's account does not hold the refund. \[CMD-10\]
    MerchantFunds = 190, "merchant-funds", [Ledger], Refused, Same, Later, Merchant, 403, "CMD-10", "The merchant's account does not hold the refund.";
    /// The intent was cancelled before it was decided. \[CMD-11\]
    PaymentCancelled = 191, "payment-cancelled", [Ledger], Refused, Same, Never, Agent, 409, "CMD-11", "The intent was cancelled before it was decided.";
    /// The suspension that a resumption names does not stand. \[CMD-12\]
    SuspensionUnknown = 192, "suspension-unknown", [Ledger], Refused, Same, Never, Person, 409, "CMD-12", "The suspension that a resumption names does not stand.";
    /// The command exists in a sandbox only. \[CMD-13\]
    NotSandbox = 193, "not-sandbox", [Ledger], NotDecided, Same, Never, Issuer, 403, "CMD-13", "The command exists in a sandbox only.";
    /// A sum would pass what the ledger can hold. \[CMD-14\]
    AmountOverflow = 194, "amount-overflow", [Ledger], Refused, Same, Never, Issuer, 403, "CMD-14", "A sum would pass what the ledger can hold.";
    /// No such account is known to the one who asks. \[CMD-15\]
    AccountUnknown = 195, "account-unknown", [Signature], NotDecided, Declined, AfterChange, Person, 403, "CMD-15", "No such account is known to the one who asks.";
    /// The payment was refused and has nothing to capture. \[CMD-16\]
    PaymentRefused = 196, "payment-refused", [Ledger], Refused, Same, Never, Merchant, 409, "CMD-16", "The payment was refused and has nothing to capture.";
    /// The resource has a price and no payment was shown. \[HTB-10\]
    PaymentRequired = 210, "payment-required", [Redeem], NotDecided, Same, FreshOffer, Agent, 402, "HTB-10", "The resource has a price and no payment was shown.";
    /// The merchant made no such offer. \[HTB-11\]
    OfferUnknown = 211, "offer-unknown", [Redeem], NotDecided, Same, Never, Agent, 404, "HTB-11", "The merchant made no such offer.";
    /// The receipt is not for this offer or not of this outcome. \[HTB-12\]
    ReceiptMismatch = 212, "receipt-mismatch", [Redeem], NotDecided, Same, Never, Agent, 403, "HTB-12", "The receipt is not for this offer or not of this outcome.";
    /// The offer was made for another request. \[HTB-13\]
    RequestMismatch = 213, "request-mismatch", [Redeem], NotDecided, Same, Never, Agent, 409, "HTB-13", "The offer was made for another request.";
    /// The receipt was redeemed for another request. \[HTB-14\]
    ReceiptAlreadyUsed = 214, "receipt-already-used", [Redeem], NotDecided, Same, Never, Agent, 409, "HTB-14", "The receipt was redeemed for another request.";
    /// The secret is not the one whose hash the receipt repeats. \[HTB-15\]
    SecretMismatch = 215, "secret-mismatch", [Redeem], NotDecided, Same, Never, Agent, 403, "HTB-15", "The secret is not the one whose hash the receipt repeats.";
    /// The outcome is not known yet. \[HTB-16\]
    OutcomeUnknown = 216, "outcome-unknown", [Redeem], NotDecided, Same, Same, Issuer, 503, "HTB-16", "The outcome is not known yet.";
    /// The request gives its length in two ways. \[HTB-20\]
    FramingAmbiguous = 220, "framing-ambiguous", [Http], NotDecided, Same, Never, Agent, 400, "HTB-20", "The request gives its length in two ways.";
    /// A header that may stand once stands twice. \[HTB-21\]
    HeaderDuplicated = 221, "header-duplicated", [Http], NotDecided, Same, Never, Agent, 400, "HTB-21", "A header that may stand once stands twice.";
    /// The request names no host. \[HTB-22\]
    HostMissing = 222, "host-missing", [Http], NotDecided, Same, Never, Agent, 400, "HTB-22", "The request names no host.";
    /// The body did not arrive in time. \[HTB-23\]
    BodyTimeout = 223, "body-timeout", [Http], NotDecided, Same, Same, Agent, 408, "HTB-23", "The body did not arrive in time.";
    /// A content encoding is used. \[HTB-24\]
    ContentEncoding = 224, "content-encoding", [Http], NotDecided, Same, Never, Agent, 415, "HTB-24", "A content encoding is used.";
    /// The media type is not the one that the resource takes. \[HTB-25\]
    MediaType = 225, "media-type", [Http], NotDecided, Same, Never, Agent, 415, "HTB-25", "The media type is not the one that the resource takes.";
    /// The server is at its limit. \[HTB-26\]
    Overloaded = 226, "overloaded", [Http], NotDecided, Same, Same, Issuer, 503, "HTB-26", "The server is at its limit.";
    /// The sender is over its rate. \[HTB-27\]
    RateLimited = 227, "rate-limited", [Http], NotDecided, Same, Same, Agent, 429, "HTB-27", "The sender is over its rate.";
    /// No such resource. \[HTB-28\]
    NotFound = 228, "not-found", [Http], NotDecided, Same, Never, Agent, 404, "HTB-28", "No such resource.";
    /// The resource does not have this method. \[HTB-29\]
    MethodNotAllowed = 229, "method-not-allowed", [Http], NotDecided, Same, Never, Agent, 405, "HTB-29", "The resource does not have this method.";
    /// The server failed and the outcome is not known. \[HTB-30\]
    Internal = 230, "internal", [Http], NotDecided, Same, Same, Issuer, 500, "HTB-30", "The server failed and the outcome is not known.";
    /// The resource needs a proof of possession. \[HTB-31\]
    ProofRequired = 231, "proof-required", [Http], NotDecided, Same, AfterChange, Agent, 401, "HTB-31", "The resource needs a proof of possession.";
    /// The proof of possession is not for this request and this time. \[HTB-32\]
    ProofInvalid = 232, "proof-invalid", [Http], NotDecided, Same, AfterChange, Agent, 403, "HTB-32", "The proof of possession is not for this request and this time.";
    /// The payment header cannot be read. \[HTB-33\]
    CredentialMalformed = 233, "credential-malformed", [Http], NotDecided, Same, Never, Agent, 400, "HTB-33", "The payment header cannot be read.";
    /// The proof does not show that one log is the beginning of the other. \[RCT-21\]
    ConsistencyInvalid = 236, "consistency-invalid", [Receipt], NotDecided, Same, Never, Issuer, 400, "RCT-21", "The proof does not show that one log is the beginning of the other.";
    /// Two roots of one size of the log contradict each other. \[RCT-23\]
    LogForked = 237, "log-forked", [Receipt], NotDecided, Same, Never, Issuer, 400, "RCT-23", "Two roots of one size of the log contradict each other.";
    /// The issuer shows a smaller log than it showed before. \[RCT-24\]
    LogShrunk = 238, "log-shrunk", [Receipt], NotDecided, Same, Later, Issuer, 400, "RCT-24", "The issuer shows a smaller log than it showed before.";
    /// The path does not lead from the claims to the signed root. \[RCT-3\]
    PathInvalid = 239, "path-invalid", [Receipt], NotDecided, Same, Never, Issuer, 400, "RCT-3", "The path does not lead from the claims to the signed root.";
    /// The issuer declined; the payer is told why. \[RCT-8\]
    Declined = 240, "declined", [Receipt], Refused, Same, Never, Agent, 403, "RCT-8", "The issuer declined; the payer is told why.";
    /// The intent's chains are not those that the offer's meter asks for. \[TOK-5\]
    ChainsMismatch = 300, "chains-mismatch", [Mandate], Refused, Same, Never, Agent, 403, "TOK-5", "The intent's chains are not those that the offer's meter asks for.";
    /// The seller has no such session. \[TOK-20\]
    SessionUnknown = 301, "session-unknown", [Redeem], NotDecided, Same, Never, Agent, 404, "TOK-20", "The seller has no such session.";
    /// A metered hold is captured without a claim or another payment with one. \[TOK-10\]
    ClaimMismatch = 302, "claim-mismatch", [Ledger], Refused, Same, Never, Merchant, 403, "TOK-10", "A metered hold is captured without a claim or another payment with one.";
    /// A link names a chain that the session does not have or a place beyond its end. \[TOK-11\]
    LinkOutOfChain = 303, "link-out-of-chain", [Ledger, Redeem], Refused, Same, Never, Agent, 403, "TOK-11", "A link names a chain that the session does not have or a place beyond its end.";
    /// A link does not lead to the root of its chain. \[TOK-12\]
    LinkInvalid = 304, "link-invalid", [Ledger, Redeem], Refused, Same, Never, Agent, 403, "TOK-12", "A link does not lead to the root of its chain.";
    /// A link is further ahead than one message may go. \[TOK-22\]
    WalkTooLong = 305, "walk-too-long", [Redeem], NotDecided, Same, AfterChange, Agent, 403, "TOK-22", "A link is further ahead than one message may go.";
    /// The captures come to more than the links that were released. \[TOK-13\]
    CaptureExceedsLinks = 306, "capture-exceeds-links", [Ledger], Refused, Same, Never, Merchant, 403, "TOK-13", "The captures come to more than the links that were released.";
    /// The captures come to more than the usage that is stated. \[TOK-14\]
    CaptureExceedsUsage = 307, "capture-exceeds-usage", [Ledger], Refused, Same, Never, Merchant, 403, "TOK-14", "The captures come to more than the usage that is stated.";
    /// The session has ended or is ending. \[TOK-26\]
    SessionClosed = 308, "session-closed", [Redeem], NotDecided, Same, FreshOffer, Agent, 409, "TOK-26", "The session has ended or is ending.";
    /// The links released do not pay for what is asked. \[TOK-24\]
    CreditNeeded = 309, "credit-needed", [Redeem], NotDecided, Same, AfterChange, Agent, 402, "TOK-24", "The links released do not pay for what is asked.";
    /// The seller asks for more than the offer lets it be ahead. \[TOK-31\]
    OverAsked = 310, "over-asked", [Redeem], NotDecided, Same, Never, Merchant, 403, "TOK-31", "The seller asks for more than the offer lets it be ahead.";
    /// The seller's claim is not covered by what the agent released and saw used. \[TOK-34\]
    ClaimUncovered = 311, "claim-uncovered", [Redeem], NotDecided, Same, Never, Merchant, 403, "TOK-34", "The seller's claim is not covered by what the agent released and saw used.";
    /// Nothing is left of the pack. \[TOK-41\]
    PackUsedUp = 312, "pack-used-up", [Redeem], NotDecided, Same, AfterChange, Agent, 402, "TOK-41", "Nothing is left of the pack.";
    /// Units before these have not been consumed. \[TOK-43\]
    ConsumeConflict = 313, "consume-conflict", [Redeem], NotDecided, Same, Never, Agent, 409, "TOK-43", "Units before these have not been consumed.";
    /// The coupon is not for this plan, this payer and this time. \[TOK-46\]
    CouponRefused = 314, "coupon-refused", [Redeem], NotDecided, Same, Never, Agent, 403, "TOK-46", "The coupon is not for this plan, this payer and this time.";
    /// The coupon has been used as often as it may. \[TOK-47\]
    CouponUsed = 315, "coupon-used", [Redeem], NotDecided, Same, Never, Agent, 409, "TOK-47", "The coupon has been used as often as it may.";
    /// The mandate pays another subscription. \[TOK-50\]
    MandateTaken = 316, "mandate-taken", [Redeem], NotDecided, Same, Never, Agent, 409, "TOK-50", "The mandate pays another subscription.";
    /// The terms of the subscription are not the plan's. \[TOK-55\]
    PlanMismatch = 317, "plan-mismatch", [Redeem], NotDecided, Same, Never, Agent, 403, "TOK-55", "The terms of the subscription are not the plan's.";
    /// No dispute of this id is open on the payment. \[DSP-7\]
    DisputeUnknown = 340, "dispute-unknown", [Ledger], Refused, Same, Never, Merchant, 404, "DSP-7", "No dispute of this id is open on the payment.";
    /// The payment is or was disputed. \[DSP-3\]
    PaymentDisputed = 341, "payment-disputed", [Ledger], Refused, Same, Never, Agent, 409, "DSP-3", "The payment is or was disputed.";
    /// The payment is too long ago to be disputed. \[DSP-5\]
    DisputeLate = 342, "dispute-late", [Ledger], Refused, Same, Never, Agent, 403, "DSP-5", "The payment is too long ago to be disputed.";
    /// The dispute is about more than was captured and not yet refunded. \[DSP-6\]
    DisputeExceedsPayment = 343, "dispute-exceeds-payment", [Ledger], Refused, Same, AfterChange, Agent, 403, "DSP-6", "The dispute is about more than was captured and not yet refunded.";
    /// The merchant has answered the dispute. \[DSP-9\]
    DisputeAnswered = 344, "dispute-answered", [Ledger], Refused, Same, Never, Merchant, 409, "DSP-9", "The merchant has answered the dispute.";
    /// Something of the payment is still held. \[DSP-4\]
    PaymentHeld = 345, "payment-held", [Ledger], Refused, Same, Later, Agent, 409, "DSP-4", "Something of the payment is still held.";
    /// The ruling gives more than the dispute is about. \[DSP-10\]
    RulingExceedsDispute = 346, "ruling-exceeds-dispute", [Ledger], Refused, Same, Never, Issuer, 403, "DSP-10", "The ruling gives more than the dispute is about.";
    /// The notice is too old or from the future. \[NTC-3\]
    NoticeStale = 350, "notice-stale", [Redeem], NotDecided, Same, Later, Issuer, 403, "NTC-3", "The notice is too old or from the future.";
    /// A notice before this one has not come yet. \[NTC-5\]
    NoticeEarly = 351, "notice-early", [Redeem], NotDecided, Same, Later, Issuer, 409, "NTC-5", "A notice before this one has not come yet.";
    /// The document is not the one that was signed. \[DOC-1\]
    DocumentMismatch = 352, "document-mismatch", [Schema], NotDecided, Same, Never, Merchant, 400, "DOC-1", "The document is not the one that was signed.";
    /// The listing is too old or from the future or older than the one that is there. \[DIR-2\]
    ListingStale = 353, "listing-stale", [Time], NotDecided, Same, Later, Merchant, 409, "DIR-2", "The listing is too old or from the future or older than the one that is there.";
    /// The document of the listing is not of its form. \[DIR-3\]
    ListingForm = 354, "listing-form", [Schema], NotDecided, Same, Never, Merchant, 400, "DIR-3", "The document of the listing is not of the form of a listing.";
    /// The day is not over yet. \[STM-2\]
    StatementEarly = 355, "statement-early", [Time], NotDecided, Same, Later, Merchant, 409, "STM-2", "The day is not over yet.";
    /// The parts are not those that the batch signs. \[WAL-20\]
    BatchMismatch = 370, "batch-mismatch", [Schema], NotDecided, Same, Never, Person, 400, "WAL-20", "The parts are not those that the batch signs.";
    /// Two parts of the batch are about one lineage. \[WAL-24\]
    BatchConflict = 371, "batch-conflict", [Mandate], Refused, Same, AfterChange, Person, 409, "WAL-24", "Two parts of the batch are about one lineage.";
    /// The account has no such key. \[WAL-32\]
    KeyUnknown = 372, "key-unknown", [Ledger], Refused, Same, Never, Person, 404, "WAL-32", "The account has no such key.";
    /// The key is the last one of its account. \[WAL-33\]
    LastKey = 373, "last-key", [Ledger], Refused, Same, AfterChange, Person, 409, "WAL-33", "The key is the last one of its account.";
    /// The list is not the one that the issuer signed, or is older than one seen before. \[WAL-4\]
    StatementMismatch = 374, "statement-mismatch", [Receipt], NotDecided, Same, Never, Issuer, 400, "WAL-4", "The list is not the one that the issuer signed, or is older than one seen before.";
    /// A spoken word makes no mandate and raises none. \[WAL-28\]
    VoiceForbidden = 375, "voice-forbidden", [Signature], NotDecided, Same, AfterChange, Person, 403, "WAL-28", "A spoken word makes no mandate and raises none.";
    /// The passkey is not this key's, or does not answer this question. \[WAL-52\]
    PasskeyInvalid = 376, "passkey-invalid", [Http], NotDecided, Same, AfterChange, Person, 403, "WAL-52", "The passkey is not one of this key or does not answer what it was asked.";
    /// A passkey guards the key, and its person has not shown it. \[WAL-50\]
    KeyLocked = 377, "key-locked", [Http], NotDecided, Same, AfterChange, Person, 403, "WAL-50", "A passkey guards the key and its person has not shown it.";
    /// The key is, or was, another account's. \[SIG-28\]
    KeyTaken = 389, "key-taken", [Ledger], Refused, Same, AfterChange, Person, 409, "SIG-28", "The key is or was another account's.";
    /// The text is not a chain of SD-JWTs in the form that the bridge reads. \[BRG-1\]
    BridgeForm = 400, "bridge-form", [Framing], NotDecided, Same, Never, Agent, 400, "BRG-1", "The text is not a chain of SD-JWTs in the form that the bridge reads.";
    /// A part of a token is not JSON or an object in it holds a member twice. \[BRG-2\]
    BridgeJson = 401, "bridge-json", [Encoding], NotDecided, Same, Never, Agent, 400, "BRG-2", "A part of a token is not JSON or an object in it holds a member twice.";
    /// A token's algorithm or type is not the one for its place in the chain. \[BRG-3\]
    BridgeHeader = 402, "bridge-header", [Headers], NotDecided, Same, Never, Agent, 400, "BRG-3", "A token's algorithm or type is not the one for its place in the chain.";
    /// The key that a mandate delegates to is not one of P-256 for ES256. \[BRG-4\]
    BridgeKey = 403, "bridge-key", [Schema], NotDecided, Same, Never, Agent, 400, "BRG-4", "The key that a mandate delegates to is not one of P-256 for ES256.";
    /// A token is not signed by a key of the person or by the key that the token before delegates to. \[BRG-5\]
    BridgeSignature = 404, "bridge-signature", [Signature], NotDecided, Same, Never, Agent, 403, "BRG-5", "A token is not signed by a key of the person or by the key that the token before delegates to.";
    /// A token is not bound to the one before it by exactly one hash. \[BRG-6\]
    BridgeBinding = 405, "bridge-binding", [Signature], NotDecided, Same, Never, Agent, 403, "BRG-6", "A token is not bound to the one before it by exactly one hash.";
    /// A disclosure is malformed or belongs to no digest or a digest stands twice. \[BRG-7\]
    BridgeDisclosure = 406, "bridge-disclosure", [Encoding], NotDecided, Same, Never, Agent, 400, "BRG-7", "A disclosure is malformed or belongs to no digest or a digest stands twice.";
    /// Something is withheld where a limit could stand. \[BRG-8\]
    BridgeWithheld = 407, "bridge-withheld", [Schema], NotDecided, Same, Never, Agent, 400, "BRG-8", "Something is withheld where a limit could stand.";
    /// The type of a mandate is absent or not one for its place in the chain. \[BRG-9\]
    BridgeType = 408, "bridge-type", [Schema], NotDecided, Same, Never, Agent, 400, "BRG-9", "The type of a mandate is absent or not one for its place in the chain.";
    /// A member is not known or is absent or not of its type. \[BRG-10\]
    BridgeMember = 409, "bridge-member", [Schema], NotDecided, Same, Never, Agent, 400, "BRG-10", "A member is not known or is absent or not of its type.";
    /// A constraint is not one that the bridge knows. \[BRG-12\]
    BridgeConstraint = 410, "bridge-constraint", [Schema], NotDecided, Same, Never, Person, 400, "BRG-12", "A constraint is not one that the bridge knows.";
    /// A number is not whole minor units of a known currency or not above zero. \[BRG-11\]
    BridgeAmount = 411, "bridge-amount", [Schema], NotDecided, Same, Never, Agent, 400, "BRG-11", "A number is not whole minor units of a known currency or not above zero.";
    /// A token was made in the future or does not hold yet. \[BRG-13\]
    BridgeNotYetValid = 412, "bridge-not-yet-valid", [Time], NotDecided, Same, Later, Agent, 403, "BRG-13", "A token was made in the future or does not hold yet.";
    /// A token of the chain has ended. \[BRG-23\]
    BridgeExpired = 413, "bridge-expired", [Time], NotDecided, Same, Never, Person, 403, "BRG-23", "A token of the chain has ended.";
    /// The last token names another audience than the verifier or none or the verifier named none. \[BRG-14\]
    BridgeAudience = 414, "bridge-audience", [Mandate], NotDecided, Same, Never, Agent, 403, "BRG-14", "The last token names another audience than the verifier or none or the verifier named none.";
    /// The last token repeats another nonce than the verifier gave or none or the verifier gave none. \[BRG-15\]
    BridgeNonce = 415, "bridge-nonce", [Mandate], NotDecided, Same, Never, Agent, 403, "BRG-15", "The last token repeats another nonce than the verifier gave or none or the verifier gave none.";
    /// A mandate allows more than the one above it. \[BRG-16\]
    BridgeWidened = 416, "bridge-widened", [Mandate], NotDecided, Same, Never, Agent, 403, "BRG-16", "A mandate allows more than the one above it.";
    /// The closed mandate is for another checkout or none is known. \[BRG-17\]
    BridgeCheckout = 417, "bridge-checkout", [Mandate], NotDecided, Same, Never, Agent, 403, "BRG-17", "The closed mandate is for another checkout or none is known.";
    /// The merchant's own token is not signed with ES256 by the merchant. \[BRG-18\]
    BridgeCheckoutSignature = 418, "bridge-checkout-signature", [Signature], NotDecided, Same, Never, Merchant, 403, "BRG-18", "The merchant's own token is not signed with ES256 by the merchant.";
    /// The closed mandate does not keep to an open one. \[BRG-19\]
    BridgeUnmet = 419, "bridge-unmet", [Rules], NotDecided, Same, Never, Agent, 403, "BRG-19", "The closed mandate does not keep to an open one.";
    /// The open mandate holds a limit that no rule of Purser says. \[BRG-20\]
    BridgeUnmapped = 420, "bridge-unmapped", [Rules], NotDecided, Same, Never, Person, 400, "BRG-20", "The open mandate holds a limit that no rule of Purser says.";
    /// The text of a code is no address with a short id and no signed offer. \[COD-1\]
    CodeForm = 421, "code-form", [Framing], NotDecided, Same, Never, Merchant, 400, "COD-1", "The text of a code is no address with a short id and no signed offer.";
    /// No code was found in a picture. \[COD-5\]
    CodeNone = 422, "code-none", [Framing], NotDecided, Same, Never, Person, 400, "COD-5", "No code was found in a picture.";
    /// Codes that say different things are in one picture. \[COD-6\]
    CodeSeveral = 423, "code-several", [Framing], NotDecided, Same, Never, Person, 400, "COD-6", "Codes that say different things are in one picture.";
    /// The offer of a code is not known or has been taken or withdrawn or has ended. \[COD-7\]
    CodeStale = 424, "code-stale", [Redeem], NotDecided, Same, FreshOffer, Merchant, 410, "COD-7", "The offer of a code is not known or has been taken or withdrawn or has ended.";
    /// The offer at the address of a code is not the one that the code names. \[COD-3\]
    CodeSwapped = 425, "code-swapped", [Mandate], NotDecided, Same, Never, Merchant, 409, "COD-3", "The offer at the address of a code is not the one that the code names.";
    /// The offer of a code is another merchant's than the person said. \[COD-9\]
    CodeMerchant = 426, "code-merchant", [Mandate], NotDecided, Same, Never, Person, 409, "COD-9", "The offer of a code is another merchant's than the person said.";
    /// The person has not answered the device yet. \[DEV-3\]
    DevicePending = 430, "device-pending", [Http], NotDecided, Same, Later, Person, 400, "DEV-3", "The person has not answered the device yet.";
    /// The device asks again too soon. \[DEV-4\]
    DeviceSlowDown = 431, "device-slow-down", [Http], NotDecided, Same, Later, Agent, 400, "DEV-4", "The device asks again too soon.";
    /// The person wants no mandate for the device. \[DEV-5\]
    DeviceRefused = 432, "device-refused", [Http], NotDecided, Same, Never, Person, 400, "DEV-5", "The person wants no mandate for the device.";
    /// Nobody answered the device in time. \[DEV-7\]
    DeviceExpired = 433, "device-expired", [Http], NotDecided, Same, AfterChange, Agent, 400, "DEV-7", "Nobody answered the device in time.";
    /// The mandate is not one that the device alone can use. \[DEV-6\]
    DeviceMismatch = 434, "device-mismatch", [Http], NotDecided, Same, AfterChange, Person, 409, "DEV-6", "The mandate is not one that the device alone can use.";
    /// What was said is not the phrase that was asked for. \[VOI-4\]
    PhraseMismatch = 440, "phrase-mismatch", [Signature], NotDecided, Same, AfterChange, Person, 403, "VOI-4", "What was said is not the phrase that was asked for.";
    /// The phrase was said before, and a recording of it would do. \[VOI-5\]
    PhraseUsed = 441, "phrase-used", [Signature], NotDecided, Same, AfterChange, Person, 403, "VOI-5", "The phrase was said before and a recording of it would do.";
    /// The recording was heard before. \[VOI-3\]
    RecordingReplayed = 442, "recording-replayed", [Signature], NotDecided, Same, AfterChange, Person, 403, "VOI-3", "The recording was heard before.";
}

impl Code {
    /// The number used on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = include_str!("../../spec/registries/errors.csv");

    #[test]
    fn the_table_is_the_registry() {
        let rows: Vec<Vec<&str>> = REGISTRY.lines().skip(1).map(|l| l.splitn(10, ',').collect()).collect();
        assert_eq!(rows.len(), Code::ALL.len());
        for (row, &code) in rows.iter().zip(Code::ALL) {
            let stages: Vec<_> = code.stages().iter().map(|s| s.name()).collect();
            let standing = match code.standing() {
                Standing::NotDecided => "not-decided",
                Standing::Pending => "pending",
                Standing::Refused => "refused",
            };
            let public = if code.public() == Public::Same { "same" } else { "declined" };
            let table = [
                code.number().to_string(),
                code.slug().into(),
                stages.join(" "),
                standing.into(),
                public.into(),
                code.retry().name().into(),
                code.resolver().name().into(),
                code.status().to_string(),
                code.clause().into(),
                code.meaning().into(),
            ];
            assert_eq!(row[..], table);
            assert_eq!(Code::from_number(u64::from(code.number())), Some(code));
            assert_eq!(Code::from_slug(code.slug()), Some(code));
        }
    }
}

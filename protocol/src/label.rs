//! The labels of fields, as one table. Positive labels are CWT's own; negative ones are Purser's.

use std::fmt;

/// The label of a field in a paper's map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The integer on the wire.
    pub number: i64,
    /// The name in the registry and in errors.
    pub name: &'static str,
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.number)
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)+) => {
        $($(#[$doc])* pub const $name: Label = Label { number: $number, name: $text };)+

        /// Every label of a paper's own map, in the order of the registry.
        pub const ALL: &[Label] = &[$($name),+];
    };
}

labels! {
    /// The party whose certificate signs the paper.
    ISS = 1, "iss";
    /// The account that the paper is about.
    SUB = 2, "sub";
    /// The party to which the paper is addressed.
    AUD = 3, "aud";
    /// The first second at which the paper no longer holds.
    EXP = 4, "exp";
    /// The first second at which the paper holds.
    NBF = 5, "nbf";
    /// When the paper was made.
    IAT = 6, "iat";
    /// Sixteen random bytes that make the paper one of its kind.
    CTI = 7, "cti";
    /// Who may act under the paper.
    CNF = 8, "cnf";
    /// The version of the paper: 1.
    VERSION = -1, "version";
    /// The mandate meant.
    MANDATE = -2, "mandate";
    /// The offer meant.
    OFFER = -3, "offer";
    /// The intent meant and by it the payment.
    INTENT = -4, "intent";
    /// Money in minor units of the currency beside it.
    AMOUNT = -5, "amount";
    /// ISO 4217 letters.
    CURRENCY = -6, "currency";
    /// SHA-256 of the redemption secret.
    SECRET_HASH = -7, "secret_hash";
    /// What the issuer decided.
    OUTCOME = -8, "outcome";
    /// The number of a code in the registry of errors.
    CODE = -9, "code";
    /// Sixteen random bytes shared by a mandate and its replacements.
    LINEAGE = -10, "lineage";
    /// The version of a mandate within its lineage.
    SERIAL = -11, "serial";
    /// Single or conditional or quota.
    MODE = -12, "mode";
    /// The mandate above.
    PARENT = -13, "parent";
    /// The mandate that this one replaces.
    REPLACES = -14, "replaces";
    /// Rules that hold for every payment under the mandate.
    CAPS = -15, "caps";
    /// Alternatives of which one must hold wholly.
    GRANTS = -16, "grants";
    /// Money moved into the mandate's own envelope.
    FUNDED = -17, "funded";
    /// A refund gives its amount back to the mandate.
    REFUND_RETURNS = -18, "refund_returns";
    /// What the person saw when signing.
    SHOWN = -19, "shown";
    /// Digest of the conversation that the mandate came from.
    CONVERSATION = -20, "conversation";
    /// What is sold line by line.
    ITEMS = -21, "items";
    /// Issuers and accounts at which the merchant takes the money.
    ACCEPTS = -22, "accepts";
    /// What paying the offer begins.
    KIND = -23, "kind";
    /// Whether the money is captured at once or by command.
    CAPTURE = -24, "capture";
    /// Salted digest of the request that the offer answers.
    RESOURCE = -25, "resource";
    /// The payer as this merchant knows it.
    PSEUDONYM = -26, "pseudonym";
    /// How long a hold lasts.
    HOLD_SECONDS = -27, "hold_seconds";
    /// How the agent met the offer.
    CHANNEL = -28, "channel";
    /// Thumbprint of the device's key.
    DEVICE = -29, "device";
    /// The period of a subscription that the intent pays.
    PERIOD = -30, "period";
    /// How the person said yes.
    HOW = -31, "how";
    /// Digest of a recording or a transcript or a device's assertion.
    EVIDENCE = -32, "evidence";
    /// The phrase that the person was asked to say.
    PHRASE = -33, "phrase";
    /// The command that the receipt answers.
    COMMAND = -34, "command";
    /// Sixteen random bytes that hide what is digested.
    SALT = -35, "salt";
    /// Salted digest of what only the payer is told.
    DETAIL = -36, "detail";
    /// The first second at which the hold no longer stands.
    HOLD_UNTIL = -37, "hold_until";
    /// The address at which the person can confirm.
    APPROVAL = -38, "approval";
    /// The short code that the person compares.
    USER_CODE = -39, "user_code";
    /// The first second at which the person's answer is too late.
    ANSWER_BY = -40, "answer_by";
    /// The mandates that the command is for.
    MANDATES = -41, "mandates";
    /// The suspension lifted.
    SUSPENSION = -42, "suspension";
    /// Nothing more will be captured.
    FINAL = -43, "final";
    /// The bytes of the paper meant.
    ENCLOSED = -44, "enclosed";
    /// The state meant by the paper's own table.
    STATE = -45, "state";
    /// Root of the tree of the batch's receipts.
    TREE_ROOT = -46, "tree_root";
    /// Number of receipts in the batch.
    TREE_SIZE = -47, "tree_size";
    /// Number of the batch.
    BATCH = -48, "batch";
    /// Root of the issuer's log after the batch.
    LOG_ROOT = -49, "log_root";
    /// Number of batches in the log after the batch.
    LOG_SIZE = -50, "log_size";
    /// The network that the papers belong to.
    NETWORK = -51, "network";
    /// SHA-256 of what was delivered.
    DIGEST = -52, "digest";
    /// Method and address of the request that the proof is for.
    TARGET = -53, "target";
    /// The suspensions that stand.
    SUSPENSIONS = -54, "suspensions";
    /// The payee's account at the issuer.
    ACCOUNT = -55, "account";
    /// Words of the one who gives the command and no more than words.
    REASON = -56, "reason";
    /// Position in the issuer's order.
    SEQUENCE = -57, "sequence";
    /// The bytes of the offer meant.
    OFFERED = -58, "offered";
    /// What a metered session costs and how it is paid.
    METER = -70, "meter";
    /// The hash chains that pay a metered session.
    CHAINS = -71, "chains";
    /// The links and the usage that a capture rests on.
    CLAIM = -72, "claim";
    /// The dispute meant.
    DISPUTE = -100, "dispute";
    /// Why the payer wants its money back.
    GROUND = -101, "ground";
    /// What the merchant says to a dispute.
    STANCE = -102, "stance";
    /// The bytes of the delivery meant.
    DELIVERED = -103, "delivered";
    /// Digests of what a party to a dispute can show.
    EXHIBITS = -104, "exhibits";
    /// The number of the notice before, that was taken.
    PREVIOUS = -105, "previous";
    /// The receipt that a notice is about.
    TOLD = -106, "told";
    /// SHA-256 of the document that is signed.
    CONTENT = -107, "content";
    /// How many papers a batch signs.
    PARTS = -120, "parts";
    /// Root of the tree of the papers that a batch signs.
    PARTS_ROOT = -121, "parts_root";
    /// How many mandates an account has had.
    LISTED = -122, "listed";
    /// Root of the tree of the mandates that an account has had.
    LISTED_ROOT = -123, "listed_root";
    /// Thumbprint of the key meant.
    KEY = -124, "key";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_registry() {
        let registry = include_str!("../../spec/registries/labels.csv");
        let rows: Vec<_> = registry.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).collect();
        assert_eq!(rows.len(), ALL.len());
        for (row, label) in rows.iter().zip(ALL) {
            assert_eq!((row[0], row[1]), (label.number.to_string().as_str(), label.name));
        }
    }
}

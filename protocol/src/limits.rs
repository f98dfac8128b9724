//! Every maximum of the protocol, by name.

/// Longest message of any kind, its certificates included. [ENC-1]
pub const MESSAGE_BYTES_MAX: usize = 65_536;
/// Longest paper, its certificates included. [ENC-1]
pub const PAPER_BYTES_MAX: usize = 16_384;
/// Deepest nesting inside a paper; its own map is the first level. [ENC-9]
pub const DEPTH_MAX: usize = 8;
/// Most entries in a list or a map. [ENC-10]
pub const ENTRIES_MAX: u64 = 1_024;
/// Longest text string. [ENC-10]
pub const TEXT_BYTES_MAX: u64 = 1_024;
/// Longest byte string. [ENC-10]
pub const STRING_BYTES_MAX: u64 = 16_384;

/// Most mandates in a chain. [AUT-46]
pub const CHAIN_MAX: usize = 4;
/// Most mandates that a payment request brings: what is longer than a chain can be says so.
pub const MESSAGE_MANDATES_MAX: usize = 8;
/// Most grants in a mandate.
pub const GRANTS_MAX: usize = 16;
/// Most names, numbers or keys in one list of a rule.
pub const RULE_LIST_MAX: usize = 64;
/// Most period totals or period counts in one rule.
pub const PERIODS_MAX: usize = 8;
/// Most lines in an offer.
pub const ITEMS_MAX: usize = 64;
/// Most payee accounts in an offer.
pub const PAYEES_MAX: usize = 8;
/// Most mandates in one command. [ENC-15]
pub const COMMAND_MANDATES_MAX: usize = 256;
/// Most papers that one batch signs. [WAL-22]
pub const BATCH_PARTS_MAX: usize = 1_024;
/// Longest batch with its parts. [ENC-1]
pub const BATCH_BYTES_MAX: usize = 1_048_576;
/// Most hashes in a receipt's path: a batch holds at most 65,536 receipts.
pub const PATH_MAX: usize = 16;
/// Most hashes in a proof of the log.
pub const LOG_PATH_MAX: usize = 64;
/// How long after it was sent a notice is still taken. [NTC-3]
pub const NOTICE_SECONDS_MAX: u64 = 300;
/// Most digests of evidence in one paper of a dispute.
pub const EXHIBITS_MAX: usize = 16;
/// How long after its decision a payment can be disputed. [DSP-5]
pub const DISPUTE_SECONDS_MAX: u64 = 120 * 86_400;
/// How long a merchant has to answer a dispute. [DSP-12]
pub const DISPUTE_ANSWER_SECONDS: u64 = 7 * 86_400;
/// How long the issuer has to rule, from the merchant's answer on. [DSP-13]
pub const RULING_SECONDS: u64 = 14 * 86_400;
/// Most payments of one mandate that wait for the person. [CNF-2]
pub const PENDING_MAX: usize = 8;

/// How far ahead of the verifier's clock a paper may have been made. [AUT-24]
pub const SKEW_SECONDS: u64 = 10;
/// Longest window of a credential or a mandate. [AUT-28]
pub const MANDATE_SECONDS_MAX: u64 = 5 * 366 * 86_400;
/// Longest time for which a status is good. [REV-9]
pub const STATUS_SECONDS_MAX: u64 = 60;
/// Longest time for which a pseudonym is good. [INT-3]
pub const PSEUDONYM_SECONDS_MAX: u64 = 31 * 86_400;
/// Longest window of an offer. [AUT-28]
pub const OFFER_SECONDS_MAX: u64 = 3_600;
/// How long after it was made an intent is still taken. [AUT-25]
pub const INTENT_SECONDS_MAX: u64 = 86_400;
/// How long after the end of its offer an intent that its issuer does not have is given up, for clocks that differ. [FLW-4]
pub const LAPSED_SECONDS: u64 = 600;
/// How long after it was made a confirmation is still taken. [AUT-26]
pub const CONFIRMATION_SECONDS_MAX: u64 = 900;
/// How long after it was made a command is still taken. [CMD-2]
pub const COMMAND_SECONDS_MAX: u64 = 86_400;
/// How long after it was made a proof of possession is still taken. [HTB-32]
pub const PROOF_SECONDS_MAX: u64 = 60;
/// How long a hold lasts where the offer does not say.
pub const HOLD_SECONDS_DEFAULT: u64 = 7 * 86_400;
/// Longest hold that an offer can ask for.
pub const HOLD_SECONDS_MAX: u64 = 31 * 86_400;
/// Greatest amount in minor units: 2^53 - 1, which every language's numbers hold.
pub const AMOUNT_MAX: u64 = 9_007_199_254_740_991;
/// Most chains of one session, each of a denomination of its own. [TOK-1]
pub const CHAINS_MAX: usize = 4;
/// Most links of one chain. [TOK-1]
pub const LINKS_MAX: u64 = 16_384;
/// Most links by which one message may go ahead in one chain. [TOK-22]
pub const WALK_MAX: u64 = 4_096;
/// Most kinds of units that one meter counts.
pub const PRICES_MAX: usize = 8;
/// Longest idle time, and longest grace, of a session.
pub const SESSION_SECONDS_MAX: u64 = 86_400;
/// Longest certificate. [CRT-2]
pub const CERTIFICATE_BYTES_MAX: usize = 4_096;

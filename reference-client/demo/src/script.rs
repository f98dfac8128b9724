//! The rows, in order, and how each must come out.

use purser_protocol::code::Code;
use purser_protocol::receipt::Outcome;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its number; letters are steps of one story.
    pub row: &'static str,
    /// What is done.
    pub what: &'static str,
    /// Under which terms.
    pub under: &'static str,
    /// The amount of the receipt.
    pub amount: &'static str,
    /// The signed outcome.
    pub outcome: Outcome,
    /// Why not, as the payer is told.
    pub code: Option<Code>,
    /// By how much the account grows, in minor units.
    pub moves_minor: i64,
}

/// What is put into the account at first.
pub const DEPOSIT: &str = "10000.00 CNY";

/// How many agents spend one quota at once, in row 4.
pub const AT_ONCE: usize = 16;
/// How many of them its quota is enough for.
pub const ENOUGH_FOR: usize = 10;

/// Those that leave the clocks as they are.
pub fn of_today() -> Vec<Expected> {
    rows().into_iter().filter(|row| !row.row.starts_with("16")).collect()
}

/// The script, one row a line.
#[rustfmt::skip]
pub fn rows() -> Vec<Expected> {
    use Outcome::{Authorized, Captured, Pending, Recorded, Refunded, Refused, Settled};
    let row = |row, what, under, amount, outcome, code, moves_minor| Expected {
        row,
        what,
        under,
        amount,
        outcome,
        code,
        moves_minor,
    };
    vec![
        row("1", "single confirmation", "the person signs for this offer", "12.80 CNY", Settled, None, -1_280),
        row("1b", "the same for another offer", "one offer is one offer", "12.80 CNY", Refused, Some(Code::OfferMismatch), 0),
        row("2", "conditional, inside its rules", "groceries, at most 200.00", "199.00 CNY", Settled, None, -19_900),
        row("2b", "conditional, too much", "groceries, at most 200.00", "201.00 CNY", Refused, Some(Code::RuleAmountMax), 0),
        row("2c", "conditional, not groceries", "groceries, at most 200.00", "12.80 CNY", Refused, Some(Code::RuleCategory), 0),
        row("2d", "conditional, the person is asked", "ask above 20.00", "28.00 CNY", Pending, None, 0),
        row("2e", "and says yes", "ask above 20.00", "28.00 CNY", Settled, None, -2_800),
        row("2f", "and asked aloud", "the amount and figures of this payment", "28.00 CNY", Pending, None, 0),
        row("2g", "and says it; another's phrase is none", "what was said is typed here", "28.00 CNY", Settled, None, -2_800),
        row("3", "quota, a taxi", "100.00 in all, left 64.00", "36.00 CNY", Settled, None, -3_600),
        row("3b", "quota, a second", "left 28.00", "36.00 CNY", Settled, None, -3_600),
        row("3c", "quota, a third", "left 28.00", "36.00 CNY", Refused, Some(Code::RuleTotal), 0),
        row("3d", "quota, used up", "left 0.00", "28.00 CNY", Settled, None, -2_800),
        row("3e", "quota, one coffee more", "left 0.00", "12.80 CNY", Refused, Some(Code::RuleTotal), 0),
        row("4", "quota, 16 at once, 10 fit", "128.00 in all, spent to the end", "12.80 CNY", Settled, None, -12_800),
        row("4b", "the other 6", "left 0.00", "12.80 CNY", Refused, Some(Code::RuleTotal), 0),
        row("5", "a sub-agent", "its own 500.00, its parent's 50.00", "36.00 CNY", Settled, None, -3_600),
        row("5b", "a sub-agent, past its parent", "parent has left 14.00", "28.00 CNY", Refused, Some(Code::RuleTotal), 0),
        row("5c", "a sub-agent, within both", "parent has left 1.20", "12.80 CNY", Settled, None, -1_280),
        row("6", "authorize", "held until captured", "45.00 CNY", Authorized, None, -4_500),
        row("6b", "capture a part", "the rest goes back", "30.00 CNY", Captured, None, 1_500),
        row("6c", "refund a part", "of what was captured", "10.00 CNY", Refunded, None, 1_000),
        row("6d", "refund more than is left", "20.00 is left", "20.01 CNY", Refused, Some(Code::RefundExceedsCapture), 0),
        row("7", "a mandate is revoked", "and refused from then on", "12.80 CNY", Refused, Some(Code::MandateRevoked), 0),
        row("7b", "three mandates rest, one signature", "and refused from then on", "12.80 CNY", Refused, Some(Code::MandateSuspended), 0),
        row("8", "SIGKILL between commit and reply", "the same intent resent, paid once", "28.00 CNY", Settled, None, -2_800),
        row("9", "a tool with a price, a stock client", "an MCP server, 1.00 a call", "1.00 CNY", Settled, None, -100),
        row("9b", "and its money back", "through the merchant's MCP server", "1.00 CNY", Refunded, None, 100),
        row("10", "a coffee that is cold", "12.80 in all", "12.80 CNY", Settled, None, -1_280),
        row("10b", "the person disputes it", "set apart at the merchant's", "12.80 CNY", Recorded, None, 0),
        row("10c", "the merchant contests", "and shows its signed delivery", "12.80 CNY", Recorded, None, 0),
        row("10d", "the issuer rules", "a part goes back", "5.00 CNY", Refunded, None, 500),
        row("11", "100,000 tokens by the meter", "SIGKILL of the seller in the middle", "15.01 CNY", Captured, None, -1_501),
        row("12", "a pack, with a coupon", "2.50 less 0.50", "2.00 CNY", Settled, None, -200),
        row("12b", "the coupon once more", "taken once", "2.00 CNY", Refused, Some(Code::CouponUsed), 0),
        row("13", "a pack used up in mid-stream", "refilled under the quota", "2.50 CNY", Settled, None, -250),
        row("14", "a code, photographed", "turned, tilted, not in focus", "12.80 CNY", Settled, None, -1_280),
        row("14b", "a small one, by a car", "4 pixels a module, two stops dark", "12.80 CNY", Settled, None, -1_280),
        row("15", "a mandate of AP2", "20.00 of theirs, 100.00 of ours", "12.80 CNY", Settled, None, -1_280),
        row("15b", "and once more", "7.20 of theirs left", "12.80 CNY", Refused, Some(Code::RuleTotal), 0),
        row("16", "a subscription, its first month", "asked for by the seller", "3.00 CNY", Settled, None, -300),
        row("16b", "its second month", "SIGKILL of the seller as it begins", "5.00 CNY", Settled, None, -500),
        row("16c", "its third month, at a higher price", "the person is asked", "6.00 CNY", Pending, None, 0),
        row("16d", "and says yes", "one charge for the month", "6.00 CNY", Settled, None, -600),
    ]
}

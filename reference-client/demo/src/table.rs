//! What is printed: a table for people, one object for programs.

use std::fmt;

use purser_protocol::money::{Currency, Money};
use serde_json::{Value, json};

use crate::books::Books;
use crate::rows::Seen;
use crate::script::Expected;
use crate::stage::Stage;

/// A row that was played.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// How it must come out.
    pub(crate) expected: Expected,
    /// How it came out.
    pub(crate) seen: Seen,
    /// By how much the account grew.
    pub(crate) moved_minor: i64,
    /// How long it took.
    pub(crate) ms: u128,
    /// Why it was not played.
    pub(crate) skipped: Option<String>,
}

impl Row {
    /// What is not as it must be.
    fn wrong(&self) -> Option<String> {
        let Self { expected, seen, moved_minor, .. } = self;
        if self.skipped.is_some() {
            return None;
        }
        let amount: Option<Money> = expected.amount.parse().ok();
        if seen.outcome != expected.outcome || seen.code != expected.code {
            let code =
                |code: Option<purser_protocol::code::Code>| code.map(|code| format!(" {code}")).unwrap_or_default();
            let must = format!("{}{}", expected.outcome.name(), code(expected.code));
            return Some(format!("must be {must}"));
        }
        if seen.amount != amount || amount.is_none() {
            let amount = seen.amount.map_or_else(|| "nothing".to_owned(), |money| money.to_string());
            return Some(format!("the receipt says {amount}"));
        }
        if *moved_minor != expected.moves_minor {
            return Some(format!("the account moved by {moved_minor}, must move by {}", expected.moves_minor));
        }
        seen.wrong.clone()
    }

    fn json(&self) -> Value {
        json!({
            "row": self.expected.row,
            "what": self.expected.what,
            "under": self.expected.under,
            "amount": self.seen.amount.map(|money| money.to_string()),
            "outcome": self.seen.outcome.name(),
            "code": self.seen.code.map(|code| code.slug()),
            "moved_minor": self.moved_minor,
            "ms": self.ms,
            "wrong": self.wrong(),
            "skipped": self.skipped,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expected { row, what, under, amount, .. } = &self.expected;
        if let Some(why) = &self.skipped {
            return writeln!(f, "{row:>4}  {what:<35} SKIPPED: {why}");
        }
        let (outcome, code) = (self.seen.outcome.name(), self.seen.code.map_or("", |code| code.slug()));
        let line = format!("{row:>4}  {what:<35} {amount:>12}  {under:<35} {outcome:<10} {code:<22} {:>5} ms", self.ms);
        writeln!(f, "{line}")?;
        self.wrong().map_or(Ok(()), |wrong| writeln!(f, "      NOT AS IT MUST BE: {wrong}"))
    }
}

/// All that came out.
pub(crate) struct Report {
    /// The rows.
    pub(crate) rows: Vec<Row>,
    /// What is left when all is added up.
    pub(crate) books: Books,
    /// How long all of it took.
    pub(crate) ms: u128,
}

impl Report {
    /// Whether everything is as it must be.
    pub(crate) fn is_good(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.wrong().is_none()) && self.books.agree()
    }

    /// What stands below the rows.
    pub(crate) fn foot(&self) -> String {
        let Books { receipts, deposit_minor, account_minor, merchant_in_store_minor, .. } = &self.books;
        let played = || self.rows.iter().filter(|row| row.skipped.is_none());
        let good = played().filter(|row| row.wrong().is_none()).count();
        let mut text = format!("\n{receipts} receipts verified from their files, with the anchors alone\n");
        let [account, merchant, deposit] = [*account_minor, *merchant_in_store_minor, *deposit_minor].map(yuan);
        if self.books.agree() {
            text.push_str(&format!("account {account} + merchant {merchant} = deposit {deposit}: the books agree\n"));
        } else {
            text.push_str(&format!("NOT AS IT MUST BE: {:#?}\n", self.books));
        }
        let seconds = u64::try_from(self.ms).unwrap_or(u64::MAX) as f64 / 1_000.0;
        let skipped = match self.rows.len() - played().count() {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        text.push_str(&format!("{good} of {} rows as they must be{skipped}, in {seconds:.1} s\n", played().count()));
        text
    }

    /// One object.
    pub(crate) fn json(&self, stage: &Stage) -> String {
        let books = &self.books;
        let object = json!({
            "schema": "purser.demo/1",
            "good": self.is_good(),
            "issuer": format!("https://{}", stage.sandbox.issuer),
            "merchant": format!("https://{}", stage.sandbox.merchant),
            "seller": format!("https://{}", stage.sandbox.seller),
            "dir": stage.sandbox.dir,
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "books": {
                "agree": books.agree(),
                "receipts_verified": books.receipts,
                "deposit_minor": books.deposit_minor,
                "account_minor": books.account_minor,
                "merchant_minor": books.merchant_in_store_minor,
                "merchant_by_receipts_minor": books.merchant_by_receipts_minor,
                "findings": books.findings,
            },
            "ms": self.ms,
        });
        format!("{object}\n")
    }
}

/// What stands above the rows.
pub(crate) fn head(stage: &Stage) -> String {
    let (issuer, merchant, dir) = (stage.sandbox.issuer, stage.sandbox.merchant, stage.sandbox.dir.display());
    let fate = if stage.is_kept() { "kept" } else { "removed at the end" };
    format!("issuer https://{issuer}   merchant https://{merchant}   folder {dir} ({fate})\n\n")
}

/// What a person can do with what was left running.
pub(crate) fn how_to_go_on(stage: &Stage, guest: &str) -> String {
    let (dir, merchant, issuer) = (stage.sandbox.dir.display(), stage.sandbox.merchant, stage.sandbox.issuer);
    let purser = format!("cargo run -q -p purser-client -- --dir {dir}/home");
    let agent = format!("cargo run -q -p purser-client -- --dir {dir}/guest");
    // A browser makes passkeys for names alone.
    let port = issuer.port();
    format!(
        r#"
Both servers run until Ctrl-C; the folder stays.

In a browser: https://localhost:{port}/wallet/
(The sandbox vouches for itself: go past the browser's warning, or have it trust {dir}/roots.pem.)
  1. Open an account, and under Funds put play money in.
  2. Under Mandates, make a new one: a sum of 100, for the agent with this key:
     {guest}
  3. In another terminal, let that agent pay:
     {agent} fetch https://{merchant}/coffee --max "20.00 CNY"
  4. Under Records and Spending, see the payment. Under Agents, choose the agent and revoke.
  5. Let the agent pay once more: it is refused.

On the command line, from another terminal:
  {purser} account show
  {purser} payment ls
  {purser} fetch https://{merchant}/coffee --max "20.00 CNY"
To start them again later:
  cargo run -q -p purser-server -- issuer --config {dir}/issuer.toml
  cargo run -q -p purser-server -- merchant --config {dir}/merchant.toml
"#
    )
}

fn yuan(minor: u64) -> String {
    Currency::from_code("CNY").map_or_else(String::new, |currency| currency.show(minor).to_string())
}

#[cfg(test)]
mod tests {
    use purser_protocol::code::Code;
    use purser_protocol::receipt::Outcome;

    use super::*;

    fn row() -> Row {
        let expected = Expected {
            row: "3c",
            what: "quota, a third",
            under: "left 28.00",
            amount: "36.00 CNY",
            outcome: Outcome::Refused,
            code: Some(Code::RuleTotal),
            moves_minor: 0,
        };
        let amount = expected.amount.parse().ok();
        let seen = Seen { outcome: Outcome::Refused, code: Some(Code::RuleTotal), amount, wrong: None };
        Row { expected, seen, moved_minor: 0, ms: 4, skipped: None }
    }

    fn books() -> Books {
        Books {
            receipts: 3,
            deposit_minor: 100,
            account_minor: 40,
            merchant_by_receipts_minor: 60,
            account_in_store_minor: 40,
            merchant_in_store_minor: 60,
            findings: Vec::new(),
        }
    }

    #[test]
    fn every_part_of_a_row_counts() {
        assert_eq!(row().wrong(), None);
        let changes: [fn(&mut Row); 8] = [
            |row| row.seen.outcome = Outcome::Settled,
            |row| row.seen.code = None,
            |row| row.seen.code = Some(Code::RuleCount),
            |row| row.seen.amount = None,
            |row| row.seen.amount = "36.01 CNY".parse().ok(),
            |row| row.expected.amount = "36 rabbits",
            |row| row.moved_minor = -3_600,
            |row| row.seen.wrong = Some("late".into()),
        ];
        for (place, change) in changes.into_iter().enumerate() {
            let mut row = row();
            change(&mut row);
            assert!(row.wrong().is_some(), "{place}");
            assert!(row.to_string().contains("NOT AS IT MUST BE"), "{place}");
            assert!(!Report { rows: vec![row], books: books(), ms: 1 }.is_good(), "{place}");
        }
        assert!(Report { rows: vec![row()], books: books(), ms: 1 }.is_good());
        assert!(!Report { rows: Vec::new(), books: books(), ms: 1 }.is_good());
    }

    #[test]
    fn every_sum_of_the_books_counts() {
        assert!(books().agree());
        let changes: [fn(&mut Books); 7] = [
            |books| books.receipts = 0,
            |books| books.deposit_minor = 101,
            |books| books.account_minor = 41,
            |books| books.account_in_store_minor = 41,
            |books| books.merchant_by_receipts_minor = -60,
            |books| books.merchant_in_store_minor = 59,
            |books| books.findings.push("purses hold 99".into()),
        ];
        for (place, change) in changes.into_iter().enumerate() {
            let mut books = books();
            change(&mut books);
            let report = Report { rows: vec![row()], books, ms: 1 };
            assert!(!report.is_good() && report.foot().contains("NOT AS IT MUST BE"), "{place}");
        }
    }
}

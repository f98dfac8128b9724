//! What an account has spent: by agent, by merchant, by category, by day or month of a place.

use std::collections::BTreeMap;

use purser_protocol::id::AccountId;
use purser_protocol::period::{Period, Unit, Zone};
use purser_protocol::time::UnixSeconds;
use rusqlite::params;

use super::Wallet;
use crate::store::StoreError;

/// By what spending is told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Who spent.
    Agent,
    /// Who was paid.
    Merchant,
    /// What was sold.
    Category,
    /// The day, at a place.
    Day(Zone),
    /// The month, at a place.
    Month(Zone),
}

/// Which payments.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// Decided then or later.
    pub from_seconds: Option<u64>,
    /// Decided before then.
    pub until_seconds: Option<u64>,
    /// Of this agent alone.
    pub agent: Option<String>,
    /// At this merchant alone.
    pub merchant: Option<String>,
}

/// What was spent of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// What merchants got and have not given back, in minor units. [WAL-10]
    pub spent_minor: u64,
    /// What they gave back.
    pub refunded_minor: u64,
    /// What is held for them.
    pub held_minor: u64,
    /// In how many payments.
    pub payments: u64,
}

/// Quarters of an hour: no clock has ever been put on or back by less since 1972.
const QUARTER_SECONDS: u64 = 900;

impl Wallet {
    /// What an account has spent, by key and currency.
    pub fn spending(
        &self,
        account: &AccountId,
        by: &By,
        span: &Span,
    ) -> Result<BTreeMap<(String, String), Spent>, StoreError> {
        let key = match by {
            By::Agent => "agent",
            By::Merchant => "merchant",
            By::Category => "CASE WHEN category < 0 THEN '' ELSE printf('%04d', category) END",
            By::Day(_) | By::Month(_) => "quarter",
        };
        // The sums of quarters are enough, but for a span that begins or ends within one.
        let is_whole = |seconds: Option<u64>| seconds.is_none_or(|seconds| seconds % QUARTER_SECONDS == 0);
        let from = match is_whole(span.from_seconds) && is_whole(span.until_seconds) {
            true => "(SELECT *, quarter * 900 AS at FROM sums)",
            false => {
                "(SELECT account, decided_at AS at, decided_at / 900 AS quarter, currency, agent, merchant,
                  coalesce(category, -1) AS category, captured - refunded AS spent, refunded, held, 1 AS payments
                  FROM payments)"
            }
        };
        let query = format!(
            "SELECT {key} AS place, currency, sum(spent), sum(refunded), sum(held), sum(payments)
             FROM {from} WHERE account = ?1 AND at >= ?2 AND at < ?3
             AND (?4 IS NULL OR agent = ?4) AND (?5 IS NULL OR merchant = ?5)
             GROUP BY place, currency ORDER BY place"
        );
        let number = |seconds: Option<u64>, none: i64| seconds.and_then(|at| i64::try_from(at).ok()).unwrap_or(none);
        let mut find = self.view.prepare_cached(&query)?;
        let (from, until) = (number(span.from_seconds, 0), number(span.until_seconds, i64::MAX));
        let mut rows = find.query(params![account.0, from, until, span.agent, span.merchant])?;
        let mut days = Days::new(by);
        let mut spent: BTreeMap<(String, String), Spent> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let key = match &mut days {
                Some(days) => days.name(row.get::<_, u64>(0)? * QUARTER_SECONDS),
                None => row.get::<_, Option<String>>(0)?.unwrap_or_default(),
            };
            let sum = spent.entry((key, row.get(1)?)).or_default();
            sum.spent_minor += row.get::<_, u64>(2)?;
            sum.refunded_minor += row.get::<_, u64>(3)?;
            sum.held_minor += row.get::<_, u64>(4)?;
            sum.payments += row.get::<_, u64>(5)?;
        }
        Ok(spent)
    }
}

/// Names days or months, in the order of time, and asks the calendar once for each.
struct Days {
    period: Period,
    zone: Zone,
    is_month: bool,
    now: std::ops::Range<u64>,
    name: String,
}

impl Days {
    fn new(by: &By) -> Option<Self> {
        let (unit, zone) = match by {
            By::Day(zone) => (Unit::Day, zone.clone()),
            By::Month(zone) => (Unit::Month, zone.clone()),
            By::Agent | By::Merchant | By::Category => return None,
        };
        let period = Period::Calendar { unit, zone: zone.clone() };
        Some(Self { period, zone, is_month: unit == Unit::Month, now: 0..0, name: String::new() })
    }

    /// The day, `2026-11-02`, or the month, `2026-11`, of a second. [WAL-12]
    fn name(&mut self, seconds: u64) -> String {
        if !self.now.contains(&seconds) {
            let at = UnixSeconds::new(seconds).unwrap_or(UnixSeconds::MIN);
            self.now = self.period.bounds(at);
            let date = self.zone.date(at);
            self.name = if self.is_month { date[..date.len() - 3].to_owned() } else { date };
        }
        self.name.clone()
    }
}

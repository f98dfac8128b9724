//! The terms of a mandate, as they are typed.

use clap::{Args, ValueEnum};
use purser_client::terms::Terms;
use purser_client::{Error, Result};
use purser_protocol::code::Code;
use purser_protocol::field::{List, True};
use purser_protocol::id::KeyId;
use purser_protocol::money::{Amount, Currency};
use purser_protocol::paper::rules::Rules;
use purser_protocol::period::Zone;

/// How a person said so.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    Screen,
    Voice,
}

/// Terms that a new mandate and a new version of one have in common.
#[derive(Args)]
pub(crate) struct TermsArgs {
    /// The most for one payment
    #[arg(long, value_name = "AMOUNT")]
    per_payment: Option<String>,
    /// The most for all payments together
    #[arg(long, value_name = "AMOUNT")]
    total: Option<String>,
    /// The most in a day
    #[arg(long, value_name = "AMOUNT")]
    per_day: Option<String>,
    /// The most in a week
    #[arg(long, value_name = "AMOUNT")]
    per_week: Option<String>,
    /// The most in a month
    #[arg(long, value_name = "AMOUNT")]
    per_month: Option<String>,
    /// The most in a year
    #[arg(long, value_name = "AMOUNT")]
    per_year: Option<String>,
    /// The most payments
    #[arg(long, value_name = "NUMBER")]
    count: Option<String>,
    /// The only merchants; once for each
    #[arg(long, value_name = "NAME")]
    merchant: Vec<String>,
    /// The only categories of ISO 18245; once for each
    #[arg(long, value_name = "NUMBER")]
    category: Vec<String>,
    /// Ask the person above this
    #[arg(long, value_name = "AMOUNT")]
    ask_above: Option<String>,
    /// Ask the person before the first payment to a merchant
    #[arg(long)]
    ask_first: bool,
    /// Any other rule for every payment, such as "hours=mon-fri@08:00-18:00"; may stand several times
    #[arg(long, value_name = "RULE=VALUE,...")]
    rule: Vec<String>,
    /// Rules of which one set must hold wholly, of a conditional mandate; may stand several times
    #[arg(long, value_name = "RULE=VALUE,...")]
    grant: Vec<String>,
    /// Where days begin, such as Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Money to set aside for it alone, of a quota mandate
    #[arg(long, value_name = "AMOUNT")]
    funded: Option<String>,
    /// Refunds give their amounts back to it
    #[arg(long)]
    refund_returns: bool,
    /// How the person said so: a spoken word makes no mandate and changes none
    #[arg(long, value_enum, default_value = "screen")]
    how: How,
}

impl TermsArgs {
    /// A voice makes no mandate and raises none.
    pub(crate) fn not_by_voice(&self) -> Result<()> {
        match self.how {
            How::Screen => Ok(()),
            How::Voice => {
                let error = Error::usage("a spoken word makes no mandate and raises none"); // [WAL-28] [MAN-3]
                Err(error.coded(Some(Code::VoiceForbidden)).fix("do it where it can be shown"))
            }
        }
    }

    pub(crate) fn caps(&self, currency: Currency, before: Option<&Rules>) -> Result<Option<Rules>> {
        let mut terms = self.terms(currency)?.from(before);
        let one = [
            ("per-payment", &self.per_payment),
            ("total", &self.total),
            ("per-day", &self.per_day),
            ("per-week", &self.per_week),
            ("per-month", &self.per_month),
            ("per-year", &self.per_year),
            ("count", &self.count),
            ("ask-above", &self.ask_above),
        ];
        for (word, value) in one {
            value.iter().try_for_each(|value| terms.set(word, value))?;
        }
        for (word, values) in [("merchant", &self.merchant), ("category", &self.category)] {
            if !values.is_empty() {
                terms.set(word, &values.join("+"))?;
            }
        }
        if self.ask_first {
            terms.set("ask-first", "yes")?;
        }
        self.rule.iter().try_for_each(|rules| terms.set_all(rules))?;
        Ok(terms.rules())
    }

    pub(super) fn grants<const MAX: usize>(&self, currency: Currency) -> Result<Option<List<Rules, MAX>>> {
        let grant = |text: &String| {
            let mut terms = self.terms(currency)?;
            terms.set_all(text)?;
            terms.rules().ok_or_else(|| Error::usage("a grant without a rule would allow everything"))
        };
        let grants = self.grant.iter().map(grant).collect::<Result<Vec<_>>>()?;
        if grants.is_empty() {
            return Ok(None);
        }
        List::new(grants).map(Some).ok_or_else(|| Error::usage(format!("more than {MAX} grants")))
    }

    /// The sum to set aside, or the one that was.
    pub(crate) fn funded_or(&self, currency: Currency, before: Option<Amount>) -> Result<Option<Amount>> {
        if self.funded.is_some() { self.funded(currency) } else { Ok(before) }
    }

    pub(super) fn funded(&self, currency: Currency) -> Result<Option<Amount>> {
        let terms = self.terms(currency)?;
        self.funded.as_deref().map(|amount| terms.amount(amount)).transpose()
    }

    pub(super) fn refund_returns(&self) -> Option<True> {
        self.refund_returns.then_some(True)
    }

    /// Binds what is allowed to one device.
    pub(crate) fn bind(&mut self, device: &KeyId) {
        self.rule.push(format!("device={device}"));
    }

    fn terms(&self, currency: Currency) -> Result<Terms> {
        let zone =
            Zone::new(&self.zone).ok_or_else(|| Error::usage("not a zone of the IANA database").at(&self.zone))?;
        Ok(Terms::new(currency, zone))
    }
}

//! `[merchant]`: who it is, which issuers it takes money at, and its catalogue: items, categories, and prices with the
//! time from which each holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::http::{HeaderValue, Method};
use purser_protocol::id::{PartyId, ShortText};
use purser_protocol::limits::OFFER_SECONDS_MAX;
use purser_protocol::money::Currency;
use purser_protocol::paper::offer::Payee;
use purser_protocol::time::UnixSeconds;
use serde::Deserialize;

use crate::charge::{Charge, Seller};
use crate::error::{SetupError, setting};
use crate::sell::GOODS_BYTES_MAX;
use crate::store::Bounds;

/// `[merchant]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its name, as in its certificate.
    pub name: String,
    /// The network that its papers belong to.
    pub network: String,
    /// Its signing certificate and what issued it, leaf first, in PEM.
    pub certificate: PathBuf,
    /// The leaf's private key: PKCS #8 in PEM.
    pub key: PathBuf,
    /// Certificates of authorities whose issuers are trusted, in PEM.
    pub anchors: Vec<PathBuf>,
    /// The store: a file, or the URL of a PostgreSQL that it has for itself. Several processes may share it.
    pub store: PathBuf,
    /// How long an offer can be taken.
    #[serde(default = "five_minutes")]
    pub offer_seconds: u64,
    /// Most offers that are remembered while nobody has taken them.
    #[serde(default = "a_hundred_thousand")]
    pub offers_max: u64,
    /// How long an offer that nobody took is remembered after it has expired.
    #[serde(default = "a_day")]
    pub remember_seconds: u64,
    /// Where it takes money.
    pub issuers: Vec<IssuerEntry>,
    /// How long it may take to make what was paid for. After that somebody else may make it.
    #[serde(default = "a_minute")]
    pub work_seconds: u64,
    /// How people call the shop.
    pub title: Option<String>,
    /// What it is, in words.
    pub about: Option<String>,
    /// The folder of a web server whose `.well-known/agent-skills/` is served: as `purser skill publish` writes it.
    pub skills: Option<PathBuf>,
    /// What it sells.
    #[serde(default)]
    pub products: Vec<ProductEntry>,
}

fn five_minutes() -> u64 {
    300
}

fn a_hundred_thousand() -> u64 {
    100_000
}

fn a_minute() -> u64 {
    60
}

fn a_day() -> u64 {
    86_400
}

/// `[[merchant.issuers]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerEntry {
    /// The issuer's name.
    pub name: String,
    /// The merchant's account there.
    pub account: String,
    /// The issuer's signing chain, leaf first, in PEM: receipts verify without asking anybody.
    pub chain: PathBuf,
    /// Where money that goes back is sent.
    pub url: String,
    /// How the issuer calls its own address, where `url` is another way there: proofs name it.
    pub base_url: Option<String>,
    /// Whom the connection trusts, in PEM.
    pub roots: PathBuf,
}

/// `[[merchant.products]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductEntry {
    #[serde(default = "get")]
    method: String,
    path: String,
    price: String,
    item: String,
    name: String,
    category: Option<u64>,
    #[serde(default)]
    capture: CaptureEntry,
    hold_seconds: Option<u64>,
    /// What is served, where the shop makes nothing itself.
    body: Option<String>,
    /// What other ways to pay say beside the offer: fields of the answer, by name.
    #[serde(default)]
    beside: BTreeMap<String, String>,
    /// The media type of what is served.
    format: Option<String>,
    /// Later prices.
    #[serde(default)]
    prices: Vec<PriceEntry>,
}

/// `[[merchant.products.prices]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    from_seconds: u64,
    price: String,
}

fn get() -> String {
    "GET".into()
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CaptureEntry {
    #[default]
    AtOnce,
    ByCommand,
}

/// Something that has a price, or several, one after the other.
#[derive(Clone, Debug)]
pub struct Product {
    /// The method of its resource.
    pub method: Method,
    /// What is served, where the shop makes nothing itself.
    pub body: Option<String>,
    /// Its id in the shop.
    pub item: String,
    /// Its category.
    pub category: Option<u64>,
    /// The media type of what is served, where the catalogue says.
    pub format: Option<String>,
    /// The first price, which holds from the beginning, and later ones with the time from which each holds.
    versions: Vec<(UnixSeconds, Charge)>,
}

impl Product {
    /// What it costs now, and the number of that price, from 1. What was offered before keeps its price.
    pub fn charge(&self, now: UnixSeconds) -> (usize, &Charge) {
        let known = self.versions.partition_point(|(from, _)| *from <= now).max(1);
        (known, &self.versions[known - 1].1)
    }

    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.versions[0].1.currency()
    }
}

/// Paths that are the shell's, or the role's.
const TAKEN: [&str; 4] = ["/.well-known/purser", "/healthz", "/readyz", "/metrics"];

/// A file of settings.
#[derive(Debug, Deserialize)]
struct File {
    merchant: Settings,
    shell: Option<Shell>,
}

/// `[shell]`, as far as a shop of its own reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct Shell {
    /// Where to listen.
    pub listen: std::net::SocketAddr,
    /// The address that others know it by.
    pub url: Option<String>,
    /// The server's certificates, in PEM.
    pub tls_cert: PathBuf,
    /// Their key, in PEM.
    pub tls_key: PathBuf,
}

impl Settings {
    /// Reads `[merchant]` and `[shell]` of a file. Paths in it start in its folder, which comes along.
    pub fn read(path: &Path) -> Result<(Self, Option<Shell>, PathBuf), SetupError> {
        let wrong = |why: String| SetupError::File { path: path.display().to_string(), why };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let file: File = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok((file.merchant, file.shell, folder))
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { offers_max: self.offers_max, remember_seconds: self.remember_seconds }
    }

    pub(crate) fn seller(&self, merchant: &PartyId) -> Result<Seller, SetupError> {
        if !(1..=OFFER_SECONDS_MAX).contains(&self.offer_seconds) {
            return Err(setting("offer_seconds", format!("is not 1 to {OFFER_SECONDS_MAX}"))); // [AUT-28]
        }
        let payee = |entry: &IssuerEntry| {
            Some(Payee { issuer: PartyId::new(&entry.name)?, account: ShortText::new(&entry.account)? })
        };
        let accepts: Option<Vec<_>> = self.issuers.iter().map(payee).collect();
        let accepts = accepts.ok_or_else(|| setting("issuers", "have a name or an account that is none"))?;
        Ok(Seller { merchant: merchant.clone(), offer_seconds: self.offer_seconds, accepts })
    }

    /// What is sold, by path; each path has a method once.
    pub(crate) fn catalogue(&self, seller: &Seller) -> Result<BTreeMap<String, Vec<Product>>, SetupError> {
        let mut catalogue: BTreeMap<String, Vec<Product>> = BTreeMap::new();
        for entry in &self.products {
            let product = product(entry, seller)?;
            let others = catalogue.entry(entry.path.clone()).or_default();
            if others.iter().any(|other| other.method == product.method) {
                return Err(setting("products", format!("have {} {} twice", product.method, entry.path)));
            }
            others.push(product);
        }
        Ok(catalogue)
    }
}

fn product(entry: &ProductEntry, seller: &Seller) -> Result<Product, SetupError> {
    let wrong = |why: String| setting("products", format!("({}): {why}", entry.path));
    if !is_plain(&entry.path) || TAKEN.contains(&entry.path.as_str()) || entry.path.starts_with("/Q/") {
        return Err(wrong("path is not one of its own, from a slash, of letters, digits and -._~/".into()));
    }
    let method: Method = entry.method.parse().map_err(|_| wrong("no such method".into()))?;
    if !has_content(&method) {
        return Err(wrong("the answer to this method has no content of the resource".into()));
    }
    let charge = |price: &str| {
        let mut charge = Charge::new(price, &entry.item, &entry.name)?;
        if let Some(category) = entry.category {
            charge = charge.category(category)?;
        }
        if let CaptureEntry::ByCommand = entry.capture {
            charge = charge.by_command();
        }
        if let Some(seconds) = entry.hold_seconds {
            charge = charge.hold_seconds(seconds)?;
        }
        for (name, value) in &entry.beside {
            charge = charge.beside(name, value)?;
        }
        charge.check(seller).map(|()| charge)
    };
    let first = charge(&entry.price).map_err(|error| wrong(error.to_string()))?;
    let mut versions = vec![(UnixSeconds::MIN, first)];
    for later in &entry.prices {
        let from = UnixSeconds::new(later.from_seconds).ok_or_else(|| wrong("a price from no time".into()))?;
        let charge = charge(&later.price).map_err(|error| wrong(error.to_string()))?;
        if versions.last().is_some_and(|(before, first)| *before >= from || first.currency() != charge.currency()) {
            return Err(wrong("prices are in one currency, each from a later time than the one before".into()));
        }
        versions.push((from, charge));
    }
    if entry.body.as_ref().is_some_and(|body| body.len() > GOODS_BYTES_MAX) {
        return Err(wrong(format!("body is longer than {GOODS_BYTES_MAX} bytes")));
    }
    let (item, body, category, format) = (entry.item.clone(), entry.body.clone(), entry.category, entry.format.clone());
    if format.as_ref().is_some_and(|format| HeaderValue::from_str(format).is_err()) {
        return Err(wrong("format is no media type".into()));
    }
    Ok(Product { method, body, item, category, format, versions })
}

/// Whether an answer to this method carries what was paid for.
pub(crate) fn has_content(method: &Method) -> bool {
    ![Method::HEAD, Method::OPTIONS, Method::CONNECT, Method::TRACE].contains(method)
}

/// A path that means itself: no pattern, no query, nothing that is escaped.
fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.starts_with('/') && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(prices: &str) -> Result<BTreeMap<String, Vec<Product>>, SetupError> {
        let text = format!(
            r#"name = "shop.example"
            network = "sandbox"
            certificate = "c"
            key = "k"
            anchors = []
            store = "s"
            [[issuers]]
            name = "issuer.example"
            account = "till"
            chain = "i"
            url = "https://issuer.example"
            roots = "r"
            [[products]]
            path = "/tea"
            price = "1.00 CNY"
            item = "tea"
            name = "Tea"
            category = 5814
            {prices}"#
        );
        let settings: Settings = toml::from_str(&text).unwrap();
        let seller = settings.seller(&PartyId::new("shop.example").unwrap()).unwrap();
        settings.catalogue(&seller)
    }

    #[test]
    fn a_price_holds_from_its_second_on() {
        let later =
            "prices = [{ from_seconds = 100, price = \"2.00 CNY\" }, { from_seconds = 200, price = \"3.00 CNY\" }]";
        let catalogue = catalogue(later).unwrap();
        let tea = &catalogue["/tea"][0];
        for (second, version, price) in
            [(0, 1, "1.00 CNY"), (99, 1, "1.00 CNY"), (100, 2, "2.00 CNY"), (199, 2, "2.00 CNY"), (200, 3, "3.00 CNY")]
        {
            let (found, charge) = tea.charge(UnixSeconds::new(second).unwrap());
            assert_eq!((found, charge.price().to_string().as_str()), (version, price), "{second}");
        }
        assert_eq!(tea.category, Some(5814));
    }

    #[test]
    fn prices_come_in_order_and_in_one_currency() {
        let one = |second: u64, price: &str| format!("{{ from_seconds = {second}, price = \"{price}\" }}");
        let wrong = [
            [one(200, "2.00 CNY"), one(200, "3.00 CNY")].join(", "),
            [one(200, "2.00 CNY"), one(100, "3.00 CNY")].join(", "),
            one(100, "200 JPY"),
            one(0, "2.00 CNY"),
        ];
        for prices in wrong {
            assert!(catalogue(&format!("prices = [{prices}]")).is_err(), "{prices}");
        }
    }
}

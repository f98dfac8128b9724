//! The configurations. Paths in them are relative to their folder, so that it can be moved.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{ACCOUNT, ISSUER, MERCHANT, NETWORK, SELLER};

struct Product {
    path: &'static str,
    price: &'static str,
    item: &'static str,
    name: &'static str,
    category: u16,
    capture: &'static str,
    body: &'static str,
}

/// One for each thing to try: a small price, a hold, two prices around 200, two more categories.
const PRODUCTS: [Product; 6] = [
    Product {
        path: "/coffee",
        price: "12.80 CNY",
        item: "coffee",
        name: "A cup of coffee",
        category: 5814,
        capture: "at-once",
        body: "A cup of coffee, black.\n",
    },
    Product {
        path: "/book",
        price: "45.00 CNY",
        item: "book",
        name: "A book, charged when it is sent",
        category: 5942,
        capture: "by-command",
        body: "The book is reserved for you.\n",
    },
    Product {
        path: "/groceries",
        price: "199.00 CNY",
        item: "groceries",
        name: "Groceries for a week",
        category: 5411,
        capture: "at-once",
        body: "Rice, tea, vegetables.\n",
    },
    Product {
        path: "/feast",
        price: "201.00 CNY",
        item: "feast",
        name: "Groceries for a feast",
        category: 5411,
        capture: "at-once",
        body: "Duck, wine, pears.\n",
    },
    Product {
        path: "/taxi",
        price: "36.00 CNY",
        item: "taxi",
        name: "A ride across the city",
        category: 4121,
        capture: "at-once",
        body: "Your car is here.\n",
    },
    Product {
        path: "/report",
        price: "28.00 CNY",
        item: "report",
        name: "A report; the query says on what",
        category: 5942,
        capture: "at-once",
        body: "The report that you asked for.\n",
    },
];

/// `issuer.toml`
pub(super) fn issuer(listen: SocketAddr) -> String {
    // A browser makes passkeys for names alone; this machine has one.
    let page = match listen.ip().is_loopback() {
        true => format!("page_url = \"https://localhost:{}\"\n", listen.port()),
        false => String::new(),
    };
    format!(
        r#"# An issuer of play money. Start it with: purser-server issuer --config THIS_FILE
[shell]
listen = "{listen}"
url = "https://{listen}"
tls_cert = "tls.pem"
tls_key = "tls.key"

[issuer]
name = "{ISSUER}"
network = "{NETWORK}"
sandbox = true
certificate = "issuer.pem"
key = "issuer.key"
anchors = ["roots.pem"]
store = "issuer.sqlite"
{page}"#
    )
}

/// `merchant.toml`
pub(super) fn merchant(listen: SocketAddr, issuer: SocketAddr) -> String {
    let mut text = format!(
        r#"# A shop. Start it with: purser-server merchant --config THIS_FILE
[shell]
listen = "{listen}"
url = "https://{listen}"
tls_cert = "tls.pem"
tls_key = "tls.key"

[merchant]
name = "{MERCHANT}"
network = "{NETWORK}"
certificate = "merchant.pem"
key = "merchant.key"
anchors = ["roots.pem"]
store = "merchant.sqlite"

[[merchant.issuers]]
name = "{ISSUER}"
account = "{ACCOUNT}"
chain = "issuer.pem"
url = "https://{issuer}"
roots = "roots.pem"
"#
    );
    for product in &PRODUCTS {
        let Product { path, price, item, name, category, capture, body } = product;
        // A string cannot be written to in vain.
        let _ = write!(
            text,
            r#"
[[merchant.products]]
path = "{path}"
price = "{price}"
item = "{item}"
name = "{name}"
category = {category}
capture = "{capture}"
body = {body:?}
"#
        );
    }
    text
}

/// `seller.toml`
pub(super) fn seller(listen: SocketAddr, issuer: SocketAddr) -> String {
    format!(
        r#"# A seller of tokens. Start it with: purser-server seller --config THIS_FILE
[shell]
listen = "{listen}"
url = "https://{listen}"
tls_cert = "tls.pem"
tls_key = "tls.key"

[seller]
name = "{SELLER}"
network = "{NETWORK}"
sandbox = true
certificate = "seller.pem"
key = "seller.key"
anchors = ["roots.pem"]
store = "seller.sqlite"
# What one hold of a session holds, and what a thousand tokens cost, in fen.
hold = "10.00 CNY"
per = 1000
input_price = 3
output_price = 15
# What a link of each chain is worth, and by how much links may be ahead of use.
steps = [1, 10]
ahead = 25

# Tokens that are paid in advance, and what is taken off: once for everybody together.
[[seller.plans]]
id = "basic"
name = "20,000 tokens, for 30 days"
units = 20000
days = 30
price = "2.50 CNY"

# Tokens of each month, asked for by the seller under a mandate that it holds.
[[seller.subscriptions]]
id = "monthly"
name = "50,000 tokens each month"
units = 50000
term = "month"
price = "5.00 CNY"
trial_days = 14
trial_units = 1000
first_price = "3.00 CNY"
first_terms = 1

[[seller.coupons]]
code = "WELCOME"
plan = "basic"
off = "0.50 CNY"

[[seller.issuers]]
name = "{ISSUER}"
account = "{ACCOUNT}"
chain = "issuer.pem"
url = "https://{issuer}"
roots = "roots.pem"
"#
    )
}

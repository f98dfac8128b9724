//! What a 402 asks for by other rails: read into one view, so that a person can be told what is asked and by which. None
//! of them is paid here, and nothing that they say decides anything.

use std::fmt;

use hyper::header::{HeaderMap, WWW_AUTHENTICATE};
use purser_protocol::bind::base64url;
use serde_json::{Value, json};

/// Longest header that is looked into, and longest text that is shown of it.
const HEADER_BYTES_MAX: usize = 16_384;
const TEXT_CHARS_MAX: usize = 80;
/// Most ways to pay that are shown.
const RAILS_MAX: usize = 16;

/// One way to pay that a server names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rail {
    /// Whose form the asking has: `x402`, `MPP` or `A402`.
    pub form: &'static str,
    /// The method, such as `tempo`, or the scheme and network.
    pub method: String,
    /// How much, as it is written there.
    pub amount: String,
    /// Of what.
    pub currency: String,
    /// To whom.
    pub payee: String,
}

impl fmt::Display for Rail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.form, self.method)?;
        if !self.amount.is_empty() {
            write!(f, ", {} {}", self.amount, self.currency)?;
        }
        if !self.payee.is_empty() {
            write!(f, " to {}", self.payee)?;
        }
        Ok(())
    }
}

impl Rail {
    /// For programs. What is not ours is never paid here.
    pub fn json(&self) -> Value {
        let Self { form, method, amount, currency, payee } = self;
        json!({
            "form": form, "method": method, "amount": amount, "currency": currency, "payee": payee, "payable": false,
        })
    }
}

/// The ways to pay that these headers name, in their order; what cannot be read is left out.
pub fn asked(headers: &HeaderMap) -> Vec<Rail> {
    let values = |name: &str| -> Vec<String> {
        let found = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        found.filter(|value| value.len() <= HEADER_BYTES_MAX).map(str::to_owned).collect()
    };
    let mut rails: Vec<Rail> = values(WWW_AUTHENTICATE.as_str()).iter().flat_map(|value| mpp(value)).collect();
    rails.extend(values("payment-required").iter().flat_map(|value| x402(value)));
    rails.extend(values("payment-needed").iter().filter_map(|value| a402(value)));
    rails.truncate(RAILS_MAX);
    rails
}

/// `Payment id="...", method="...", request="<base64url of JSON>"`: of every method but ours.
fn mpp(value: &str) -> Vec<Rail> {
    let mut rails = Vec::new();
    for part in challenges(value) {
        let parameter =
            |name: &str| part.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let Some(method) = parameter("method").filter(|method| **method != "purser") else { continue };
        let request = parameter("request").and_then(|text| decoded(text)).unwrap_or_default();
        rails.push(Rail {
            form: "MPP",
            method: shown(method),
            amount: text(&request, &["amount"]),
            currency: text(&request, &["currency"]),
            payee: text(&request, &["recipient", "externalId"]),
        });
    }
    rails
}

/// The parameters of each challenge of the scheme `Payment`.
fn challenges(value: &str) -> Vec<Vec<(String, String)>> {
    let mut all: Vec<Vec<(String, String)>> = Vec::new();
    let mut rest = value.trim_start();
    let mut is_payment = false;
    while !rest.is_empty() {
        let word_end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.~+!#$%&'*^`|".contains(c))).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        if word.is_empty() {
            break;
        }
        if let Some(quoted) = after.strip_prefix("=\"") {
            let mut text = String::new();
            let mut letters = quoted.char_indices();
            let mut end = None;
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '"' => {
                        end = Some(at);
                        break;
                    }
                    '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                    other => text.push(other),
                }
            }
            let Some(end) = end else { break };
            if let Some(last) = all.last_mut().filter(|_| is_payment) {
                last.push((word.to_owned(), text));
            }
            rest = &quoted[end + 1..];
        } else if let Some(token) = after.strip_prefix('=') {
            let end = token.find([',', ' ']).unwrap_or(token.len());
            if let Some(last) = all.last_mut().filter(|_| is_payment) {
                last.push((word.to_owned(), token[..end].to_owned()));
            }
            rest = &token[end..];
        } else {
            // A word alone begins another challenge.
            is_payment = word.eq_ignore_ascii_case("payment");
            if is_payment {
                all.push(Vec::new());
            }
            rest = after;
        }
        rest = rest.trim_start_matches([',', ' ', '\t']);
    }
    all
}

/// `{"x402Version": 2, "accepts": [{"scheme", "network", "amount", "asset", "payTo"}]}`
fn x402(value: &str) -> Vec<Rail> {
    let said = decoded(value).unwrap_or_default();
    let accepts = said.get("accepts").and_then(Value::as_array).cloned().unwrap_or_default();
    let rail = |one: &Value| Rail {
        form: "x402",
        method: format!("{} on {}", text(one, &["scheme"]), text(one, &["network"])),
        amount: text(one, &["amount", "maxAmountRequired"]),
        currency: text(one, &["asset"]),
        payee: text(one, &["payTo"]),
    };
    accepts.iter().filter(|one| one.is_object()).map(rail).collect()
}

/// `{"protocol": {"amount", "currency", "out_trade_no", ...}, "method": {"method_id", ...}}`
fn a402(value: &str) -> Option<Rail> {
    let said = decoded(value)?;
    let (protocol, method) = (said.get("protocol")?, said.get("method").unwrap_or(&Value::Null));
    let named = |names: &[&str]| {
        let own = text(method, names);
        if own.is_empty() { text(protocol, names) } else { own }
    };
    Some(Rail {
        form: "A402",
        method: named(&["method_id"]),
        amount: text(protocol, &["amount"]),
        currency: text(protocol, &["currency"]),
        payee: named(&["seller_unique_id", "seller_name"]),
    })
}

/// JSON in base64, of either alphabet and with or without padding.
fn decoded(text: &str) -> Option<Value> {
    let url: String = text
        .trim()
        .trim_end_matches('=')
        .chars()
        .map(|letter| match letter {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    serde_json::from_slice(&base64url::decode(&url)?).ok()
}

/// The first of these members that is a text or a number.
fn text(said: &Value, names: &[&str]) -> String {
    let found = names.iter().find_map(|name| match said.get(name)? {
        Value::String(text) => Some(shown(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// A stranger's text, short and without what moves a terminal's cursor.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, String)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(value.as_str()).unwrap());
        }
        headers
    }

    fn in_url(json: &Value) -> String {
        base64url::encode(json.to_string().as_bytes())
    }

    #[test]
    fn each_form_comes_to_one_view() {
        let request = in_url(&json!({"amount": "1000", "currency": "usd", "recipient": "acct_1"}));
        let both = format!(
            "Bearer realm=\"a\", Payment id=\"x\", realm=\"a, b\", method=\"tempo\", intent=\"charge\", request=\"{request}\", \
             Payment id=\"y\", method=\"purser\", request=\"{request}\""
        );
        let accepts = json!({"x402Version": 2, "accepts": [
            {"scheme": "exact", "network": "eip155:8453", "amount": "10000", "asset": "0x8335", "payTo": "0x2096"},
            {"scheme": "upto", "network": "eip155:1", "amount": 7, "asset": "0x1", "payTo": "0x2"},
        ]});
        // The alphabet of plain base64, with its padding.
        let x402 = in_url(&accepts).replace('-', "+").replace('_', "/") + "==";
        let needed = in_url(&json!({
            "protocol": {"amount": "12.80", "currency": "CNY", "out_trade_no": "1", "seller_unique_id": "2088"},
            "method": {"method_id": "alipay"},
        }));
        let asked: Vec<String> =
            asked(&headers(&[("www-authenticate", both), ("payment-required", x402), ("payment-needed", needed)]))
                .iter()
                .map(ToString::to_string)
                .collect();
        assert_eq!(
            asked,
            [
                "MPP tempo, 1000 usd to acct_1",
                "x402 exact on eip155:8453, 10000 0x8335 to 0x2096",
                "x402 upto on eip155:1, 7 0x1 to 0x2",
                "A402 alipay, 12.80 CNY to 2088",
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_nothing_moves_the_cursor() {
        for (name, value) in [
            ("www-authenticate", "Payment method=\"open"),
            ("www-authenticate", "Basic realm=\"x\""),
            ("www-authenticate", "\"\"==,,"),
            ("payment-required", "%%%"),
            ("payment-required", "e30"),
            ("payment-needed", "W10"),
        ] {
            assert_eq!(asked(&headers(&[(name, value.to_owned())])), [], "{value}");
        }
        let sly = in_url(&json!({"protocol": {"amount": "\u{1b}[2J1", "currency": "C\u{202e}NY"}}));
        assert_eq!(asked(&headers(&[("payment-needed", sly)]))[0].to_string(), "A402 , [2J1 CNY");
    }
}

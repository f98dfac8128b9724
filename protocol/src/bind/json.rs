//! The JSON of headers: objects of texts and of objects, written as RFC 8785 has it.
//!
//! Nothing in it is signed, and nothing in it limits, so that members which are not known are passed over;
//! but a member that stands twice is refused, since two readers could take two different ones.

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 4;
/// Most members of one object.
const MEMBERS_MAX: usize = 32;

/// A value of a header's JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// A string.
    Text(String),
    /// An object, its members in the order that they came in.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value that takes all of `bytes`; `None` when it is anything else.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut scan = Scan { rest: text };
        let value = scan.value(0)?;
        scan.space();
        scan.rest.is_empty().then_some(value)
    }

    /// The value in the one form of RFC 8785.
    pub(crate) fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    /// The member with this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(member, _)| member == name).map(|(_, value)| value),
            Self::Text(_) => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(_) => None,
        }
    }

    /// An object of texts.
    pub(crate) fn of_texts<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::Object(members.into_iter().map(|(name, text)| (name.into(), Self::Text(text.into()))).collect())
    }

    fn write_to(&self, out: &mut String) {
        match self {
            Self::Text(text) => quote(text, out),
            Self::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by_cached_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
                for (at, (name, value)) in sorted.into_iter().enumerate() {
                    out.push(if at == 0 { '{' } else { ',' });
                    quote(name, out);
                    out.push(':');
                    value.write_to(out);
                }
                out.push_str(if members.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Scan<'a> {
    rest: &'a str,
}

impl Scan<'_> {
    fn value(&mut self, depth: usize) -> Option<Json> {
        self.space();
        match self.rest.as_bytes().first()? {
            b'"' => self.string().map(Json::Text),
            b'{' if depth < DEPTH_MAX => self.object(depth).map(Json::Object),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<Vec<(String, Json)>> {
        let mut members: Vec<(String, Json)> = Vec::new();
        self.eat('{')?;
        self.space();
        if self.eat('}').is_some() {
            return Some(members);
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.eat(':')?;
            let value = self.value(depth + 1)?;
            if members.len() == MEMBERS_MAX || members.iter().any(|(member, _)| *member == name) {
                return None;
            }
            members.push((name, value));
            self.space();
            if self.eat('}').is_some() {
                return Some(members);
            }
            self.eat(',')?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.eat('"')?;
        let mut text = String::new();
        loop {
            let c = self.next()?;
            match c {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                control if control < ' ' => return None,
                other => text.push(other),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return None,
        })
    }

    fn unicode(&mut self) -> Option<char> {
        let high = self.unit()?;
        let mut units = vec![high];
        if (0xd800..0xdc00).contains(&high) {
            self.eat('\\')?;
            self.eat('u')?;
            units.push(self.unit()?);
        }
        // A lone half of a pair is no character.
        let mut decoded = char::decode_utf16(units);
        let first = decoded.next()?.ok()?;
        decoded.next().is_none().then_some(first)
    }

    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.rest = rest;
        u16::from_str_radix(digits, 16).ok()
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_order_is_read_and_one_is_written() {
        let json = Json::read(br#" {"b" : "2", "a":{"d":"\u00e9\uD83D\uDE00\n","c":"\/"} , "":"" } "#).unwrap();
        assert_eq!(json.write(), "{\"\":\"\",\"a\":{\"c\":\"/\",\"d\":\"é😀\\n\"},\"b\":\"2\"}");
        assert_eq!(json.member("a").and_then(|a| a.member("c")).and_then(Json::text), Some("/"));
        assert_eq!(Json::read(b"{}").unwrap().write(), "{}");
        assert_eq!(Json::Text("\u{1}\u{7f}".into()).write(), "\"\\u0001\u{7f}\"");
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for bad in [
            r#"{"a":"1","a":"2"}"#,
            r#"{"a":"1","\u0061":"2"}"#,
            r#"{"a":"1"}x"#,
            r#"{"a":"1",}"#,
            r#"{"a" "1"}"#,
            r#"{a:"1"}"#,
            r#"{"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":["1"]}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\ude00"}"#,
            r#"{"a":"\u12"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":"#,
            r#"{"a":"b"#,
            r#"{"a":{"b":{"c":{"d":{}}}}}"#,
            "",
        ] {
            assert_eq!(Json::read(bad.as_bytes()), None, "{bad}");
        }
        assert!(Json::read(br#"{"a":{"b":{"c":{}}}}"#).is_some(), "four levels are read");
        assert_eq!(Json::read(b"{\"a\":\"\xff\"}"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(json) = Json::read(&bytes) {
                prop_assert_eq!(Json::read(json.write().as_bytes()).map(|again| again.write()), Some(json.write()));
            }
        }

        #[test]
        fn any_text_goes_there_and_back(name in ".*", text in ".*") {
            let json = Json::of_texts([(name.as_str(), text.as_str())]);
            prop_assert_eq!(Json::read(json.write().as_bytes()), Some(json));
        }
    }
}

//! JSON as a token holds it: no member stands twice, and whole numbers stay whole.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without fraction and exponent, of 64 bits.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// A string.
    Text(Box<str>),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<Box<str>, Json>),
    /// What the signer wrote and the holder does not show.
    Withheld,
}

impl Json {
    /// Reads one value that takes all of `bytes`.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The members, of an object.
    pub fn object(&self) -> Option<&BTreeMap<Box<str>, Self>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of this name, of an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.object()?.get(name)
    }

    /// The elements, of a list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The words, of a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, of an integer.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// For showing; what is withheld is said to be.
impl From<&Json> for serde_json::Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => (*value).into(),
            Json::Integer(number) => (*number).into(),
            Json::Decimal(number) => (*number).into(),
            Json::Text(text) => (**text).into(),
            Json::List(elements) => elements.iter().map(Self::from).collect(),
            Json::Object(members) => {
                members.iter().map(|(name, value)| (name.to_string(), Self::from(value))).collect()
            }
            Json::Withheld => "(withheld)".into(),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which no member stands twice")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Decimal(number as f64), Json::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Decimal(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<Box<str>, Json>()? {
            // Two readers could take two different ones. [BRG-2]
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_stands_once() {
        assert!(Json::read(br#"{"a": 1, "b": {"a": 2}}"#).is_some());
        for twice in [r#"{"a": 1, "a": 1}"#, r#"[{"a": {"b": 1, "b": 2}}]"#, r#"{"a": 1, "\u0061": 2}"#] {
            assert_eq!(Json::read(twice.as_bytes()), None, "{twice}");
        }
    }

    #[test]
    fn one_value_and_nothing_more() {
        for bad in ["", "1 2", "{", "NaN", "Infinity", "[1,]", "'a'", "\"\\ud800\"", "01"] {
            assert_eq!(Json::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Json::read(b"\"\xff\""), None);
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(Json::read(b"-5000"), Some(Json::Integer(-5000)));
        assert_eq!(Json::read(b"9223372036854775807"), Some(Json::Integer(i64::MAX)));
        for other in ["1.0", "1e3", "9223372036854775808", "0.1"] {
            assert_eq!(Json::read(other.as_bytes()).unwrap().integer(), None, "{other}");
        }
    }
}

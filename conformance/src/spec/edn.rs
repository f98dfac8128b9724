//! Diagnostic notation (RFC 8949, section 8; RFC 8610, appendix G) into CBOR, as far as the examples use it.
//!
//! Maps are written in the order in which they stand, so that a strict reader sees whether that is the one order.

use std::fmt;

use purser_protocol::wire::Writer;

/// Deepest nesting of an example.
const DEPTH_MAX: usize = 32;

/// What cannot be read, and on which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnError {
    /// From 1.
    pub line: usize,
    /// What was looked for.
    pub what: &'static str,
}

impl fmt::Display for EdnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for EdnError {}

/// The CBOR of one item in diagnostic notation.
///
/// Reads maps, lists, whole numbers, tags, texts, `h'..'`, `<< >>`, `true` and `false`, and comments behind `#` or
/// between slashes.
pub fn to_cbor(text: &str) -> Result<Vec<u8>, EdnError> {
    let mut edn = Edn { text, rest: text };
    let mut writer = Writer::new();
    edn.item(&mut writer, 0)?;
    edn.blank()?;
    if edn.rest.is_empty() { Ok(writer.into_bytes()) } else { Err(edn.error("something stands behind the item")) }
}

struct Edn<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Edn<'a> {
    fn item(&mut self, writer: &mut Writer, depth: usize) -> Result<(), EdnError> {
        if depth > DEPTH_MAX {
            return Err(self.error("items are nested too deeply"));
        }
        self.blank()?;
        if self.take("{") {
            let (pairs, count) = self.sequence("}", depth, true)?;
            writer.map(count);
            writer.raw(&pairs);
        } else if self.take("[") {
            let (items, count) = self.sequence("]", depth, false)?;
            writer.list(count);
            writer.raw(&items);
        } else if self.take("<<") {
            let (items, _) = self.sequence(">>", depth, false)?;
            writer.bytes(&items);
        } else if self.take("h'") {
            let bytes = self.hex()?;
            writer.bytes(&bytes);
        } else if self.take("\"") {
            let text = self.text()?;
            writer.text(&text);
        } else if self.take("true") {
            writer.boolean(true);
        } else if self.take("false") {
            writer.boolean(false);
        } else {
            return self.number(writer, depth);
        }
        Ok(())
    }

    /// Items, or pairs of them, up to `end`; their bytes and how many there were.
    fn sequence(&mut self, end: &str, depth: usize, pairs: bool) -> Result<(Vec<u8>, usize), EdnError> {
        let (mut items, mut count) = (Writer::new(), 0);
        loop {
            self.blank()?;
            if self.take(end) {
                return Ok((items.into_bytes(), count));
            }
            if count > 0 && !self.take(",") {
                return Err(self.error("a comma or the end is missing"));
            }
            self.item(&mut items, depth + 1)?;
            if pairs {
                self.blank()?;
                if !self.take(":") {
                    return Err(self.error("a key has no value"));
                }
                self.item(&mut items, depth + 1)?;
            }
            count += 1;
        }
    }

    /// A whole number; with brackets behind it, a tag.
    fn number(&mut self, writer: &mut Writer, depth: usize) -> Result<(), EdnError> {
        let negative = self.take("-");
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(digits);
        let Ok(number) = digits.parse::<u64>() else {
            return Err(self.error("here stands nothing that the examples use"));
        };
        self.rest = rest;
        if !negative && self.take("(") {
            writer.tag(number);
            self.item(writer, depth + 1)?;
            self.blank()?;
            return if self.take(")") { Ok(()) } else { Err(self.error("a tag holds one item")) };
        }
        match i64::try_from(number) {
            Ok(number) if negative => writer.integer(-number),
            _ if negative => return Err(self.error("a number is too small")),
            _ => writer.unsigned(number),
        }
        Ok(())
    }

    fn hex(&mut self) -> Result<Vec<u8>, EdnError> {
        let Some((digits, rest)) = self.rest.split_once('\'') else {
            return Err(self.error("a byte string has no end"));
        };
        let digits: Vec<_> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let value = |digit: u8| char::from(digit).to_digit(16);
        let bytes = digits.chunks(2).map(|pair| match *pair {
            [high, low] => value(high).zip(value(low)).and_then(|(high, low)| u8::try_from(high << 4 | low).ok()),
            _ => None,
        });
        let bytes = bytes.collect::<Option<_>>().ok_or_else(|| self.error("a byte string is not hexadecimal"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, EdnError> {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => {
                    self.rest = characters.as_str();
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some(escaped @ ('"' | '\\')) => text.push(escaped),
                    _ => return Err(self.error("only quotes and backslashes are escaped")),
                },
                _ => text.push(character),
            }
        }
        Err(self.error("a text has no end"))
    }

    /// Passes over white space and comments.
    fn blank(&mut self) -> Result<(), EdnError> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with('#') {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix('/') {
                self.rest = comment.split_once('/').ok_or_else(|| self.error("a comment has no end"))?.1;
            } else {
                return Ok(());
            }
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn error(&self, what: &'static str) -> EdnError {
        let read = self.text.len() - self.rest.len();
        EdnError { line: self.text[..read].matches('\n').count() + 1, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_becomes_its_bytes() {
        let rows: &[(&str, &[u8])] = &[
            ("0", b"\x00"),
            ("-1", b"\x20"),
            ("-256", b"\x38\xff"),
            ("18446744073709551615", b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
            ("true", b"\xf5"),
            ("false", b"\xf4"),
            ("\"a\\\"b\"", b"\x63a\"b"),
            ("h'00 fF'", b"\x42\x00\xff"),
            ("[]", b"\x80"),
            ("{}", b"\xa0"),
            ("[1, [2], {3: 4}]", b"\x83\x01\x81\x02\xa1\x03\x04"),
            ("{2: 1, 1: 2}", b"\xa2\x02\x01\x01\x02"),
            ("<<1, 2>>", b"\x42\x01\x02"),
            ("<<{}>>", b"\x41\xa0"),
            ("18([h''])", b"\xd2\x81\x40"),
            ("# what it is\n[1, / the first / 2] # the end", b"\x82\x01\x02"),
        ];
        for (text, bytes) in rows {
            assert_eq!(to_cbor(text).as_deref(), Ok(*bytes), "{text}");
        }
    }

    #[test]
    fn what_the_examples_do_not_use_is_refused_with_its_line() {
        let rows = [
            ("", 1),
            ("1 2", 1),
            ("[1\n2]", 2),
            ("{1}", 1),
            ("{1: }", 1),
            ("h'0'", 1),
            ("h'0g'", 1),
            ("h'00", 1),
            ("\"a", 1),
            ("\"\\n\"", 1),
            ("\n\n1.5", 3),
            ("null", 1),
            ("1(2, 3)", 1),
            ("/ no end", 1),
            ("-18446744073709551615", 1),
            ("18446744073709551616", 1),
        ];
        for (text, line) in rows {
            assert_eq!(to_cbor(text).map_err(|error| error.line), Err(line), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(to_cbor(&deep).map_err(|error| error.what), Err("items are nested too deeply"));
    }
}

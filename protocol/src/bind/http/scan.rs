//! The grammar of challenges and credentials, by RFC 9110: several schemes in one field, commas between
//! challenges and between their parameters alike.

use crate::code::Code;
use crate::fault::Fault;

/// Most schemes that are looked at in one field.
const SCHEMES_MAX: usize = 16;
/// Most parameters of one scheme.
const PARAMETERS_MAX: usize = 32;

/// One challenge or credential, of any scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Auth<'a> {
    pub(super) scheme: &'a str,
    pub(super) content: Content,
    /// Where it begins in the field.
    pub(super) at: usize,
}

/// What stands behind a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// One token, which may end in `=`.
    Token(String),
    /// Parameters, their names in lower case, in the order that they came in. There may be none.
    Parameters(Vec<(String, String)>),
}

/// Reads a field's value whole, or refuses it whole: `credential-malformed`, with the offset. [HTB-33]
pub(super) fn read(value: &[u8]) -> Result<Vec<Auth<'_>>, Fault> {
    // A quoted string may hold any text; what is not ASCII says nothing to us, and is no reason to guess.
    let text = std::str::from_utf8(value).map_err(|error| malformed(error.valid_up_to()))?;
    let mut scan = Scan { text, at: 0 };
    let mut found = Vec::new();
    loop {
        scan.commas();
        if scan.is_done() {
            return Ok(found);
        }
        if found.len() == SCHEMES_MAX {
            return Err(malformed(scan.at));
        }
        found.push(scan.auth()?);
    }
}

pub(super) fn malformed(at: usize) -> Fault {
    Fault::new(Code::CredentialMalformed).at(at)
}

#[derive(Clone)]
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn auth(&mut self) -> Result<Auth<'a>, Fault> {
        let at = self.at;
        let scheme = self.token().ok_or_else(|| malformed(at))?;
        let spaced = self.spaces() > 0;
        let content = if self.is_at_end_of_element() {
            Content::Parameters(Vec::new())
        } else if !spaced {
            return Err(malformed(self.at));
        } else if let Some(token) = self.token68() {
            Content::Token(token.to_owned())
        } else {
            Content::Parameters(self.parameters()?)
        };
        Ok(Auth { scheme, content, at })
    }

    fn parameters(&mut self) -> Result<Vec<(String, String)>, Fault> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            let at = self.at;
            let (name, value) = self.parameter().ok_or_else(|| malformed(self.at))?;
            if parameters.len() == PARAMETERS_MAX || parameters.iter().any(|(before, _)| *before == name) {
                return Err(malformed(at));
            }
            parameters.push((name, value));
            self.spaces();
            if !self.is_at_end_of_element() {
                return Err(malformed(self.at));
            }
            // What follows the comma is a parameter of this scheme if `=` follows its name; else a scheme.
            let mut ahead = self.clone();
            ahead.commas();
            let next = ahead.clone();
            if ahead.token().is_none() || !ahead.equals() {
                return Ok(parameters);
            }
            *self = next;
        }
    }

    fn parameter(&mut self) -> Option<(String, String)> {
        let name = self.token()?.to_ascii_lowercase();
        if !self.equals() {
            return None;
        }
        let value = if self.peek() == Some(b'"') { self.quoted()? } else { self.token()?.to_owned() };
        Some((name, value))
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut escaped = false;
        let mut letters = self.text[self.at..].char_indices();
        letters.next();
        for (offset, letter) in letters {
            match letter {
                '"' if !escaped => {
                    self.at += offset + 1;
                    return Some(value);
                }
                '\\' if !escaped => escaped = true,
                // HTAB, SP, visible characters and what is not ASCII.
                '\t' | ' '..='~' | '\u{80}'.. => {
                    value.push(letter);
                    escaped = false;
                }
                _ => return None,
            }
        }
        None
    }

    /// `BWS "=" BWS`.
    fn equals(&mut self) -> bool {
        self.spaces();
        let found = self.peek() == Some(b'=');
        if found {
            self.at += 1;
            self.spaces();
        }
        found
    }

    fn token(&mut self) -> Option<&'a str> {
        self.run(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    }

    /// A token of credentials: nothing but the element's end may follow it, else these are parameters.
    fn token68(&mut self) -> Option<&'a str> {
        let mut ahead = self.clone();
        ahead.run(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))?;
        ahead.run(|byte| byte == b'=');
        let end = ahead.at;
        ahead.spaces();
        if !ahead.is_at_end_of_element() {
            return None;
        }
        let token = &self.text[self.at..end];
        *self = ahead;
        Some(token)
    }

    fn run(&mut self, fits: impl Fn(u8) -> bool) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| fits(*byte)).count();
        self.at += length;
        (length > 0).then(|| &rest[..length])
    }

    fn spaces(&mut self) -> usize {
        self.run(|byte| byte == b' ' || byte == b'\t').map_or(0, str::len)
    }

    /// Empty elements of a list are allowed.
    fn commas(&mut self) {
        self.run(|byte| byte == b' ' || byte == b'\t' || byte == b',');
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn is_at_end_of_element(&self) -> bool {
        matches!(self.peek(), None | Some(b','))
    }

    fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(value: &str) -> Vec<String> {
        let show = |auth: Auth<'_>| match auth.content {
            Content::Token(token) => format!("{} <{token}>", auth.scheme),
            Content::Parameters(parameters) => format!("{} {parameters:?}", auth.scheme),
        };
        read(value.as_bytes()).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn schemes_and_parameters_are_told_apart() {
        assert_eq!(shown("Negotiate"), ["Negotiate []"]);
        assert_eq!(shown("Negotiate, Basic realm=\"a, b=c\""), ["Negotiate []", "Basic [(\"realm\", \"a, b=c\")]"]);
        assert_eq!(
            shown("A x=1, y = \"2\" ,z=3, B QUJD==, C"),
            ["A [(\"x\", \"1\"), (\"y\", \"2\"), (\"z\", \"3\")]", "B <QUJD==>", "C []"]
        );
        assert_eq!(shown(", ,A,, B x=\"\\\"\\\\\",, "), ["A []", "B [(\"x\", \"\\\"\\\\\")]"]);
        assert_eq!(shown("A x"), ["A <x>"]);
        assert_eq!(shown("A\tX=,"), ["A <X=>"], "one token that ends in =");
        assert_eq!(shown("A realm=\"é\""), ["A [(\"realm\", \"é\")]"]);
        assert_eq!(shown(""), [""; 0]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_where_it_breaks() {
        for (value, at) in [
            ("=", 0),
            ("A x=1 y=2", 6),
            ("A x=1, x=2", 7),
            ("A x=1, X=2", 7),
            ("A x=\"1", 4),
            ("A x=\"1\u{1}\"", 4),
            ("A x=\"1\\", 4),
            ("A(x)", 1),
            ("A \"x\"", 2),
            ("A x=1, é", 7),
        ] {
            assert_eq!(read(value.as_bytes()), Err(malformed(at)), "{value}");
        }
        assert_eq!(read(b"A x=\"\xff\"").unwrap_err(), malformed(5));
        assert!(read("A,".repeat(16).as_bytes()).is_ok());
        assert!(read("A,".repeat(17).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
            let _ = read(&bytes);
        }

        #[test]
        fn any_text_of_the_grammars_letters_is_read_or_refused(text in "[A-C=,\" \\\\é\t]{0,24}") {
            if let Err(fault) = read(text.as_bytes()) {
                prop_assert!(fault.offset.unwrap() <= text.len());
            }
        }
    }
}

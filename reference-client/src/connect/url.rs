//! Addresses: `https` to anybody, `http` to this machine where it was asked for; and which of the network's
//! addresses are anybody's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;

use crate::error::{Error, Result};

/// Longest address that is taken.
const URL_BYTES_MAX: usize = 2_048;

/// An absolute address, in the form in which it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    secure: bool,
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// Reads an absolute address. A fragment is left out, since it is not sent.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| Err(Error::usage(format!("not an address: {what}")).at(text));
        if text.len() > URL_BYTES_MAX {
            return wrong("it is longer than 2,048 bytes");
        }
        let Ok(uri) = text.parse::<Uri>() else { return wrong("it is not of the form https://host/path") };
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return wrong("it begins with neither https:// nor http://"),
        };
        let Some(authority) = uri.authority() else { return wrong("it names no host") };
        // A name before the host makes one host look like another.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return wrong("it must name a host and nothing before it");
        }
        if uri.port().is_none() && authority.as_str().len() != authority.host().len() {
            return wrong("its port is not a number");
        }
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { secure, host: authority.host().to_ascii_lowercase(), port, target })
    }

    /// The address of another resource on the same host. `target` begins with a slash.
    #[must_use]
    pub fn with_target(&self, target: &str) -> Self {
        Self { target: target.to_owned(), ..self.clone() }
    }

    /// The address of what lies below this one. `target` begins with a slash.
    #[must_use]
    pub fn below(&self, target: &str) -> Self {
        let base = self.target.split('?').next().unwrap_or_default().trim_end_matches('/');
        self.with_target(&format!("{base}{target}"))
    }

    /// Whether TLS is used.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host; an address of version 6 stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host, and port where it is not the scheme's own: as it is sent, and as offers are bound to it.
    pub fn authority(&self) -> String {
        let own = if self.secure { 443 } else { 80 };
        if self.port == own { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Scheme and authority, without a slash.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }

    /// The host as an address of the network, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Whether the host names this machine.
    pub fn is_this_machine(&self) -> bool {
        self.host == "localhost" || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)
    }
}

/// Whether an address is one of the open network's: neither this machine's, nor a private network's, nor kept
/// for another use. An agent that is told to fetch from others is told to look where it should not.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let kept = a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !(kept || ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match ip.segments() {
        // Of the unicast addresses that are given out, what stands for one of version 4 is judged as that one.
        [0x2002, high, low, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2001, 0x0db8, ..] => false,
        [0x2001, second, ..] if second < 0x0200 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_sent_as_it_is_bound() {
        for (text, authority, target) in [
            ("https://shop.example", "shop.example", "/"),
            ("https://Shop.Example:443/a?b=c#d", "shop.example", "/a?b=c"),
            ("https://shop.example:8443/a/../b", "shop.example:8443", "/a/../b"),
            ("https://shop.example?b", "shop.example", "/?b"),
            ("http://127.0.0.1:80/", "127.0.0.1", "/"),
            ("https://[::1]:9/x", "[::1]:9", "/x"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.authority().as_str(), url.target()), (authority, target), "{text}");
            assert_eq!(Url::parse(&url.to_string()), Ok(url), "{text}");
        }
        assert_eq!(Url::parse("https://[::1]:9/x").unwrap().ip(), Some(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])));
    }

    #[test]
    fn what_could_be_read_as_another_host_is_no_address() {
        for text in [
            "",
            "/a",
            "shop.example",
            "ftp://shop.example/",
            "https:///a",
            "https://good.example@evil.example/",
            "https://shop.example:x/",
            "https://shop.example:99999/",
            "https://shop example/",
            "https://shop.example/\u{e9}\n",
            "javascript:alert(1)",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
        assert!(Url::parse(&format!("https://shop.example/{}", "a".repeat(2_048))).is_err());
    }

    #[test]
    fn what_is_not_the_open_network() {
        for (ip, public) in [
            ("8.8.8.8", true),
            ("93.184.216.34", true),
            ("2606:4700:4700::1111", true),
            ("64:ff9b::808:808", true),
            ("2002:808:808::1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("0.0.0.0", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::a00:1", false),
            ("2002:7f00:1::1", false),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("3fff::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}

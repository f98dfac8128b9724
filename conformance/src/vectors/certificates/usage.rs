//! What certificates hold, and what they may be used for: [CRT-6] to [CRT-12].

use purser_protocol::code::Code::{CertEku, CertExtension, CertIsCa, CertKeyUsage, CertName, CertNotCa, CertRole};

use super::super::certs::{
    ALT_NAME, AUTHORITY_KEY, BASIC_CONSTRAINTS, Draft, EXTENDED_KEY_USAGE, KEY_USAGE, NAME_CONSTRAINTS, POLICIES, Role,
    SUBJECT_KEY, item, name, policies, purpose,
};
use super::super::sheet::Shows;
use super::{Chains, Setup, leaf_below};

pub(super) fn rows(t: &mut Chains<'_>) {
    extensions(t);
    kinds(t);
    key_usages(t);
    purposes(t);
    names(t);
}

/// 2.999.1
const UNKNOWN: [u8; 3] = [0x88, 0x37, 1];

fn extensions(t: &mut Chains<'_>) {
    let (x12, x19) = (Shows("X12", "E14"), Shows("X19", "E12"));
    t.refuse("extension/unknown", "An unknown extension", x12, CertExtension, |s| {
        s.leaf.extend(&UNKNOWN, false, vec![5, 0])
    });
    t.refuse("extension/unknown-critical", "An unknown critical extension", x12, CertExtension, |s| {
        s.leaf.extend(&UNKNOWN, true, vec![5, 0])
    });
    t.refuse("extension/unknown-in-intermediate", "One in the intermediate", x12, CertExtension, |s| {
        s.intermediates[0].extend(&UNKNOWN, true, vec![5, 0])
    });
    t.refuse("extension/unknown-in-anchor", "One in the anchor", x12, CertExtension, |s| {
        s.root.extend(&UNKNOWN, true, vec![5, 0])
    });
    t.refuse("extension/name-constraints", "Name constraints in the intermediate", x19, CertExtension, |s| {
        constrain(&mut s.intermediates[0])
    });
    t.refuse("extension/name-constraints-in-anchor", "Name constraints in the anchor", x19, CertExtension, |s| {
        constrain(&mut s.root)
    });
    t.refuse("extension/purpose-in-authority", "A purpose in the intermediate", Shows("X12", ""), CertExtension, |s| {
        s.intermediates[0].extend(&EXTENDED_KEY_USAGE, false, item(0x30, &purpose(Role::Merchant)))
    });
    t.refuse("extension/name-in-authority", "A name in the intermediate", Shows("X12", ""), CertExtension, |s| {
        s.intermediates[0].extend(&ALT_NAME, false, uri("purser:tea.example"))
    });
    t.refuse(
        "extension/categories-in-authority",
        "Categories in the intermediate",
        Shows("X12", ""),
        CertExtension,
        |s| s.intermediates[0].extend(&POLICIES, false, policies(&[5411])),
    );
    t.refuse(
        "extension/constraints-not-critical",
        "An authority's basicConstraints that are not critical",
        Shows("X12", ""),
        CertExtension,
        |s| s.intermediates[0].extension(&BASIC_CONSTRAINTS, |e| e.critical = false),
    );
    t.refuse(
        "extension/key-usage-not-critical",
        "A key usage that is not critical",
        Shows("X12", ""),
        CertExtension,
        |s| s.leaf.extension(&KEY_USAGE, |e| e.critical = false),
    );
    t.refuse("extension/categories-critical", "Critical categories", Shows("X12", ""), CertExtension, |s| {
        s.leaf.extension(&POLICIES, |e| e.critical = true)
    });
    t.accept("extension/critical-name", "A critical name", Shows::default(), "CRT-6", |s| {
        s.leaf.extension(&ALT_NAME, |e| e.critical = true)
    });
    t.accept("extension/critical-purpose", "A critical purpose", Shows::default(), "CRT-6", |s| {
        s.leaf.extension(&EXTENDED_KEY_USAGE, |e| e.critical = true)
    });
    t.accept(
        "extension/key-identifiers",
        "Identifiers of keys, which nobody compares",
        Shows::default(),
        "CRT-6",
        |s| {
            s.leaf.extend(&SUBJECT_KEY, false, item(0x04, &[1; 20]));
            s.leaf.extend(&AUTHORITY_KEY, false, item(0x30, &item(0x80, &[2; 20])));
        },
    );
    t.refuse(
        "extension/critical-key-identifier",
        "A critical identifier of the key",
        Shows("X12", ""),
        CertExtension,
        |s| s.leaf.extend(&SUBJECT_KEY, true, item(0x04, &[1; 20])),
    );
    let category = Shows("X12", "A5");
    t.refuse("category/any-policy", "Any policy in the place of a category", category, CertExtension, |s| {
        s.leaf.replace(&POLICIES, false, item(0x30, &item(0x30, &item(0x06, &[0x55, 0x1d, 0x20, 0]))));
    });
    t.refuse("category/out-of-order", "Categories out of order", category, CertExtension, |s| {
        s.leaf.replace(&POLICIES, false, policies(&[5499, 5411]))
    });
    t.refuse("category/twice", "A category twice", category, CertExtension, |s| {
        s.leaf.replace(&POLICIES, false, policies(&[5411, 5411]))
    });
    t.beside(
        "category/10000",
        "Category 10,000",
        category,
        CertExtension,
        [
            |s| s.leaf.replace(&POLICIES, false, policies(&[9_999])),
            |s| s.leaf.replace(&POLICIES, false, policies(&[10_000])),
        ],
    );
    t.beside(
        "category/of-issuer",
        "An issuer with categories",
        category,
        CertExtension,
        [|s| issuer(s, &[]), |s| issuer(s, &[6012])],
    );
    t.accept("category/none", "A merchant without categories", Shows::default(), "CRT-6", |s| {
        s.leaf.drop_extension(&POLICIES)
    });
}

fn constrain(draft: &mut Draft) {
    let subtree = item(0x30, &item(0x82, b"example"));
    draft.extend(&NAME_CONSTRAINTS, true, item(0x30, &item(0xa0, &subtree)));
}

fn issuer(s: &mut Setup, categories: &[u16]) {
    s.leaf = Draft::leaf("issuer", Role::Issuer, "issuer.example", categories, "intermediate");
    s.role = Role::Issuer;
}

fn kinds(t: &mut Chains<'_>) {
    t.refuse(
        "kind/authority-as-leaf",
        "An authority's certificate that signs papers",
        Shows("X09", "E4"),
        CertIsCa,
        |s| s.leaf = Draft::authority("intermediate-2", "intermediate"),
    );
    t.refuse(
        "kind/authority-below-the-anchor",
        "The certificate of an authority right below the anchor that signs papers",
        Shows("X09", "E4"),
        CertIsCa,
        |s| {
            s.intermediates.clear();
            s.leaf = Draft::authority("intermediate", "root");
        },
    );
    t.refuse(
        "kind/no-ca-bit",
        "An intermediate whose basicConstraints are empty",
        Shows("X07", "E4"),
        CertNotCa,
        |s| s.intermediates[0].replace(&BASIC_CONSTRAINTS, true, vec![0x30, 0]),
    );
    t.refuse("kind/no-constraints", "An intermediate without basicConstraints", Shows("X08", "E4"), CertNotCa, |s| {
        s.intermediates[0].drop_extension(&BASIC_CONSTRAINTS)
    });
    t.refuse("kind/anchor-no-constraints", "An anchor without basicConstraints", Shows("X08", "E4"), CertNotCa, |s| {
        s.root.drop_extension(&BASIC_CONSTRAINTS)
    });
    t.refuse(
        "kind/anchor-no-ca-bit",
        "An anchor whose basicConstraints name no authority",
        Shows("X08", "E4"),
        CertNotCa,
        |s| {
            s.root.replace(&BASIC_CONSTRAINTS, true, vec![0x30, 0]);
        },
    );
    t.refuse("kind/merchant-issues", "A merchant that certifies another", Shows("X07", "E4"), CertNotCa, |s| {
        s.intermediates = vec![
            Draft::authority("intermediate", "root"),
            Draft::leaf("other-merchant", Role::Merchant, "rice.example", &[], "intermediate")
                .but(|d| d.subject = name("other-merchant")),
        ];
        s.leaf = leaf_below("other-merchant");
    });
}

fn key_usages(t: &mut Chains<'_>) {
    let x14 = Shows("X14", "E6");
    t.refuse("usage/agreement", "A leaf whose key may agree, not sign", x14, CertKeyUsage, |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 2, 3, 0x08])
    });
    t.accept("usage/sign-and-agree", "A leaf whose key may sign and agree", Shows::default(), "CRT-9", |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 2, 3, 0x88])
    });
    t.refuse("usage/none", "A leaf without a key usage", x14, CertKeyUsage, |s| s.leaf.drop_extension(&KEY_USAGE));
    t.refuse("usage/non-repudiation", "A leaf whose key may only sign what cannot be denied", x14, CertKeyUsage, |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 2, 6, 0x40])
    });
    t.refuse("usage/signs-certificates", "A leaf whose key may sign certificates too", x14, CertKeyUsage, |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 2, 2, 0x84])
    });
    t.refuse("usage/signs-lists", "A leaf whose key may sign revocation lists too", x14, CertKeyUsage, |s| {
        s.leaf.replace(&KEY_USAGE, true, vec![3, 2, 1, 0x82])
    });
    t.refuse(
        "usage/intermediate-signs-papers",
        "An intermediate whose key may not sign certificates",
        Shows("X14", "E5"),
        CertKeyUsage,
        |s| s.intermediates[0].replace(&KEY_USAGE, true, vec![3, 2, 1, 0x82]),
    );
    t.refuse("usage/intermediate-none", "An intermediate without a key usage", Shows("X14", "E5"), CertKeyUsage, |s| {
        s.intermediates[0].drop_extension(&KEY_USAGE)
    });
    t.refuse("usage/anchor", "An anchor whose key may not sign certificates", Shows("X14", "E5"), CertKeyUsage, |s| {
        s.root.replace(&KEY_USAGE, true, vec![3, 2, 1, 0x02])
    });
}

/// id-kp-serverAuth and anyExtendedKeyUsage.
const SERVER_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 1];
const ANY_PURPOSE: [u8; 4] = [0x55, 0x1d, 0x25, 0];

fn purposes(t: &mut Chains<'_>) {
    let x15 = Shows("X15", "E7");
    t.refuse("purpose/none", "No purpose", x15, CertEku, |s| s.leaf.drop_extension(&EXTENDED_KEY_USAGE));
    t.refuse("purpose/empty", "An empty list of purposes", x15, CertEku, |s| {
        s.leaf.replace(&EXTENDED_KEY_USAGE, false, item(0x30, &[]))
    });
    t.refuse("purpose/any", "Any purpose", x15, CertEku, |s| {
        s.leaf.replace(&EXTENDED_KEY_USAGE, false, item(0x30, &item(0x06, &ANY_PURPOSE)))
    });
    t.refuse("purpose/tls-server", "A TLS server's purpose", Shows("X15", "E8"), CertEku, |s| {
        s.leaf.replace(&EXTENDED_KEY_USAGE, false, item(0x30, &item(0x06, &SERVER_AUTH)))
    });
    t.refuse("purpose/merchant-and-tls", "A merchant's purpose and a TLS server's", Shows("X15", "E8"), CertEku, |s| {
        s.leaf.replace(
            &EXTENDED_KEY_USAGE,
            false,
            item(0x30, &[purpose(Role::Merchant), item(0x06, &SERVER_AUTH)].concat()),
        );
    });
    t.refuse("purpose/both-roles", "Both roles", Shows("X16", "E9"), CertEku, |s| {
        s.leaf.replace(
            &EXTENDED_KEY_USAGE,
            false,
            item(0x30, &[purpose(Role::Merchant), purpose(Role::Issuer)].concat()),
        );
    });
    t.refuse("purpose/twice", "One role twice", x15, CertEku, |s| {
        s.leaf.replace(
            &EXTENDED_KEY_USAGE,
            false,
            item(0x30, &[purpose(Role::Merchant), purpose(Role::Merchant)].concat()),
        );
    });
    t.refuse("role/merchant-as-issuer", "A merchant in the place of an issuer", Shows("X16", "E9"), CertRole, |s| {
        s.role = Role::Issuer
    });
    t.refuse_like(
        "role/issuer-as-merchant",
        "An issuer in the place of a merchant",
        Shows("X16", "E9"),
        CertRole,
        ("category/of-issuer-twin", |s| {
            issuer(s, &[]);
            s.role = Role::Merchant;
        }),
    );
}

fn uri(text: &str) -> Vec<u8> {
    item(0x30, &item(0x86, text.as_bytes()))
}

fn names(t: &mut Chains<'_>) {
    let e11 = Shows("X17", "E11");
    t.refuse("name/none", "No name", e11, CertName, |s| s.leaf.drop_extension(&ALT_NAME));
    t.refuse("name/common-name", "The name as the common name alone", Shows("X18", "E11"), CertName, |s| {
        s.leaf.subject = name("purser:tea.example");
        s.leaf.drop_extension(&ALT_NAME);
    });
    t.refuse("name/two", "Two names", e11, CertName, |s| {
        s.leaf.replace(
            &ALT_NAME,
            false,
            item(0x30, &[item(0x86, b"purser:tea.example"), item(0x86, b"purser:rice.example")].concat()),
        )
    });
    t.refuse("name/twice", "One name twice", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, item(0x30, &item(0x86, b"purser:tea.example").repeat(2)))
    });
    t.refuse("name/dns-beside", "A DNS name beside it", e11, CertName, |s| {
        s.leaf.replace(
            &ALT_NAME,
            false,
            item(0x30, &[item(0x86, b"purser:tea.example"), item(0x82, b"tea.example")].concat()),
        )
    });
    t.refuse("name/dns", "A DNS name in its place", Shows("X17", "E11 E12"), CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, item(0x30, &item(0x82, b"tea.example")))
    });
    t.refuse("name/another-scheme", "A URI of another scheme", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("https:tea.example"))
    });
    t.refuse("name/scheme-in-capitals", "The scheme in capitals", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("PURSER:tea.example"))
    });
    t.refuse("name/slashes", "Two slashes before the name", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser://tea.example"))
    });
    t.refuse("name/capital", "A capital in the name", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:Tea.example"))
    });
    t.refuse("name/dot-at-end", "A dot at the end of the name", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:tea.example."))
    });
    t.refuse("name/nul", "A zero byte in the name", Shows("X17 M41", "E11"), CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:tea.example\0.shop.example"))
    });
    t.refuse("name/star", "A star in the name", e11, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:*.example"))
    });
    t.beside(
        "name/two-letters",
        "A name of two letters",
        e11,
        CertName,
        [
            |s| {
                s.anchor_names.clear();
                s.leaf.replace(&ALT_NAME, false, uri("purser:tea"));
            },
            |s| {
                s.anchor_names.clear();
                s.leaf.replace(&ALT_NAME, false, uri("purser:te"));
            },
        ],
    );
    let e12 = Shows("X17 X19", "E12");
    t.refuse("name/not-vouched-for", "A name that the anchor does not vouch for", e12, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:tea.elsewhere"))
    });
    t.refuse("name/ends-alike", "A name that ends like one of the anchor's", e12, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:teaexample"))
    });
    t.refuse("name/suffix-itself", "The anchor's suffix without its dot", e12, CertName, |s| {
        s.leaf.replace(&ALT_NAME, false, uri("purser:example"))
    });
    t.refuse("name/anchor-for-another", "An anchor that vouches for another name", e12, CertName, |s| {
        s.anchor_names = vec!["rice.example"]
    });
    t.accept("name/anchor-for-this", "An anchor that vouches for this name alone", Shows::default(), "CRT-12", |s| {
        s.anchor_names = vec!["tea.example"]
    });
    t.accept("name/anchor-for-all", "An anchor that vouches for every name", Shows::default(), "CRT-12", |s| {
        s.anchor_names.clear()
    });
}

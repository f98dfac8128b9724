//! Rows about what certificates hold and what they may be used for: [CRT-6] to [CRT-12].

use purser_protocol::cert::{Role, issue};
use purser_protocol::code::Code;
use rcgen::ExtendedKeyUsagePurpose as Purpose;
use rcgen::KeyUsagePurpose::{self, CrlSign, DigitalSignature, KeyAgreement, KeyCertSign};
use rcgen::{DnType, GeneralSubtree, IsCa, NameConstraints, SanType};

use super::Row;
use super::ca::{Draft, Setup, contents, item, items};
use super::shape_rows::key_usage;

pub(crate) const ROWS: &[Row] = &[
    // [CRT-6]
    Row::new("an unknown extension", Code::CertExtension, &["E14"], |_| {}, |s| unknown(&mut s.leaf, false)),
    Row::new("an unknown critical one", Code::CertExtension, &["E14", "X12"], |_| {}, |s| unknown(&mut s.leaf, true)),
    Row::new(
        "one in an intermediate",
        Code::CertExtension,
        &["E14", "X12"],
        |_| {},
        |s| unknown(&mut s.intermediates[0], true),
    )
    .at("first intermediate"),
    Row::new("one in the anchor", Code::CertExtension, &["E14", "X12"], |_| {}, |s| unknown(&mut s.root, true))
        .at("anchor"),
    Row::new("name constraints", Code::CertExtension, &["E12", "X19"], |_| {}, |s| constrain(&mut s.intermediates[0]))
        .at("first intermediate"),
    Row::new(
        "name constraints in the anchor",
        Code::CertExtension,
        &["E12", "X19"],
        |_| {},
        |s| constrain(&mut s.root),
    )
    .at("anchor"),
    Row::new(
        "a purpose in an authority",
        Code::CertExtension,
        &[],
        |_| {},
        |s| {
            s.intermediates[0].extend(issue::EXTENDED_KEY_USAGE, issue::extended_key_usage(Role::Merchant));
        },
    )
    .at("first intermediate"),
    Row::new(
        "a name in an authority",
        Code::CertExtension,
        &[],
        |_| {},
        |s| s.intermediates[0].set_uris(&["purser:an.example"]),
    )
    .at("first intermediate"),
    Row::new(
        "categories in an authority",
        Code::CertExtension,
        &[],
        |_| {},
        |s| {
            s.intermediates[0].extend(issue::CERTIFICATE_POLICIES, issue::certificate_policies(&[5411]).unwrap());
        },
    )
    .at("first intermediate"),
    Row::new(
        "an authority that says so without weight",
        Code::CertExtension,
        &[],
        |s| authority(s, true),
        |s| authority(s, false),
    )
    .at("first intermediate"),
    Row::new(
        "a key usage that is not critical",
        Code::CertExtension,
        &[],
        |s| key_usage(s, &[3, 2, 7, 0x80]),
        |s| {
            key_usage(s, &[3, 2, 7, 0x80]);
            s.leaf.params.custom_extensions.last_mut().unwrap().set_criticality(false);
        },
    ),
    Row::new(
        "critical categories",
        Code::CertExtension,
        &[],
        |s| policies(s, FIVE_THOUSAND),
        |s| {
            policies(s, FIVE_THOUSAND);
            s.leaf.params.custom_extensions.last_mut().unwrap().set_criticality(true);
        },
    ),
    Row::new(
        "a policy of somebody else's",
        Code::CertExtension,
        &[],
        |s| policies(s, FIVE_THOUSAND),
        |s| policies(s, ANY_POLICY),
    ),
    Row::new("categories out of order", Code::CertExtension, &[], |s| policies(s, &[1, 2]), |s| policies(s, &[2, 1])),
    Row::new("a category twice", Code::CertExtension, &[], |s| policies(s, &[1, 2]), |s| policies(s, &[1, 1])),
    Row::new("category 10,000", Code::CertExtension, &[], |s| policies(s, &[9_999]), |s| policies(s, &[10_000])),
    Row::new("an issuer with categories", Code::CertExtension, &[], |s| issuer(s, &[]), |s| issuer(s, &[6012])),
    // [CRT-7]
    Row::new(
        "an authority's certificate signs a paper",
        Code::CertIsCa,
        &["E4", "X09"],
        |_| {},
        |s| {
            s.leaf = Draft::authority("Intermediate 2");
        },
    ),
    // [CRT-8]
    Row::new(
        "an intermediate without the CA bit",
        Code::CertNotCa,
        &["E4", "X07"],
        |_| {},
        |s| {
            s.intermediates[0].params.is_ca = IsCa::ExplicitNoCa;
        },
    )
    .at("first intermediate"),
    Row::new(
        "an intermediate without basicConstraints",
        Code::CertNotCa,
        &["E4", "X08"],
        |_| {},
        |s| {
            s.intermediates[0].params.is_ca = IsCa::NoCa;
        },
    )
    .at("first intermediate"),
    Row::new(
        "a merchant issues",
        Code::CertNotCa,
        &["E4"],
        |s| s.intermediates.push(Draft::authority("Intermediate 2")),
        |s| {
            s.intermediates.push(Draft::leaf(Role::Merchant, "purser:an.example", &[]));
        },
    )
    .at("first intermediate"),
    Row::new(
        "an anchor that is no authority",
        Code::CertNotCa,
        &[],
        |_| {},
        |s| s.root.params.is_ca = IsCa::ExplicitNoCa,
    )
    .at("anchor"),
    // [CRT-9]
    Row::new(
        "a leaf whose key may agree, not sign",
        Code::CertKeyUsage,
        &["E6", "X14"],
        |s| usages(s, &[DigitalSignature, KeyAgreement]),
        |s| {
            usages(s, &[KeyAgreement]);
        },
    ),
    Row::new("a leaf without a key usage", Code::CertKeyUsage, &["E6", "X14"], |_| {}, |s| usages(s, &[])),
    Row::new(
        "a leaf whose key may sign certificates",
        Code::CertKeyUsage,
        &[],
        |_| {},
        |s| usages(s, &[DigitalSignature, KeyCertSign]),
    ),
    Row::new(
        "a leaf whose key may sign revocation lists",
        Code::CertKeyUsage,
        &[],
        |_| {},
        |s| usages(s, &[DigitalSignature, CrlSign]),
    ),
    Row::new(
        "an intermediate whose key may not sign certificates",
        Code::CertKeyUsage,
        &["E5"],
        |_| {},
        |s| {
            s.intermediates[0].params.key_usages = vec![DigitalSignature, CrlSign];
        },
    )
    .at("first intermediate"),
    Row::new(
        "an intermediate without a key usage",
        Code::CertKeyUsage,
        &["E5"],
        |_| {},
        |s| {
            s.intermediates[0].params.key_usages.clear();
        },
    )
    .at("first intermediate"),
    Row::new(
        "an anchor whose key may not sign certificates",
        Code::CertKeyUsage,
        &[],
        |_| {},
        |s| {
            s.root.params.key_usages = vec![CrlSign];
        },
    )
    .at("anchor"),
    // [CRT-10]
    Row::new("no purpose", Code::CertEku, &["E7", "X15"], |_| {}, |s| purposes(s, &[])),
    Row::new(
        "an empty list of purposes",
        Code::CertEku,
        &["E7", "X15"],
        |_| {},
        |s| {
            purposes(s, &[]);
            s.leaf.extend(issue::EXTENDED_KEY_USAGE, item(0x30, &[]));
        },
    ),
    Row::new("any purpose", Code::CertEku, &["E7", "X15"], |_| {}, |s| purposes(s, &[Purpose::Any])),
    Row::new("a TLS server's purpose", Code::CertEku, &["E8", "X15"], |_| {}, |s| purposes(s, &[Purpose::ServerAuth])),
    Row::new(
        "both roles",
        Code::CertEku,
        &[],
        |_| {},
        |s| {
            let [merchant, issuer] =
                [Role::Merchant, Role::Issuer].map(|role| issue::extended_key_usage(role)[2..].to_vec());
            purposes(s, &[]);
            let both = super::ca::item(0x30, &[merchant, issuer].concat());
            s.leaf.extend(issue::EXTENDED_KEY_USAGE, both);
        },
    ),
    // [CRT-11]
    Row::new("a merchant signs as an issuer", Code::CertRole, &["E9", "X16"], |_| {}, |s| s.role = Role::Issuer),
    Row::new(
        "an issuer signs as a merchant",
        Code::CertRole,
        &["E9", "X16"],
        |s| issuer(s, &[]),
        |s| {
            issuer(s, &[]);
            s.role = Role::Merchant;
        },
    ),
    // [CRT-12]
    Row::new("no name", Code::CertName, &["E11"], |_| {}, |s| s.leaf.params.subject_alt_names.clear()),
    Row::new("the name only in the common name", Code::CertName, &["E11", "X18"], common_name, |s| {
        common_name(s);
        s.leaf.params.subject_alt_names.clear();
    }),
    Row::new(
        "two names",
        Code::CertName,
        &["E11"],
        |_| {},
        |s| s.leaf.set_uris(&["purser:shop.example", "purser:an.example"]),
    ),
    Row::new("one name twice", Code::CertName, &["E11"], |_| {}, |s| s.leaf.set_uris(&["purser:shop.example"; 2])),
    Row::new(
        "a name whose length is not its own",
        Code::CertName,
        &["E11"],
        |s| alternative_name(s, 19),
        |s| alternative_name(s, 18),
    ),
    Row::new(
        "a DNS name beside it",
        Code::CertName,
        &["E11"],
        |_| {},
        |s| {
            s.leaf.params.subject_alt_names.push(SanType::DnsName("shop.example".try_into().unwrap()));
        },
    ),
    Row::new(
        "a DNS name in its place",
        Code::CertName,
        &["E11", "E12"],
        |_| {},
        |s| {
            s.leaf.params.subject_alt_names = vec![SanType::DnsName("shop.example".try_into().unwrap())];
        },
    ),
    Row::new("a URI of another scheme", Code::CertName, &["E11"], |_| {}, |s| s.leaf.set_uris(&["https:shop.example"])),
    Row::new("a name with a capital", Code::CertName, &["E11"], |_| {}, |s| s.leaf.set_uris(&["purser:Shop.example"])),
    Row::new(
        "a name of two letters",
        Code::CertName,
        &["E11"],
        |s| any_name(s, "purser:abc"),
        |s| any_name(s, "purser:ab"),
    ),
    Row::new(
        "a name that the anchor has no word for",
        Code::CertName,
        &["E12", "X17"],
        |_| {},
        |s| {
            s.leaf.set_uris(&["purser:shop.elsewhere"]);
        },
    ),
    Row::new(
        "a name that only ends like one of the anchor's",
        Code::CertName,
        &["E12", "X17"],
        |_| {},
        |s| {
            s.leaf.set_uris(&["purser:shopexample"]);
        },
    ),
    Row::new("an anchor for names that cannot be", Code::CertName, &[], |_| {}, |s| s.anchor_names = vec![".Example"])
        .at("anchor"),
];

const FIVE_THOUSAND: &[u32] = &[5_000];
/// Stands for anyPolicy in [`policies`].
const ANY_POLICY: &[u32] = &[u32::MAX];

fn unknown(draft: &mut Draft, critical: bool) {
    draft.extend(&[2, 999, 1], item(0x05, &[])).set_criticality(critical);
}

fn constrain(draft: &mut Draft) {
    let permitted_subtrees = vec![GeneralSubtree::DnsName("example".into())];
    draft.params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
}

fn authority(setup: &mut Setup, critical: bool) {
    setup.intermediates[0].params.is_ca = IsCa::NoCa;
    setup.intermediates[0].extend(&[2, 5, 29, 19], vec![0x30, 3, 1, 1, 0xff]).set_criticality(critical);
}

/// Policies as they are given: not sorted, not bounded.
fn policies(setup: &mut Setup, categories: &[u32]) {
    let one = items(contents(&issue::certificate_policies(&[1]).unwrap())).remove(0);
    let arc = contents(contents(&one)).split_last().unwrap().1.to_vec();
    let policy = |&category: &u32| {
        let identifier = match category {
            u32::MAX => vec![0x55, 0x1d, 0x20, 0x00],
            0..0x80 => [&arc[..], &[category as u8]].concat(),
            _ => [&arc[..], &[0x80 | (category >> 7) as u8, category as u8 & 0x7f]].concat(),
        };
        item(0x30, &item(0x06, &identifier))
    };
    setup.leaf.drop_extension(issue::CERTIFICATE_POLICIES);
    setup.leaf.extend(issue::CERTIFICATE_POLICIES, item(0x30, &categories.iter().flat_map(policy).collect::<Vec<_>>()));
}

fn issuer(setup: &mut Setup, categories: &[u16]) {
    setup.leaf = Draft::leaf(Role::Issuer, "purser:bank.example", categories);
    setup.role = Role::Issuer;
}

fn usages(setup: &mut Setup, usages: &[KeyUsagePurpose]) {
    setup.leaf.params.key_usages = usages.to_vec();
}

fn purposes(setup: &mut Setup, purposes: &[Purpose]) {
    setup.leaf.drop_extension(issue::EXTENDED_KEY_USAGE);
    setup.leaf.params.extended_key_usages = purposes.to_vec();
}

fn common_name(setup: &mut Setup) {
    setup.leaf.params.distinguished_name.push(DnType::CommonName, "purser:shop.example");
}

fn any_name(setup: &mut Setup, uri: &str) {
    setup.anchor_names.clear();
    setup.leaf.set_uris(&[uri]);
}

/// The name with this length in front of it, inside a list of the right length.
fn alternative_name(setup: &mut Setup, length: u8) {
    setup.leaf.params.subject_alt_names.clear();
    let name = [&[0x86, length], &b"purser:shop.example"[..]].concat();
    setup.leaf.extend(&[2, 5, 29, 17], item(0x30, &name));
}

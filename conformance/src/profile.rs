//! Profiles: what a role is for. A profile is the cases of its role that need its feature, and may have none yet.

use purser_test_vectors::Case;

/// A profile of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in `hello`.
    pub name: &'static str,
    /// The role that plays it.
    pub role: &'static str,
    /// The feature of chapter 2 that its cases need. To claim the profile is to claim it.
    pub feature: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// Every profile.
pub const PROFILES: [Profile; 2] = [
    Profile { name: "token-seller", role: "merchant", feature: "tokens", about: "sells by the meter" },
    Profile { name: "device", role: "agent", feature: "device", about: "pays from a device that has few keys or none" },
];

impl Profile {
    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// Whether a case is one of it.
    pub fn has(&self, case: &Case) -> bool {
        case.role == self.role && case.features.iter().any(|feature| feature == self.feature)
    }

    /// How many of these cases are of it, in words. Nothing is never said as if it were something.
    pub fn said_of(&self, count: usize) -> String {
        match count {
            0 => format!("{} ({} profile): no case yet; nothing is said of it", self.name, self.role),
            count => format!("{} ({} profile): {count} cases", self.name, self.role),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_without_cases_says_so() {
        let profile = Profile::named("device").unwrap();
        assert!(profile.said_of(0).contains("nothing is said of it"));
        assert_eq!(profile.said_of(3), "device (agent profile): 3 cases");
        assert_eq!(Profile::named("issuer"), None);
    }
}

//! The two backends.

#[cfg(feature = "aws-lc-rs")]
mod aws;
#[cfg(feature = "p256")]
mod portable;

#[cfg(feature = "aws-lc-rs")]
pub use aws::{AwsLc, AwsLcSigner};
#[cfg(feature = "p256")]
pub use portable::{Portable, PortableSigner};

//! `purser device`: a device asks for a mandate of its own, and learns what became of it.

use std::time::Duration;

use clap::Subcommand;
use purser_client::home::Home;
use purser_client::issuer::Heard;
use purser_client::{Error, Result};
use purser_protocol::code::Code;
use purser_protocol::sign::Signer as _;
use serde_json::json;

use super::{Done, duration, session};

/// By how much seldomer a device asks that asked too often. [DEV-4]
const SLOWER_SECONDS: u64 = 5;

#[derive(Subcommand)]
pub(super) enum Device {
    /// Ask: show a code, and wait until the person has answered it
    Ask {
        /// What the device calls itself, such as "Glasses of the hall"
        name: String,
        /// How long to wait; until the code is no good any more when not given
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        wait: Option<Duration>,
    },
}

impl Device {
    pub(super) async fn run(self, home: Home) -> Result<Done> {
        let Self::Ask { name, wait } = self;
        let session = session(home).await?;
        let device = session.agent()?;
        let asking = session.issuer.ask_for_device(&name, &device).await?;
        let key = device.public_key().id();
        eprintln!("code     {}", asking.user_code);
        eprintln!("page     {}", asking.verification_uri_complete);
        eprintln!("or       purser wallet device {}", asking.user_code);
        eprintln!("key      {key}");
        let (mut interval, mut waited) = (asking.interval, 0);
        let most = wait.map_or(asking.expires_in, |wait| wait.as_secs().min(asking.expires_in));
        loop {
            match session.issuer.ask_again(&asking.device_code).await? {
                Heard::Mandate(mandate) => {
                    session.home.keep_device(&key, &mandate)?;
                    let json = json!({ "mandate": mandate.to_string(), "device": key.to_string() });
                    return Ok(Done::new(format!("mandate {mandate}\n"), json));
                }
                Heard::TooSoon => interval += SLOWER_SECONDS,
                Heard::Waiting => {}
            }
            if waited >= most {
                let error = Error::failed("nobody has answered yet").coded(Some(Code::DevicePending));
                return Err(error.fix("ask once more: the code is another then"));
            }
            tokio::time::sleep(Duration::from_secs(interval)).await;
            waited += interval;
        }
    }
}

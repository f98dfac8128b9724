//! `purser-server code`: a code for one sale of what a merchant lists.

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use purser_merchant::settings::Settings;
use purser_merchant::{OfferCode, Shop};
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Draw {
    /// The merchant's configuration. It may be running.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The path of the product.
    #[arg(long)]
    path: String,
    /// Its method.
    #[arg(long, default_value = "GET")]
    method: String,
    /// The host that the code names, with a port where it is not 443; that of the configuration when not given.
    #[arg(long)]
    host: Option<String>,
    /// The signed offer itself, for where there is no network: its receipt is shown at the counter.
    #[arg(long, conflicts_with = "host")]
    offline: bool,
    /// Write it as SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write it as PNG.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Pixels a module of the PNG.
    #[arg(long, default_value = "8", value_parser = clap::value_parser!(u8).range(1..=64))]
    pixels: u8,
}

impl Draw {
    /// Makes the offer, keeps it, draws it. One line of JSON, and the code itself where somebody looks at a terminal.
    pub(super) async fn print(&self) -> Result<(), Box<dyn Error>> {
        let (settings, shell, folder) = Settings::read(&self.config)?;
        let shop = Shop::with(&settings, &folder)?;
        let made = self.make(&shop, shell.as_ref()).await;
        shop.close();
        let code = made?;
        if let Some(path) = &self.svg {
            std::fs::write(path, code.drawing.to_svg())?;
        }
        if let Some(path) = &self.png {
            let png = code.drawing.to_picture(usize::from(self.pixels)).to_png();
            std::fs::write(path, png.ok_or("the picture cannot be written")?)?;
        }
        if std::io::stderr().is_terminal() {
            eprint!("{}", code.drawing.to_terminal());
        }
        let (offer, expires_at) = (code.offer.to_string(), code.expires_at.get());
        let line =
            json!({ "offer": offer, "expires_at": expires_at, "text": code.text, "modules": code.drawing.width() });
        println!("{line}");
        Ok(())
    }

    async fn make(
        &self,
        shop: &Shop,
        shell: Option<&purser_merchant::settings::Shell>,
    ) -> Result<OfferCode, Box<dyn Error>> {
        let (charge, goods) =
            shop.listed_now(&self.method, &self.path).ok_or("the configuration lists no such product")?;
        if self.offline {
            let code = shop.code_offline(&charge).await?;
            return Ok(code.ok_or("that offer is too long for a code of version 10: shorten names and ids")?);
        }
        let known = shell.map(|shell| shell.url.clone().unwrap_or_else(|| format!("https://{}", shell.listen)));
        let known =
            known.as_deref().and_then(|url| url.strip_prefix("https://")).map(|host| host.trim_end_matches('/'));
        let host = self.host.as_deref().or(known).ok_or("give --host: the configuration says no address")?;
        Ok(shop.code(&charge, host, goods.as_deref().unwrap_or_default()).await?)
    }
}

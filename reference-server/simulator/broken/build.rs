//! Makes the broken simulator: the sources of the protocol, of the server's writer and of the simulator in one crate,
//! with a switch at each line that a bug of `faults.toml` is about. Which bug is on is chosen when it runs.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "../../../conformance/broken/switches.rs"]
mod switches;

/// What of the server the simulator drives.
const SERVER: &[&str] = &["head.rs", "lookup.rs", "snapshot.rs", "store.rs", "writer.rs"];

/// The rest of the server, as far as those name it.
const REST: &str = "
pub mod head;
pub mod lookup;
pub mod snapshot;
pub mod store;
pub mod writer;

pub mod random {
    #[derive(Debug, thiserror::Error)]
    #[error(\"no random bytes\")]
    pub struct NoRandomness;
}

pub mod issuer {
    use crate::id::PaperId;

    pub(crate) fn paper_id(hex: &str) -> Option<PaperId> {
        let mut id = [0; 32];
        let digits = hex.as_bytes().chunks_exact(2);
        for (byte, pair) in id.iter_mut().zip(digits) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        (hex.len() == 64).then_some(PaperId(id))
    }
}
";

fn main() -> io::Result<()> {
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("sources");
    let protocol = home.join("../../../protocol/src");
    let server = home.join("../../src");
    let simulator = home.join("../src");
    for path in [&protocol, &simulator, &home.join("faults.toml")] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    for name in SERVER.iter().chain(&["store"]) {
        println!("cargo::rerun-if-changed={}", server.join(name).display());
    }
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    switches::copy(&protocol, &out)?;
    for name in SERVER {
        switches::copy_file(&server.join(name), &out.join("server").join(name))?;
    }
    switches::copy(&server.join("store"), &out.join("server/store"))?;
    fs::write(out.join("server.rs"), REST)?;
    switches::copy(&simulator, &out.join("simulator"))?;
    fs::rename(out.join("simulator/lib.rs"), out.join("simulator.rs"))?;
    fs::remove_file(out.join("simulator/main.rs"))?;

    let faults = switches::Faults::read(&home.join("faults.toml"))?;
    let unfit = switches::apply(&faults, &out)?;
    // Only now: what a fault names is what stands in the sources.
    moved(&out.join("server"), "server")?;
    moved(&out.join("simulator"), "simulator")?;
    let path = out.join("simulator.rs");
    fs::write(&path, within(&fs::read_to_string(&path)?, "simulator"))?;

    let map = fs::read_to_string(out.join("lib.rs"))?;
    let map = map.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    fs::write(out.join("lib.rs"), format!("{map}\npub mod server;\npub mod simulator;\n"))?;
    fs::write(out.join("faults.rs"), switches::table(&faults, &unfit))
}

/// Files that were the root of a crate are a module of this one.
fn moved(folder: &Path, module: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            moved(&path, module)?;
        } else {
            fs::write(&path, within(&fs::read_to_string(&path)?, module))?;
        }
    }
    Ok(())
}

fn within(text: &str, module: &str) -> String {
    let text = text.replace("crate::broken::", "BROKEN::").replace("crate::", &format!("crate::{module}::"));
    let text = text.replace("BROKEN::", "crate::broken::").replace("pub(crate)", "pub");
    text.replace("purser_server::", "crate::server::")
}

//! Makes the broken programs: the sources of the protocol and of its shim, with a switch at each line that a fault
//! of `faults.toml` is about. Which fault is on is chosen when the program runs.
//!
//! A fault that fits no line any more breaks no build; a test names it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

mod switches;

fn main() -> io::Result<()> {
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("sources");
    let protocol = home.join("../../protocol/src");
    let shim = home.join("../subjects/reference/src");
    for path in [&protocol, &shim, &home.join("faults.toml")] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    switches::copy(&protocol, &out)?;
    switches::copy(&shim, &out.join("shim"))?;
    fs::rename(out.join("shim/lib.rs"), out.join("shim.rs"))?;
    fs::remove_file(out.join("shim/main.rs"))?;

    let faults = switches::Faults::read(&home.join("faults.toml"))?;
    let unfit = switches::apply(&faults, &out)?;

    remember_verdicts(&out.join("sign/backend/portable.rs"))?;

    let map = fs::read_to_string(out.join("lib.rs"))?;
    let map = map.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    fs::write(out.join("lib.rs"), format!("{map}\npub mod shim;\n"))?;
    fs::write(out.join("faults.rs"), switches::table(&faults, &unfit))
}

/// No signature is verified twice: every case begins with the same setups, and there are many programs to run.
fn remember_verdicts(backend: &Path) -> io::Result<()> {
    let source = fs::read_to_string(backend)?;
    let verdict = "key.verify_prehash(digest, &signature)";
    let remembered = format!(
        "crate::broken::once(key.to_sec1_point(false).as_bytes(), digest, &signature.to_bytes(), || {verdict}.is_ok())"
    );
    fs::write(backend, source.replace(verdict, &remembered))
}

//! The command line, as a function.

mod kill;
mod run;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::spec::{self, Tree};
use crate::vectors;

/// Holds Purser's specification and what claims to keep it against each other.
#[derive(Parser)]
#[command(name = "purser-conformance", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts the cases to a program under test. Exit status 0: no failure; 1: a failure; 2: nothing can be said;
    /// 3: the suite or the shim is broken.
    Run(Box<run::Run>),
    /// Asks a shim what it claims, and says how many cases that means.
    Hello {
        /// The command of the shim.
        #[arg(long, value_name = "CMD")]
        shim: String,
    },
    /// Makes certificates and keys of the merchants and issuers that the suite plays over HTTP.
    Authority {
        /// The folder to write to. Nothing in it is overwritten.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Names the cases.
    List(run::List),
    /// Says what a case asks, what it sends, and where it differs from its twin.
    Explain {
        /// The case.
        id: String,
    },
    /// Writes a folder that shows one case without the suite.
    Repro(run::Repro),
    /// Compares two results.json. Exit status 1 when something that passed does not pass any more.
    Diff {
        /// The one before.
        old: PathBuf,
        /// The one after.
        new: PathBuf,
    },
    /// Runs programs with a known fault against every case, and writes which case catches which. Exit status 1 when
    /// fewer than two pairs catch one.
    Kill(kill::Kill),
    /// The requirement set.
    #[command(subcommand)]
    Requirements(Requirements),
    /// The text itself, its registries, and the lines of code that keep it.
    #[command(subcommand)]
    Spec(Spec),
    /// The test vectors.
    #[command(subcommand)]
    Vectors(Vectors),
}

#[derive(Subcommand)]
enum Vectors {
    /// Makes them in memory and compares; exit status 1 when a file differs.
    Check(Root),
    /// Writes the files in `test-vectors/`.
    Write(Root),
}

#[derive(Subcommand)]
enum Spec {
    /// Reports everything that disagrees. Exit status 1 when something does.
    Check(Root),
    /// Prints the registries into their chapters, and raises the counts in `coverage.lock`.
    Write(Root),
    /// Writes the text as one page, each clause with its mark, and `coverage.json` beside it.
    Html {
        #[command(flatten)]
        root: Root,
        /// The folder to write to.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Writes the examples as bytes, for tools that do not read diagnostic notation.
    Examples {
        #[command(flatten)]
        root: Root,
        /// The folder to write to, one file an example.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
enum Requirements {
    /// Lists every case of the vectors in `conformance/requirements/1.toml`, while that is a draft.
    Write(Root),
    /// Freezes `conformance/requirements/1.toml`: no row is lost or changed from then on.
    Freeze(Root),
}

#[derive(clap::Args)]
struct Root {
    /// The folder that holds `spec/` and the crates.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
}

/// Does what the arguments say; the first of them is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help is no error: clap knows the stream and the status of each.
        Err(message) => message.exit(),
    };
    let done = match arguments.command {
        Command::Run(arguments) => return exit(run::run(&arguments)),
        Command::Hello { shim } => return exit(run::hello(&shim)),
        Command::Authority { out } => return exit(run::authority(&out)),
        Command::List(arguments) => return exit(run::list(&arguments)),
        Command::Explain { id } => return exit(run::explain(&id)),
        Command::Repro(arguments) => return exit(run::repro(&arguments)),
        Command::Diff { old, new } => return exit(run::diff(&old, &new)),
        Command::Kill(arguments) => return exit(kill::kill(&arguments)),
        Command::Requirements(Requirements::Write(Root { root })) => return exit(run::requirements(&root)),
        Command::Requirements(Requirements::Freeze(Root { root })) => return exit(run::freeze(&root)),
        Command::Spec(Spec::Check(Root { root })) => check(&root),
        Command::Spec(Spec::Write(Root { root })) => write(&root),
        Command::Spec(Spec::Html { root, out }) => html(&root.root, &out),
        Command::Spec(Spec::Examples { root, out }) => examples(&root.root, &out),
        Command::Vectors(Vectors::Check(Root { root })) => Ok(check_vectors(&root)),
        Command::Vectors(Vectors::Write(Root { root })) => write_vectors(&root),
    };
    done.unwrap_or_else(|error| {
        eprintln!("purser-conformance: {error}");
        ExitCode::FAILURE
    })
}

fn exit(done: Result<ExitCode, String>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("purser-conformance: {error}");
        ExitCode::from(run::HARNESS)
    })
}

fn check(root: &Path) -> io::Result<ExitCode> {
    let tree = Tree::read(root)?;
    let findings = spec::check(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    println!("{}", spec::coverage(&tree));
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write(root: &Path) -> io::Result<ExitCode> {
    let tree = Tree::read(root)?;
    for (path, text) in spec::write(&tree) {
        std::fs::write(root.join(path), text)?;
        println!("{path}");
    }
    Ok(ExitCode::SUCCESS)
}

fn html(root: &Path, out: &Path) -> io::Result<ExitCode> {
    let (page, coverage) = spec::page(&Tree::read(root)?);
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("spec.html"), page)?;
    std::fs::write(out.join("coverage.json"), coverage)?;
    Ok(ExitCode::SUCCESS)
}

fn examples(root: &Path, out: &Path) -> io::Result<ExitCode> {
    let tree = Tree::read(root)?;
    std::fs::create_dir_all(out)?;
    for (name, bytes) in spec::examples(&tree) {
        std::fs::write(out.join(format!("{name}.cbor")), bytes)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check_vectors(root: &Path) -> ExitCode {
    let differences = vectors::check(root);
    for difference in &differences {
        eprintln!("{difference}");
    }
    if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_vectors(root: &Path) -> io::Result<ExitCode> {
    for path in vectors::write(root)? {
        println!("{path}");
    }
    Ok(ExitCode::SUCCESS)
}

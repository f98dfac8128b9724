//! The reference implementation as a subject of the conformance suite: `conformance/shim.md` in, the protocol's
//! own functions behind it.
//!
//! It decides nothing: calls become arguments, results become replies. It has no door that users do not have.

mod subject;

use std::io::{self, BufRead, Write};

pub use subject::Subject;

/// Answers calls, one a line, until there are no more.
pub fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut subject = Subject::default();
    for line in input.lines() {
        let reply = subject.line(&line?);
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

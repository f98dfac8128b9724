//! Says when terms and periods begin, for whoever holds that against another calendar.
//!
//! Each line of standard input is a zone, a unit from 1 (day) to 4 (year), an anchor in Unix seconds, and a number n; each
//! line of output is when the n-th term after the anchor's begins, the numbers of the terms of its first second and of
//! the second before, and when the calendar period begins and ends that the anchor lies in.

use std::io::{BufRead, Write};

use purser_protocol::period::{Period, Terms, Unit, Zone, database_version};
use purser_protocol::time::UnixSeconds;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    eprintln!("time zones {}", database_version().unwrap_or("of no version"));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let mut word = || words.next().ok_or("a line has four words");
        let zone = Zone::new(word()?).ok_or("no such zone")?;
        let unit = Unit::from_label(word()?.parse()?).ok_or("no such unit")?;
        let anchor = UnixSeconds::new(word()?.parse()?).ok_or("no such time")?;
        let terms = Terms { unit, zone: zone.clone(), anchor };
        let begins = terms.begins(word()?.parse::<u32>()? + 1).ok_or("past the end of time")?;
        let (number, before) = (terms.number(begins), terms.number(begins.saturating_sub(1)));
        let bounds = Period::Calendar { unit, zone }.bounds(anchor);
        writeln!(out, "{} {number} {before} {} {}", begins.get(), bounds.start, bounds.end)?;
    }
    Ok(())
}

//! Measures sealroom against other crates and against its own primitives. `bash benches/peers/run` does all of it.

mod envelopes;
mod measure;
mod mls;
mod raw;
mod rooms;
mod rsa_keys;
mod table;
mod threads;

use std::io;

fn main() {
    let argument = std::env::args().nth(1);
    match argument.as_deref() {
        Some("measure") => {
            for rows in [envelopes::rows, rooms::rows, rsa_keys::rows] {
                rows().iter().for_each(measure::Row::print);
            }
        }
        Some("threads") if cfg!(feature = "parallel") => threads::rows().iter().for_each(measure::Row::print),
        Some("table") => {
            let svg = std::env::args().nth(2).unwrap_or_else(|| "peers.svg".into());
            let (lines, backends) = table::parse(io::stdin().lines().map(Result::unwrap));
            print!("{}", table::markdown(&lines, &backends));
            table::draw(&lines, &backends, &svg);
        }
        _ => eprintln!("peers measure | peers threads (with the feature parallel) | peers table SVG"),
    }
}

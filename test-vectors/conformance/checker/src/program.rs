//! A program that speaks the line protocol.

use crate::Outcome;
use serde_json::Value;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(command: &str) -> Outcome<Self> {
        let child = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        Ok(Self(child.map_err(|error| format!("{command}: {error}"))?))
    }

    /// Asks all, and waits until the program ends.
    pub(crate) fn ask(mut self, requests: Vec<Value>) -> Outcome<Vec<Value>> {
        let mut to = BufWriter::new(self.0.stdin.take().ok_or("no input")?);
        let from = BufReader::new(self.0.stdout.take().ok_or("no output")?);
        // Beside the answers, since a pipe holds only so much.
        let asking = thread::spawn(move || {
            let all = requests.iter().try_for_each(|request| writeln!(to, "{request}"));
            all.and_then(|()| to.flush())
        });
        let answers = from.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Outcome<Vec<Value>>>()?;
        let status = self.0.wait()?;
        asking.join().map_err(|_| "the requests")??;
        if status.success() { Ok(answers) } else { Err(format!("the program ended with {status}").into()) }
    }
}

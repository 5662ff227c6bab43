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
    pub(crate) fn ask(
        mut self,
        requests: impl IntoIterator<Item = Result<Value, String>> + Send,
    ) -> Outcome<Vec<Value>> {
        let mut to = BufWriter::new(self.0.stdin.take().ok_or("no input")?);
        let from = BufReader::new(self.0.stdout.take().ok_or("no output")?);
        // Beside the answers, since a pipe holds only so much.
        let (answers, asked) = thread::scope(|scope| {
            let asking = scope.spawn(move || {
                let mut count = 0_usize;
                for request in requests {
                    writeln!(to, "{}", request?).map_err(|error| error.to_string())?;
                    count += 1;
                }
                to.flush().map_err(|error| error.to_string()).map(|()| count)
            });
            let answers = from.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Outcome<Vec<Value>>>();
            (answers, asking.join())
        });
        let answers = answers?;
        let status = self.0.wait()?;
        let asked = asked.map_err(|_| "the requests")??;
        if !status.success() {
            return Err(format!("the program ended with {status}").into());
        }
        if answers.len() != asked {
            return Err(format!("{} answers to {asked} requests", answers.len()).into());
        }
        Ok(answers)
    }
}

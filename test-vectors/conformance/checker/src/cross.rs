//! What one seals, all others open.

use crate::Outcome;
use crate::kinds;
use crate::program::Program;
use crate::vectors::{File, Tally, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn cross(files: &[File], named: &[String]) -> Outcome<bool> {
    let own = format!("'{}' serve", std::env::current_exe()?.display());
    let mut programs = vec![("crate", own.as_str())];
    for one in named {
        programs.push(one.split_once('=').ok_or("a program is given as NAME=COMMAND")?);
    }
    let vectors: Vec<&Value> = files.iter().flat_map(|file| &file.vectors).collect();
    let mut good = true;
    for (writer, command) in &programs {
        let (mut sealed, mut skipped) = (BTreeMap::new(), 0);
        let mut asked = BTreeMap::new();
        for vector in &vectors {
            if let Some(request) = kinds::seal_request(vector)? {
                asked.insert(id(vector)?, (*vector, request));
            }
        }
        let requests = asked.values().map(|(_, request)| request.clone()).collect::<Vec<_>>();
        for answer in Program::start(command)?.ask(requests.into_iter().map(Ok))? {
            let (vector, _) = asked.get(id(&answer)?).ok_or("an answer that nobody asked for")?;
            match answer["result"].as_str() {
                Some("ok") => drop(sealed.insert(id(vector)?.to_owned(), kinds::sealed(vector, &answer)?)),
                Some("skipped") => skipped += 1,
                _ => return Err(format!("{writer} does not seal {}: {answer}", id(vector)?).into()),
            }
        }
        if sealed.len() + skipped != asked.len() || sealed.is_empty() {
            return Err(format!("{writer} sealed {} of {}", sealed.len(), asked.len()).into());
        }
        for (reader, command) in &programs {
            let requests = sealed.values().map(kinds::request).collect::<Outcome<Vec<_>>>()?;
            let mut answers: BTreeMap<String, Value> = BTreeMap::new();
            for answer in Program::start(command)?.ask(requests.into_iter().map(Ok))? {
                answers.insert(id(&answer)?.to_owned(), answer);
            }
            let mut tally = Tally::default();
            for (id, vector) in &sealed {
                let verdict = kinds::judge(vector, answers.get(id))?;
                let what = format!("{id} by {writer}, read by {reader}");
                tally.count(
                    &what,
                    if let Verdict::Skipped(_) = verdict { Verdict::Skipped(String::new()) } else { verdict },
                );
            }
            println!("sealed by {writer}, read by {reader}: {tally}");
            good &= tally.failed == 0;
        }
    }
    Ok(good)
}

fn id(object: &Value) -> Outcome<&str> {
    object["id"].as_str().ok_or_else(|| "no id".into())
}

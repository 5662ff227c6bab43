//! `test-vectors/schema.json` held against the files, by the part of JSON Schema (draft 2020-12) that it uses.
//! `conformance/python/check_schema.py` does the same with a whole validator.

use crate::hold::{files, path, writes};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The names of an object's fields that some schema was applied to.
type Seen = BTreeSet<String>;

struct Schema {
    root: Value,
}

impl Schema {
    fn check(&self, schema: &Value, value: &Value, at: &str, seen: &mut Seen) -> Result<(), String> {
        let Value::Object(rules) = schema else { panic!("{schema}") };
        for (rule, given) in rules {
            if !self.holds(rule, given, rules, value, at, seen)? {
                return Err(format!("{at}: {rule} {}", shortened(given)));
            }
        }
        match rules.get("unevaluatedProperties") {
            Some(_) => match value.as_object().unwrap().keys().find(|name| !seen.contains(*name)) {
                Some(name) => Err(format!("{at}: {name} is not foreseen")),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        self.check(schema, value, "", &mut Seen::new()).is_ok()
    }

    fn holds(
        &self,
        rule: &str,
        given: &Value,
        rules: &Map<String, Value>,
        value: &Value,
        at: &str,
        seen: &mut Seen,
    ) -> Result<bool, String> {
        let count = given.as_u64().unwrap_or(0) as usize;
        // A rule on values of one type says nothing of others.
        let of_type = match rule {
            "properties" | "additionalProperties" | "required" | "minProperties" => value.is_object(),
            "items" | "contains" | "minItems" | "maxItems" => value.is_array(),
            "pattern" | "minLength" => value.is_string(),
            "minimum" | "maximum" => value.is_number(),
            _ => true,
        };
        if !of_type {
            return Ok(true);
        }
        Ok(match rule {
            "$schema" | "$comment" | "$defs" | "title" | "description" | "then" | "else" | "unevaluatedProperties" => {
                true
            }
            "$ref" => {
                let target = self.root.pointer(given.as_str().unwrap().trim_start_matches('#')).expect(at);
                self.check(target, value, at, seen)?;
                true
            }
            "type" => match given.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_u64(),
                "boolean" => value.is_boolean(),
                "null" => value.is_null(),
                other => panic!("{other}"),
            },
            "properties" => {
                for (name, schema) in given.as_object().unwrap() {
                    if let Some(field) = value.get(name) {
                        self.check(schema, field, &format!("{at}.{name}"), &mut Seen::new())?;
                        seen.insert(name.clone());
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = rules.get("properties").and_then(Value::as_object);
                let more = value
                    .as_object()
                    .unwrap()
                    .iter()
                    .filter(|(name, _)| !known.is_some_and(|all| all.contains_key(*name)));
                for (name, field) in more {
                    match given {
                        Value::Bool(_) => return Err(format!("{at}: {name} is not foreseen")),
                        schema => self.check(schema, field, &format!("{at}.{name}"), &mut Seen::new())?,
                    }
                }
                true
            }
            "required" => given.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "items" => {
                for (place, item) in value.as_array().unwrap().iter().enumerate() {
                    self.check(given, item, &format!("{at}[{place}]"), &mut Seen::new())?;
                }
                true
            }
            "allOf" => {
                for schema in given.as_array().unwrap() {
                    self.check(schema, value, at, seen)?;
                }
                true
            }
            "oneOf" => given.as_array().unwrap().iter().filter(|schema| self.fits(schema, value)).count() == 1,
            "if" => {
                let branch = if self.fits(given, value) { "then" } else { "else" };
                if let Some(schema) = rules.get(branch) {
                    self.check(schema, value, at, seen)?;
                }
                true
            }
            "not" => !self.fits(given, value),
            "contains" => value.as_array().unwrap().iter().any(|item| self.fits(given, item)),
            "enum" => given.as_array().unwrap().contains(value),
            "const" => given == value,
            "minimum" => value.as_u64() >= given.as_u64(),
            "maximum" => value.as_u64() <= given.as_u64(),
            "minItems" => value.as_array().unwrap().len() >= count,
            "maxItems" => value.as_array().unwrap().len() <= count,
            "minLength" => value.as_str().unwrap().len() >= count,
            "minProperties" => value.as_object().unwrap().len() >= count,
            "pattern" => matches(given.as_str().unwrap(), value.as_str().unwrap()),
            other => panic!("{other} is a rule that this check does not know"),
        })
    }
}

/// The patterns of the schema.
fn matches(pattern: &str, text: &str) -> bool {
    let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match pattern {
        "^([0-9a-f]{2})*$" => hex && text.len().is_multiple_of(2),
        "^[0-9a-f]{64}$" => hex && text.len() == 64,
        "^[a-z0-9-]+$" => !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
        "^[0-9]+(\\.[0-9]+)*$" => {
            text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        }
        "^[A-Z]{2,5}-[0-9]{2}$" => text.split_once('-').is_some_and(|(area, number)| {
            (2..=5).contains(&area.len())
                && area.bytes().all(|byte| byte.is_ascii_uppercase())
                && number.len() == 2
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }),
        other => panic!("{other} is a pattern that this check does not know"),
    }
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(100).collect()
}

/// Every file fits the schema; a file with a field more, a field less or another value does not. [VEC-01]
#[test]
fn every_file_fits_the_schema() {
    if writes() {
        return;
    }
    let schema = Schema { root: serde_json::from_str(&std::fs::read_to_string(path("schema.json")).unwrap()).unwrap() };
    let check = |file: &Value, name: &str| schema.check(&schema.root, file, name, &mut Seen::new());
    let files = files();
    for (name, file) in &files {
        check(file, name).unwrap();
    }
    let name = "22-linked-devices/answers.json";
    let but = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut other = files[name].clone();
        change(other["vectors"][0].as_object_mut().unwrap());
        check(&other, name)
    };
    assert_eq!(but(&|_| ()), Ok(()));
    assert!(but(&|vector| drop(vector.remove("code"))).is_err());
    assert!(but(&|vector| drop(vector.insert("more".into(), "".into()))).is_err());
    assert!(but(&|vector| vector["kind"] = "unknown".into()).is_err());
    assert!(but(&|vector| vector["echo"] = "AB".into()).is_err());
    assert!(but(&|vector| vector["result"] = "link".into()).is_err());
    assert!(but(&|vector| vector["flags"] = serde_json::json!([])).is_err());
}

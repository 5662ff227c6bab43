//! What both packages share: times of works that are done in turn, and the lines that they print.

use cpu_time::ProcessTime;
use std::collections::BTreeMap;
use std::hint::black_box;

/// Of RustCrypto's backend or of AWS-LC's.
pub(crate) fn by_backend<T>(rustcrypto: T, aws_lc: T) -> T {
    if cfg!(feature = "aws-lc-rs") { aws_lc } else { rustcrypto }
}

/// Processor times of named works. Whoever does all of them in one loop lets a noisy machine hit them alike.
#[derive(Default)]
pub(crate) struct Watch(pub(crate) BTreeMap<&'static str, Vec<f64>>);

impl Watch {
    /// Does a work; its time in all threads counts under `name`.
    pub(crate) fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = ProcessTime::now();
        let made = black_box(work());
        self.0.entry(name).or_default().push(start.elapsed().as_secs_f64());
        made
    }

    /// The median, in seconds.
    pub(crate) fn median(&self, name: &str) -> f64 {
        let mut times = self.0[name].clone();
        times.sort_unstable_by(f64::total_cmp);
        (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2.0
    }
}

/// One line of the table.
pub(crate) struct Row {
    /// What sealroom does.
    pub(crate) what: String,
    /// What the other one does.
    pub(crate) other: String,
    /// `s` or `B`: of which fewer are better.
    pub(crate) unit: &'static str,
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// The ratio that ours should not exceed.
    pub(crate) goal: Option<f64>,
}

impl Row {
    pub(crate) fn time(
        what: impl Into<String>,
        ours: f64,
        other: impl Into<String>,
        theirs: f64,
        goal: Option<f64>,
    ) -> Self {
        Self { what: what.into(), other: other.into(), unit: "s", ours, theirs, goal }
    }

    /// `goal` in hundredths of the other's throughput, at the least.
    pub(crate) fn throughput(
        what: impl Into<String>,
        ours: f64,
        other: impl Into<String>,
        theirs: f64,
        goal: f64,
    ) -> Self {
        Self::time(what, ours, other, theirs, Some(1.0 / goal))
    }

    pub(crate) fn bytes(
        what: impl Into<String>,
        ours: usize,
        other: impl Into<String>,
        theirs: usize,
        goal: Option<f64>,
    ) -> Self {
        Self { what: what.into(), other: other.into(), unit: "B", ours: ours as f64, theirs: theirs as f64, goal }
    }

    /// For `peers table`: fields with tabs between them.
    pub(crate) fn print(&self) {
        let goal = self.goal.map_or(String::new(), |goal| goal.to_string());
        let backend = by_backend("RustCrypto", "AWS-LC");
        println!("{backend}\t{}\t{}\t{}\t{}\t{}\t{goal}", self.what, self.other, self.unit, self.ours, self.theirs);
    }
}

//! The rows as a table in Markdown and as a drawing.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A comparison, by backend.
pub(crate) struct Line {
    what: String,
    other: String,
    unit: String,
    measured: Vec<(String, Measured)>,
}

#[derive(Clone, Copy)]
struct Measured {
    ours: f64,
    theirs: f64,
    goal: Option<f64>,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }

    /// The ratio with two digits at least.
    fn shown(&self) -> String {
        let ratio = self.ratio();
        if ratio < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
    }

    fn is_missed(&self) -> bool {
        self.goal.is_some_and(|goal| self.ratio() > goal)
    }
}

/// The lines, in the order in which each came first, and the backends.
pub(crate) fn parse(rows: impl Iterator<Item = String>) -> (Vec<Line>, Vec<String>) {
    let (mut lines, mut backends) = (Vec::<Line>::new(), Vec::new());
    for row in rows {
        let fields: Vec<_> = row.split('\t').collect();
        let [backend, what, other, unit, ours, theirs, goal] = fields[..] else { panic!("not a row: {row}") };
        if backends.iter().all(|known| known != backend) {
            backends.push(backend.to_owned());
        }
        let measured =
            Measured { ours: ours.parse().unwrap(), theirs: theirs.parse().unwrap(), goal: goal.parse().ok() };
        let is_it = |line: &&mut Line| (&line.what[..], &line.other[..], &line.unit[..]) == (what, other, unit);
        let entry = (backend.to_owned(), measured);
        match lines.iter_mut().find(is_it) {
            Some(line) => line.measured.push(entry),
            None => {
                lines.push(Line { what: what.into(), other: other.into(), unit: unit.into(), measured: vec![entry] })
            }
        }
    }
    (lines, backends)
}

impl Line {
    fn by(&self, backend: &str) -> Option<&Measured> {
        self.measured.iter().find(|(name, _)| name == backend).map(|(_, measured)| measured)
    }

    fn amount(&self, amount: f64) -> String {
        if self.unit == "B" {
            return format!("{amount} B");
        }
        let (scaled, unit) = [(amount * 1e3, "ms"), (amount * 1e6, "µs"), (amount * 1e9, "ns")]
            .into_iter()
            .find(|(scaled, _)| *scaled >= 1.0)
            .unwrap_or((amount * 1e9, "ns"));
        let digits = 2_usize.saturating_sub(scaled.log10() as usize);
        format!("{scaled:.digits$} {unit}")
    }
}

pub(crate) fn markdown(lines: &[Line], backends: &[String]) -> String {
    let (mut table, mut rule) = ("| sealroom | compared with |".to_owned(), "|---|---|".to_owned());
    for backend in backends {
        table += &format!(" {backend} | | ratio | goal |");
        rule += "---:|---:|---:|---:|";
    }
    table += &format!("\n{rule}\n");
    for line in lines {
        table += &format!("| {} | {} |", line.what, line.other);
        for backend in backends {
            let Some(measured) = line.by(backend) else {
                table += " | | | |";
                continue;
            };
            let goal = measured.goal.map_or(String::new(), |goal| format!("{goal:.2}"));
            let ratio = if measured.is_missed() { format!("**{}**", measured.shown()) } else { measured.shown() };
            let (ours, theirs) = (line.amount(measured.ours), line.amount(measured.theirs));
            table += &format!(" {ours} | {theirs} | {ratio} | {goal} |");
        }
        table.push('\n');
    }
    table
}

/// Pixels of a bar, and of what is between two lines.
const BAR: i32 = 11;
const GAP: i32 = 7;
const TOP: i32 = 78;
const LEFT: i32 = 660;
const WIDTH: i32 = 560;
/// Ratios at the ends of the axis.
const ENDS: (f64, f64) = (0.1, 10.0);
/// Of each backend's bars, and of those that miss their goals.
const COLOURS: [(RGBColor, RGBColor); 2] =
    [(RGBColor(70, 130, 180), RGBColor(200, 80, 60)), (RGBColor(100, 170, 120), RGBColor(230, 150, 60))];

fn across(ratio: f64) -> i32 {
    let (first, last) = (ENDS.0.ln(), ENDS.1.ln());
    LEFT + ((ratio.ln() - first) / (last - first) * f64::from(WIDTH)) as i32
}

/// A bar from 1 to each ratio, on a logarithmic axis, and a mark at its goal.
pub(crate) fn draw(lines: &[Line], backends: &[String], path: &str) {
    let row = BAR * backends.len() as i32 + GAP;
    let height = TOP + row * lines.len() as i32 + 12;
    let area = SVGBackend::new(path, ((LEFT + WIDTH + 70) as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let style =
        |size: i32, across: HPos| ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(across, VPos::Center));
    let text = |text: &str, style: &TextStyle<'_>, place: (i32, i32)| area.draw_text(text, style, place).unwrap();
    let title = "sealroom to others: processor time, or bytes; less is better; | is the goal";
    text(title, &style(16, HPos::Left), (14, 20));
    let mut x = 14;
    for (backend, (met, missed)) in backends.iter().zip(COLOURS) {
        for (colour, name) in [(met, backend.clone()), (missed, format!("{backend}, goal missed"))] {
            area.draw(&Rectangle::new([(x, 39), (x + 12, 51)], colour.filled())).unwrap();
            text(&name, &style(12, HPos::Left), (x + 18, 46));
            x += 40 + 7 * name.len() as i32;
        }
    }
    for (ratio, name) in [(0.1, "0.1"), (0.2, "0.2"), (0.5, "0.5"), (1.0, "1"), (2.0, "2"), (5.0, "5"), (10.0, "10")] {
        let x = across(ratio);
        text(name, &style(12, HPos::Center), (x, TOP - 16));
        let shade = if ratio == 1.0 { BLACK } else { RGBColor(220, 220, 220) };
        area.draw(&PathElement::new([(x, TOP - 6), (x, height - 12)], shade)).unwrap();
    }
    for (index, line) in lines.iter().enumerate() {
        let top = TOP + row * index as i32;
        let unit = if line.unit == "B" { ", bytes" } else { "" };
        let middle = top + BAR * backends.len() as i32 / 2;
        text(&format!("{}{unit} : {}", line.what, line.other), &style(12, HPos::Right), (LEFT - 12, middle));
        for (place, (backend, (met, missed))) in backends.iter().zip(COLOURS).enumerate() {
            let Some(measured) = line.by(backend) else { continue };
            let (y, end) = (top + BAR * place as i32, across(measured.ratio().clamp(ENDS.0, ENDS.1)));
            let (from, to) = (end.min(across(1.0)), end.max(across(1.0)));
            let colour = if measured.is_missed() { missed } else { met };
            area.draw(&Rectangle::new([(from, y), (to, y + BAR - 1)], colour.filled())).unwrap();
            if let Some(goal) = measured.goal {
                let x = across(goal);
                area.draw(&PathElement::new([(x, y - 1), (x, y + BAR)], BLACK.stroke_width(2))).unwrap();
            }
            text(&measured.shown(), &style(10, HPos::Left), (LEFT + WIDTH + 16, y + BAR / 2));
        }
    }
    area.present().unwrap();
}

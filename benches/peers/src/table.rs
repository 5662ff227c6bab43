//! The rows as a table in Markdown and as a drawing.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A row as it was printed.
pub(crate) struct Line {
    what: String,
    other: String,
    unit: String,
    ours: f64,
    theirs: f64,
    goal: Option<f64>,
}

impl Line {
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Vec<_> = line.split('\t').collect();
        let [what, other, unit, ours, theirs, goal] = fields[..] else { panic!("not a row: {line}") };
        Self {
            what: what.into(),
            other: other.into(),
            unit: unit.into(),
            ours: ours.parse().unwrap(),
            theirs: theirs.parse().unwrap(),
            goal: goal.parse().ok(),
        }
    }

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

pub(crate) fn markdown(lines: &[Line], backend: &str) -> String {
    let mut table =
        format!("| sealroom, {backend} | | compared with | | ratio | goal |\n|---|---:|---|---:|---:|---:|\n");
    for line in lines {
        let goal = line.goal.map_or(String::new(), |goal| format!("{goal:.2}"));
        let ratio = if line.is_missed() { format!("**{}**", line.shown()) } else { line.shown() };
        table += &format!(
            "| {} | {} | {} | {} | {ratio} | {goal} |\n",
            line.what,
            line.amount(line.ours),
            line.other,
            line.amount(line.theirs)
        );
    }
    table
}

const ROW: i32 = 22;
const TOP: i32 = 62;
const LEFT: i32 = 660;
const WIDTH: i32 = 560;
/// Ratios at the ends of the axis.
const ENDS: (f64, f64) = (0.1, 10.0);

fn across(ratio: f64) -> i32 {
    let (first, last) = (ENDS.0.ln(), ENDS.1.ln());
    LEFT + ((ratio.ln() - first) / (last - first) * f64::from(WIDTH)) as i32
}

/// A bar from 1 to each ratio, on a logarithmic axis, and a mark at its goal.
pub(crate) fn draw(lines: &[Line], backend: &str, path: &str) {
    let height = TOP + ROW * lines.len() as i32 + 12;
    let area = SVGBackend::new(path, ((LEFT + WIDTH + 70) as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let style =
        |size: i32, across: HPos| ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(across, VPos::Center));
    let text = |text: &str, style: &TextStyle<'_>, place: (i32, i32)| area.draw_text(text, style, place).unwrap();
    let title = format!("sealroom ({backend}) to others: time or bytes, less is better; | is the goal");
    text(&title, &style(16, HPos::Left), (14, 20));
    for (ratio, name) in [(0.1, "0.1"), (0.2, "0.2"), (0.5, "0.5"), (1.0, "1"), (2.0, "2"), (5.0, "5"), (10.0, "10")] {
        let x = across(ratio);
        text(name, &style(12, HPos::Center), (x, TOP - 16));
        let shade = if ratio == 1.0 { BLACK } else { RGBColor(220, 220, 220) };
        area.draw(&PathElement::new([(x, TOP - 6), (x, height - 12)], shade)).unwrap();
    }
    for (index, line) in lines.iter().enumerate() {
        let y = TOP + ROW * index as i32 + ROW / 2;
        let unit = if line.unit == "B" { ", bytes" } else { "" };
        text(&format!("{}{unit} : {}", line.what, line.other), &style(12, HPos::Right), (LEFT - 12, y));
        let colour = if line.is_missed() { RGBColor(200, 80, 60) } else { RGBColor(70, 130, 180) };
        let end = across(line.ratio().clamp(ENDS.0, ENDS.1));
        let (from, to) = (end.min(across(1.0)), end.max(across(1.0)));
        area.draw(&Rectangle::new([(from, y - 6), (to, y + 6)], colour.filled())).unwrap();
        if let Some(goal) = line.goal {
            let x = across(goal);
            area.draw(&PathElement::new([(x, y - 9), (x, y + 9)], BLACK.stroke_width(2))).unwrap();
        }
        text(&line.shown(), &style(12, HPos::Left), (LEFT + WIDTH + 16, y));
    }
    area.present().unwrap();
}

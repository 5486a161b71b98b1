//! Charts: SVG made here, with the same numbers as a table beside them.

use askama::{Template, filters::HtmlSafe};

/// Width of a drawing, in its own units; it is stretched to the space there is.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 125.0;
/// Grid lines above the foot.
const LINES: u32 = 4;

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line with an area below.
    Line,
    /// A dashed line.
    Dashed,
    /// Bars, series upon series.
    Bars,
}

/// One row of numbers over all times.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is, in words.
    pub label: String,
    /// Class of its colour: `c1` accent, `c2` warning, `c3` bad, `cok` good, `c4` grey. Lines have their own.
    pub class: &'static str,
    /// One number for each time.
    pub values: Vec<f64>,
}

/// Numbers over time, drawn and as a table. `{{ chart }}` shows it. Needs [`Chart::words`].
#[derive(Debug, Clone, Template)]
#[template(path = "chart.html")]
pub struct Chart {
    /// What is drawn, for the table's caption.
    pub title: String,
    /// The gist in a sentence: what somebody hears who does not see the drawing.
    pub summary: String,
    /// Word over the times.
    pub time_label: String,
    /// What opens the table.
    pub table_label: String,
    /// The times, in words.
    pub times: Vec<String>,
    /// The numbers.
    pub series: Vec<Series>,
    /// Unit behind the numbers; empty for counts.
    pub unit: &'static str,
    kind: ChartKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChartKind {
    Bars,
    Lines,
}

impl HtmlSafe for Chart {}

/// A rectangle of the drawing.
struct Rect {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
}

impl Chart {
    /// Bars, series upon series.
    #[must_use]
    pub fn bars(title: String, summary: String, times: Vec<String>, series: Vec<Series>) -> Self {
        Self::new(ChartKind::Bars, title, summary, times, series)
    }

    /// Lines: the first drawn with an area below, the second dashed.
    #[must_use]
    pub fn lines(title: String, summary: String, times: Vec<String>, series: Vec<Series>) -> Self {
        Self::new(ChartKind::Lines, title, summary, times, series)
    }

    fn new(kind: ChartKind, title: String, summary: String, times: Vec<String>, series: Vec<Series>) -> Self {
        Self {
            title,
            summary,
            time_label: String::new(),
            table_label: String::new(),
            times,
            series,
            unit: "",
            kind,
        }
    }

    /// The words around it: what stands over the times, and what opens the table.
    #[must_use]
    pub fn words(mut self, time: impl Into<String>, table: impl Into<String>) -> Self {
        self.time_label = time.into();
        self.table_label = table.into();
        self
    }

    /// The unit behind the numbers.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    fn is_bars(&self) -> bool {
        self.kind == ChartKind::Bars
    }

    /// The highest number that the drawing has room for: 1, 2 or 5 times a power of ten, times the grid's lines.
    fn top(&self) -> f64 {
        let highest = match self.kind {
            ChartKind::Lines => (self.series.iter())
                .flat_map(|series| (0..series.values.len()).map(|at| value(series, at)))
                .fold(0.0, f64::max),
            ChartKind::Bars => (0..self.times.len())
                .map(|at| self.series.iter().map(|series| value(series, at)).sum())
                .fold(0.0, f64::max),
        };
        // Of nothing at all, the grid still has numbers.
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let step = (highest / f64::from(LINES)).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(step.log10().floor());
        let nice = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|nice| *nice >= step);
        // Counts have no halves.
        let least = if self.unit.is_empty() { 1.0 } else { 0.0 };
        let step = nice.unwrap_or(step).max(least);
        step * f64::from(LINES)
    }

    fn height_of(&self, number: f64) -> f64 {
        HEIGHT * (number.max(0.0) / self.top()).min(1.0)
    }

    /// Numbers beside the grid, from the top.
    fn marks(&self) -> Vec<String> {
        let top = self.top();
        (0..=LINES)
            .rev()
            .map(|line| self.number(top * f64::from(line) / f64::from(LINES)))
            .collect()
    }

    fn number(&self, number: f64) -> String {
        let text = format!("{number:.1}");
        let text = text.strip_suffix(".0").unwrap_or(&text);
        match self.unit {
            "" => text.to_owned(),
            unit => format!("{text}\u{a0}{unit}"),
        }
    }

    fn grid(&self) -> Vec<String> {
        (0..=LINES)
            .map(|line| short(HEIGHT * f64::from(line) / f64::from(LINES)))
            .collect()
    }

    /// Five of the times, from the first to the last.
    fn shown_times(&self) -> Vec<&str> {
        let last = self.times.len().saturating_sub(1);
        let mut shown: Vec<usize> = (0..5).map(|part| part * last / 4).collect();
        shown.dedup();
        (shown.into_iter())
            .filter_map(|at| self.times.get(at).map(String::as_str))
            .collect()
    }

    fn rects(&self) -> Vec<Rect> {
        let step = WIDTH / number_of(self.times.len().max(1));
        let mut rects = Vec::new();
        for at in 0..self.times.len() {
            let mut foot = HEIGHT;
            for series in &self.series {
                let height = self.height_of(value(series, at));
                if height <= 0.0 {
                    continue;
                }
                foot -= height;
                rects.push(Rect {
                    class: series.class,
                    x: short(number_of(at).mul_add(step, step * 0.12)),
                    y: short(foot),
                    width: short(step * 0.76),
                    height: short(height),
                });
            }
        }
        rects
    }

    fn path(&self, series: &Series) -> String {
        let step = WIDTH / number_of(series.values.len().saturating_sub(1).max(1));
        let mut path = String::new();
        for at in 0..series.values.len() {
            let (x, y) = (number_of(at) * step, HEIGHT - self.height_of(value(series, at)));
            path.push(if at == 0 { 'M' } else { 'L' });
            path.push_str(&short(x));
            path.push(' ');
            path.push_str(&short(y));
        }
        path
    }

    fn area(&self) -> String {
        let first = self.series.first().filter(|series| !series.values.is_empty());
        first.map_or_else(String::new, |series| format!("{}V{HEIGHT}H0Z", self.path(series)))
    }

    /// The numbers of one time, in the series' order.
    fn cells(&self, at: &usize) -> Vec<(&str, String)> {
        (self.series.iter())
            .map(|series| (series.label.as_str(), self.number(value(series, *at))))
            .collect()
    }
}

/// Nothing where there is no number.
fn value(series: &Series, at: usize) -> f64 {
    let number = series.values.get(at).copied().unwrap_or_default();
    if number.is_finite() { number } else { 0.0 }
}

/// Indices are small.
fn number_of(at: usize) -> f64 {
    f64::from(u32::try_from(at).unwrap_or(u32::MAX))
}

fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0")
        .map_or_else(|| text.clone(), str::to_owned)
}

/// One bar of [`Bars`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What is counted.
    pub label: String,
    /// How many.
    pub count: u64,
    /// Class of its colour, as in [`Series::class`].
    pub class: &'static str,
}

/// Counts beside each other, longest first or in the order given. The numbers stand beside the bars: no table needed.
#[derive(Debug, Clone, Template)]
#[template(path = "bars.html")]
pub struct Bars(pub Vec<Bar>);

impl HtmlSafe for Bars {}

impl Bars {
    /// Share of the longest, in percent with a decimal.
    fn share(&self, bar: &Bar) -> String {
        let longest = self.0.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
        let permille = u128::from(bar.count) * 1000 / u128::from(longest);
        format!("{}.{}", permille / 10, permille % 10)
    }
}

//! Aligned columns.

use std::io::{self, Write};

use crate::text::clean;

/// Two blanks between columns; the last one is not padded. `none` is said where there are no rows.
pub(crate) fn table<const N: usize>(
    out: &mut dyn Write,
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    none: &str,
) -> io::Result<()> {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| clean(&cell))).collect();
    if rows.is_empty() {
        return writeln!(out, "{none}");
    }
    let mut widths = heads.map(width);
    for row in &rows {
        for (slot, cell) in widths.iter_mut().zip(row) {
            *slot = width(cell).max(*slot);
        }
    }
    line(out, &heads, &widths)?;
    for row in &rows {
        line(out, &row.each_ref().map(String::as_str), &widths)?;
    }
    Ok(())
}

/// Names and values, one pair a line.
pub(crate) fn fields(out: &mut dyn Write, pairs: &[(&str, String)]) -> io::Result<()> {
    let widest = pairs
        .iter()
        .map(|(name, _)| width(name))
        .max()
        .unwrap_or_default();
    for (name, value) in pairs {
        line(out, &[name, &clean(value)], &[widest, 0])?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, cells: &[&str], widths: &[usize]) -> io::Result<()> {
    let mut line = String::new();
    for (cell, widest) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(widest.saturating_sub(width(cell)) + 2));
    }
    writeln!(out, "{}", line.trim_end())
}

fn width(text: &str) -> usize {
    text.chars().count()
}

//! Pressure stall information: how long tasks waited (Linux, Documentation/accounting/psi.rst).
//!
//! A line is `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, the shares in percent and the total in microseconds.
//! Read here, as procfs' parser takes a file without its second line for a fault, which old kernels write for `cpu`.

use std::time::Duration;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Time waited since boot, in seconds.
    pub total_seconds: f64,
    /// The share of the last 60 s, 0 to 1.
    pub last_minute: f64,
}

impl Line {
    /// The line that begins with `kind`: `some` or `full`. `None` where there is none, or an odd one.
    pub fn parse(text: &str, kind: &str) -> Option<Line> {
        let line = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))?;
        let field = |name| line.split_ascii_whitespace().find_map(|word| word.strip_prefix(name));
        let percent: f64 = field("avg60=")?.parse().ok()?;
        let total = Duration::from_micros(field("total=")?.parse().ok()?);
        percent.is_finite().then_some(Line { total_seconds: total.as_secs_f64(), last_minute: percent / 100.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lines_are_none() {
        let text = "some avg10=0.00 avg60=1.50 avg300=0.29 total=3102038\n";
        assert_eq!(Line::parse(text, "some"), Some(Line { total_seconds: 3.102_038, last_minute: 0.015 }));
        for odd in
            ["", "some", "some avg60=x total=1", "some avg60=NaN total=1", "some avg60=1 total=-1", "full avg60=1"]
        {
            assert_eq!(Line::parse(odd, "some"), None, "{odd:?}");
        }
    }
}

//! Prometheus' text format, strictly: a file is good as a whole or refused with its line.
//!
//! As node_exporter's textfile collector has it: no timestamps, every sample in a family of a known type, each series once.
//! Names of ours are refused, as they would be two families in one page. Everything is bounded.

use std::collections::BTreeMap;

use crate::metric::PREFIX;

/// The longest name of a metric or a label.
const MAX_NAME: usize = 200;

/// The most labels of one series.
const MAX_LABELS: usize = 32;

/// The longest value of a label, in bytes.
const MAX_LABEL_VALUE: usize = 1024;

/// A family: what stands below one name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    /// Its sentence, unescaped; absent where the file has none.
    pub help: Option<String>,
    /// counter, gauge, histogram, summary or untyped.
    pub kind: Kind,
    /// Its samples, in the order of the file.
    pub samples: Vec<Sample>,
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "named as the format names them")]
pub enum Kind {
    Counter = 1,
    Gauge,
    Histogram,
    Summary,
    #[default]
    Untyped,
}

/// The names of [`Kind`], in its order.
pub const KINDS: &[&str] = &["counter", "gauge", "histogram", "summary", "untyped"];

impl Kind {
    /// As the format writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Untyped => "untyped",
        }
    }

    fn parse(text: &str) -> Option<Kind> {
        [Kind::Counter, Kind::Gauge, Kind::Histogram, Kind::Summary, Kind::Untyped]
            .into_iter()
            .find(|kind| kind.name() == text)
    }

    /// What a sample's name may add to its family's.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Summary => &["_sum", "_count"],
            _ => &[],
        }
    }
}

/// A sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its name: its family's, or with `_bucket`, `_sum`, `_count` behind it.
    pub name: String,
    /// Its labels, unescaped, in the order of the file.
    pub labels: Vec<(String, String)>,
    /// Its number as the file has it.
    pub text: String,
    /// Its number.
    pub value: f64,
}

impl Sample {
    /// The labels as the format writes them, `{device="a"}`; empty where there are none.
    pub fn labels_text(&self) -> String {
        if self.labels.is_empty() {
            return String::new();
        }
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let pairs: Vec<String> =
            self.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        format!("{{{}}}", pairs.join(","))
    }

    /// What tells it from every other: its name and its labels, these in order.
    pub fn series(&self) -> String {
        let mut sorted = self.clone();
        sorted.labels.sort();
        format!("{}{}", self.name, sorted.labels_text())
    }
}

/// The families of a file, by their names. An error is its line, from 1, and a sentence.
pub fn parse(text: &str, max_series: usize) -> Result<BTreeMap<String, Family>, (usize, String)> {
    let lines = text.split('\n').count();
    if !text.is_empty() && !text.ends_with('\n') {
        return Err((lines, "the last line has no end: the file is not whole".into()));
    }
    let mut reader = Reader::default();
    for (number, line) in (1..).zip(text.lines()) {
        reader.line(line).map_err(|reason| (number, reason))?;
        if reader.series.len() > max_series {
            return Err((number, format!("more than {max_series} series")));
        }
    }
    reader.families.retain(|_, family| !family.samples.is_empty());
    let kind_of = |name: &str| reader.families.get(name).map(|family| family.kind);
    match reader.families.keys().find_map(|name| owner(name, kind_of)) {
        Some(owner) => Err((lines.saturating_sub(1), format!("a family has the name of samples of {owner}"))),
        None => Ok(reader.families),
    }
}

/// The family of which this name could be a sample's: `took_sum` of the histogram `took`.
pub fn owner(name: &str, kind_of: impl Fn(&str) -> Option<Kind>) -> Option<&str> {
    ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| {
        let stem = name.strip_suffix(suffix)?;
        kind_of(stem)?.suffixes().contains(&suffix).then_some(stem)
    })
}

#[derive(Default)]
struct Reader {
    families: BTreeMap<String, Family>,
    /// Families whose type was given.
    typed: std::collections::BTreeSet<String>,
    series: std::collections::BTreeSet<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim_matches([' ', '\t', '\r']);
        match line.strip_prefix('#') {
            _ if line.is_empty() => Ok(()),
            Some(comment) => self.comment(comment.trim_start_matches([' ', '\t'])),
            None => self.sample(line),
        }
    }

    /// `HELP name text`, `TYPE name type`, or words for people.
    fn comment(&mut self, comment: &str) -> Result<(), String> {
        let (word, rest) = comment.split_once([' ', '\t']).unwrap_or((comment, ""));
        if word != "HELP" && word != "TYPE" {
            return Ok(());
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        let (name, text) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        check_name(name)?;
        let text = text.trim_matches([' ', '\t']);
        let family = self.families.entry(name.to_string()).or_default();
        if word == "HELP" {
            if family.help.is_some() {
                return Err(format!("a second HELP of {name}"));
            }
            family.help = Some(unescape(text, false)?);
            return Ok(());
        }
        if !family.samples.is_empty() {
            return Err(format!("the TYPE of {name} comes after its samples"));
        }
        if !self.typed.insert(name.to_string()) {
            return Err(format!("a second TYPE of {name}"));
        }
        family.kind = Kind::parse(text).ok_or_else(|| format!("`{text}` is no type"))?;
        Ok(())
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let end = line.find(['{', ' ', '\t']).ok_or("a sample needs a value")?;
        let (name, rest) = line.split_at(end);
        check_name(name)?;
        let rest = rest.trim_start_matches([' ', '\t']);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => read_labels(rest)?,
            None => (Vec::new(), rest),
        };
        let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
        let text = words.next().ok_or("a sample needs a value")?.to_string();
        let value = parse_value(&text).ok_or_else(|| format!("`{text}` is no number"))?;
        match words.next() {
            Some(word) if word.parse::<f64>().is_ok() => return Err("timestamps are not allowed".into()),
            Some(word) => return Err(format!("`{word}` after the value")),
            None => {}
        }
        let sample = Sample { name: name.to_string(), labels, text, value };
        if !self.series.insert(sample.series()) {
            return Err(format!("a second {}", sample.series()));
        }
        let family = self.family_of(name);
        self.families.entry(family).or_default().samples.push(sample);
        Ok(())
    }

    /// The family that a sample of this name belongs to: a histogram's buckets are the histogram's.
    fn family_of(&self, name: &str) -> String {
        owner(name, |stem| self.families.get(stem).map(|family| family.kind)).unwrap_or(name).to_string()
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    let good = name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        && name.bytes().next().is_some_and(letter)
        && name.len() <= MAX_NAME;
    if !good {
        return Err(format!("`{}` is no name of a metric", cut(name)));
    }
    if name.starts_with(PREFIX) {
        return Err(format!("{name}: names that begin with `{PREFIX}` are the agent's own"));
    }
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

type Labels = Vec<(String, String)>;

/// The labels behind a brace, and what follows the closing one.
fn read_labels(text: &str) -> Result<(Labels, &str), String> {
    let blank = [' ', '\t'];
    let mut labels: Labels = Vec::new();
    let mut rest = text.trim_start_matches(blank);
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = rest.split_once('=').ok_or("a label needs `=`")?;
        let name = name.trim_matches(blank);
        let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let good = name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
            && name.bytes().next().is_some_and(letter)
            && name.len() <= MAX_NAME
            && !name.starts_with("__");
        if !good {
            return Err(format!("`{}` is no name of a label", cut(name)));
        }
        if labels.iter().any(|(known, _)| known == name) {
            return Err(format!("a second label {name}"));
        }
        let after = after.trim_start_matches(blank).strip_prefix('"').ok_or("a label's value stands in quotes")?;
        let end = closing_quote(after).ok_or("a label's value has no end")?;
        let value = unescape(&after[..end], true)?;
        if value.len() > MAX_LABEL_VALUE {
            return Err(format!("the value of {name} is longer than {MAX_LABEL_VALUE} bytes"));
        }
        labels.push((name.to_string(), value));
        if labels.len() > MAX_LABELS {
            return Err(format!("more than {MAX_LABELS} labels"));
        }
        rest = after[end + 1..].trim_start_matches(blank);
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start_matches(blank),
            None if rest.starts_with('}') => {}
            None => return Err("labels are separated by commas".into()),
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn unescape(text: &str, quotes: bool) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next() {
            Some('\\') => '\\',
            Some('n') => '\n',
            Some('"') if quotes => '"',
            _ => return Err("a backslash stands before another, an n or a quote".into()),
        });
    }
    Ok(out)
}

/// A number in decimal, or one of the three names.
fn parse_value(text: &str) -> Option<f64> {
    match text {
        "NaN" => return Some(f64::NAN),
        "+Inf" | "Inf" => return Some(f64::INFINITY),
        "-Inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|_| decimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_is_read_as_it_stands() {
        let text = "# made by hand\n# HELP seen Devices\\n seen.\n# TYPE seen gauge\nseen{zone=\"a\\\"b\",x=\"\",} 3\nseen 1e3\n\
                    # TYPE took histogram\ntook_bucket{le=\"+Inf\"} 2\ntook_sum 0.5\ntook_count 2\nlone_total\t-Inf\n";
        let families = parse(text, 10).expect("a good file");
        assert_eq!(families.keys().collect::<Vec<_>>(), ["lone_total", "seen", "took"]);
        let seen = &families["seen"];
        assert_eq!((seen.help.as_deref(), seen.kind), (Some("Devices\n seen."), Kind::Gauge));
        assert_eq!(seen.samples[0].labels_text(), "{zone=\"a\\\"b\",x=\"\"}");
        assert_eq!(seen.samples[0].series(), "seen{x=\"\",zone=\"a\\\"b\"}");
        assert_eq!((seen.samples[1].text.as_str(), seen.samples[1].value), ("1e3", 1000.0));
        assert_eq!((families["took"].samples.len(), families["lone_total"].kind), (3, Kind::Untyped));
        assert_eq!(parse("", 10), Ok(BTreeMap::new()));
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        let long = format!("a{{b=\"{}\"}} 1\n", "x".repeat(MAX_LABEL_VALUE + 1));
        for (text, line, part) in [
            ("a 1\nb 2", 2, "not whole"),
            ("a 1\nb 2 1700000000000\n", 2, "timestamps"),
            ("a 1 x\n", 1, "after the value"),
            ("a\n", 1, "needs a value"),
            ("a x\n", 1, "no number"),
            ("a 0x10\n", 1, "no number"),
            ("a infinity\n", 1, "no number"),
            ("1a 1\n", 1, "no name"),
            ("vitals_up 1\n", 1, "agent's own"),
            ("# TYPE vitals_up gauge\n", 1, "agent's own"),
            ("a 1\na 2\n", 2, "a second a"),
            ("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", 2, "a second a"),
            ("a{x=\"1\",x=\"2\"} 1\n", 1, "a second label"),
            ("a{x=1} 1\n", 1, "quotes"),
            ("a{x=\"1} 1\n", 1, "no end"),
            ("a{x=\"\\q\"} 1\n", 1, "backslash"),
            ("a{x=\"1\" y=\"2\"} 1\n", 1, "commas"),
            ("a{__name__=\"1\"} 1\n", 1, "no name of a label"),
            ("a{\n", 1, "needs `=`"),
            ("a 1\n# TYPE a gauge\n", 2, "after its samples"),
            ("# TYPE a gauge\n# TYPE a gauge\n", 2, "a second TYPE"),
            ("a_sum{x=\"1\"} 1\n# TYPE a summary\na_sum 1\n", 3, "samples of a"),
            ("# TYPE a number\n", 1, "no type"),
            (long.as_str(), 1, "longer than"),
            ("a 1\nb 1\nc 1\nd 1\n", 4, "more than 3 series"),
        ] {
            let (at, reason) = parse(text, 3).expect_err(text);
            assert!(at == line && reason.contains(part), "{text:?}: {at}: {reason}");
        }
    }
}

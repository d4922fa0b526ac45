//! The documentation of metrics: a table for people, rendered from the families.

use std::fmt::Write;

use crate::metric::Kind;
use crate::mib::families;
use crate::mib::vitals::object_name;

/// The table, in Markdown: name, object, kind, meaning, source; a section for each subject.
pub fn text() -> String {
    let mut out =
        String::from("# Metrics\n\nEach metric's name in Prometheus and in rules, and its object in VITALS-MIB.\n");
    for shape in families::all().iter().map(|source| source.shape()) {
        let shown = if shape.exported { "" } else { " Over SNMP only." };
        let _ = write!(out, "\n## {}\n\n{}{shown}\n\n", shape.subject, shape.help);
        out.push_str("| metric | object | kind | meaning | source |\n|---|---|---|---|---|\n");
        for label in &shape.labels {
            let object = object_name(shape, label.name, None);
            let _ = writeln!(out, "| label `{}` | {object} | text | {} | {} |", label.name, label.help, label.source);
        }
        for metric in &shape.metrics {
            let labels = metric.variant.map(|(label, value)| format!("{{{label}=\"{value}\"}}")).unwrap_or_default();
            let object = object_name(shape, metric.name, metric.variant.map(|(_, value)| value));
            let kind = match metric.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Flag => "flag",
                Kind::State(_) => "state",
            };
            let name = shape.metric_name(metric);
            let _ = writeln!(out, "| `{name}{labels}` | {object} | {kind} | {} | {} |", metric.help, metric.source);
        }
    }
    out
}

//! The metrics in Prometheus' text format, over the same moment that SNMP answers from.
//!
//! Relies on the prometheus crate for the format and its escaping. A state metric becomes one series a state, 1 for the
//! state that holds, as node_exporter's unit states are. What text files say follows as it is in them. Labels that only describe stand on the family's `_info`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, TextEncoder};

use crate::collect::textfile::Textfile;
use crate::metric::{Descriptor, Kind, PREFIX, Role, Row, Shape};
use crate::mib::families::{self, Moment};

/// The whole of `/metrics`.
///
/// # Errors
/// When a family is not one that the format can carry, which is a fault in a declaration.
pub fn text(moment: &Moment) -> prometheus::Result<Vec<u8>> {
    let mut families: BTreeMap<String, MetricFamily> = BTreeMap::new();
    for source in families::all() {
        let shape = source.shape();
        if !shape.exported {
            continue;
        }
        // Two rows that the same labels name would be one series twice, which fails a whole scrape: the first stays.
        let mut seen: HashMap<Vec<String>, ()> = HashMap::new();
        source.visit(moment, &mut |row| {
            let identity = labels(shape, row, Role::Identity);
            let names = identity.iter().map(|label| label.value().to_string()).collect();
            if seen.insert(names, ()).is_none() {
                push_row(shape, row, identity, &mut families);
            }
        });
    }
    let families: Vec<MetricFamily> = families.into_values().filter(|family| !family.get_metric().is_empty()).collect();
    let mut out = Vec::new();
    TextEncoder::new().encode(&families, &mut out)?;
    if let Some(textfile) = moment.snapshot.textfile.get() {
        push_textfile(textfile, &mut out);
    }
    Ok(out)
}

/// The families of the text files, unchanged; their names are none of ours.
fn push_textfile(textfile: &Textfile, out: &mut Vec<u8>) {
    let mut text = String::new();
    for (name, family) in &textfile.families {
        if let Some(help) = &family.help {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = writeln!(text, "# HELP {name} {help}");
        }
        let _ = writeln!(text, "# TYPE {name} {}", family.kind.name());
        for sample in &family.samples {
            let _ = writeln!(text, "{}{} {}", sample.name, sample.labels_text(), sample.text);
        }
    }
    out.extend_from_slice(text.as_bytes());
}

fn push_row(shape: &Shape, row: &dyn Row, identity: Vec<LabelPair>, families: &mut BTreeMap<String, MetricFamily>) {
    let info = labels(shape, row, Role::Info);
    if !info.is_empty() {
        let name = format!("{PREFIX}{}_info", shape.subject);
        let all = identity.iter().cloned().chain(info).collect();
        family(families, name, shape.help, MetricType::GAUGE).mut_metric().push(sample(all, 1.0, MetricType::GAUGE));
    }
    for (place, descriptor) in shape.metrics.iter().enumerate() {
        let Some(number) = row.number(place) else { continue };
        let name = shape.metric_name(descriptor);
        match descriptor.kind {
            Kind::State(states) => {
                let held = number.scaled(0);
                for (state_number, state) in (1..).zip(states) {
                    let mut labels = identity.clone();
                    labels.push(label(descriptor.name, state));
                    let value = if held == state_number { 1.0 } else { 0.0 };
                    family(families, name.clone(), descriptor.help, MetricType::GAUGE).mut_metric().push(sample(
                        labels,
                        value,
                        MetricType::GAUGE,
                    ));
                }
            }
            kind => {
                let metric_type = if kind == Kind::Counter { MetricType::COUNTER } else { MetricType::GAUGE };
                let labels = identity.iter().cloned().chain(variant(descriptor)).collect();
                family(families, name, descriptor.help, metric_type).mut_metric().push(sample(
                    labels,
                    number.as_f64(),
                    metric_type,
                ));
            }
        }
    }
}

fn family<'a>(
    families: &'a mut BTreeMap<String, MetricFamily>,
    name: String,
    help: &str,
    metric_type: MetricType,
) -> &'a mut MetricFamily {
    families.entry(name).or_insert_with_key(|name| {
        let mut family = MetricFamily::default();
        family.set_name(name.clone());
        family.set_help(help.to_string());
        family.set_field_type(metric_type);
        family
    })
}

fn labels(shape: &Shape, row: &dyn Row, role: Role) -> Vec<LabelPair> {
    let wanted = shape.labels.iter().enumerate().filter(|(_, label)| label.role == role);
    wanted.filter_map(|(place, descriptor)| Some(label(descriptor.name, &row.label(place)?))).collect()
}

fn variant(descriptor: &Descriptor) -> Option<LabelPair> {
    descriptor.variant.map(|(name, value)| label(name, value))
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_string());
    pair.set_value(value.to_string());
    pair
}

fn sample(labels: Vec<LabelPair>, value: f64, metric_type: MetricType) -> Metric {
    let mut metric = Metric::from_label(labels);
    if metric_type == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

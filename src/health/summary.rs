//! The few numbers that people ask for first, found among all families by the names of metrics.

use serde::{Deserialize, Serialize};

use crate::metric::{Projection, Role, Row, Shape};

/// A number and whose it is.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Worst {
    /// The labels' texts, joined by spaces.
    pub name: String,
    /// In the metric's base unit.
    pub value: f64,
}

/// The few numbers. Each is absent where its facts are.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Summary {
    /// Share of all CPU time in use, 0 to 1.
    pub cpu_used_ratio: Option<f64>,
    /// Share of RAM that is not available to new work, 0 to 1.
    pub memory_used_ratio: Option<f64>,
    /// The fullest filesystem, 0 to 1.
    pub filesystem: Option<Worst>,
    /// The hottest temperature sensor, in degrees Celsius.
    pub temperature: Option<Worst>,
}

/// The metrics that it is made of, in the order of the fields.
const METRICS: [&str; 4] = [
    "vitals_cpu_used_ratio",
    "vitals_memory_used_ratio",
    "vitals_filesystem_used_ratio",
    "vitals_hwmon_temperature_celsius",
];

impl Summary {
    /// The summary of `source`.
    pub fn of<S>(source: &S, metrics: &Metrics<S>) -> Summary {
        let [cpu, memory, filesystem, temperature] = metrics.0.each_ref().map(|columns| worst(source, columns));
        Summary {
            cpu_used_ratio: cpu.map(|worst| worst.value),
            memory_used_ratio: memory.map(|worst| worst.value),
            filesystem,
            temperature,
        }
    }
}

/// Where the numbers are, looked up once: it is asked for with each look.
pub struct Metrics<S: 'static>([Vec<Column<S>>; METRICS.len()]);

struct Column<S: 'static> {
    family: &'static dyn Projection<S>,
    shape: Shape,
    place: usize,
}

impl<S> Metrics<S> {
    /// Finds the metrics by their names.
    pub fn find(families: &[&'static dyn Projection<S>]) -> Metrics<S> {
        Metrics(METRICS.map(|metric| {
            let column = |family: &&'static dyn Projection<S>| {
                let shape = family.shape();
                let place = shape.metrics.iter().position(|descriptor| shape.metric_name(descriptor) == metric)?;
                Some(Column { family: *family, shape, place })
            };
            families.iter().filter_map(column).collect()
        }))
    }
}

/// The greatest number that a metric has in any row.
fn worst<S>(source: &S, columns: &[Column<S>]) -> Option<Worst> {
    let mut worst: Option<Worst> = None;
    for Column { family, shape, place } in columns {
        family.visit(source, &mut |row| {
            let Some(value) = row.number(*place).map(crate::metric::Number::as_f64).filter(|value| value.is_finite())
            else {
                return;
            };
            if worst.as_ref().is_none_or(|worst| value > worst.value) {
                worst = Some(Worst { name: name(shape, row), value });
            }
        });
    }
    worst
}

fn name(shape: &Shape, row: &dyn Row) -> String {
    let texts = shape.labels.iter().enumerate().filter(|(_, label)| label.role == Role::Identity);
    let texts: Vec<_> = texts.filter_map(|(place, _)| row.label(place)).filter(|text| !text.is_empty()).collect();
    texts.join(" ")
}

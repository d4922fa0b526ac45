//! VITALS-MIB: every family as a table or a group of scalars below the configured root.
//!
//! Under the root: 0 notifications, 1 objects, 2 conformance, 3 products. A family is `1.ARC`; a table's entry is
//! `1.ARC.1`, its columns `1.ARC.1.COLUMN`; a scalar is `1.ARC.COLUMN.0`.

use super::families::{Moment, Source, all};
use super::indices::Indices;
use super::oid::{Key, Oid};
use super::segment::{Builder, Content, Segment};
use super::smi;
use super::value::Value;
use crate::metric::{Row, RowIndex, Shape};

/// The arc of the objects below the root.
pub const OBJECTS: u32 = 1;

/// Where a family is.
pub fn family_oid(root: &Oid, shape: &Shape) -> Oid {
    root.child(&[OBJECTS, shape.arc])
}

/// Where one of a family's columns or scalars is, without instance.
pub fn column_oid(root: &Oid, shape: &Shape, column: u32) -> Oid {
    let family = family_oid(root, shape);
    if shape.scalar { family.child(&[column]) } else { family.child(&[1, column]) }
}

/// The descriptor of an object: `vitalsFsUsedBytes` for `used_bytes` of the family `Fs`; a variant stands first.
pub fn object_name(shape: &Shape, name: &str, variant: Option<&str>) -> String {
    let name = name.strip_suffix("_total").unwrap_or(name);
    format!("vitals{}{}{}", shape.object, camel(variant.unwrap_or_default()), camel(name))
}

fn camel(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut characters = word.chars();
            characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters)
        })
        .collect()
}

/// The OID of a name of VITALS-MIB: `vitals` for the module, or any object of it.
pub fn resolve(root: &Oid, name: &str) -> Option<Oid> {
    let name = name.strip_prefix("VITALS-MIB::").unwrap_or(name);
    if name == "vitals" {
        return Some(root.clone());
    }
    all().iter().map(|source| source.shape()).find_map(|shape| {
        let node = format!("vitals{}", shape.object);
        if name == node || name.strip_suffix("Table") == Some(&node) {
            return Some(family_oid(root, shape));
        }
        let labels = shape.labels.iter().map(|label| (label.column, label.name, None));
        let metrics = shape.metrics.iter().map(|metric| (metric.column, metric.name, metric.variant));
        labels
            .chain(metrics)
            .find(|(_, metric, variant)| object_name(shape, metric, variant.map(|(_, value)| value)) == name)
            .map(|(column, _, _)| column_oid(root, shape, column))
    })
}

/// The keys of all object types of a family.
pub fn types(root: &Oid, shape: &Shape) -> Vec<Key> {
    let labels = shape.labels.iter().map(|label| label.column);
    let metrics = shape.metrics.iter().map(|metric| metric.column);
    labels.chain(metrics).map(|column| column_oid(root, shape, column).key()).collect()
}

/// A family's instances. Names get their indices now; encoding is put off until somebody asks.
pub fn segment(root: &Oid, source: &'static Source, moment: &Moment, indices: &mut Indices) -> Segment {
    let shape = source.shape();
    let mut names = Vec::new();
    source.visit(moment, &mut |row| {
        if let RowIndex::Name { key, preferred } = row.index() {
            names.push((key.into_owned(), preferred));
        }
    });
    let assigned =
        if names.is_empty() { Vec::new() } else { indices.assign(shape.subject, &names, moment.snapshot.now.wall) };
    let (prefix, root, moment) = (family_oid(root, shape), root.clone(), moment.clone());
    let section = shape.section;
    Segment::lazy(&prefix, move || content(&root, shape, source, &moment, &assigned)).from_sections(&[section])
}

/// One row: its index and its columns' values, in the order of [`columns`].
struct Cells {
    index: u32,
    values: Vec<Option<Value>>,
}

fn content(root: &Oid, shape: &Shape, source: &Source, moment: &Moment, assigned: &[Option<u32>]) -> Content {
    let columns = columns(shape);
    let mut rows = Vec::new();
    let mut assigned = assigned.iter().copied();
    source.visit(moment, &mut |row| {
        let index = match row.index() {
            RowIndex::Scalar => Some(0),
            RowIndex::Number(number) => Some(number),
            RowIndex::Name { .. } => assigned.next().flatten(),
        };
        if let Some(index) = index {
            let values = columns.iter().map(|column| column.value(shape, row)).collect();
            rows.push(Cells { index, values });
        }
    });
    rows.sort_by_key(|row| row.index);
    rows.dedup_by_key(|row| row.index);
    let mut builder = Builder::default();
    for (place, column) in columns.iter().enumerate() {
        let mut arcs = column_oid(root, shape, column.number()).arcs().to_vec();
        for row in &rows {
            if let Some(Some(value)) = row.values.get(place) {
                arcs.push(row.index);
                builder.push(&arcs, value);
                arcs.pop();
            }
        }
    }
    builder.finish()
}

/// A label or a metric, by its place in the shape.
#[derive(Debug, Clone, Copy)]
enum Column {
    Label { number: u32, place: usize },
    Metric { number: u32, place: usize },
}

impl Column {
    fn number(self) -> u32 {
        match self {
            Column::Label { number, .. } | Column::Metric { number, .. } => number,
        }
    }

    fn value(self, shape: &Shape, row: &dyn Row) -> Option<Value> {
        match self {
            Column::Label { place, .. } => row.label(place).map(|text| Value::text(&text)),
            Column::Metric { place, .. } => {
                let descriptor = shape.metrics.get(place)?;
                row.number(place).map(|number| smi::value(descriptor, number))
            }
        }
    }
}

/// The columns in the order of their numbers.
fn columns(shape: &Shape) -> Vec<Column> {
    let labels = shape.labels.iter().enumerate().map(|(place, label)| Column::Label { number: label.column, place });
    let metrics =
        shape.metrics.iter().enumerate().map(|(place, metric)| Column::Metric { number: metric.column, place });
    let mut columns: Vec<Column> = labels.chain(metrics).collect();
    columns.sort_by_key(|column| column.number());
    columns
}

//! Families of metrics over typed rows, and the one trait through which outputs see any of them.
//!
//! `S` is what the rows are taken from (the snapshot, say), `R` the row. Both are plain data; the functions in a family
//! are non-capturing closures, so that a family is a `static`.

use std::borrow::Cow;

use super::{Descriptor, Kind, Number, Unit};

/// One metric: its description, and how to read it from a row. Absent is `None`, never zero.
pub struct Metric<R: 'static> {
    /// What it is.
    pub descriptor: Descriptor,
    /// Its number in this row.
    pub read: fn(&R) -> Option<Number>,
}

impl<R> Metric<R> {
    const fn new(
        column: u32,
        name: &'static str,
        unit: Unit,
        kind: Kind,
        help: &'static str,
        source: &'static str,
        read: fn(&R) -> Option<Number>,
    ) -> Self {
        Metric { descriptor: Descriptor { column, name, variant: None, help, unit, kind, source }, read }
    }

    /// A number that goes up and down.
    pub const fn gauge(
        column: u32,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        source: &'static str,
        read: fn(&R) -> Option<Number>,
    ) -> Self {
        Self::new(column, name, unit, Kind::Gauge, help, source, read)
    }

    /// A number that only rises; its name ends in `_total`.
    pub const fn counter(
        column: u32,
        name: &'static str,
        unit: Unit,
        help: &'static str,
        source: &'static str,
        read: fn(&R) -> Option<Number>,
    ) -> Self {
        Self::new(column, name, unit, Kind::Counter, help, source, read)
    }

    /// Yes or no.
    pub const fn flag(
        column: u32,
        name: &'static str,
        help: &'static str,
        source: &'static str,
        read: fn(&R) -> Option<Number>,
    ) -> Self {
        Self::new(column, name, Unit::Count, Kind::Flag, help, source, read)
    }

    /// One of `states`, as its place among them, from 1.
    pub const fn state(
        column: u32,
        name: &'static str,
        states: &'static [&'static str],
        help: &'static str,
        source: &'static str,
        read: fn(&R) -> Option<Number>,
    ) -> Self {
        Self::new(column, name, Unit::Count, Kind::State(states), help, source, read)
    }

    /// The same metric as one of several with this name, told apart by a label: `.variant("mode", "user")`.
    #[must_use]
    pub const fn variant(mut self, label: &'static str, value: &'static str) -> Self {
        self.descriptor.variant = Some((label, value));
        self
    }
}

/// What a label is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Tells rows apart: stands on every Prometheus sample of the family.
    Identity,
    /// Describes a row: stands on the family's `_info` sample only.
    Info,
}

/// What is known of a label without any row. In the private MIB a label is a text column.
#[derive(Debug, Clone, Copy)]
pub struct LabelDescriptor {
    /// Its column in the subject's table of the private MIB; shares the numbers with the metrics.
    pub column: u32,
    /// The label's name in Prometheus: `mountpoint`.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Where the text is read, for the documentation.
    pub source: &'static str,
    /// Identity or description.
    pub role: Role,
}

/// A text of a row.
pub struct Label<R: 'static> {
    /// What it is.
    pub descriptor: LabelDescriptor,
    /// Its text in this row; `None` where the host doesn't say.
    pub read: for<'a> fn(&'a R) -> Option<Cow<'a, str>>,
}

impl<R> Label<R> {
    /// A label that tells rows apart.
    pub const fn identity(
        column: u32,
        name: &'static str,
        help: &'static str,
        source: &'static str,
        read: for<'a> fn(&'a R) -> Option<Cow<'a, str>>,
    ) -> Self {
        Label { descriptor: LabelDescriptor { column, name, help, source, role: Role::Identity }, read }
    }

    /// A label that describes a row.
    pub const fn info(
        column: u32,
        name: &'static str,
        help: &'static str,
        source: &'static str,
        read: for<'a> fn(&'a R) -> Option<Cow<'a, str>>,
    ) -> Self {
        Label { descriptor: LabelDescriptor { column, name, help, source, role: Role::Info }, read }
    }
}

/// How the rows of a family are indexed in the MIB.
pub enum Index<R: 'static> {
    /// Exactly one row: the columns are scalars.
    Scalar,
    /// The row has a number of its own, above zero, that stays while the row lives: a process identifier.
    Number(fn(&R) -> u32),
    /// The row has a name; the agent gives it a number once and keeps it across restarts.
    Name {
        /// What the number is remembered by.
        key: for<'a> fn(&'a R) -> Cow<'a, str>,
        /// The number to take when the name is first seen, if it is free.
        preferred: fn(&R) -> Option<u32>,
    },
}

/// Shows each row of a source.
pub type Rows<S, R> = fn(&S, &mut dyn FnMut(&R));

/// Metrics of one subject over rows of one type.
pub struct Family<S: 'static, R: 'static> {
    /// The section whose facts these are: when it changed, so did the rows.
    pub section: &'static str,
    /// The subject as the configuration calls it: `filesystem`.
    pub subject: &'static str,
    /// What MIB descriptors of this family begin with after `vitals`; short, since SMI likes 32 characters at most.
    pub object: &'static str,
    /// The family's arc below the MIB's objects; once published, never used for another.
    pub arc: u32,
    /// One sentence that says what a row is.
    pub help: &'static str,
    /// Whether Prometheus shows it. Rows that come and go by the thousand are for SNMP alone.
    pub exported: bool,
    /// Shows each row.
    pub rows: Rows<S, R>,
    /// How rows are indexed.
    pub index: Index<R>,
    /// The texts of a row.
    pub labels: &'static [Label<R>],
    /// The numbers of a row.
    pub metrics: &'static [Metric<R>],
}

/// The static part of a family, its row type forgotten.
#[derive(Debug, Clone)]
pub struct Shape {
    /// As in [`Family`].
    pub section: &'static str,
    /// As in [`Family`].
    pub subject: &'static str,
    /// As in [`Family`].
    pub object: &'static str,
    /// As in [`Family`].
    pub arc: u32,
    /// As in [`Family`].
    pub help: &'static str,
    /// As in [`Family`].
    pub exported: bool,
    /// Whether there is exactly one row, without an index.
    pub scalar: bool,
    /// In the order of [`Row::label`].
    pub labels: Vec<LabelDescriptor>,
    /// In the order of [`Row::number`].
    pub metrics: Vec<Descriptor>,
}

impl Shape {
    /// The full name of one of its metrics: `vitals_filesystem_used_bytes`.
    pub fn metric_name(&self, descriptor: &Descriptor) -> String {
        format!("{}{}_{}", super::PREFIX, self.subject, descriptor.name)
    }
}

/// A row's place in the MIB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowIndex<'a> {
    /// The only row.
    Scalar,
    /// Its own number.
    Number(u32),
    /// A name, to be given a number that stays.
    Name {
        /// What the number is remembered by.
        key: Cow<'a, str>,
        /// The number to take when the name is first seen, if it is free.
        preferred: Option<u32>,
    },
}

/// A row, its type forgotten.
pub trait Row {
    /// Its place in the MIB.
    fn index(&self) -> RowIndex<'_>;
    /// The text of the label at this place in [`Shape::labels`].
    fn label(&self, place: usize) -> Option<Cow<'_, str>>;
    /// The number of the metric at this place in [`Shape::metrics`].
    fn number(&self, place: usize) -> Option<Number>;
    /// Names and texts of labels that no shape knows; `None` of a row whose labels are those of its family's shape.
    fn open_labels(&self) -> Option<&[(String, String)]> {
        None
    }
}

/// A family, its row type forgotten: what every output loops over.
pub trait Projection<S>: Send + Sync {
    /// The static part.
    fn shape(&self) -> Shape;
    /// Shows each row of `source`.
    fn visit(&self, source: &S, visit: &mut dyn FnMut(&dyn Row));
}

impl<S: 'static, R: 'static> Projection<S> for Family<S, R> {
    fn shape(&self) -> Shape {
        Shape {
            section: self.section,
            subject: self.subject,
            object: self.object,
            arc: self.arc,
            help: self.help,
            exported: self.exported,
            scalar: matches!(self.index, Index::Scalar),
            labels: self.labels.iter().map(|label| label.descriptor).collect(),
            metrics: self.metrics.iter().map(|metric| metric.descriptor).collect(),
        }
    }

    fn visit(&self, source: &S, visit: &mut dyn FnMut(&dyn Row)) {
        (self.rows)(source, &mut |row| visit(&FamilyRow { family: self, row }));
    }
}

struct FamilyRow<'a, S: 'static, R: 'static> {
    family: &'a Family<S, R>,
    row: &'a R,
}

impl<S, R> Row for FamilyRow<'_, S, R> {
    fn index(&self) -> RowIndex<'_> {
        match self.family.index {
            Index::Scalar => RowIndex::Scalar,
            Index::Number(read) => RowIndex::Number(read(self.row)),
            Index::Name { key, preferred } => RowIndex::Name { key: key(self.row), preferred: preferred(self.row) },
        }
    }

    fn label(&self, place: usize) -> Option<Cow<'_, str>> {
        self.family.labels.get(place).and_then(|label| (label.read)(self.row))
    }

    fn number(&self, place: usize) -> Option<Number> {
        self.family.metrics.get(place).and_then(|metric| (metric.read)(self.row))
    }
}

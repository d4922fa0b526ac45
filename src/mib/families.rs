//! Every family, whatever it is over: what the private MIB, its text, Prometheus and the documentation loop over.

use std::sync::{Arc, LazyLock};

use super::counters::{AgentFamily, Counters};
use crate::collect::{self, Snapshot};
use crate::health::{self, Health};
use crate::metric::{Now, Projection, Row, Shape};

/// Everything that families are over, at one moment. Cloning it copies pointers.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The facts.
    pub snapshot: Arc<Snapshot>,
    /// What the rules made of them.
    pub health: Arc<Health>,
    /// The agent's own counters, which go on counting.
    pub counters: Arc<Counters>,
}

impl Moment {
    /// The same facts seen at another time: ages go on while nothing is collected.
    #[must_use]
    pub fn at(&self, now: Now) -> Moment {
        let mut snapshot = Snapshot::clone(&self.snapshot);
        snapshot.now = now;
        Moment { snapshot: Arc::new(snapshot), ..self.clone() }
    }
}

/// A family, with what it is over.
pub struct Source {
    over: Over,
    shape: Shape,
}

/// What families are over.
enum Over {
    Facts(&'static dyn Projection<Snapshot>),
    Health(&'static dyn Projection<Health>),
    Counters(&'static dyn Projection<Counters>),
}

impl Source {
    fn of(over: Over) -> Source {
        let shape = match &over {
            Over::Facts(family) => family.shape(),
            Over::Health(family) => family.shape(),
            Over::Counters(family) => family.shape(),
        };
        Source { over, shape }
    }

    /// The static part.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The section whose facts these are; `health` and `snmp` stand for what isn't collected.
    pub fn section(&self) -> &'static str {
        self.shape.section
    }

    /// Shows each row.
    pub fn visit(&self, moment: &Moment, visit: &mut dyn FnMut(&dyn Row)) {
        match &self.over {
            Over::Facts(family) => family.visit(&moment.snapshot, visit),
            Over::Health(family) => family.visit(&moment.health, visit),
            Over::Counters(family) => family.visit(&moment.counters, visit),
        }
    }
}

/// Put together once: each publishing goes through them.
static ALL: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let facts = collect::FAMILIES.iter().map(|family| Over::Facts(*family));
    let health = health::FAMILIES.iter().map(|family| Over::Health(*family));
    let mut sources: Vec<Source> = facts.chain(health).chain([Over::Counters(&AgentFamily)]).map(Source::of).collect();
    sources.sort_by_key(|source| source.shape.arc);
    sources
});

/// Every family, in the order of their arcs.
pub fn all() -> &'static [Source] {
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::metric::{Kind, PREFIX};
    use crate::mib::vitals::object_name;

    /// What every output relies on, over all families at once.
    #[test]
    fn families_keep_the_rules() {
        let mut arcs = BTreeSet::new();
        let mut objects = BTreeSet::new();
        let mut metrics: BTreeMap<String, (&str, &str)> = BTreeMap::new();
        for shape in all().iter().map(Source::shape) {
            assert!(arcs.insert(shape.arc), "{}: arc {} is used twice", shape.subject, shape.arc);
            let mut columns = BTreeSet::new();
            let labels = shape.labels.iter().map(|label| (label.column, label.name, None));
            let numbers = shape.metrics.iter().map(|metric| (metric.column, metric.name, metric.variant));
            for (column, name, variant) in labels.chain(numbers) {
                let least = if shape.scalar { 1 } else { 2 };
                assert!(column >= least, "{}: column {column} is reserved", shape.subject);
                assert!(columns.insert(column), "{}: column {column} is used twice", shape.subject);
                let object = object_name(shape, name, variant.map(|(_, value)| value));
                assert!(object.len() <= 32, "{object}: {} characters, 32 at most", object.len());
                assert!(object.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{object}");
                assert!(objects.insert(object.clone()), "{object} is named twice");
            }
            for metric in &shape.metrics {
                let name = shape.metric_name(metric);
                let stem = name.strip_suffix("_total").unwrap_or(&name);
                let counter = metric.kind == Kind::Counter;
                assert!(name.starts_with(PREFIX), "{name}");
                assert_eq!(counter, name.ends_with("_total"), "{name}: counters, and only they, end in _total");
                if let Some(suffix) = metric.unit.suffix() {
                    assert!(stem.ends_with(suffix), "{name}: its unit is {suffix}");
                }
                assert!(metric.help.ends_with('.'), "{name}: the help is a sentence");
                let same = metrics.entry(name.clone()).or_insert((metric.help, shape.subject));
                assert_eq!(*same, (metric.help, shape.subject), "{name}: one help, one subject");
            }
        }
    }
}

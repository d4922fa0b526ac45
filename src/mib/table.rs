//! How a standard MIB module is declared: its groups of scalars and its tables, each object once, in the order of the
//! RFC's text.
//!
//! A [`Module`] is over one source: a value that holds all that its objects say. From the declaration come the
//! segments that answer, the object types (noSuchInstance against noSuchObject), and the row of sysORTable. It doesn't
//! say types: the values do, and a test holds them against the text of the module. Read RFC 2578, section 7 first.
//!
//! ```text
//! static NOTIFY: Table<Notify> = Table {
//!     entry: &[1, 3, 6, 1, 6, 3, 13, 1, 1, 1],
//!     rows: |administration| administration.notify.iter().collect(),
//!     index: |notify| Index::new().bare_octets(notify.name.as_bytes()),
//!     columns: &[
//!         Column { number: 2, name: "snmpNotifyTag", value: |notify| Some(Value::text(&notify.tag)) },
//!         // ...
//!     ],
//! };
//! ```

use std::sync::Arc;

use super::counters::counters_below;
use super::index::Index;
use super::oid::{Key, MAX_ARCS, Oid};
use super::segment::{Builder, Content, LiveObject, Segment};
use super::value::Value;

/// A MIB module over the source `S`.
pub struct Module<S: 'static> {
    /// Its name: `SNMP-TARGET-MIB`.
    pub name: &'static str,
    /// Its MODULE-IDENTITY: what sysORTable calls it.
    pub identity: &'static [u32],
    /// What sysORTable says of it.
    pub sentence: &'static str,
    /// Its scalars.
    pub groups: &'static [Group<S>],
    /// Its tables.
    pub tables: &'static [&'static dyn Objects<S>],
}

/// Scalars below one OID. The agent's own counters with a scalar below it belong to it without being named here:
/// [`super::counters`] declares them.
pub struct Group<S: 'static> {
    /// Where they are.
    pub oid: &'static [u32],
    /// The sections that their values come from: these changed, they are made anew.
    pub sections: &'static [&'static str],
    /// Those that are no counters of the agent.
    pub scalars: &'static [Scalar<S>],
}

/// A scalar.
pub struct Scalar<S> {
    /// Where it is below its group, without instance.
    pub number: u32,
    /// Its descriptor.
    pub name: &'static str,
    /// What it says.
    pub value: Reading<S>,
}

/// Where a scalar's value comes from.
pub enum Reading<S> {
    /// From the source; `None` while it isn't known.
    Fixed(fn(&S) -> Option<Value>),
    /// From the moment of the request.
    Live(LiveObject),
}

impl<S> Clone for Reading<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Reading<S> {}

/// What the rows of a table are. A type implements it to name itself as a kind of row.
pub trait Rows: 'static {
    /// What they come from.
    type Source: Send + Sync + 'static;
    /// One of them; it may borrow from the source.
    type Row<'a>;
}

/// A conceptual table.
pub struct Table<R: Rows> {
    /// The OID of its entry, such as ifEntry.
    pub entry: &'static [u32],
    /// The sections that its rows come from: these changed, it is made anew.
    pub sections: &'static [&'static str],
    /// Its rows, in any order.
    pub rows: for<'a> fn(&'a R::Source) -> Vec<R::Row<'a>>,
    /// A row's index. Of two rows with the same one the first counts.
    pub index: for<'a> fn(&R::Row<'a>) -> Index,
    /// Its columns, in the order of their numbers; those that are not accessible are left out.
    pub columns: &'static [Column<R>],
}

/// A column.
pub struct Column<R: Rows> {
    /// Its number below the entry.
    pub number: u32,
    /// Its descriptor.
    pub name: &'static str,
    /// What it says of a row; `None` where there is nothing to say.
    pub value: for<'a> fn(&R::Row<'a>) -> Option<Value>,
}

/// A table over `S`, whatever its rows are.
pub trait Objects<S>: Sync {
    /// The OID of its entry.
    fn entry(&self) -> Oid;

    /// The sections that its rows come from.
    fn sections(&self) -> &'static [&'static str];

    /// Its columns' numbers and descriptors.
    fn columns(&self) -> Vec<(u32, &'static str)>;

    /// Its instances.
    fn content(&self, source: &S) -> Content;
}

impl<R: Rows> Objects<R::Source> for Table<R> {
    fn entry(&self) -> Oid {
        Oid::from_static(self.entry)
    }

    fn sections(&self) -> &'static [&'static str] {
        self.sections
    }

    fn columns(&self) -> Vec<(u32, &'static str)> {
        self.columns.iter().map(|column| (column.number, column.name)).collect()
    }

    fn content(&self, source: &R::Source) -> Content {
        let room = MAX_ARCS.saturating_sub(self.entry.len() + 1);
        let mut rows: Vec<(Index, R::Row<'_>)> = (self.rows)(source)
            .into_iter()
            .map(|row| ((self.index)(&row), row))
            .filter(|(index, _)| index.arcs().len() <= room)
            .collect();
        rows.sort_by(|(left, _), (right, _)| left.cmp(right));
        rows.dedup_by(|(second, _), (first, _)| second == first);
        let mut builder = Builder::default();
        let mut arcs = self.entry.to_vec();
        for column in self.columns {
            arcs.push(column.number);
            for (index, row) in &rows {
                let Some(value) = (column.value)(row) else { continue };
                arcs.extend_from_slice(index.arcs());
                builder.push(&arcs, &value);
                arcs.truncate(self.entry.len() + 1);
            }
            arcs.truncate(self.entry.len());
        }
        builder.finish()
    }
}

impl<S: Send + Sync + 'static> Module<S> {
    /// Every instance: a segment a table, and one for a group's scalars, or for those between two tables. They are encoded
    /// when somebody asks. The segments' prefixes depend on the declaration alone, so that a later source's replace an
    /// earlier one's.
    pub fn segments(&'static self, source: &Arc<S>) -> Vec<Segment> {
        self.segments_of(source, |_| true)
    }

    /// The same, but only what comes from sections of which some `changed`.
    pub fn segments_of(&'static self, source: &Arc<S>, changed: impl Fn(&[&str]) -> bool) -> Vec<Segment> {
        let tables = self.tables.iter().filter(|table| changed(table.sections())).map(|table| {
            let (table, source): (&'static dyn Objects<S>, _) = (*table, source.clone());
            Segment::lazy(&table.entry(), move || table.content(&source)).from_sections(table.sections())
        });
        let runs = self.groups.iter().filter(|group| changed(group.sections)).flat_map(|group| {
            self.runs(group).into_iter().filter_map(|run| {
                let (first, source) = (run.first()?.0.clone(), source.clone());
                Some(Segment::lazy(&first, move || scalars_content(&run, &source)).from_sections(group.sections))
            })
        });
        tables.chain(runs).collect()
    }

    /// The keys of its object types: columns, and scalars without instance.
    pub fn types(&self) -> Vec<Key> {
        let columns = self.tables.iter().flat_map(|table| {
            let entry = table.entry();
            table.columns().into_iter().map(move |(number, _)| entry.child(&[number]).key())
        });
        columns.chain(self.scalars().map(|(oid, _)| oid.key())).collect()
    }

    fn scalars(&self) -> impl Iterator<Item = (Oid, Reading<S>)> {
        self.groups.iter().flat_map(Group::scalars)
    }

    /// The scalars of a group, in runs that no table interrupts: a segment may not enclose another.
    fn runs(&self, group: &Group<S>) -> Vec<Vec<(Oid, Reading<S>)>> {
        let entries: Vec<Oid> = self.tables.iter().map(|table| table.entry()).collect();
        let apart = |left: &Oid, right: &Oid| entries.iter().any(|entry| (left..right).contains(&entry));
        group.scalars().chunk_by(|left, right| !apart(&left.0, &right.0)).map(<[_]>::to_vec).collect()
    }
}

impl<S> Group<S> {
    /// Every scalar in the order of the tree, the agent's counters among them.
    fn scalars(&self) -> Vec<(Oid, Reading<S>)> {
        let group = Oid::from_static(self.oid);
        let own = self.scalars.iter().map(|scalar| (group.child(&[scalar.number]), scalar.value));
        let counters = counters_below(self.oid)
            .map(|(object, counter)| (Oid::from_static(object), Reading::Live(LiveObject::Counter(counter))));
        let mut scalars: Vec<_> = own.chain(counters).collect();
        scalars.sort_by(|(left, _), (right, _)| left.cmp(right));
        scalars
    }
}

fn scalars_content<S>(scalars: &[(Oid, Reading<S>)], source: &S) -> Content {
    let mut builder = Builder::default();
    for (oid, reading) in scalars {
        let instance = oid.child(&[0]);
        match reading {
            Reading::Live(object) => builder.push_live(instance.arcs(), *object),
            Reading::Fixed(read) => {
                if let Some(value) = read(source) {
                    builder.push(instance.arcs(), &value);
                }
            }
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mib::oid::arcs_of_key;
    use crate::mib::{Counter, Ranges, View};

    struct Source {
        names: Vec<String>,
    }

    struct Name<'a> {
        text: &'a str,
        place: u32,
    }

    struct Names;

    impl Rows for Names {
        type Source = Source;
        type Row<'a> = Name<'a>;
    }

    static NAMES: Table<Names> = Table {
        entry: &[1, 3, 6, 1, 6, 3, 12, 1, 2, 1],
        sections: &["names"],
        rows: |source| (1..).zip(&source.names).map(|(place, text)| Name { text, place }).collect(),
        index: |name| Index::new().octets(name.text.as_bytes()),
        columns: &[
            Column { number: 2, name: "place", value: |name| Some(Value::Gauge32(name.place)) },
            Column { number: 5, name: "text", value: |name| (!name.text.is_empty()).then(|| Value::text(name.text)) },
        ],
    };

    static MODULE: Module<Source> = Module {
        name: "TEST-MIB",
        identity: &[1, 3, 6, 1, 6, 3, 12],
        sentence: "",
        groups: &[Group {
            oid: &[1, 3, 6, 1, 6, 3, 12, 1],
            sections: &["scalars"],
            scalars: &[
                Scalar { number: 9, name: "unknown", value: Reading::Fixed(|_| None) },
                Scalar { number: 1, name: "first", value: Reading::Fixed(|_| Some(Value::Integer(0))) },
            ],
        }],
        tables: &[&NAMES],
    };

    fn view(names: &[&str]) -> View {
        let source = Arc::new(Source { names: names.iter().map(ToString::to_string).collect() });
        View::new(MODULE.segments(&source).into_iter().map(Arc::new).collect(), MODULE.types())
    }

    fn walk(view: &View) -> Vec<Vec<u32>> {
        let (mut found, ranges) = (Vec::new(), Ranges::all());
        let mut cursor = view.next(&[], &ranges);
        while let Some(mut at) = cursor {
            found.push(arcs_of_key(at.entry().key()).split_off(8));
            cursor = at.advance(&ranges).then_some(at);
        }
        found
    }

    #[test]
    fn rows_are_sorted_by_column_then_index_between_the_scalars_around_them() {
        let long = "x".repeat(300);
        let fits = "y".repeat(128 - 12);
        let view = view(&["b", "", "aa", &long, &fits, "b"]);
        let index = |column: u32, text: &str| {
            [
                &[2, 1, column, u32::try_from(text.len()).expect("short")],
                &text.bytes().map(u32::from).collect::<Vec<_>>()[..],
            ]
            .concat()
        };
        let expected = vec![
            vec![1, 0],
            index(2, ""),
            index(2, "b"),
            index(2, "aa"),
            index(2, &fits),
            index(5, "b"),
            index(5, "aa"),
            index(5, &fits),
            vec![4, 0],
            vec![5, 0],
        ];
        assert_eq!(walk(&view), expected);
        assert_eq!(view.types().len(), 6, "two columns, two scalars, two counters");
    }

    #[test]
    fn another_source_takes_the_place_of_the_first() {
        let later = Arc::new(Source { names: vec!["z".into()] });
        let view = view(&["a", "b"]).with(MODULE.segments(&later).into_iter().map(Arc::new));
        assert_eq!(walk(&view).len(), 5);
        assert_eq!(view.len(), 5);
        assert_eq!(Counter::UnknownContexts, counters_below(&[1, 3, 6, 1, 6, 3, 12, 1, 5]).next().expect("it").1);
    }
    #[test]
    fn what_is_asked_for_leaves_a_mark_on_its_section_table_or_not() {
        let view = view(&["a"]);
        let asked = |arcs: &[u32]| {
            let now = std::time::Duration::from_secs(1);
            view.take_asked(now).for_each(drop);
            let key = Oid::from_static(&[1, 3, 6, 1, 6, 3, 12, 1]).child(arcs).key();
            view.get(&key, &Ranges::all(), &mut 0);
            view.take_asked(now).collect::<Vec<_>>()
        };
        assert_eq!(asked(&[1, 0]), ["scalars"]);
        assert_eq!(asked(&[2, 1, 2, 1, 97]), ["names"]);
    }
}

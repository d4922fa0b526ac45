//! The view: every instance of one moment, in order, and what an identity may see of it.

use std::sync::Arc;
use std::time::Duration;

use super::oid::{Key, Oid, subtree_end};
use super::segment::{Live, Segment};

/// How long after it was asked for a table is put together ahead of requests: longer than managers usually wait between
/// two polls.
const LATELY: Duration = Duration::from_secs(600);

/// Every object instance of one moment.
#[derive(Debug, Clone, Default)]
pub struct View {
    segments: Vec<Arc<Segment>>,
    types: Arc<Vec<Key>>,
    /// Instances that a GET finds by another name; no walk shows them.
    aliases: Option<Arc<Segment>>,
}

/// What a GET finds.
pub enum Found<'a> {
    /// The instance.
    Value(Entry<'a>),
    /// The object is known, this instance isn't.
    NoSuchInstance,
    /// No such object, or none that may be seen.
    NoSuchObject,
}

impl View {
    /// A view of these segments, and of object types (columns and scalars, without instance), with or without
    /// instances at present.
    pub fn new(mut segments: Vec<Arc<Segment>>, mut types: Vec<Key>) -> View {
        segments.sort_by(|left, right| left.prefix().cmp(right.prefix()));
        types.sort();
        View { segments, types: Arc::new(types), aliases: None }
    }

    /// The same view with some segments replaced (or added), each by its prefix.
    #[must_use]
    pub fn with(&self, segments: impl IntoIterator<Item = Arc<Segment>>) -> View {
        let mut view = self.clone();
        for segment in segments {
            match view.segments.binary_search_by(|old| old.prefix().cmp(segment.prefix())) {
                Ok(place) => {
                    segment.succeed(&view.segments[place]);
                    view.segments[place] = segment;
                }
                Err(place) => view.segments.insert(place, segment),
            }
        }
        view
    }

    /// The same view with other names for instances: a GET finds them, GETNEXT and GETBULK don't.
    #[must_use]
    pub fn with_aliases(self, aliases: Arc<Segment>) -> View {
        View { aliases: Some(aliases), ..self }
    }

    /// The instance with exactly this key, if it is inside the ranges. `near` is where the one before was, as names in a
    /// request are mostly neighbours; it begins anywhere.
    pub fn get(&self, key: &[u8], ranges: &Ranges, near: &mut usize) -> Found<'_> {
        if !ranges.contains(key) {
            return Found::NoSuchObject;
        }
        if !self.is_segment_of(*near, key) {
            *near = self.segment_place(key);
        }
        let segments = self.segments.get(*near).into_iter().chain(&self.aliases);
        for segment in segments.filter(|segment| key >= segment.prefix()) {
            let content = segment.content();
            let place = content.search(key, false);
            if place < content.len() && content.key(place) == key {
                return Found::Value(Entry { segment, place });
            }
        }
        if self.object_type(key).is_some() { Found::NoSuchInstance } else { Found::NoSuchObject }
    }

    /// The first instance after this key that is inside the ranges.
    pub fn next(&self, key: &[u8], ranges: &Ranges) -> Option<Cursor<'_>> {
        let segment = self.segment_place(key);
        let place = self.segments.get(segment).map_or(0, |segment| segment.content().search(key, true));
        let mut cursor = Cursor { view: self, segment, place };
        cursor.settle(ranges).then_some(cursor)
    }

    /// The length of the key of the object type that this key is, or is an instance of.
    pub fn object_type(&self, key: &[u8]) -> Option<usize> {
        let behind = self.types.partition_point(|known| known.as_slice() <= key);
        let known = self.types.get(behind.checked_sub(1)?)?;
        key.starts_with(known).then_some(known.len())
    }

    /// The sections of which somebody wanted instances since the last call.
    pub fn take_asked(&self, now: Duration) -> impl Iterator<Item = &'static str> + '_ {
        self.segments.iter().chain(&self.aliases).flat_map(move |segment| segment.take_asked(now).iter().copied())
    }

    /// Puts together what was asked for lately, so that no request has to.
    pub fn prepare(&self, now: Duration) {
        self.segments.iter().for_each(|segment| segment.prepare(now, LATELY));
    }

    /// How many instances there are; puts every segment together.
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.content().len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The registered object types' keys, sorted.
    pub fn types(&self) -> &[Key] {
        &self.types
    }

    /// Whether this is the place of the segment that a key would be in.
    fn is_segment_of(&self, place: usize, key: &[u8]) -> bool {
        let begins = self.segments.get(place).is_some_and(|segment| segment.prefix() <= key);
        begins && self.segments.get(place + 1).is_none_or(|next| key < next.prefix())
    }

    fn segment_place(&self, key: &[u8]) -> usize {
        self.segments.partition_point(|segment| segment.prefix() <= key).saturating_sub(1)
    }
}

/// An instance.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    segment: &'a Segment,
    place: usize,
}

impl<'a> Entry<'a> {
    /// Its key.
    pub fn key(&self) -> &'a [u8] {
        self.segment.content().key(self.place)
    }

    /// The tag of its value.
    pub fn value_tag(&self) -> u8 {
        self.segment.content().value_tag(self.place)
    }

    /// Appends it as a VarBind.
    pub fn write_varbind(&self, live: &Live, out: &mut Vec<u8>) {
        self.segment.content().write_varbind(self.place, live, out);
    }
}

/// A place in a view, which moves on.
#[derive(Clone, Copy)]
pub struct Cursor<'v> {
    view: &'v View,
    segment: usize,
    place: usize,
}

impl<'v> Cursor<'v> {
    /// The instance here.
    pub fn entry(&self) -> Entry<'v> {
        Entry { segment: &self.view.segments[self.segment], place: self.place }
    }

    /// Moves to the next instance inside the ranges; false at the end.
    pub fn advance(&mut self, ranges: &Ranges) -> bool {
        self.place += 1;
        self.settle(ranges)
    }

    /// Appends the instances from here on, as many as stand side by side encoded and inside the ranges, up to a count and a
    /// number of octets; the cursor is then on the last of them. Returns how many; none leaves the cursor where it was.
    pub fn copy_run(&mut self, ranges: &Ranges, count: u64, octets: usize, out: &mut Vec<u8>) -> u64 {
        let Some(segment) = self.view.segments.get(self.segment) else { return 0 };
        let content = segment.content();
        let end = match ranges.end(content.key(self.place)) {
            Some(end) => content.search(end, false),
            None => return 0,
        };
        let most = usize::try_from(count).unwrap_or(usize::MAX).min(end.saturating_sub(self.place));
        let copied = content.write_run(self.place, most, octets, out);
        self.place += copied.saturating_sub(1);
        u64::try_from(copied).unwrap_or(0)
    }

    /// Moves on from where it stands to the first instance inside the ranges. Each turn passes a segment or a gap
    /// between two ranges, so that it ends.
    fn settle(&mut self, ranges: &Ranges) -> bool {
        while let Some(segment) = self.view.segments.get(self.segment) {
            let content = segment.content();
            if self.place >= content.len() {
                self.segment += 1;
                self.place = 0;
                continue;
            }
            let key = content.key(self.place);
            match ranges.start_of_next(key) {
                Next::Inside => return true,
                Next::From(start) => {
                    let target = self.view.segment_place(start).max(self.segment);
                    self.place = if target == self.segment { content.search(start, false) } else { 0 };
                    if target != self.segment {
                        self.segment = target;
                        self.place = self.view.segments[target].content().search(start, false);
                    }
                }
                Next::Never => return false,
            }
        }
        false
    }
}

/// What an identity may see: sorted, disjoint ranges of keys, each from its start up to but without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges(Vec<(Key, Key)>);

enum Next<'a> {
    Inside,
    From(&'a [u8]),
    Never,
}

impl Ranges {
    /// What is below an included OID and not below an excluded one; where both hold, the longer OID wins (RFC 3415,
    /// section 4), and of two equal ones the exclusion.
    pub fn new(include: &[Oid], exclude: &[Oid]) -> Ranges {
        let rules: Vec<(Key, bool)> =
            include.iter().map(|oid| (oid.key(), true)).chain(exclude.iter().map(|oid| (oid.key(), false))).collect();
        // The edges of the subtrees cut the keys into stretches; within one, every key is judged alike.
        let mut edges: Vec<Key> = rules.iter().flat_map(|(prefix, _)| [prefix.clone(), subtree_end(prefix)]).collect();
        edges.sort();
        edges.dedup();
        let mut ranges: Vec<(Key, Key)> = Vec::new();
        for pair in edges.windows(2) {
            let [start, end] = pair else { continue };
            let judged = rules
                .iter()
                .filter(|(prefix, _)| start >= prefix && *start < subtree_end(prefix))
                .max_by_key(|(prefix, included)| (prefix.len(), !included));
            if !judged.is_some_and(|(_, included)| *included) {
                continue;
            }
            match ranges.last_mut() {
                Some(last) if last.1 == *start => last.1.clone_from(end),
                _ => ranges.push((start.clone(), end.clone())),
            }
        }
        Ranges(ranges)
    }

    /// Everything: from the first key that is one, as comparing with no octets costs more than with some.
    pub fn all() -> Ranges {
        Ranges(vec![(vec![0], vec![0xff])])
    }

    /// Whether this key may be seen.
    pub fn contains(&self, key: &[u8]) -> bool {
        matches!(self.start_of_next(key), Next::Inside)
    }

    /// The end of the range that this key is in.
    fn end(&self, key: &[u8]) -> Option<&[u8]> {
        let place = self.0.partition_point(|(_, end)| end.as_slice() <= key);
        let (start, end) = self.0.get(place)?;
        (start.as_slice() <= key).then_some(end)
    }

    fn start_of_next(&self, key: &[u8]) -> Next<'_> {
        let place = self.0.partition_point(|(_, end)| end.as_slice() <= key);
        match self.0.get(place) {
            None => Next::Never,
            Some((start, _)) if start.as_slice() <= key => Next::Inside,
            Some((start, _)) => Next::From(start),
        }
    }
}

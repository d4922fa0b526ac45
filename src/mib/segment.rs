//! Segments: the instances of one table or group, encoded once, in one arena.
//!
//! An instance is a whole VarBind, ready to be copied into an answer. Those that change from one moment to the next
//! (sysUpTime, the snmp group) are only named; their value is read when they are asked for. A segment's content may be
//! put off until somebody asks: encoding isn't collecting.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::ber;
use super::counters::{Counter, Counters};
use super::oid::{Key, Oid, encode_arcs, push_key};
use super::value::Value;

/// What live objects are read from.
pub struct Live<'a> {
    /// The agent's uptime, in hundredths of a second.
    pub uptime: u32,
    /// snmpEngineBoots and snmpEngineTime.
    pub engine: EngineClock,
    /// The agent's counters.
    pub counters: &'a Counters,
}

/// The time of an SNMP engine (RFC 3414, section 2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineClock {
    /// snmpEngineBoots: how often the engine started, 2^31 - 1 at most.
    pub boots: u32,
    /// snmpEngineTime: seconds since the last start, 2^31 - 1 at most.
    pub time: u32,
}

impl EngineClock {
    /// The boots of an engine that has started too often: every authenticated message is refused (RFC 3414, section 2.3).
    pub const LATCHED: u32 = 0x7fff_ffff;
}

/// An object whose value is read at the moment of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveObject {
    /// sysUpTime.
    UpTime,
    /// snmpEngineBoots.
    EngineBoots,
    /// snmpEngineTime.
    EngineTime,
    /// A Counter32 of a standard MIB.
    Counter(Counter),
}

impl LiveObject {
    /// The tag that its value will have.
    pub fn tag(self) -> u8 {
        match self {
            LiveObject::UpTime => ber::TIME_TICKS,
            LiveObject::EngineBoots | LiveObject::EngineTime => ber::INTEGER,
            LiveObject::Counter(_) => ber::COUNTER32,
        }
    }

    /// Its value now.
    pub fn read(self, live: &Live) -> Value {
        match self {
            LiveObject::UpTime => Value::TimeTicks(live.uptime),
            LiveObject::EngineBoots => Value::Integer(i32::try_from(live.engine.boots).unwrap_or(i32::MAX)),
            LiveObject::EngineTime => Value::Integer(i32::try_from(live.engine.time).unwrap_or(i32::MAX)),
            LiveObject::Counter(counter) => Value::Counter32(smi_counter32(live.counters.value(counter))),
        }
    }
}

/// Counter32 wraps (RFC 2578, section 7.1.6).
pub fn smi_counter32(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0)
}

/// The instances below one OID, or of neighbouring scalars.
pub struct Segment {
    prefix: Key,
    sections: Vec<&'static str>,
    /// Whether somebody wanted its instances since the publisher last looked.
    asked: AtomicBool,
    /// When the publisher last saw that somebody had, or had wanted those of the segment that was here before; in
    /// milliseconds since the agent started, 0 for never.
    last_asked: AtomicU64,
    content: LazyLock<Content, Box<dyn FnOnce() -> Content + Send + Sync>>,
}

impl Segment {
    /// A segment whose content is put together when it is first asked for.
    pub fn lazy(prefix: &Oid, build: impl FnOnce() -> Content + Send + Sync + 'static) -> Segment {
        let content: LazyLock<Content, Box<dyn FnOnce() -> Content + Send + Sync>> = LazyLock::new(Box::new(build));
        let (asked, last_asked) = (AtomicBool::new(false), AtomicU64::new(0));
        Segment { prefix: prefix.key(), sections: Vec::new(), asked, last_asked, content }
    }

    /// The same, said to come from these sections.
    #[must_use]
    pub fn from_sections(self, sections: &[&'static str]) -> Segment {
        Segment { sections: sections.to_vec(), ..self }
    }

    /// The key at which it begins: none of its instances is before it, and none of another segment's is between them.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Its instances. That somebody wanted them is noted.
    pub fn content(&self) -> &Content {
        // Most of the time it is known already, and a line that nobody writes to is every processor's own.
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        &self.content
    }

    /// The sections that it comes from, if somebody wanted its instances since the last call.
    pub fn take_asked(&self, now: Duration) -> &[&'static str] {
        if !self.asked.swap(false, Ordering::Relaxed) {
            return &[];
        }
        self.last_asked.store(milliseconds(now).max(1), Ordering::Relaxed);
        &self.sections
    }

    /// Takes the place of another one: whoever wanted that one's instances will want this one's.
    pub fn succeed(&self, before: &Segment) {
        self.last_asked.store(before.last_asked.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Puts its content together ahead of the next request, if it was asked for lately.
    pub fn prepare(&self, now: Duration, lately: Duration) {
        let last = self.last_asked.load(Ordering::Relaxed);
        if last > 0 && milliseconds(now).saturating_sub(last) < milliseconds(lately) {
            LazyLock::force(&self.content);
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Segment").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    key_end: u32,
    bytes_end: u32,
    live: Option<LiveObject>,
}

/// Sorted instances in one arena.
#[derive(Debug, Default)]
pub struct Content {
    places: Vec<Place>,
    keys: Vec<u8>,
    bytes: Vec<u8>,
}

impl Content {
    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of the first instance whose key is at least `key` (or, with `after`, greater).
    pub fn search(&self, key: &[u8], after: bool) -> usize {
        let (mut low, mut high) = (0, self.places.len());
        while low < high {
            let middle = low.midpoint(high);
            let before = if after { self.key(middle) <= key } else { self.key(middle) < key };
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The key of the instance at a place; empty past the end.
    pub fn key(&self, place: usize) -> &[u8] {
        slice(&self.keys, self.end_before(place, |place| place.key_end), self.end(place, |place| place.key_end))
    }

    fn bytes(&self, place: usize) -> &[u8] {
        slice(&self.bytes, self.end_before(place, |place| place.bytes_end), self.end(place, |place| place.bytes_end))
    }

    fn end(&self, place: usize, read: fn(&Place) -> u32) -> usize {
        self.places.get(place).map_or(0, |place| usize::try_from(read(place)).unwrap_or(0))
    }

    fn end_before(&self, place: usize, read: fn(&Place) -> u32) -> usize {
        place.checked_sub(1).map_or(0, |before| self.end(before, read))
    }

    /// The tag of the instance's value.
    pub fn value_tag(&self, place: usize) -> u8 {
        if let Some(live) = self.places.get(place).and_then(|place| place.live) {
            return live.tag();
        }
        // A VarBind is a SEQUENCE of an OID and the value: skip two headers and the OID.
        let varbind = self.bytes(place);
        let name = varbind.get(header_octets(varbind)..).unwrap_or_default();
        let name_octets = name.get(1).map_or(0, |&length| usize::from(length));
        let long = name_octets >= 0x80;
        let (header, octets) =
            if long { (3, name.get(2).map_or(0, |&length| usize::from(length))) } else { (2, name_octets) };
        name.get(header + octets).copied().unwrap_or(ber::NULL)
    }

    /// Appends the instances from a place on as VarBinds, in one copy: at most `count` of them, of at most `octets`
    /// together, and none that is read when it is asked for. Returns how many.
    pub fn write_run(&self, place: usize, count: usize, octets: usize, out: &mut Vec<u8>) -> usize {
        let start = self.end_before(place, |place| place.bytes_end);
        let places = self.places.get(place..).unwrap_or_default();
        let fits = |found: &&Place| {
            let end = usize::try_from(found.bytes_end).unwrap_or(usize::MAX);
            found.live.is_none() && end.saturating_sub(start) <= octets
        };
        let run = places.iter().take(count).take_while(fits).count();
        if let Some(last) = run.checked_sub(1) {
            out.extend_from_slice(slice(&self.bytes, start, self.end(place + last, |place| place.bytes_end)));
        }
        run
    }

    /// Appends the instance as a VarBind.
    pub fn write_varbind(&self, place: usize, live: &Live, out: &mut Vec<u8>) {
        let bytes = self.bytes(place);
        match self.places.get(place).and_then(|place| place.live) {
            None => out.extend_from_slice(bytes),
            Some(object) => {
                let start = out.len();
                out.extend_from_slice(&[ber::SEQUENCE, 0]);
                out.extend_from_slice(bytes);
                object.read(live).encode(out);
                let length = u8::try_from(out.len() - start - 2).unwrap_or(0x7f);
                // The names of live objects are short: the whole always fits the short form.
                out[start + 1] = length;
            }
        }
    }
}

fn slice(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end).unwrap_or_default()
}

fn header_octets(tlv: &[u8]) -> usize {
    match tlv.get(1) {
        Some(&length) if length >= 0x80 => 2 + usize::from(length & 0x7f),
        _ => 2,
    }
}

/// Puts a segment's content together, in the order of the tree.
#[derive(Debug, Default)]
pub struct Builder {
    content: Content,
    scratch: Vec<u8>,
}

impl Builder {
    /// Adds an instance. Instances come in the order of the tree; one that doesn't is left out, as GETNEXT would never
    /// end on a tree that goes back.
    pub fn push(&mut self, arcs: &[u32], value: &Value) {
        self.scratch.clear();
        push_name(arcs, &mut self.scratch);
        value.encode(&mut self.scratch);
        let scratch = std::mem::take(&mut self.scratch);
        self.place(arcs, None, |bytes| ber::push_octets(ber::SEQUENCE, &scratch, bytes));
        self.scratch = scratch;
    }

    /// Adds an instance that is read when it is asked for.
    pub fn push_live(&mut self, arcs: &[u32], object: LiveObject) {
        self.place(arcs, Some(object), |bytes| push_name(arcs, bytes));
    }

    fn place(&mut self, arcs: &[u32], live: Option<LiveObject>, write: impl FnOnce(&mut Vec<u8>)) {
        let content = &mut self.content;
        let start = content.keys.len();
        for &arc in arcs {
            push_key(arc, &mut content.keys);
        }
        let last = content.places.len().checked_sub(1).map(|last| content.key(last)).unwrap_or_default();
        let ascends = slice(&content.keys, start, content.keys.len()) > last;
        debug_assert!(ascends, "instances come in the order of the tree: {arcs:?}");
        if !ascends {
            content.keys.truncate(start);
            return;
        }
        write(&mut content.bytes);
        let end = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        content.places.push(Place { key_end: end(content.keys.len()), bytes_end: end(content.bytes.len()), live });
    }

    /// The content.
    pub fn finish(mut self) -> Content {
        self.content.places.shrink_to_fit();
        self.content.keys.shrink_to_fit();
        self.content.bytes.shrink_to_fit();
        self.content
    }
}

fn push_name(arcs: &[u32], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[ber::OBJECT_IDENTIFIER, 0]);
    encode_arcs(arcs, out);
    match u8::try_from(out.len() - start - 2) {
        Ok(length) if length < 0x80 => out[start + 1] = length,
        _ => {
            let content = out.split_off(start + 2);
            out.truncate(start);
            ber::push_octets(ber::OBJECT_IDENTIFIER, &content, out);
        }
    }
}

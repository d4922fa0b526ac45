//! The agent's own counters, each declared once: its place in SNMPv2-MIB's snmp group where it has one, its name in the
//! private MIB and in Prometheus.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metric::{Descriptor, Kind, Number, Projection, Row, RowIndex, Shape, Unit};

macro_rules! counters {
    ($($counter:ident, $group:expr, $name:literal, $help:literal;)*) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $(#[doc = $help] $counter,)*
        }

        /// Every counter, with its object in the snmp group (RFC 3418), its name and its sentence. Its column in the
        /// private MIB is its place here, from 1: new ones go to the end.
        pub static COUNTERS: &[(Counter, Option<u32>, &str, &str)] =
            &[$((Counter::$counter, $group, $name, $help),)*];

        /// A value of each counter.
        #[derive(Debug)]
        pub struct Counters([AtomicU64; [$(Counter::$counter),*].len()]);
    };
}

counters! {
    InPkts, Some(1), "in_packets_total", "SNMP messages received.";
    OutPkts, Some(2), "out_packets_total", "SNMP messages sent.";
    InBadVersions, Some(3), "in_bad_versions_total", "Messages of a version that is not served.";
    InBadCommunityNames, Some(4), "in_bad_community_total", "Messages with an unknown community.";
    InBadCommunityUses, Some(5), "in_bad_community_use_total", "Requests that their community may not make.";
    InAsnParseErrs, Some(6), "in_parse_errors_total", "Messages that are not SNMP.";
    InTotalReqVars, Some(13), "in_read_variables_total", "Object instances read.";
    InTotalSetVars, Some(14), "in_set_variables_total", "Object instances set.";
    InGetRequests, Some(15), "in_get_requests_total", "GET requests accepted.";
    InGetNexts, Some(16), "in_get_next_requests_total", "GETNEXT requests accepted.";
    InSetRequests, Some(17), "in_set_requests_total", "SET requests accepted.";
    InGetResponses, Some(18), "in_responses_total", "Responses received, which an agent never asks for.";
    InTraps, Some(19), "in_traps_total", "Traps received, which an agent does not take.";
    OutTooBigs, Some(20), "out_too_big_total", "Answers with the error tooBig.";
    OutNoSuchNames, Some(21), "out_no_such_name_total", "Answers with the error noSuchName.";
    OutBadValues, Some(22), "out_bad_value_total", "Answers with the error badValue.";
    OutGenErrs, Some(24), "out_general_errors_total", "Answers with the error genErr.";
    OutGetResponses, Some(28), "out_responses_total", "Responses sent.";
    OutTraps, Some(29), "out_traps_total", "Traps sent.";
    SilentDrops, Some(31), "silent_drops_total", "Requests dropped as not even an error would fit the answer.";
    ProxyDrops, Some(32), "proxy_drops_total", "Requests dropped as a proxy target did not answer.";
    GetBulkRequests, None, "in_get_bulk_requests_total", "GETBULK requests accepted.";
    RefusedSources, None, "refused_sources_total", "Messages from outside the allow-list.";
    RefusedCommunitySources, None, "refused_community_total", "Known communities from a source that may not use them.";
    SendFailures, None, "send_failures_total", "Answers that the kernel would not send.";
    Panics, None, "panics_total", "Requests dropped for a fault in the agent.";
    NotificationsDropped, None, "notify_dropped_total", "Notifications dropped as a target's queue was full.";
    NotificationFailures, None, "notify_failures_total", "Attempts to send a notification that failed.";
    StoreFailures, None, "store_failures_total", "Times that state could not be written.";
    Reloads, None, "reloads_total", "Configurations taken over while running.";
    ReloadFailures, None, "reload_failures_total", "Configurations refused while running.";
}

impl Counters {
    /// Counts `number` more.
    pub fn add(&self, counter: Counter, number: u64) {
        self.cell(counter).fetch_add(number, Ordering::Relaxed);
    }

    /// What was counted.
    pub fn value(&self, counter: Counter) -> u64 {
        self.cell(counter).load(Ordering::Relaxed)
    }

    #[allow(clippy::as_conversions, reason = "the enum's own discriminant is its place in the array")]
    fn cell(&self, counter: Counter) -> &AtomicU64 {
        &self.0[counter as usize]
    }
}

impl Default for Counters {
    fn default() -> Self {
        Counters(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// The counters as a family: scalars of the private MIB and Prometheus series.
pub struct AgentFamily;

impl Projection<Counters> for AgentFamily {
    fn shape(&self) -> Shape {
        Shape {
            section: "snmp",
            subject: "snmp",
            object: "Snmp",
            arc: 6,
            help: "What the agent itself received, sent and refused.",
            exported: true,
            scalar: true,
            labels: Vec::new(),
            metrics: (1..)
                .zip(COUNTERS)
                .map(|(column, &(_, _, name, help))| Descriptor {
                    column,
                    name,
                    variant: None,
                    help,
                    unit: Unit::Count,
                    kind: Kind::Counter,
                    source: "vitalsd",
                })
                .collect(),
        }
    }

    fn visit(&self, counters: &Counters, visit: &mut dyn FnMut(&dyn Row)) {
        visit(&CountersRow(counters));
    }
}

struct CountersRow<'a>(&'a Counters);

impl Row for CountersRow<'_> {
    fn index(&self) -> RowIndex<'_> {
        RowIndex::Scalar
    }

    fn label(&self, _: usize) -> Option<Cow<'_, str>> {
        None
    }

    fn number(&self, place: usize) -> Option<Number> {
        self.0.0.get(place).map(|cell| Number::Unsigned(cell.load(Ordering::Relaxed)))
    }
}

//! The agent's own counters, each declared once: its scalar in a standard MIB where it has one, its name in the private
//! MIB and in Prometheus.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metric::{Descriptor, Kind, Number, Projection, Row, RowIndex, Shape, Unit};

macro_rules! counters {
    ($($counter:ident, $object:expr, $name:literal, $help:literal;)*) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Counter {
            $(#[doc = $help] $counter,)*
        }

        /// Every counter, with its scalar in a standard MIB (without instance), its name and its sentence. Its column in
        /// the private MIB is its place here, from 1: new ones go to the end.
        pub static COUNTERS: &[(Counter, Option<&[u32]>, &str, &str)] =
            &[$((Counter::$counter, $object, $name, $help),)*];

        /// A value of each counter.
        #[derive(Debug)]
        pub struct Counters([AtomicU64; [$(Counter::$counter),*].len()]);
    };
}

/// A scalar of SNMPv2-MIB's snmp group (RFC 3418).
macro_rules! snmp {
    ($object:literal) => {
        Some(&[1, 3, 6, 1, 2, 1, 11, $object])
    };
}

/// A scalar of snmpMPDStats (RFC 3412).
macro_rules! dispatcher {
    ($object:literal) => {
        Some(&[1, 3, 6, 1, 6, 3, 11, 2, 1, $object])
    };
}

/// A scalar of usmStats (RFC 3414).
macro_rules! usm {
    ($object:literal) => {
        Some(&[1, 3, 6, 1, 6, 3, 15, 1, 1, $object])
    };
}

/// A scalar of snmpTargetObjects (RFC 3413).
macro_rules! target {
    ($object:literal) => {
        Some(&[1, 3, 6, 1, 6, 3, 12, 1, $object])
    };
}

counters! {
    InPkts, snmp!(1), "in_packets_total", "SNMP messages received.";
    OutPkts, snmp!(2), "out_packets_total", "SNMP messages sent.";
    InBadVersions, snmp!(3), "in_bad_versions_total", "Messages of a version that is not served.";
    InBadCommunityNames, snmp!(4), "in_bad_community_total", "Messages with an unknown community.";
    InBadCommunityUses, snmp!(5), "in_bad_community_use_total", "Requests that their community may not make.";
    InAsnParseErrs, snmp!(6), "in_parse_errors_total", "Messages that are not SNMP.";
    InTotalReqVars, snmp!(13), "in_read_variables_total", "Object instances read.";
    InTotalSetVars, snmp!(14), "in_set_variables_total", "Object instances set.";
    InGetRequests, snmp!(15), "in_get_requests_total", "GET requests accepted.";
    InGetNexts, snmp!(16), "in_get_next_requests_total", "GETNEXT requests accepted.";
    InSetRequests, snmp!(17), "in_set_requests_total", "SET requests accepted.";
    InGetResponses, snmp!(18), "in_responses_total", "Responses received: what receivers say to informs.";
    InTraps, snmp!(19), "in_traps_total", "Traps received, which an agent does not take.";
    OutTooBigs, snmp!(20), "out_too_big_total", "Answers with the error tooBig.";
    OutNoSuchNames, snmp!(21), "out_no_such_name_total", "Answers with the error noSuchName.";
    OutBadValues, snmp!(22), "out_bad_value_total", "Answers with the error badValue.";
    OutGenErrs, snmp!(24), "out_general_errors_total", "Answers with the error genErr.";
    OutGetResponses, snmp!(28), "out_responses_total", "Responses sent.";
    OutTraps, snmp!(29), "out_traps_total", "Traps sent.";
    SilentDrops, snmp!(31), "silent_drops_total", "Requests dropped as not even an error would fit the answer.";
    ProxyDrops, snmp!(32), "proxy_drops_total", "Requests dropped as a proxy target did not answer.";
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
    UnknownSecurityModels, dispatcher!(1), "in_unknown_models_total", "Messages of a security model that is not USM.";
    InvalidMsgs, dispatcher!(2), "in_invalid_total", "SNMPv3 messages whose flags contradict each other.";
    UnknownPduHandlers, dispatcher!(3), "in_unknown_handlers_total", "SNMPv3 requests about another engine.";
    UnsupportedSecLevels, usm!(1), "usm_unsupported_levels_total", "Messages at a level that their user has no keys for.";
    NotInTimeWindows, usm!(2), "usm_not_in_window_total", "Authentic messages of another time: time is synchronised so.";
    UnknownUserNames, usm!(3), "usm_unknown_users_total", "SNMPv3 messages of an unknown user.";
    UnknownEngineIds, usm!(4), "usm_unknown_engines_total", "SNMPv3 messages to another engine; discovery is one.";
    WrongDigests, usm!(5), "usm_wrong_digests_total", "SNMPv3 messages whose authentication failed.";
    DecryptionErrors, usm!(6), "usm_decryption_errors_total", "SNMPv3 messages that could not be decrypted.";
    UnavailableContexts, target!(4), "in_unavailable_ctx_total", "Requests for a context that is not there now.";
    UnknownContexts, target!(5), "in_unknown_contexts_total", "Requests for a context that is not known.";
    ReportsSent, None, "out_reports_total", "Reports sent: why an SNMPv3 message was refused.";
    RateLimited, None, "rate_limited_total", "Messages and Reports dropped as their source had used up its rate.";
    ClosedVersion3, None, "in_closed_version3_total", "SNMPv3 messages dropped as SNMPv3 is closed.";
    AuthorizationErrors, None, "out_not_authorized_total", "SNMPv3 requests below the level that their user must have.";
    TcpConnections, None, "tcp_connections_total", "TCP connections accepted.";
    TcpRefused, None, "tcp_refused_total", "TCP connections closed at once as there were too many.";
    TcpBroken, None, "tcp_broken_total", "TCP connections closed for what they carried or for idling.";
    QueryLogDropped, None, "query_log_dropped_total", "Lines that the query log could not take.";
    InformsAcknowledged, None, "notify_acknowledged_total", "Informs that their receiver acknowledged.";
    InformTimeouts, None, "notify_timeouts_total", "Informs sent again as nobody acknowledged them in time.";
    InformAnswersIgnored, None, "notify_ignored_total", "Answers to informs ignored: forged, late, or for nobody.";
    AuthenTrapsLeftOut, None, "authen_traps_left_out_total", "Failed authentications not told, so soon after another.";
}

impl Counter {
    /// Its scalar in a standard MIB, without instance.
    pub fn scalar(self) -> Option<&'static [u32]> {
        self.declaration().and_then(|&(_, object, _, _)| object)
    }

    /// Its name, without `_total`.
    pub fn name(self) -> &'static str {
        self.declaration().map_or("", |(_, _, name, _)| name.trim_end_matches("_total"))
    }

    fn declaration(self) -> Option<&'static (Counter, Option<&'static [u32]>, &'static str, &'static str)> {
        COUNTERS.iter().find(|(counter, ..)| *counter == self)
    }
}

/// The counters that have a scalar below an OID, in no order.
pub fn counters_below(prefix: &[u32]) -> impl Iterator<Item = (&'static [u32], Counter)> {
    let scalars = COUNTERS.iter().filter_map(|&(counter, object, _, _)| Some((object?, counter)));
    scalars.filter(move |(object, _)| object.starts_with(prefix))
}

impl Counters {
    /// Counts `number` more.
    pub fn add(&self, counter: Counter, number: u64) {
        self.cell(counter).fetch_add(number, Ordering::Relaxed);
    }

    /// Counts what others counted, but for these.
    pub fn add_all(&self, others: &Counters, except: &[Counter]) {
        for &(counter, ..) in COUNTERS.iter().filter(|(counter, ..)| !except.contains(counter)) {
            self.add(counter, others.value(counter));
        }
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

//! The MIB: what is at which OID. Pure values; no sockets, no clock.
//!
//! A [`View`] holds every object instance, sorted and encoded, so that answering is a search and a copy. It is put
//! together from [`Segment`]s, one a table or group, and a tick replaces only those whose facts changed. Standard MIB
//! modules have a file each and are declared in the terms of [`table`]; the private MIB is a projection of every family ([`families`]).

pub mod admin;
pub mod ber;
pub mod compat;
pub mod conventions;
pub mod counters;
pub mod families;
pub mod index;
pub mod indices;
pub mod oid;
pub mod segment;
pub mod settings;
pub mod smi;
pub mod snmpv2;
pub mod standard;
pub mod table;
pub mod value;
pub mod view;
pub mod vitals;

pub use counters::{Counter, Counters};
pub use families::{Moment, Source};
pub use indices::Indices;
pub use oid::{Key, Oid};
pub use segment::{Builder, EngineClock, Live, LiveObject, Segment};
pub use settings::{SetError, Setting, Settings};
pub use value::Value;
pub use view::{Cursor, Entry, Found, Ranges, View};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[mib]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where VITALS-MIB is anchored; the default is the arc that RFC 5612 reserves for examples.
    pub root: Oid,
}

impl Default for Config {
    fn default() -> Self {
        Config { root: Oid::from_static(&[1, 3, 6, 1, 4, 1, 32473, 1]) }
    }
}

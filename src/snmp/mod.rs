//! SNMP: the engine, without I/O.

pub mod config;
pub mod trap;

/// A version of SNMP that is served with communities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SNMPv1 (RFC 1157).
    V1,
    /// SNMPv2c (RFC 1901).
    V2c,
}

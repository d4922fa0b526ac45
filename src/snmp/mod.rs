//! SNMP: the engine, without I/O.

pub mod config;
pub mod trap;

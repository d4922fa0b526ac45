//! Textual conventions that many MIB modules share (RFC 2579; RFC 3411, section 5), as values.

use super::value::Value;

/// RowStatus active(1): what every row of ours is, as none is made by managers.
pub const ACTIVE: Value = Value::Integer(1);

/// StorageType permanent(4): comes from the configuration; managers may change some of it but not delete it.
pub const PERMANENT: Value = Value::Integer(4);

/// StorageType readOnly(5): comes from the configuration; managers may neither change nor delete it.
pub const READ_ONLY: Value = Value::Integer(5);

/// TestAndIncr of a table that no manager may change: it never moves.
pub const UNMOVED_LOCK: Value = Value::Integer(0);

/// TruthValue.
pub fn truth(is_true: bool) -> Value {
    Value::Integer(if is_true { 1 } else { 2 })
}

/// An Integer32 or INTEGER of which the program knows that it isn't negative; it saturates.
pub fn integer(number: u32) -> Value {
    Value::Integer(i32::try_from(number).unwrap_or(i32::MAX))
}

/// AutonomousType, TDomain: an object identifier that the program itself names.
pub fn identifier(arcs: &'static [u32]) -> Value {
    Value::ObjectId(super::Oid::from_static(arcs))
}

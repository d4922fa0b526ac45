//! Textual conventions that many MIB modules share (RFC 2579; RFC 3411, section 5), as values.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;

use super::segment::smi_counter32;
use super::value::Value;
use crate::metric::Number;

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

/// An Integer32 of what may be larger; it saturates.
pub fn integer64(number: u64) -> Value {
    Value::Integer(i32::try_from(number).unwrap_or(i32::MAX))
}

/// KBytes of HOST-RESOURCES-MIB and its kin: an Integer32 of units of 1,024 bytes; it saturates.
pub fn kilobytes(bytes: u64) -> Value {
    integer64(bytes / 1024)
}

/// A Gauge32; it saturates.
pub fn gauge32(number: u64) -> Value {
    Value::Gauge32(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A Counter32; it wraps.
pub fn counter32(number: u64) -> Value {
    Value::Counter32(smi_counter32(number))
}

/// TimeTicks of a span; they wrap.
pub fn time_ticks(span: Duration) -> Value {
    let hundredths = span.as_millis() / 10;
    Value::TimeTicks(u32::try_from(hundredths & u128::from(u32::MAX)).unwrap_or(0))
}

/// A number times ten to the power of `decimals`, as an integer that is neither negative nor too large.
pub fn whole(number: f64, decimals: i8) -> u64 {
    u64::try_from(Number::Float(number).scaled(decimals).max(0)).unwrap_or(u64::MAX)
}

/// A share as an INTEGER of percent, 0 to 100.
pub fn percent(share: f64) -> Value {
    Value::Integer(i32::try_from(Number::Float(share).scaled(2).clamp(0, 100)).unwrap_or(0))
}

/// Text of at most so many octets, cut on a character's edge.
pub fn short_text(text: &str, most: usize) -> Value {
    Value::text(&text[..text.floor_char_boundary(most)])
}

/// DateAndTime of 11 octets, in a zone so many seconds east of Greenwich; [`no_date`] for a moment that it can't name.
pub fn date_and_time(moment: Timestamp, east: i32) -> Value {
    let Ok(offset) = Offset::from_seconds(east) else { return no_date() };
    let local = offset.to_datetime(moment);
    let Ok(year) = u16::try_from(local.year()) else { return no_date() };
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let [high, low] = year.to_be_bytes();
    let minutes = east.unsigned_abs() / 60;
    let zone = |number: u32| u8::try_from(number).unwrap_or(0);
    Value::OctetString(vec![
        high,
        low,
        part(local.month()),
        part(local.day()),
        part(local.hour()),
        part(local.minute()),
        part(local.second()),
        u8::try_from(local.subsec_nanosecond() / 100_000_000).unwrap_or(0),
        if east < 0 { b'-' } else { b'+' },
        zone(minutes / 60),
        zone(minutes % 60),
    ])
}

/// What HOST-RESOURCES-MIB wants for a date that isn't known: January 1st of the year 0.
pub fn no_date() -> Value {
    Value::OctetString(vec![0, 0, 1, 1, 0, 0, 0, 0])
}

/// AutonomousType, TDomain: an object identifier that the program itself names.
pub fn identifier(arcs: &'static [u32]) -> Value {
    Value::ObjectId(super::Oid::from_static(arcs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_say_their_zone() {
        let moment = Timestamp::from_second(1_700_000_000).expect("a date");
        let octets = |east| match date_and_time(moment, east) {
            Value::OctetString(octets) => octets,
            other => panic!("{other:?}"),
        };
        assert_eq!(octets(0), [0x07, 0xe7, 11, 14, 22, 13, 20, 0, b'+', 0, 0]);
        assert_eq!(octets(-12_600)[4..], [18, 43, 20, 0, b'-', 3, 30]);
        assert_eq!(octets(i32::MAX).len(), 8);
    }

    #[test]
    fn numbers_saturate_or_wrap_as_their_types_do() {
        assert_eq!((integer64(u64::MAX), gauge32(u64::MAX)), (Value::Integer(i32::MAX), Value::Gauge32(u32::MAX)));
        assert_eq!(counter32((1 << 32) + 5), Value::Counter32(5));
        assert_eq!(time_ticks(Duration::from_secs(42_949_673)), Value::TimeTicks(4));
        assert_eq!([0.994, 0.995, f64::NAN, 7.0].map(percent), [99, 100, 0, 100].map(Value::Integer));
        assert_eq!(short_text("a\u{20ac}", 3), Value::text("a"));
    }
}

//! How a metric's number is carried by SMI: the syntax that the MIB text names and the value that is sent, from one place.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::value::Value;
use crate::metric::{Descriptor, Kind, Number, Unit};

/// The syntax of a column or scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// A text: SnmpAdminString.
    Text,
    /// TruthValue.
    Truth,
    /// INTEGER with named numbers.
    Enumeration(&'static [&'static str]),
    /// Counter64.
    Counter64,
    /// CounterBasedGauge64 of HCNUM-TC.
    Gauge64,
    /// Gauge32.
    Gauge32,
    /// DateAndTime.
    DateAndTime,
    /// Integer32: whole seconds.
    Seconds,
    /// A textual convention of ours, by its name: a scaled integer with a DISPLAY-HINT.
    Scaled(&'static str),
}

/// The textual conventions of VITALS-MIB: name, base syntax, decimals, sentence.
pub static CONVENTIONS: &[(&str, &str, i8, &str)] = &[
    ("VitalsPercent", "Gauge32", 1, "A share, in tenths of a percent."),
    ("VitalsTemperature", "Integer32", 1, "A temperature, in tenths of a degree Celsius."),
    ("VitalsThousandths", "Integer32", 3, "A number in thousandths of the unit that the object names."),
    ("VitalsHundredths", "Gauge32", 2, "A dimensionless mean, in hundredths."),
];

/// The syntax of a metric.
pub fn syntax(descriptor: &Descriptor) -> Syntax {
    match (descriptor.kind, descriptor.unit) {
        (Kind::Flag, _) => Syntax::Truth,
        (Kind::State(names), _) => Syntax::Enumeration(names),
        (Kind::Counter, _) => Syntax::Counter64,
        (Kind::Gauge, Unit::Bytes) => Syntax::Gauge64,
        (Kind::Gauge, Unit::Count | Unit::Rpm | Unit::Hertz) => Syntax::Gauge32,
        (Kind::Gauge, Unit::Seconds) => Syntax::Seconds,
        (Kind::Gauge, Unit::Timestamp) => Syntax::DateAndTime,
        (Kind::Gauge, Unit::Ratio) => Syntax::Scaled("VitalsPercent"),
        (Kind::Gauge, Unit::Celsius) => Syntax::Scaled("VitalsTemperature"),
        (Kind::Gauge, Unit::Average) => Syntax::Scaled("VitalsHundredths"),
        (Kind::Gauge, Unit::Fraction | Unit::ShortSeconds | Unit::Volts | Unit::Amperes | Unit::Watts) => {
            Syntax::Scaled("VitalsThousandths")
        }
    }
}

/// The UNITS clause of a metric, if it has a unit.
pub fn units(descriptor: &Descriptor) -> Option<&'static str> {
    if matches!(descriptor.kind, Kind::Flag | Kind::State(_)) {
        return None;
    }
    match (descriptor.unit, descriptor.kind) {
        (Unit::Count | Unit::Average | Unit::Fraction | Unit::Timestamp, _) => None,
        (Unit::Bytes, _) => Some("bytes"),
        (Unit::Seconds | Unit::ShortSeconds, Kind::Counter) => Some("milliseconds"),
        (Unit::Seconds | Unit::ShortSeconds, _) => Some("seconds"),
        (Unit::Ratio, _) => Some("percent"),
        (Unit::Celsius, _) => Some("degrees Celsius"),
        (Unit::Volts, _) => Some("volts"),
        (Unit::Amperes, _) => Some("amperes"),
        (Unit::Watts, _) => Some("watts"),
        (Unit::Rpm, _) => Some("revolutions per minute"),
        (Unit::Hertz, _) => Some("megahertz"),
    }
}

/// The value of a metric's number. Gauges saturate; nothing turns negative by wrapping.
pub fn value(descriptor: &Descriptor, number: Number) -> Value {
    let decimals = match (descriptor.kind, descriptor.unit) {
        (Kind::Counter, Unit::Seconds | Unit::ShortSeconds) => 3,
        _ => descriptor.unit.decimals(),
    };
    let scaled = number.scaled(decimals);
    match syntax(descriptor) {
        Syntax::Text => Value::text(""),
        Syntax::Truth => Value::Integer(if scaled == 0 { 2 } else { 1 }),
        Syntax::Enumeration(_) | Syntax::Seconds => Value::Integer(integer32(scaled)),
        Syntax::Counter64 | Syntax::Gauge64 => Value::Counter64(u64::try_from(scaled.max(0)).unwrap_or(u64::MAX)),
        Syntax::Gauge32 => Value::Gauge32(gauge32(scaled)),
        Syntax::DateAndTime => Value::OctetString(date_and_time(number)),
        Syntax::Scaled("VitalsPercent" | "VitalsHundredths") => Value::Gauge32(gauge32(scaled)),
        Syntax::Scaled(_) => Value::Integer(integer32(scaled)),
    }
}

fn integer32(number: i128) -> i32 {
    i32::try_from(number.clamp(i32::MIN.into(), i32::MAX.into())).unwrap_or(i32::MAX)
}

fn gauge32(number: i128) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// DateAndTime in UTC of seconds since 1970, 11 octets (RFC 2579); eight zeros for a moment that it can't name.
pub fn date_and_time(number: Number) -> Vec<u8> {
    let milliseconds = i64::try_from(number.scaled(3)).unwrap_or(i64::MAX);
    let Ok(moment) = Timestamp::from_millisecond(milliseconds) else { return vec![0; 8] };
    let zoned = TimeZone::UTC.to_datetime(moment);
    let Ok(year) = u16::try_from(zoned.year()) else { return vec![0; 8] };
    let [high, low] = year.to_be_bytes();
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let tenth = u8::try_from(zoned.subsec_nanosecond() / 100_000_000).unwrap_or(0);
    vec![
        high,
        low,
        part(zoned.month()),
        part(zoned.day()),
        part(zoned.hour()),
        part(zoned.minute()),
        part(zoned.second()),
        tenth,
        b'+',
        0,
        0,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, unit: Unit, number: Number, expected: Value) {
        let descriptor = Descriptor { column: 1, name: "x", variant: None, help: "", unit, kind, source: "" };
        assert_eq!(value(&descriptor, number), expected, "{kind:?} {unit:?} {number:?}");
    }

    #[test]
    fn numbers_are_scaled_and_saturate() {
        check(Kind::Gauge, Unit::Ratio, Number::Float(0.2344), Value::Gauge32(234));
        check(Kind::Gauge, Unit::Celsius, Number::Float(-40.06), Value::Integer(-401));
        check(Kind::Gauge, Unit::Count, Number::Unsigned(u64::MAX), Value::Gauge32(u32::MAX));
        check(Kind::Gauge, Unit::Count, Number::Signed(-1), Value::Gauge32(0));
        check(Kind::Gauge, Unit::Bytes, Number::Unsigned(1 << 40), Value::Counter64(1 << 40));
        check(Kind::Gauge, Unit::Volts, Number::Float(f64::INFINITY), Value::Integer(i32::MAX));
        check(Kind::Gauge, Unit::Hertz, Number::Unsigned(3_400_000_000), Value::Gauge32(3400));
        check(Kind::Counter, Unit::Seconds, Number::Float(1.5), Value::Counter64(1500));
        check(Kind::Flag, Unit::Count, Number::Unsigned(0), Value::Integer(2));
        check(
            Kind::Gauge,
            Unit::Timestamp,
            Number::Unsigned(1_700_000_000),
            Value::OctetString(vec![0x07, 0xe7, 11, 14, 22, 13, 20, 0, b'+', 0, 0]),
        );
    }
}
